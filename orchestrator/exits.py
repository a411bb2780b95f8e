"""The end of the program at once, whatever its threads wait for."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

from orchestrator import process_groups
from orchestrator.errors import ExitCode

TOGETHER_S = 1.0
"""Signals that come within this time are one request."""


def interrupted(message: str = "") -> NoReturn:
    """End this process as interrupted, with the programs that it has begun; nothing else is ended or written.

    :param message: a line for stderr; empty: none. Whoever reads it may be gone.
    """
    process_groups.end_all()
    with contextlib.suppress(OSError, ValueError):  # not by way of a buffer that this may interrupt
        begin = ""
        if sys.stderr.isatty():  # the cursor may be at the end of a bar, and hidden
            begin = "\n" if os.environ.get("TERM") == "dumb" else "\x1b[?25h\n"
        if message:
            os.write(sys.stderr.fileno(), f"{begin}{message}\n".encode())
    os._exit(ExitCode.INTERRUPTED)
