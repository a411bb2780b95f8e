"""Collects the messages that tests provoke, for `make messages`: a page to read for whoever changes words."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestratorError

VARIABLE = "TESTS_MESSAGES"
"""Names the file that messages are appended to, one a line; tests in several processes share it."""

ROOT = Path(__file__).parents[1]
_DIRECTORIES = re.compile(
    r"/tmp/pytest-of-\w+/[\w.-]+(?:/popen-gw\d+)?(?:/test_[\w.-]+|/[\w-]+\d)?|/tmp/tmp\w+"
)
_IDS = re.compile(r"\b\d{8}T\d{9}Z-[0-9a-f]{4}\b|\b[0-9a-f]{12,64}\b|\bpid \d+|\b127\.0\.0\.1:\d+|:\d{5}\b")


def record(text: str) -> None:
    """Keep each line of a message, without what differs from run to run."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    text = text.replace(str(ROOT), "TREE")
    lines = [_IDS.sub("N", _DIRECTORIES.sub("DIR", line)).strip() for line in text.splitlines()]
    # A test of full disks leaves no room here either.
    with contextlib.suppress(OSError), Path(path).open("a", encoding="utf-8", errors="replace") as stream:
        stream.write("".join(f"{line}\n" for line in lines if line))


def record_errors() -> None:
    """Record the message of each error that is raised for users in this process."""
    original = OrchestratorError.__init__

    @functools.wraps(original)
    def recording(self: OrchestratorError, *arguments: Any) -> None:
        original(self, *arguments)
        record(str(self))

    OrchestratorError.__init__ = recording  # type: ignore[method-assign]
