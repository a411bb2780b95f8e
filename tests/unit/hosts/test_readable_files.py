"""Who may read the files that are written on a host, and those with what a host says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.hosts.machine.console import Console


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_the_log_of_a_console_is_only_for_its_owner(tmp_path: Path) -> None:
    console = Console("n1", "echo booting")
    console.start(tmp_path / "n1.console.log")
    console.close()
    assert (tmp_path / "n1.console.log").stat().st_mode & 0o777 == 0o600
