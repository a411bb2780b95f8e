"""``orchestrate compare`` of trials with themselves: a run, its copies, and kernels that are the same build."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from orchestrator.results.records import TrialRecord
from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, trial, write


def trials(boots: Sequence[int], kernel: str = "stock", centre: float = 100.0) -> list[TrialRecord]:
    return [
        trial(
            {"kernel": kernel, "mode": "serial"},
            2 * boot + place,
            1.0,
            centre + 0.01 * boot + 0.02 * place,
            boot=f"{kernel}-{boot}",
            start=f"2026-11-23T10:{15 + boot}:0{place}.000Z",
        )
        for boot in boots
        for place in range(2)
    ]


def rows(results: Path, *words: str) -> list[dict[str, Any]]:
    done = orchestrate(
        "compare", *words, "--metric", "call_latency", "--format", "json", "--results", str(results)
    )
    assert done.returncode == 0, done.stderr
    return [*json.loads(done.stdout)["rows"], json.loads(done.stdout)]


def test_a_run_and_itself_are_the_same_trials(tmp_path: Path) -> None:
    write(tmp_path / "quickstart" / RUN.run, [RUN, BLOCK, *trials(range(6)), END])
    row, document = rows(tmp_path, RUN.run, RUN.run)
    assert (row["verdict"], row["reason"], row["ratio"]) == ("the same trials", "", None)
    assert document["difference"] == f"Both sides are run {RUN.run}."
    printed = orchestrate("compare", RUN.run, RUN.run, "--results", str(tmp_path)).stdout
    assert "Verdicts: 1 the same trials." in printed
    assert "no difference" not in printed


def test_a_copy_that_was_resumed_has_some_of_the_same_trials(tmp_path: Path) -> None:
    folder = write(tmp_path / "quickstart" / RUN.run, [RUN, BLOCK, *trials(range(6))])
    copy = tmp_path / "sent-by-mail"
    shutil.copytree(folder, copy)
    write(copy, [replace(RUN, resumed=True), *trials(range(6, 8)), END])
    row, document = rows(tmp_path, RUN.run, str(copy))
    assert (row["verdict"], row["reason"]) == ("the same trials", "12 of 12 and 16 are on both sides")
    assert document["difference"] == f"Both sides are run {RUN.run}."


def test_two_runs_that_repeat_to_the_last_digit_are_compared(tmp_path: Path) -> None:
    """As on the instruction clock: trials have the same ids and figures, but other boots."""
    other = "20261124T101500000Z-0a1b"
    write(tmp_path / "quickstart" / RUN.run, [RUN, BLOCK, *trials(range(6)), END])
    again = [replace(record, boot=f"again-{record.boot}") for record in trials(range(6))]
    write(tmp_path / "quickstart" / other, [replace(RUN, run=other), BLOCK, *again, END])
    row, document = rows(tmp_path, RUN.run, other)
    assert (row["verdict"], row["ratio"]) == ("no difference", 1.0)
    assert document["difference"] == ""


def test_kernels_of_the_same_build_are_named(tmp_path: Path) -> None:
    blocks = [
        replace(BLOCK, block=number, kernel=kernel, kernel_hash=found)
        for number, (kernel, found) in enumerate((("a", "1" * 64), ("b", "1" * 64), ("c", "2" * 64)))
    ]
    records = [record for kernel in "abc" for record in trials(range(6), kernel)]
    write(tmp_path / "quickstart" / RUN.run, [RUN, *blocks, *records, END])
    *found, document = rows(tmp_path, RUN.run, "--by", "kernel")
    assert document["difference"] == f"Kernels a and b are the same build, {'1' * 12}."
    assert [row["verdict"] for row in found] == ["no difference", "no difference"]
