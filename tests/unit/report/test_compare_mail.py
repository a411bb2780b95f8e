"""``orchestrate compare --format mail``: less than 72 columns, whatever the names are; reasons are footnotes."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator.results.records import Record
from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, trial, write

A, B = "20261123T101500000Z-0a1b", "20261124T101500000Z-0a1b"
WIDTH = 71


def two_runs(folder: Path, cells: list[dict[str, str]], boots: int = 6, **ids: str) -> None:
    """Write two runs of the cells; all cells of the second take a tenth longer."""
    for name, factor in ((A, 1.0), (B, 1.1)):
        records: list[Record] = [
            trial(
                cell,
                10 * number + boot,
                1 / (100 * factor + boot),
                100 * factor + boot,
                boot=f"{name}-{boot}",
                **ids,
            )
            for number, cell in enumerate(cells)
            for boot in range(boots)
        ]
        write(folder / "quickstart" / name, [replace(RUN, run=name), BLOCK, *records, END])


def mail(folder: Path, *arguments: str) -> str:
    return orchestrate("compare", A, B, "--format", "mail", "--results", str(folder), *arguments).stdout


def test_each_factor_has_a_column(tmp_path: Path) -> None:
    two_runs(tmp_path, [{"mode": "serial", "threads": "1"}, {"mode": "parallel", "threads": "8"}])
    printed = mail(tmp_path, "--metric", "call_latency")
    assert printed.startswith(f"run {B} compared with run {A}\n\ncall_latency, us:\n\nmode ")
    heading, rule, first, second = printed.split("\n\n")[2].splitlines()
    assert heading.split()[:5] == ["mode", "threads", "baseline", "new", "ratio"]
    assert set(rule) == {"-", " "}
    assert first.split()[:4] == ["serial", "1", "102.5", "112.5"]
    assert second.split()[:4] == ["parallel", "8", "102.5", "112.5"]
    assert "\nRuns:\n  - Baseline: run: 2026" in printed


def test_the_same_reason_is_one_footnote(tmp_path: Path) -> None:
    two_runs(tmp_path, [{"mode": "serial"}, {"mode": "parallel"}], boots=2)
    printed = mail(tmp_path)
    assert printed.count("[1]") == 3
    assert "[2]" not in printed
    assert "\n[1] " in printed


def test_a_run_without_factors_has_one_cell(tmp_path: Path) -> None:
    two_runs(tmp_path, [{}])
    assert "\ncell " in mail(tmp_path)
    assert "\nthe only cell " in mail(tmp_path)


@pytest.mark.parametrize("metrics", [("call_latency",), ("throughput", "call_latency")])
def test_lines_fit(tmp_path: Path, metrics: tuple[str, ...]) -> None:
    long = {"mode": "exchange+parallel+concurrent", "one_name_without_any_place_to_break_it" * 4: "x" * 150}
    two_runs(tmp_path, [{"mode": "serial"}, long], host="host-of-" + "y" * 90)
    printed = mail(tmp_path, *(word for metric in metrics for word in ("--metric", metric)))
    assert max(map(len, printed.splitlines())) <= WIDTH
    for metric in metrics:
        assert metric in printed


def test_rows_name_their_environment_where_there_are_several(tmp_path: Path) -> None:
    for name in (A, B):
        records = [
            trial({"mode": "serial"}, number, 0.01, 100.0, boot=str(number), environment=environment)
            for environment, numbers in (("metal", range(6)), ("vm-icount", range(6, 12)))
            for number in numbers
        ]
        write(tmp_path / "quickstart" / name, [replace(RUN, run=name), BLOCK, *records, END])
    printed = mail(tmp_path)
    heading = printed.split("\n\n")[2].splitlines()[0]
    assert heading.split()[:3] == ["mode", "environment", "baseline"]
    assert all(f"\nserial  {environment} " in printed for environment in ("metal", "vm-icount"))
