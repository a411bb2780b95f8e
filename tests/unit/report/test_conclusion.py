"""The conclusion that opens the HTML report."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec.structs import replace

from orchestrator.experiment.model import Comparison, Published, PublishedFigure
from orchestrator.report import conclusion
from orchestrator.report.model import open_report
from orchestrator.results.records import RunRecord, TrialRecord
from orchestrator.results.runs import RunFolder
from tests import eventful_run
from tests.run_samples import BLOCK, END, RUN, trial, write

COMPARED = replace(RUN, compare=Comparison("throughput", {"mode": "serial"}))


def conclusion_of(results: Path, *trials: TrialRecord, opening: RunRecord = COMPARED) -> str:
    folder = write(results / "run", [opening, BLOCK, *trials, END])
    with open_report(results, RunFolder(folder)) as report:
        return " ".join(conclusion.sentences(report))


def boots(mode: str, value: float, environment: str = "vm-icount") -> list[TrialRecord]:
    """Six boots of a mode, so that there are intervals."""
    return [
        trial({"mode": mode}, n, value + n / 100, boot=f"b{n}", environment=environment) for n in range(6)
    ]


def many(value: float) -> list[TrialRecord]:
    """More modes than have a sentence each."""
    return [record for n in range(conclusion.FEW + 1) for record in boots(f"mode-{n}", value - n / 1000)]


def test_the_largest_speed_up_is_named_with_its_interval(tmp_path: Path) -> None:
    text = conclusion_of(tmp_path, *boots("serial", 3.0), *many(6.0), *boots("copy", 1.5))
    first, second = text.split(". ")
    assert first.startswith("Largest speed-up over mode serial: 1.99")
    assert first.endswith("] (95 % interval) for mode-0")
    assert second.startswith("Smallest: 0.50")


def test_each_of_a_few_speed_ups_has_a_sentence_with_its_interval(tmp_path: Path) -> None:
    text = conclusion_of(tmp_path, *boots("serial", 3.0), *boots("copy", 1.5), *boots("parallel", 6.0))
    first, second = text.split(". ")
    assert re.fullmatch(
        r"parallel over mode serial: speed-up 1\.99\d \[1\.\d+, 2\.\d+\] \(95 % interval\)", first
    )
    assert second.startswith("copy over mode serial: speed-up 0.50")
    text = conclusion_of(tmp_path / "b", *boots("serial", 3.0), *boots("parallel", 3.0))
    assert text.startswith("parallel over mode serial: speed-up 1.000 [")
    assert text.endswith("not distinguishable from 1.")


def test_a_run_without_speed_ups_above_1(tmp_path: Path) -> None:
    text = conclusion_of(tmp_path, *boots("serial", 3.0), *many(3.0))
    assert text.startswith("No cell is faster than the baseline; largest speed-up over mode serial: 1.000 [")
    assert "not distinguishable from 1" in text


def test_what_could_not_be_judged_is_named(tmp_path: Path) -> None:
    text = conclusion_of(tmp_path, trial({"mode": "serial"}, 0, 3.0), trial({"mode": "copy"}, 0, latency=5.0))
    assert text == "No cell has a speed-up over mode serial. Not judged: 1 of 1 cell (no throughput)."


def test_published_and_modelled_speed_ups_are_marked(tmp_path: Path) -> None:
    with open_report(tmp_path, RunFolder(eventful_run.make(tmp_path))) as report:
        first, *rest = conclusion.sentences(report)
    assert first == (
        "Largest speed-up over mode serial, threads 1: 13.78, modelled, for kernel new, parallel, threads 16, "
        "page_size 2MiB (published: 2.867)."
    )
    assert rest == [
        "Not judged: 6 of 32 cells (no throughput).",
        "Without an interval: 26 of 32 speed-ups (2 boots, an interval needs 6).",
    ]


def test_without_a_baseline_the_range_is_named(tmp_path: Path) -> None:
    trials = [trial({"mode": "serial"}, 0, 3.0), trial({"mode": "copy"}, 0, 8.0), trial({"mode": "dma"}, 0)]
    text = conclusion_of(tmp_path / "a", *trials, opening=RUN)
    assert text == (
        "throughput ranges from 3.000 GiB/s (serial) to 8.000 GiB/s (copy). No throughput: 1 of 3 cells."
    )
    assert conclusion_of(tmp_path / "b", trials[0], opening=RUN) == "throughput: 3.000 GiB/s."
    assert conclusion_of(tmp_path / "c", opening=RUN) == "No trial has a figure."


def test_an_environment_without_meaning_is_named(tmp_path: Path) -> None:
    text = conclusion_of(tmp_path, *boots("serial", 3.0, "vm-tcg"), *boots("copy", 6.0, "vm-tcg"))
    assert text.endswith("Durations in vm-tcg have no meaning.")


def test_a_published_figure_of_a_cell_without_a_ratio(tmp_path: Path) -> None:
    published = Published(
        "d", "s", "m", "k", "GiB/s", "higher", (PublishedFigure({"mode": "copy"}, 2.0, 1.0),)
    )
    opening = replace(RUN, compare=Comparison("throughput", {"mode": "serial"}, published))
    assert "No cell has a speed-up" in conclusion_of(tmp_path, trial({"mode": "copy"}), opening=opening)
