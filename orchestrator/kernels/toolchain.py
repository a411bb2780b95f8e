"""The versions of compiler and linker. They are part of the hash of a kernel."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

from orchestrator.errors import KernelError
from orchestrator.kernels.programs import failure_reason


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The compiler command, and the first lines of ``--version`` of compiler and linker."""

    compiler: str
    compiler_version: str
    linker_version: str


def find_toolchain(compiler: str) -> Toolchain:
    """Return the toolchain of a compiler. Raises ``KernelError`` if it is not installed."""
    return Toolchain(compiler, _version(compiler), _version("ld"))


def _version(command: str) -> str:
    if shutil.which(command) is None:
        hint = "install binutils" if command == "ld" else "install it, or set 'compiler' in the recipe"
        raise KernelError(f"{command}: command not found; {hint}")
    try:
        completed = subprocess.run(
            [command, "--version"], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise KernelError(f"{command} --version failed: {failure_reason(error, command)}") from error
    return completed.stdout.partition("\n")[0].strip()
