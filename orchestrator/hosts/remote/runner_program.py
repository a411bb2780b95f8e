"""The program that runs trials on a host and changes its settings: ``orchestrator/execution/runner``, in C.

An installed package has it for x86_64, arm64 and ppc64le. Of a source tree it is built once for each architecture, by a
compiler of the controller; without one, by that of the host.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from msgspec import Struct

from orchestrator import architectures
from orchestrator.cache import cache_folder
from orchestrator.errors import HostError
from orchestrator.hosts import building
from orchestrator.source_tree import PACKAGE, SHARED

SOURCE = PACKAGE / "execution" / "runner"
PREBUILT = SOURCE / "prebuilt"
MIGBENCH_FILES = ("json.c", "json.h", "clock.h")
"""Sources that it shares with migbench."""

MAKES = "build/runner"


class NotBuilt(HostError):
    """The controller cannot build the program; the message says why."""


class RunnerProgram(Struct, frozen=True):
    """A program that is, or will be, on a host.

    :ivar machine: as in ``uname -m``.
    :ivar source: hash of its sources; ``sha256``: of the program, empty before it is built on the host.
    """

    machine: str
    source: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Its name in ``bin/`` on the host."""
        return f"runner-{self.machine}"

    @property
    def word(self) -> str:
        """How a host's list of versions names it."""
        return f"{self.file_name}:{self.source}:{self.sha256}"

    @classmethod
    def of_word(cls, word: str) -> RunnerProgram | None:
        """Return the program of a word of such a list; None if it is that of something else."""
        name, _, rest = word.partition(":")
        source, _, sha256 = rest.partition(":")
        return cls(name.removeprefix("runner-"), source, sha256) if sha256 else None


@cache
def sources() -> building.Sources:
    """Return the files that the program is made of."""
    share = PACKAGE / "share" / "roles"
    roles = share if share.is_dir() else PACKAGE.parent / SHARED["roles"]
    shared = roles / "migbench" / "files"
    own = [path for path in SOURCE.iterdir() if path.suffix in (".c", ".h") or path.name == "Makefile"]
    return {path.name: path for path in (*own, *(shared / name for name in MIGBENCH_FILES))}


@cache
def source_hash() -> str:
    """Return the hash of the sources."""
    return building.hash_sources(sources())


def make_words() -> tuple[str, ...]:
    """Return the variables of make, whichever compiler is used."""
    return ("SHARED=.", f"VERSION={source_hash()}", MAKES)


def find(machine: str) -> Path:
    """Return the program for hosts with this ``uname -m``; ``NotBuilt`` if the controller cannot build it.

    A compiler may lack what a static program needs: then the next one is tried.
    """
    fault = NotBuilt(f"no C compiler for {machine} on the controller")
    architecture = architectures.of_machine(machine)
    if architecture is None:
        raise fault
    prebuilt = PREBUILT / f"runner-{machine}"
    if prebuilt.is_file():
        return prebuilt
    for compiler in building.compilers(architecture):
        key = hashlib.sha256(f"{source_hash()} {machine} {compiler.version}".encode()).hexdigest()
        words = (f"CC={compiler.command}", *make_words())
        try:
            return building.build(sources(), words, MAKES, cache_folder() / "builds" / key)
        except HostError as error:
            fault = NotBuilt(*error.lines)
    raise fault


def advice(machine: str, host: str) -> str:
    """Return what to install, so that the program can be built for a host."""
    architecture = architectures.of_machine(machine)
    advice = f"install gcc and make on {host}"
    if architecture is None:
        return advice
    return f"{advice}, or make and {architecture.compiler_packages} (or the Python package ziglang) on the controller"
