"""Clouds need root here: their machines have mount namespaces."""

from __future__ import annotations

import os

import pytest
from tabulate import tabulate

if os.geteuid() != 0:
    pytest.skip("requires root", allow_module_level=True)

HEAD = ("", "killed", "trials then", "left then", "trials", "machines rented", "hosts down --orphans")
_rows: list[list[object]] = []


@pytest.fixture
def table() -> list[list[object]]:
    """Rows of the table of killed controllers, which is printed at the end."""
    return _rows


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _rows:
        terminalreporter.section("killed controllers, by instant")
        terminalreporter.write_line(tabulate(_rows, HEAD, tablefmt="github"))
