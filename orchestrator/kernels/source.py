"""Kernel source: which it is, by content, and a tree of it to patch and build in."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.experiment.model import KernelSource
from orchestrator.kernels import programs
from orchestrator.kernels.debian_package import fetch_package
from orchestrator.kernels.locks import locked, whole_folder

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Source(ABC):
    """A kernel source as it is now. ``identity`` names its content: other content, other identity."""

    identity: str

    @abstractmethod
    def lay_out(self, tree: Path) -> None:
        """Make ``tree``, a source tree that the caller may change file by file; ``KernelError`` if that fails."""


class ArchivedSource(Source):
    """Source that comes as an archive: unpacked once, then laid out as hard links.

    Whoever changes a file of such a tree must write it anew, not in place.
    """

    def lay_out(self, tree: Path) -> None:
        """See :meth:`Source.lay_out`."""
        key = hashlib.sha256(self.identity.encode()).hexdigest()[:16]
        pristine = sources_folder() / key
        with locked(sources_folder() / f"{key}.lock"):
            if not pristine.is_dir():
                with whole_folder(pristine) as part:
                    self._unpack(part)
                    _require_kernel(part, self.identity)
        pristine.touch()  # how `orchestrate kernel gc` knows that it is in use
        programs.run(["cp", "-al", pristine, tree], "cannot lay out the source tree")

    @abstractmethod
    def _unpack(self, folder: Path) -> None:
        """Unpack into an empty folder, without a leading folder."""


class PackageSource(ArchivedSource):
    """A Debian source package, in the version that apt would install."""

    def __init__(self, package: str) -> None:
        self._root = fetch_package(package, "linux-source-")
        self.identity = f"package {self._root.name}"

    def _unpack(self, folder: Path) -> None:
        archives = sorted(self._root.glob("usr/src/linux-source-*.tar.*"))
        if not archives:
            raise KernelError(f"{self.identity} holds no source (no /usr/src/linux-source-*.tar.*)")
        _untar(archives[0], folder)


class TarballSource(ArchivedSource):
    """A tar archive, whatever it is compressed with."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as stream:
            self.identity = f"tarball sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"

    def _unpack(self, folder: Path) -> None:
        _untar(self._path, folder)


class GitSource(ArchivedSource):
    """A commit of a git repository, here or elsewhere."""

    def __init__(self, location: str, ref: str) -> None:
        programs.require("git")
        self._location = location
        self._is_here = Path(location).is_dir()
        self._commit = self._resolve(ref)
        self.identity = f"git {self._commit}"

    def _resolve(self, ref: str) -> str:
        if self._is_here:
            failure = f"{self._location} has no {ref!r}"
            argv = ["git", "-C", self._location, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"]
            return programs.run(argv, failure).strip()
        if _COMMIT.fullmatch(ref):
            return ref
        failure = f"cannot ask {self._location} for {ref!r}"
        # A peeled tag comes after the tag itself, and is what is wanted.
        lines = programs.run(["git", "ls-remote", self._location, ref, f"{ref}^{{}}"], failure).splitlines()
        if not lines:
            raise KernelError(f"{self._location} has no {ref!r}")
        return lines[-1].split()[0]

    def _unpack(self, folder: Path) -> None:
        if self._is_here:
            _export(["-C", self._location], self._commit, folder)
            return
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as repository:
            failure = f"cannot fetch {self._commit} from {self._location}"
            programs.run(["git", "init", "--quiet", "--bare", repository], failure)
            fetch = ["git", "-C", repository, "fetch", "--quiet", "--depth=1", self._location, self._commit]
            programs.run(fetch, failure)
            _export(["-C", repository], self._commit, folder)


class FolderSource(Source):
    """A tree that someone works in, as it stands: what git would commit of it, or all of it where it is not git's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        _require_kernel(path, str(path))
        self.identity = f"folder {self._content()}"

    def lay_out(self, tree: Path) -> None:
        """See :meth:`Source.lay_out`; what was edited since this source was named is refused."""
        if self._is_git:
            with tempfile.TemporaryDirectory(prefix="orchestrate-index-") as scratch:
                git_tree = self._git_tree(Path(scratch))
                tree.mkdir()
                _export(["-C", str(self._path)], git_tree, tree, self._environment(Path(scratch)))
        else:
            programs.run(["cp", "-a", self._path, tree], f"cannot copy {self._path}")
        if self.identity != f"folder {self._content()}":
            raise KernelError(f"{self._path} was changed while it was copied; try again")

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
        """The id of the tree that ``git commit -a`` would make of it all; its repository stays untouched."""
        environment = self._environment(scratch)
        failure = f"git cannot read {self._path}"
        index = self._git_path("index")
        if index.is_file():  # spares reading files that have not changed
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
        return self._path / programs.run(argv, f"git cannot read {self._path}").strip()


def find_source(source: KernelSource) -> Source:
    """Return the source as it is now; ``KernelError`` where it is not to be had."""
    try:
        match source.kind:
            case "package":
                return PackageSource(source.location)
            case "tarball":
                return TarballSource(Path(source.location))
            case "git":
                return GitSource(source.location, source.ref)
            case "folder":
                return FolderSource(Path(source.location))
    except OSError as error:
        raise KernelError(f"cannot read {source.location}: {error.strerror}") from error


def sources_folder() -> Path:
    """Where unpacked sources are kept."""
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
    """Write a tree of a repository into a folder."""
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
        raise KernelError(f"{name} is not the source of a kernel: it has no Kbuild and Makefile at its top")
