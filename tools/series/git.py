"""Run git on the store and its trees, without a say of the user's configuration."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from orchestrator.errors import KernelError
from orchestrator.kernels import programs

COMMITTER = {"GIT_COMMITTER_NAME": "series", "GIT_COMMITTER_EMAIL": "series@localhost"}


def try_git(
    folder: Path, *words: object, content: bytes = b"", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``git WORDS`` in ``folder``; the exit code is not checked."""
    programs.require("git")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    neutral = {
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_EDITOR": "true",
    }
    completed = subprocess.run(
        ["git", "-c", "core.quotePath=false", *map(str, words)],
        cwd=folder,
        env={**clean, **neutral, **COMMITTER, **(environment or {})},
        input=content,
        capture_output=True,
        check=False,
    )
    out, err = (stream.decode(errors="surrogateescape") for stream in (completed.stdout, completed.stderr))
    return subprocess.CompletedProcess(completed.args, completed.returncode, out, err)


def git(
    folder: Path, *words: object, content: bytes = b"", environment: Mapping[str, str] | None = None
) -> str:
    """Return the output of ``git WORDS`` without the last newline. Raises ``KernelError`` with git's last line."""
    completed = try_git(folder, *words, content=content, environment=environment)
    if completed.returncode:
        raise KernelError(f"git {words[0]} failed in {folder}: {complaint(completed)}")
    return completed.stdout.removesuffix("\n")


def complaint(completed: subprocess.CompletedProcess[str]) -> str:
    """Return the last error of git in one line."""
    lines = (completed.stderr.strip() or completed.stdout.strip()).splitlines()
    errors = [line for line in lines if line.startswith(("error: ", "fatal: "))]
    return (errors or lines or [f"exit code {completed.returncode}"])[-1]
