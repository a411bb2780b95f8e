"""Which rows, columns and labels a report has, and which metrics it shows."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator.environments import describe
from orchestrator.errors import BadInput
from orchestrator.report import format_names
from orchestrator.report.model import open_report
from orchestrator.results.records import MetricInfo, RunRecord
from orchestrator.results.runs import RunFolder
from tests.reports import Reported, render, report_of
from tests.run_samples import FIXED, RUN, trial, write


def test_two_environments_are_two_rows_with_two_sentences(tmp_path: Path) -> None:
    factors = {"mode": "serial", **FIXED}
    there = trial(factors, 1, throughput=9.0, environment="vm-kvm")
    text = render(report_of(tmp_path / "run", [RUN, trial(factors, throughput=3.0), there]), "table")
    assert re.search(r"^serial .* 3\.000 .* vm-icount *$", text, re.MULTILINE)
    assert re.search(r"^serial .* 9\.000 .* vm-kvm *$", text, re.MULTILINE)
    assert f"vm-kvm: {describe('vm-kvm')}" in text
    assert "not complete: 2 of 12 trials" in text


def test_figures_with_misleading_levels_have_a_label(tmp_path: Path) -> None:
    details = {"label": {"name": "dma (software channel)", "means": "threads copied in place of an engine"}}
    found = [
        trial({"mode": "serial"}, throughput=3.0),
        trial({"mode": "dma"}, throughput=2.0, details=details),
    ]
    report = report_of(tmp_path / "run", [RUN, *found])
    for format_name in ("table", "markdown"):
        lines = render(report, format_name).splitlines()
        assert sum("dma (software channel)" in line and "2.000" in line for line in lines) == 1
        assert "dma (software channel): threads copied in place of an engine." in "\n".join(lines)
    heading, *rows = csv.reader(io.StringIO(render(report, "csv")))
    place = heading.index("label")
    assert {row[place] for row in rows} == {"", "dma (software channel)"}
    document = json.loads(render(report, "json"))
    assert document["labels"] == {"dma (software channel)": "threads copied in place of an engine"}
    assert sorted(cell["label"] for cell in document["cells"]) == ["", "dma (software channel)"]


@pytest.mark.parametrize("label", ["dma", {"name": 3}, {"means": "nothing"}, [], None])
def test_an_invalid_label_is_ignored(tmp_path: Path, label: object) -> None:
    found = trial({"mode": "dma"}, throughput=2.0, details={"label": label})
    assert "label" not in render(report_of(tmp_path / "run", [RUN, found]), "table")


def test_a_cell_with_labelled_and_other_trials_has_both_labels(tmp_path: Path) -> None:
    found = [
        trial({"mode": "dma"}, 0, throughput=2.0, details={"label": {"name": "software"}}),
        trial({"mode": "dma"}, 1, throughput=2.0),
    ]
    text = render(report_of(tmp_path / "run", [RUN, *found]), "table")
    assert "no label, software" in text
    assert "software: label given by the benchmark." in text


def test_values_that_differ_between_rows_have_a_column(tmp_path: Path) -> None:
    wrong = {
        "verification": {"pages": 16, "pages_on_target": 15, "bytes_checked": 33554432, "bytes_wrong": 0}
    }
    found = [
        trial({"mode": "serial"}, throughput=3.0),
        trial({"mode": "copy"}, throughput=3.0, details=wrong),
    ]
    lines = render(report_of(tmp_path / "run", [RUN, *found]), "table").splitlines()
    assert lines[2].split()[-1] == "verified"
    assert [re.split(r"\s{2,}", line)[-1] for line in lines[5:7]] == [
        "16/16 pages, 0 bytes wrong",
        "15/16 pages, 0 bytes wrong",
    ]
    assert not any(line.startswith("Verified") for line in lines)


def test_a_factor_that_equals_another_has_no_column(tmp_path: Path) -> None:
    found = [trial({"threads": n, "sysctl.vm.limit": n}, throughput=float(n)) for n in ("1", "2")]
    lines = render(report_of(tmp_path / "run", [replace(RUN, factors=()), *found]), "table").splitlines()
    assert lines[2].split()[:2] == ["threads", "n"]
    assert "sysctl.vm.limit equals threads in every row." in lines


def test_an_environment_of_a_later_version_is_unknown(tmp_path: Path) -> None:
    report = report_of(tmp_path / "run", [RUN, trial(FIXED, throughput=1.0, environment="moon")])
    assert f"moon: {describe('moon')}" in render(report, "table")


def test_requested_metrics_are_shown(tmp_path: Path) -> None:
    found = [RUN, trial(FIXED, throughput=3.0, latency=5.0)]
    write(tmp_path / "run", found)
    folder = tmp_path / "run"
    text = render(Reported(tmp_path, folder, ("call_latency",)), "table")
    assert "call_latency" in text
    assert "throughput" not in text
    with pytest.raises(BadInput, match=r"--metric througput: .* did you mean 'throughput'\?"):
        render(Reported(tmp_path, folder, ("througput",)), "table")


@pytest.mark.parametrize(
    ("opening", "shown"),
    [
        (RUN, ["throughput", "call_latency"]),
        (replace(RUN, headline="tlb_shootdowns"), ["tlb_shootdowns", "throughput"]),
        (replace(RUN, headline=""), ["throughput", "call_latency"]),
        (replace(RUN, metrics=(MetricInfo("throughput", "GiB/s"),)), ["throughput"]),
        (replace(RUN, metrics=()), []),
    ],
)
def test_the_headline_comes_first_then_the_next_of_the_file(
    tmp_path: Path, opening: RunRecord, shown: list[str]
) -> None:
    report = report_of(tmp_path / "run", [opening, trial(FIXED, throughput=3.0)])
    with open_report(report.results, RunFolder(report.folder)) as opened:
        assert [metric.name for metric in opened.shown] == shown
    for format_name in format_names():
        rendered = render(report, format_name)
        assert rendered.startswith(b"PAR1") if isinstance(rendered, bytes) else rendered.endswith("\n")


def test_a_factor_may_have_the_name_of_a_column(tmp_path: Path) -> None:
    opening = replace(RUN, factors=())
    factors = {"n": "7", "unit": "x", "environment": "y", "mode": 'a,b"c'}
    report = report_of(tmp_path / "run", [opening, trial(factors, throughput=3.0)])
    (line,) = csv.DictReader(io.StringIO(render(report, "csv"), newline=""))
    assert (line["factor.n"], line["n"]) == ("7", "1")
    assert line["factor.mode"] == 'a,b"c'
    assert "n = 7" in render(report, "table")
