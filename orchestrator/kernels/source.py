"""Kernel sources: their identity by content, and copies to patch and build."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.experiment.model import KernelSource, Suite
from orchestrator.kernels import programs
from orchestrator.kernels.debian_package import fetch_package, origin
from orchestrator.kernels.locks import atomic_folder, locked
from orchestrator.kernels.urls import without_password

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Source(ABC):
    """A kernel source. ``identity`` changes whenever its content does.

    :ivar origin: where a Debian package is from, see :func:`~orchestrator.kernels.debian_package.origin`.
    """

    identity: str
    origin: Mapping[str, Any] = {}

    @abstractmethod
    def copy_to(self, tree: Path) -> None:
        """Create the source tree ``tree``. The caller may replace its files. Raises ``KernelError``."""


class ArchivedSource(Source):
    """A source that is unpacked into the cache once. Copies are hard links, so files must not be changed in place."""

    def copy_to(self, tree: Path) -> None:
        """See :meth:`Source.copy_to`."""
        key = hashlib.sha256(self.identity.encode()).hexdigest()[:16]
        pristine = sources_folder() / key
        with locked(sources_folder() / f"{key}.lock"):
            if not pristine.is_dir():
                with atomic_folder(pristine) as part:
                    self._unpack(part)
                    _require_kernel(part, self.identity)
        pristine.touch()  # `orchestrate kernel gc` removes old ones
        programs.run(["cp", "-al", pristine, tree], "cannot copy the source tree")

    @abstractmethod
    def _unpack(self, folder: Path) -> None:
        """Unpack into an empty directory, without the top-level directory of the archive."""


class PackageSource(ArchivedSource):
    """A Debian source package in the version that apt would install, or that of a suite."""

    def __init__(self, package: str, suite: Suite | None) -> None:
        self._root = fetch_package(package, "linux-source-", suite)
        self.origin = origin(self._root)
        self.identity = f"package {self._root.name}"

    def _unpack(self, folder: Path) -> None:
        archives = sorted(self._root.glob("usr/src/linux-source-*.tar.*"))
        if not archives:
            raise KernelError(f"{self.identity} contains no source (/usr/src/linux-source-*.tar.*)")
        _untar(archives[0], folder)


class TarballSource(ArchivedSource):
    """A tar archive with any compression."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as stream:
            self.identity = f"tarball sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"

    def _unpack(self, folder: Path) -> None:
        _untar(self._path, folder)


