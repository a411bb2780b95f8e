"""The versions of compiler and linker. They are part of the hash of a kernel."""

from __future__ import annotations

import shutil
import subprocess

from msgspec import Struct

from orchestrator import process_groups
from orchestrator.architectures import Architecture, native
from orchestrator.errors import KernelError
from orchestrator.kernels.programs import BUILD, failure_reason, missing


class Toolchain(Struct, frozen=True):
    """The compiler command, and the first lines of ``--version`` of compiler and linker."""

    compiler: str
    compiler_version: str
    linker_version: str


def find_toolchain(compiler: str, architecture: Architecture | None = None) -> Toolchain:
    """Return the toolchain of a compiler. Raises ``KernelError`` if it is not installed.

    For another architecture, ``gcc`` is the cross compiler of Debian: ``aarch64-linux-gnu-gcc``.

    :param architecture: None: that of this machine.
    """
    architecture = architecture or native()
    if compiler.startswith("gcc"):
        compiler = architecture.program(compiler)
    hint = "install it, or set 'compiler' in the recipe"
    binutils = "binutils"
    if not architecture.is_native:
        package = f"-{architecture.gnu.replace('_', '-')}"
        hint = f"install the package {compiler.removeprefix(f'{architecture.gnu}-')}{package}"
        binutils += package
    linker = architecture.program("ld")
    return Toolchain(compiler, _version(compiler, hint), _version(linker, f"install {binutils}"))


def _version(command: str, hint: str) -> str:
    if shutil.which(command) is None:
        others = list(missing(*BUILD))
        more = (
            f"; also missing to build kernels: {', '.join(others)}; 'make setup' installs all"
            if others
            else ""
        )
        raise KernelError(f"{command}: command not found; {hint}{more}")
    try:
        completed = process_groups.run(
            [command, "--version"], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise KernelError(f"{command} --version failed: {failure_reason(error, command)}") from error
    return completed.stdout.partition("\n")[0].strip()
