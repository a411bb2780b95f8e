"""Clouds need root here: their machines have mount namespaces."""

from __future__ import annotations

import os

import pytest
from tabulate import tabulate

if os.geteuid() != 0:
    pytest.skip("requires root", allow_module_level=True)

HEAD = ("", "killed", "trials then", "left then", "trials", "machines rented", "hosts down --orphans")
ROW = "killed controller"
"""The property of a test that is a row of the table."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of killed controllers, by instant; the rows may come from several processes."""
    passed = terminalreporter.stats.get("passed", [])
    rows = sorted(row for report in passed for name, row in report.user_properties if name == ROW)
    if rows:
        terminalreporter.section("killed controllers, by instant")
        terminalreporter.write_line(tabulate(rows, HEAD, tablefmt="github"))
