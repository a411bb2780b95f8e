"""Run git where no repository and no user's configuration has a say, so that a recipe means the same everywhere."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from orchestrator import process_groups
from orchestrator.captured import TooMuchOutput
from orchestrator.errors import KernelError
from orchestrator.kernels import programs


def run_git(
    words: Sequence[object], folder: Path, content: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run ``git WORDS`` in ``folder`` with ``content`` as its input. The exit code is not checked.

    Raises ``KernelError`` if git is not installed, or prints more than it may.
    """
    programs.require("git")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {
        "LC_ALL": "C",
        "GIT_DIR": "/dev/null",
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
    }
    try:
        return process_groups.run(
            ["git", *map(str, words)],
            cwd=folder,
            env=environment,
            input=b"" if content is None else content,
            capture_output=True,
        )
    except TooMuchOutput as error:
        raise KernelError(f"git {words[0]}: {error}") from error


def complaint(completed: subprocess.CompletedProcess[bytes]) -> str:
    """Return the last error of git in one line, without the word "error" or "fatal"."""
    lines = completed.stderr.decode(errors="backslashreplace").splitlines()
    errors = [line for line in lines if line.startswith(("error: ", "fatal: "))]
    line = (errors or lines or [f"exit code {completed.returncode}"])[-1]
    return line.removeprefix("error: ").removeprefix("fatal: ").strip()
