"""The compiler and the linker, by what they say they are: another version makes another kernel."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

from orchestrator.errors import KernelError


@dataclass(frozen=True, slots=True)
class Toolchain:
    """``compiler`` is the command, the versions are the first lines of ``--version``."""

    compiler: str
    compiler_version: str
    linker_version: str


def find_toolchain(compiler: str) -> Toolchain:
    """Return the toolchain behind a compiler's command; ``KernelError`` if this machine has no such compiler."""
    return Toolchain(compiler, _version(compiler), _version("ld"))


def _version(command: str) -> str:
    if shutil.which(command) is None:
        raise KernelError(
            f"no compiler {command!r} on this machine: install it, or name another one in the recipe (`compiler:`)"
        )
    try:
        done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise KernelError(f"{command} --version failed: {error}") from error
    return done.stdout.partition("\n")[0].strip()
