"""Find and run programs on the controller."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator import process_groups
from orchestrator.captured import TooMuchOutput, last_line
from orchestrator.errors import KernelError

NO_SPACE = "No space left on device"

BUILD = ("make", "flex", "bison", "bc", "git", "tar", "rsync", "readelf", "setpriv", "nice")
"""What each build of a kernel needs, beside a compiler."""

_PACKAGES = {
    "apt-cache": "apt",
    "apt-get": "apt",
    "cp": "coreutils",
    "dh_listpackages": "debhelper",
    "dpkg-buildpackage": "dpkg-dev",
    "dpkg-deb": "dpkg",
    "ld": "binutils",
    "nice": "coreutils",
    "readelf": "binutils",
    "setpriv": "util-linux",
    "xz": "xz-utils",
}
"""Debian packages of programs with another name."""


def missing(*programs: str) -> dict[str, str]:
    """Return the programs that are not installed, each with its Debian package."""
    return {program: _PACKAGES.get(program, program) for program in programs if shutil.which(program) is None}


def require(*programs: str) -> None:
    """Raise ``KernelError`` with every program that is not installed; then also with others that builds need."""
    if missing(*programs):
        absent = missing(*dict.fromkeys((*programs, *BUILD)))
        raise KernelError(
            f"cannot build kernels: command not found: {', '.join(absent)}; run 'make setup', or install "
            f"{', '.join(dict.fromkeys(absent.values()))}"
        )


def failure_reason(error: OSError | subprocess.SubprocessError, program: str) -> str:
    """Return why a program could not be started, failed or timed out, in one line."""
    match error:
        case FileNotFoundError() if error.filename == program and "/" not in program:
            return f"{program}: command not found; install {_PACKAGES.get(program, program)}"
        case OSError():
            return f"{error.filename or program}: {error.strerror or error}"
        case subprocess.TimeoutExpired():
            return f"timed out after {error.timeout:g} s"
        case subprocess.CalledProcessError():
            output = (error.stderr.strip() or error.stdout.strip()).splitlines()
            return output[-1] if output else f"exit code {error.returncode}"
        case _:
            return str(error)


def run(
    argv: Sequence[object],
    failure: str,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a program and return its stdout. Raises ``KernelError`` with ``failure`` and the last line of stderr."""
    try:
        completed = process_groups.run(
            [str(word) for word in argv],
            cwd=folder,
            env={**os.environ, "LC_ALL": "C", **(environment or {})},
            capture_output=True,
            text=True,
        )
    except (OSError, TooMuchOutput) as error:
        raise KernelError(f"{failure}: {failure_reason(error, str(argv[0]))}") from error
    if completed.returncode:
        reason = last_line(completed.stderr, completed.stdout)
        reason = reason or f"{argv[0]}: exit code {completed.returncode}"
        raise KernelError(f"{failure}: {reason}")
    return completed.stdout
