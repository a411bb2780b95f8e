"""Who may read the files that are written on a host, and those with what a host says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.hosts.local import LocalHost
from orchestrator.hosts.machine.console import Console


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_file_is_never_readable_by_more_users_than_requested(tmp_path: Path) -> None:
    """``chmod`` comes after the content is written; what it finds is recorded."""
    chmod = tmp_path / "bin" / "chmod"
    chmod.parent.mkdir()
    chmod.write_text(f'#!/bin/sh\nstat -c %a "$2" >{tmp_path}/before && exec /bin/chmod "$@"\n')
    chmod.chmod(0o755)
    host = LocalHost("here", {**os.environ, "PATH": f"{chmod.parent}:{os.environ['PATH']}"})
    host.put(b"pa55word", f"{tmp_path}/new/file", 0o640)
    assert (tmp_path / "before").read_text() == "600\n"
    assert (tmp_path / "new" / "file").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o777


def test_the_log_of_a_console_is_only_for_its_owner(tmp_path: Path) -> None:
    console = Console("n1", "echo booting")
    console.start(tmp_path / "n1.console.log")
    console.close()
    assert (tmp_path / "n1.console.log").stat().st_mode & 0o777 == 0o600
