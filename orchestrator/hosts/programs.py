"""Local programs for power control and consoles."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from typing import Any

from orchestrator import process_groups
from orchestrator.captured import TooMuchOutput, last_line
from orchestrator.documents.document import describe_value
from orchestrator.errors import HostError

LIMIT_S = 120.0


def argv_of(value: Any) -> list[str]:
    """Return the argument vector of a shell command or a list of arguments. ``ValueError`` for anything else."""
    if isinstance(value, str) and value.strip():
        return ["sh", "-c", value]
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return value
    raise ValueError(f"expected a shell command or a list of arguments, found {describe_value(value)}")


def run(argv: Sequence[str], limit: float = LIMIT_S) -> str:
    """Run a program and return its stdout; ``HostError`` on another exit code than 0 or after ``limit`` seconds."""
    shown = shlex.join(argv)
    try:
        completed = process_groups.run(
            argv,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit,
        )
    except OSError as error:
        raise HostError(f"{argv[0]}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise HostError(f"timed out after {limit:g} s: {shown}") from error
    except TooMuchOutput as error:
        raise HostError(f"{error} from {shown}") from error
    if completed.returncode:
        reason = last_line(completed.stderr, completed.stdout)
        raise HostError(f"exit code {completed.returncode} from {shown}{reason and f': {reason}'}")
    return completed.stdout
