"""Programs of this machine that an inventory names or needs: power switches, consoles."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from typing import Any

from orchestrator.errors import HostError

LIMIT_S = 120.0


def argv_of(value: Any) -> list[str]:
    """Return the words of a program: of a line for a shell, or a list of words. ``ValueError`` for anything else."""
    if isinstance(value, str) and value.strip():
        return ["sh", "-c", value]
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return value
    raise ValueError(f"expected a line for a shell or a list of words; found {value!r}")


def run(argv: Sequence[str], limit: float = LIMIT_S) -> str:
    """Run a program to its end and return what it printed; ``HostError`` unless its exit code is 0 in time."""
    told = shlex.join(argv)
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostError(f"{told}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise HostError(f"exit code {done.returncode} from {told}{': ' + said[-1] if said else ''}")
    return done.stdout
