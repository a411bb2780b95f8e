"""Where the programs of a guest come from: this machine, or Debian packages of the guest's architecture."""

from __future__ import annotations

import re
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.architectures import Architecture
from orchestrator.errors import HostError
from orchestrator.hosts.guest.find_program import NEEDED, find_program
from orchestrator.kernels.apt import unpack
from orchestrator.kernels.debian_package import packages_folder
from orchestrator.kernels.foreign import opened_foreign
from orchestrator.kernels.locks import atomic_folder, locked

PACKAGES = {name: NEEDED[name] for name in ("busybox", "dash", "dropbear")}
"""Debian packages of the programs of each guest."""

_LIBRARY = re.compile(r"(/\S+) \(0x")
_NEEDED = re.compile(r"Shared library: \[(.+)\]|program interpreter: (\S+)\]")
_APPLETS = re.compile(rb"\[\0\[\[\0((?:[a-z0-9_.-]+\0)+)")
"""The names of its applets in the binary of busybox: sorted, each with a NUL at its end."""


class Userland(ABC):
    """Programs for a guest."""

    @abstractmethod
    def find(self, name: str) -> Path:
        """Return the path of a program of :data:`PACKAGES` on this machine. Raises ``HostError``."""

    @abstractmethod
    def libraries(self, program: Path) -> Sequence[Path]:
        """Return the shared libraries of a program; none of a static program or a script. Raises ``HostError``."""

    @abstractmethod
    def target(self, path: Path) -> Path:
        """Return the path in the guest of a program or library."""

    @abstractmethod
    def applets(self) -> Sequence[str]:
        """Return the names of busybox's applets."""


class OwnUserland(Userland):
    """The programs of this machine."""

    def find(self, name: str) -> Path:
        """See :meth:`Userland.find`."""
        return find_program(name, PACKAGES[name])

    def libraries(self, program: Path) -> Sequence[Path]:
        """See :meth:`Userland.libraries`; those that ldd lists."""
        ldd = subprocess.run(
            ["ldd", program], capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
        )
        if "not found" in ldd.stdout:
            raise HostError(f"{program}: missing shared libraries; see: ldd {program}")
        return [Path(library) for library in _LIBRARY.findall(ldd.stdout)]

    def target(self, path: Path) -> Path:
        """See :meth:`Userland.target`: the same path."""
        return path.parent.resolve() / path.name

    def applets(self) -> Sequence[str]:
        """See :meth:`Userland.applets`."""
        listing = subprocess.run([self.find("busybox"), "--list"], capture_output=True, text=True, check=True)
        return listing.stdout.split()


class PackagedUserland(Userland):
    """Programs of Debian packages of another architecture, fetched once into the cache."""

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        self._root = _fetch(architecture)

    def find(self, name: str) -> Path:
        """See :meth:`Userland.find`."""
        for folder in ("bin", "usr/bin", "sbin", "usr/sbin"):
            if (self._root / folder / name).is_file():
                return self._root / folder / name
        raise HostError(f"package {PACKAGES[name]} for {self._architecture.name} contains no program {name}")

    def libraries(self, program: Path) -> Sequence[Path]:
        """See :meth:`Userland.libraries`; found by the names in their headers."""
        found: dict[str, Path] = {}
        waiting = [program]
        while waiting:
            for name in _needed(waiting.pop()):
                if name not in found:
                    found[name] = self._library(name, program)
                    waiting.append(found[name])
        return list(found.values())

    def target(self, path: Path) -> Path:
        """See :meth:`Userland.target`: as in the package, below /usr."""
        if not path.is_relative_to(self._root):
            return path
        inside = path.relative_to(self._root)
        return Path("/", inside if inside.parts[0] == "usr" else Path("usr", inside))

    def applets(self) -> Sequence[str]:
        """See :meth:`Userland.applets`; read from its binary, which this machine cannot run."""
        return applet_names(self.find("busybox"))

    def _library(self, name: str, program: Path) -> Path:
        if name.startswith("/"):
            path = self._root / name.lstrip("/")
            if path.is_symlink() or path.exists():
                return path
        gnu = self._architecture.gnu
        for folder in (f"lib/{gnu}", f"usr/lib/{gnu}", "lib", "usr/lib"):
            if (self._root / folder / name).exists():
                return self._root / folder / name
        raise HostError(
            f"{program}: the shared library {name} for {self._architecture.name} was not found; "
            "link the program statically"
        )


def userland_for(architecture: Architecture) -> Userland:
    """Return the programs for guests of an architecture; may fetch packages. Raises ``KernelError``."""
    return OwnUserland() if architecture.is_native else PackagedUserland(architecture)


def applet_names(busybox: Path) -> list[str]:
    """Return the names of the applets in a binary of busybox. ``HostError`` if they are not found."""
    match = _APPLETS.search(busybox.read_bytes())
    if match is None:
        raise HostError(f"{busybox}: the names of its applets were not found")
    return ["[", "[[", *match[1].decode().split("\0")[:-1]]


def _needed(path: Path) -> Iterator[str]:
    """Yield the libraries of a program or library: names, and the path of the dynamic linker."""
    readelf = find_program("readelf", "binutils")
    printed = subprocess.run(
        [readelf, "-dlW", path], capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
    )
    for library, interpreter in _NEEDED.findall(printed.stdout):
        yield library or interpreter


def _fetch(architecture: Architecture) -> Path:
    """Return the directory of the unpacked packages, kept until `orchestrate kernel gc` removes it."""
    store = packages_folder()
    name = f"guest-programs:{architecture.debian}"
    folder = store / name / "guest-programs"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(store / f"{name}.lock"):
        if not folder.is_dir():
            with (
                tempfile.TemporaryDirectory(prefix="orchestrate-package-") as temporary,
                atomic_folder(folder) as tree,
            ):
                with opened_foreign(architecture) as apt:
                    packages = apt.download_all(list(PACKAGES.values()), Path(temporary))
                for file in packages:
                    unpack(file, tree)
                _make_links_relative(tree)
        folder.touch()
    return folder


def _make_links_relative(tree: Path) -> None:
    """Let absolute links point into the tree."""
    for link in (path for path in tree.rglob("*") if path.is_symlink()):
        if (target := link.readlink()).is_absolute():
            link.unlink()
            link.symlink_to(Path(*[".."] * (len(link.relative_to(tree).parts) - 1), *target.parts[1:]))
