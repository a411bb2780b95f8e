"""``orchestrate`` in this process: a test of a verb need not wait until Python and numpy have started."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli import main

PROGRESS = re.compile(r"^\[ *\d+\.\d s\] .*(: still running|, \d+ s\b.*)\n", re.MULTILINE)
"""What a command that takes over 9 s says meanwhile: here it does so only if the machine is busy."""


def orchestrate(
    *words: str, folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in ``folder``, and return its exit code and what it printed, without progress."""
    printed, complained = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(to, "utf-8", write_through=True) for to in (printed, complained))
    code: int | str | None = 0
    logger = logging.getLogger("orchestrator")
    handlers = list(logger.handlers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["orchestrate", *words])
        for name, value in environment.items():
            patch.setenv(name, value)
        if folder is not None:
            patch.chdir(folder)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as leave:
                code = leave.code
            finally:  # what this command shows of the log is not what the next one does
                logger.handlers[:] = handlers
    assert isinstance(code, int)
    return subprocess.CompletedProcess(
        ["orchestrate", *words],
        code,
        printed.getvalue().decode(),
        PROGRESS.sub("", complained.getvalue().decode()),
    )
