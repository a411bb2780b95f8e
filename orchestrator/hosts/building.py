"""Static programs of C sources, built on the controller for a host of any architecture."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from orchestrator import process_groups
from orchestrator.activities import doing
from orchestrator.architectures import Architecture
from orchestrator.errors import HostError

BUILD_LIMIT_S = 600.0

Sources = Mapping[str, Path]
"""The files of a program, by their path beside its Makefile."""


class Compiler(Struct, frozen=True):
    """A C compiler of the controller.

    :ivar command: the value of ``CC``.
    :ivar version: the first line of its ``--version``.
    """

    command: str
    version: str


def compilers(architecture: Architecture) -> Iterator[Compiler]:
    """Yield the controller's compilers for an architecture: gcc of Debian, then zig's as a Python package."""
    if not shutil.which("make"):
        return
    gnu = "cc" if architecture.is_native else architecture.program("gcc")
    if shutil.which(gnu):
        yield Compiler(gnu, _version(gnu))
    if importlib.util.find_spec("ziglang"):
        yield Compiler(zig(architecture), f"zig {_version(sys.executable, '-m', 'ziglang', 'version')}")


def zig(architecture: Architecture) -> str:
    """Return the command of zig's C compiler for an architecture, with musl as the C library."""
    return f"{sys.executable} -m ziglang cc -target {architecture.gnu.partition('-')[0]}-linux-musl"


def _version(*command: str) -> str:
    words = command if len(command) > 1 else (*command, "--version")
    completed = subprocess.run(words, capture_output=True, text=True, check=True)
    return completed.stdout.partition("\n")[0]


def hash_sources(sources: Sources, compiler: str = "") -> str:
    """Return the SHA-256 (hex) of the files and of the version of the compiler."""
    digest = hashlib.sha256(compiler.encode())
    for name, path in sorted(sources.items()):
        content = path.read_bytes()
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def archive(sources: Sources) -> bytes:
    """Return the files as a tar archive."""
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as packed:
        for name, path in sorted(sources.items()):
            packed.add(path, name)
    return buffer.getvalue()


def build(sources: Sources, words: tuple[str, ...], makes: str, folder: Path) -> Path:
    """Build a program once and keep it in ``folder``; return its path. ``HostError`` if make fails.

    :param words: of make; ``makes``: the file that it makes.
    """
    built = folder / Path(makes).name
    folder.mkdir(parents=True, exist_ok=True)
    with doing("", f"building {makes}"), (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if built.exists():
            return built
        with tempfile.TemporaryDirectory() as work:
            for name, path in sources.items():
                copy = Path(work) / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
            completed = process_groups.run(
                ("make", "-C", work, *words),
                capture_output=True,
                text=True,
                timeout=BUILD_LIMIT_S,
            )
            if completed.returncode != 0:
                last_line = (completed.stderr.strip() or completed.stdout.strip()).splitlines()[-1:]
                raise HostError(f"could not build {makes} on the controller: {' '.join(last_line)}")
            partial = built.with_suffix(".partial")
            shutil.copy2(Path(work) / makes, partial)
            partial.rename(built)
    return built
