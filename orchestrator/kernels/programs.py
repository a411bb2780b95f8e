"""Find and run programs on the controller."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.errors import KernelError

NO_SPACE = "No space left on device"


def require(*programs: str) -> None:
    """Raise ``KernelError`` with every program that is not installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise KernelError(
            f"cannot build kernels: command not found: {', '.join(missing)}; run 'make setup', or install the Debian "
            "packages with these names"
        )


def run(
    argv: Sequence[object],
    failure: str,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a program and return its stdout. Raises ``KernelError`` with ``failure`` and the last line of stderr."""
    try:
        completed = subprocess.run(
            [str(word) for word in argv],
            cwd=folder,
            env={**os.environ, "LC_ALL": "C", **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise KernelError(f"{failure}: {error}") from error
    if completed.returncode:
        output = (completed.stderr.strip() or completed.stdout.strip()).splitlines()
        reason = output[-1] if output else f"{argv[0]}: exit code {completed.returncode}"
        raise KernelError(f"{failure}: {reason}")
    return completed.stdout