class GitSource(ArchivedSource):
    """A commit of a local or remote git repository."""

    def __init__(self, location: str, ref: str) -> None:
        programs.require("git")
        self._location = location
        self._name = without_password(location)
        self._is_local = Path(location).is_dir()
        self._commit = self._resolve(ref)
        self.identity = f"git {self._commit}"

    def _resolve(self, ref: str) -> str:
        if self._is_local:
            failure = f"{self._location}: unknown revision {ref!r}"
            argv = ["git", "-C", self._location, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"]
            return programs.run(argv, failure).strip()
        if _COMMIT.fullmatch(ref):
            return ref
        failure = f"git ls-remote {self._name} failed"
        # The commit of an annotated tag (REF^{}) comes after the tag itself.
        lines = programs.run(["git", "ls-remote", self._location, ref, f"{ref}^{{}}"], failure).splitlines()
        if not lines:
            raise KernelError(f"{self._name}: unknown revision {ref!r}")
        return lines[-1].split()[0]

    def _unpack(self, folder: Path) -> None:
        if self._is_local:
            _export(["-C", self._location], self._commit, folder)
            return
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as repository:
            failure = f"cannot fetch {self._commit} from {self._name}"
            programs.run(["git", "init", "--quiet", "--bare", repository], failure)
            fetch = ["git", "-C", repository, "fetch", "--quiet", "--depth=1", self._location, self._commit]
            programs.run(fetch, failure)
            _export(["-C", repository], self._commit, folder)


class FolderSource(Source):
    """A source tree with uncommitted changes: all files that git would commit, or all files if it is not a git tree."""

    def __init__(self, path: Path) -> None:
        self._path = path
        _require_kernel(path, str(path))
        self.identity = f"folder {self._content()}"

    def copy_to(self, tree: Path) -> None:
        """See :meth:`Source.copy_to`. Fails if the tree has changed since its identity was computed."""
        if self._is_git:
            with tempfile.TemporaryDirectory(prefix="orchestrate-index-") as scratch:
                git_tree = self._git_tree(Path(scratch))
                tree.mkdir()
                _export(["-C", str(self._path)], git_tree, tree, self._environment(Path(scratch)))
        else:
            programs.run(["cp", "-a", self._path, tree], f"cannot copy {self._path}")
        if self.identity != f"folder {self._content()}":
            raise KernelError(f"{self._path} changed during the copy; try again")

    @property
    def _is_git(self) -> bool:
        return (self._path / ".git").exists()

    def _content(self) -> str:
        if self._is_git:
            programs.require("git")
            with tempfile.TemporaryDirectory(prefix="orchestrate-index-") as scratch:
                return self._git_tree(Path(scratch))
        total = hashlib.sha256()
        for file in sorted(path for path in self._path.rglob("*") if path.is_file() or path.is_symlink()):
            content = str(file.readlink()).encode() if file.is_symlink() else file.read_bytes()
            total.update(f"{file.relative_to(self._path)}\0{hashlib.sha256(content).hexdigest()}\n".encode())
        return f"sha256:{total.hexdigest()}"

    def _git_tree(self, scratch: Path) -> str:
        """Return the id of the git tree with all changes and new files. Does not change the repository."""
        environment = self._environment(scratch)
        failure = f"cannot read the git repository {self._path}"
        index = self._git_path("index")
        if index.is_file():  # avoids reading unchanged files
            shutil.copy2(index, scratch / "index")
        programs.run(["git", "-C", self._path, "add", "--all"], failure, environment=environment)
        argv = ["git", "-C", self._path, "write-tree"]
        return programs.run(argv, failure, environment=environment).strip()

    def _environment(self, scratch: Path) -> Mapping[str, str]:
        objects = scratch / "objects"
        objects.mkdir(exist_ok=True)
        return {
            "GIT_INDEX_FILE": str(scratch / "index"),
            "GIT_OBJECT_DIRECTORY": str(objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self._git_path("objects")),
        }

    def _git_path(self, name: str) -> Path:
        argv = ["git", "-C", self._path, "rev-parse", "--git-path", name]
        return self._path / programs.run(argv, f"cannot read the git repository {self._path}").strip()


def find_source(source: KernelSource) -> Source:
    """Return a source. Raises ``KernelError`` if it is not available."""
    try:
        match source.kind:
            case "package":
                return PackageSource(source.location, source.suite)
            case "tarball":
                return TarballSource(Path(source.location))
            case "git":
                return GitSource(source.location, source.ref)
            case "folder":
                return FolderSource(Path(source.location))
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        raise KernelError(f"cannot read {source.location}: {named}{error.strerror}") from error


def sources_folder() -> Path:
    """Return the directory of unpacked sources."""
    return cache_folder() / "kernel-sources"


def _untar(archive: Path, folder: Path) -> None:
    programs.require("tar", "xz")
    argv = [
        "tar",
        "--extract",
        "--file",
        archive,
        "--directory",
        folder,
        "--strip-components=1",
        "--no-same-owner",
    ]
    programs.run(argv, f"cannot unpack {archive}")


def _export(git: list[str], tree: str, folder: Path, environment: Mapping[str, str] | None = None) -> None:
    """Export a git tree into a directory."""
    archive = folder.with_name(f"{folder.name}.tar")
    try:
        failure = f"cannot export {tree}"
        argv = ["git", *git, "archive", "--format=tar", f"--output={archive}", tree]
        programs.run(argv, failure, environment=environment)
        programs.run(["tar", "--extract", "--file", archive, "--directory", folder], failure)
    finally:
        archive.unlink(missing_ok=True)


def _require_kernel(tree: Path, name: str) -> None:
    if not (tree / "Kbuild").is_file() or not (tree / "Makefile").is_file():
        raise KernelError(f"{name} is not a kernel source tree: no Kbuild and Makefile")
