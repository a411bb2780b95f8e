"""The text form of ``orchestrate compare``: its lines fit in 100 columns, or in the terminal if that is wider."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator.experiment.model import Status
from orchestrator.results.records import Record
from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, trial, write

A, B = "20261123T101500000Z-0a1b", "20261124T101500000Z-0a1b"
LONG = {
    "mode": "exchange+parallel+concurrent",
    "page_size": "2MiB",
    "sysctl.vm.percpu_pagelist_high_fraction": "1000000",
    "one_name_without_any_place_to_break_it" * 4: "x" * 150,
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two runs with names, figures and reasons of any length, and each kind of verdict."""
    for name, factor in ((A, 1.0), (B, 123456789.0)):
        records: list[Record] = []
        for number, cell in enumerate(({"mode": "serial"}, LONG)):
            for boot in range(6):
                latency = 100 * (1 + number * factor) + 3 * boot * (name == B)
                ids = {"boot": f"{name}-{boot}", "host": f"host-of-{name}"}
                records.append(trial(cell, boot, 1 / latency, latency, **ids))
        records.append(
            trial(LONG, 99, status=Status.CRASHED, reason="the host died under it " * 10, boot="x")
        )
        opening = replace(RUN, run=name, content_hash=name * 3)
        write(tmp_path / "quickstart" / name, [opening, BLOCK, *records, END])
    return tmp_path


@pytest.mark.parametrize(
    ("columns", "widest"), [("", 100), ("40", 100), ("100", 100), ("140", 140), ("400", 400)]
)
@pytest.mark.parametrize("metrics", [("call_latency",), ("throughput", "call_latency")])
def test_lines_fit(results: Path, columns: str, widest: int, metrics: tuple[str, ...]) -> None:
    words = [word for metric in metrics for word in ("--metric", metric)]
    words += ["--fail-on-regression", "5%", "--results", str(results)]
    done = orchestrate("compare", A, B, *words, COLUMNS=columns)
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= widest
    for words_of_a_row in ("mode=exchange+", "\n    other hosts: host-of-", "12345"):
        assert words_of_a_row in done.stdout, words_of_a_row


def test_one_metric_is_named_once(results: Path) -> None:
    printed = orchestrate("compare", A, B, "--results", str(results)).stdout
    assert "\nthroughput, GiB/s:\n\ncell " in printed
    assert printed.count("GiB/s") == 1


def test_a_wide_terminal_has_one_line_for_a_row(results: Path) -> None:
    printed = orchestrate("compare", A, B, "--results", str(results), COLUMNS="1000").stdout
    (row,) = [line for line in printed.splitlines() if line.startswith("mode=serial")]
    assert "]" in row
    assert "6 (6)" in row
