"""The limit of open files is raised as far as many connections need, and a hard limit that is too low is an error."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource
from orchestrator.errors import HostError
from orchestrator.execution.open_files import allow_connections
try:
    allow_connections({hosts})
except HostError as error:
    print(error)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def limits_after(limits: str, hosts: int) -> str:
    """What a process says that had the limits ``SOFT:HARD``."""
    words = ("prlimit", f"--nofile={limits}", sys.executable, "-c", SCRIPT.format(hosts=hosts))
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("limits", "hosts", "after"),
    [("64:1000", 1, "104 1000"), ("64:1000", 225, "1000 1000"), ("600:1000", 100, "600 1000")],
)
def test_the_soft_limit_is_raised_to_what_is_needed(limits: str, hosts: int, after: str) -> None:
    assert limits_after(limits, hosts) == f"{after}\n"


def test_a_hard_limit_that_is_too_low_is_an_error() -> None:
    assert limits_after("64:1000", 226).splitlines() == [
        "226 hosts need 1004 open files, and 1000 are allowed (ulimit -Hn); raise that limit or name fewer hosts",
        "64 1000",
    ]
