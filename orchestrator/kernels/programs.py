"""Programs of the controller that make kernels: found, run, and told apart when they fail."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.errors import KernelError

FULL = "No space left on device"


def require(*programs: str) -> None:
    """Raise ``KernelError`` that names every program that this machine lacks."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise KernelError(
            f"building a kernel needs {', '.join(missing)}, which this machine lacks: run `make setup`, or install "
            "Debian's packages of these names"
        )


def run(
    argv: Sequence[object],
    failure: str,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run to the end and return stdout; ``KernelError`` says ``failure`` and the last line of stderr."""
    try:
        done = subprocess.run(
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
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise KernelError(f"{failure}: {said[-1] if said else f'{argv[0]} ended with {done.returncode}'}")
    return done.stdout
