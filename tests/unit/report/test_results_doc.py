"""docs/results.md is correct: its journal and manifest are read, its commands executed, their output compared."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.results import journal, manifest
from orchestrator.results.records import BlockRecord, EndRecord, RunRecord, TrialRecord

PAGE = Path(__file__).parents[3] / "docs" / "results.md"


def blocks(language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def commands() -> list[tuple[str, str]]:
    """Return each command of the page with the output that is printed below it."""
    return [
        (command, output)
        for block in blocks("console")
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    ]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with the page's run under results/, and ``orchestrate`` under bin/."""
    (records,), (provenance,) = blocks("jsonl"), blocks("json")
    run = tmp_path / "results" / "quickstart" / "20261123T101500000Z-0a1b"
    run.mkdir(parents=True)
    (run / journal.FILE).write_text(records)
    (run / manifest.FILE).write_text(provenance)
    orchestrate = tmp_path / "bin" / "orchestrate"
    orchestrate.parent.mkdir()
    code = "from orchestrator.cli import main; main()"
    orchestrate.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
    orchestrate.chmod(orchestrate.stat().st_mode | stat.S_IXUSR)
    return tmp_path


def test_every_command_prints_what_the_page_says(place: Path) -> None:
    surroundings = {**os.environ, "PATH": f"{place / 'bin'}:{os.environ['PATH']}"}
    surroundings.pop("ORCHESTRATE_RESULTS", None)
    found = commands()
    assert len(found) >= 7
    for command, expected in found:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=place,
            env=surroundings,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.stdout == expected, command


def test_the_page_shows_every_kind_of_record(place: Path) -> None:
    path = next(place.glob("results/*/*/journal.jsonl"))
    records = list(journal.read(path))
    assert {type(record) for record in records} == {RunRecord, BlockRecord, TrialRecord, EndRecord}
    assert {record.final for record in records if isinstance(record, TrialRecord)} == {True, False}
    assert manifest.load(path.parent).complete is True
