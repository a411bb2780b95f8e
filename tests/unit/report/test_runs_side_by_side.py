"""``orchestrate report`` with several runs: cells matched by levels, one column for each run, and what differs."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrator.experiment.model import Repetitions, Status
from orchestrator.results import manifest
from orchestrator.results.records import MetricInfo, MetricValue, Record
from tests import eventful_run
from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, trial, write

A, B, C = (f"2026112{day}T101500000Z-0a1b" for day in (3, 4, 5))
HOSTILE = "<script>window.hacked = 1</script>"
Report = Callable[..., subprocess.CompletedProcess[str]]


def run(
    results: Path,
    name: str,
    cells: Mapping[str, float | None],
    boots: int = 6,
    kernel: str = "stock",
    environment: str = "metal",
    **changes: Any,
) -> None:
    """A run with one trial of each cell in each boot; a mode without a figure is unsupported."""
    records: list[Record] = []
    for mode, value in cells.items():
        factors = {"kernel": kernel, "mode": mode}
        for boot in range(boots):
            where = {"boot": f"{name}-{boot}", "environment": environment}
            if value is None:
                records.append(trial(factors, boot, status=Status.UNSUPPORTED, reason="no", **where))
            else:
                records.append(trial(factors, boot, value + boot / 100, 1000 / value, **where))
    opening = replace(RUN, run=name, repetitions=Repetitions(boots, boots), **changes)
    write(results / "quickstart" / name, [opening, replace(BLOCK, kernel=kernel), *records, END])


@pytest.fixture
def report(tmp_path: Path) -> Report:
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return orchestrate("report", *words, "--results", str(tmp_path))

    return call


@pytest.fixture
def three(tmp_path: Path) -> None:
    run(tmp_path, A, {"serial": 3.0, "copy": 9.0, "dma": None})
    run(tmp_path, B, {"copy": 8.0, "serial": 2.5}, kernel="patched", content_hash="d" * 64)
    run(tmp_path, C, {"serial": 2.0, f"x{HOSTILE}|": 1.0}, boots=2)


def rows(printed: str) -> dict[str, list[str]]:
    table = printed.partition("throughput, GiB/s:\n\n")[2].partition("\n\n")[0].splitlines()[2:]
    return {line.split()[0]: re.split(r"\s{2,}", line)[1:] for line in table}


@pytest.mark.usefixtures("three")
def test_cells_are_matched_by_their_levels(report: Report) -> None:
    done = report(A, B, C)
    assert (done.returncode, done.stderr) == (0, "")
    found = rows(done.stdout)
    assert list(found)[:3] == ["serial", "copy", "dma"]
    assert [word.split()[0] for word in found["serial"][:3]] == ["3.025", "2.525", "2.005"]
    assert found["copy"][2:] == ["-", "6 (6) / 6 (6) / -"]
    assert found["dma"] == ["unsupported 6", "-", "-", "-"]
    assert f"A: run {A}, quickstart, 12 of 12 trials ok" in done.stdout


@pytest.mark.usefixtures("three")
def test_what_differs_is_named(report: Report) -> None:
    printed = report(A, B, C).stdout
    assert f"Differs: content hash: {'c0ffee' * 2} in A and C; {'d' * 12} in B." in printed
    assert "Differs: kernel: stock in A and C; patched in B." in printed
    assert "Differs: repetitions: 6 trials in 6 boots in A and B; 2 trials in 2 boots in C." in printed
    assert "Differs: experiment" not in printed
    assert "The runs do not differ" not in printed


def test_runs_that_do_not_differ_say_so(tmp_path: Path, report: Report) -> None:
    for name in (A, B):
        run(tmp_path, name, {"serial": 3.0})
    printed = report(A, B).stdout
    assert "The runs do not differ in content hash, environment, kernel or program." in printed
    assert "Differs" not in printed


def test_programs_that_differ_are_named(tmp_path: Path, report: Report) -> None:
    """The same file of the experiment, and another build of what it measures; one run has no manifest."""
    digests = {A: "a" * 64, B: "b" * 64}
    for name in (A, B, C):
        run(tmp_path, name, {"serial": 3.0})
    for name, digest in digests.items():
        programs = {"./migbench": {"path": "./migbench", "sha256": digest}, "env": {"path": "/usr/bin/env"}}
        known = replace(eventful_run.PROVENANCE, run=name, programs=programs)
        manifest.save(tmp_path / "quickstart" / name, known)
    words = [f"migbench (SHA-256 {digest[:12]})" for digest in digests.values()]
    assert f"Differs: program: {words[0]} in A; {words[1]} in B; - in C." in report(A, B, C).stdout
    differs = f"The program migbench differs: SHA-256 {'a' * 12} and {'b' * 12}."
    assert differs in orchestrate("compare", A, B, "--results", str(tmp_path)).stdout
    assert "differs" not in orchestrate("compare", A, C, "--results", str(tmp_path)).stdout


def test_environments_are_never_in_one_row(tmp_path: Path, report: Report) -> None:
    run(tmp_path, A, {"serial": 3.0})
    run(tmp_path, B, {"serial": 2.0}, environment="vm-icount")
    document = json.loads(report(A, B, "--format", "json").stdout)
    assert [
        (cell["environment"], [one is not None for one in cell["runs"]]) for cell in document["cells"]
    ] == [
        ("metal", [True, False]),
        ("vm-icount", [False, True]),
    ]
    assert document["differences"]["environment"] == ["metal", "vm-icount"]


def test_kernels_of_a_run_that_has_several_are_apart(tmp_path: Path, report: Report) -> None:
    run(tmp_path, A, {"serial": 3.0})
    run(tmp_path, B, {"serial": 2.0})
    both = [
        trial({"kernel": "patched", "mode": "serial"}, boot, 4.0, 250.0, boot=f"p{boot}", environment="metal")
        for boot in range(6)
    ]
    write(tmp_path / "quickstart" / B, both)
    document = json.loads(report(A, B, "--format", "json").stdout)
    found = {
        cell["factors"]["kernel"]: [one is not None for one in cell["runs"]] for cell in document["cells"]
    }
    assert found == {"stock": [True, True], "patched": [False, True]}


@pytest.mark.usefixtures("three")
def test_all_formats_have_the_same_figures(report: Report) -> None:
    document = json.loads(report(A, B, C, "--format", "json").stdout)
    medians = {
        cell["factors"]["mode"]: [
            one["metrics"]["throughput"]["median"] if one and one["metrics"] else None for one in cell["runs"]
        ]
        for cell in document["cells"]
    }
    assert medians["copy"] == [pytest.approx(9.025, abs=0.001), pytest.approx(8.025, abs=0.001), None]
    lines = list(csv.DictReader(io.StringIO(report(A, B, C, "--format", "csv").stdout)))
    by_mode = {line["factor.mode"]: line for line in lines}
    assert float(by_mode["copy"][f"{B}.median"]) == medians["copy"][1]
    assert by_mode["copy"][f"{C}.median"] == by_mode["dma"][f"{A}.median"] == ""
    for format_name in ("table", "markdown", "html"):
        printed = report(A, B, C, "--format", format_name).stdout
        for mode, found in medians.items():
            for median in found:
                assert median is None or f"{median:.3f}" in printed, (format_name, mode)
        assert "Differs: content" in printed


@pytest.mark.usefixtures("three")
def test_the_page_is_escaped_and_allows_no_network(report: Report) -> None:
    page = report(A, C, "--format", "html").stdout
    assert "<script>window" not in page
    assert "&lt;script&gt;window" in page
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="(?!#|data:,)', page)


@pytest.mark.usefixtures("three")
def test_metrics_are_chosen(report: Report) -> None:
    printed = report(A, B, "--metric", "call_latency", "--metric", "throughput").stdout
    assert printed.index("call_latency, us:\n") < printed.index("throughput, GiB/s:\n")
    wrong = report(A, B, "--metric", "call_latancy")
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)
    assert "did you mean 'call_latency'?" in wrong.stderr


def test_figures_are_converted_to_the_unit_of_the_first(tmp_path: Path, report: Report) -> None:
    run(tmp_path, A, {"serial": 3.0})
    records = [
        replace(
            trial({"mode": "serial"}, boot, boot=f"b{boot}", environment="metal"),
            metrics={"throughput": MetricValue(3072.0 + boot, "MiB/s")},
        )
        for boot in range(6)
    ]
    metrics = (MetricInfo("throughput", "MiB/s", "higher"),)
    write(tmp_path / "quickstart" / B, [replace(RUN, run=B, metrics=metrics), BLOCK, *records, END])
    document = json.loads(report(A, B, "--format", "json").stdout)
    (cell,) = document["cells"]
    figure = cell["runs"][1]["metrics"]["throughput"]
    assert (figure["unit"], figure["median"]) == ("GiB/s", pytest.approx(3.0024, abs=1e-4))
    assert figure["interval"]["low"] == pytest.approx(3.0, abs=0.01)
    assert document["notes"] == ["throughput of B: converted from MiB/s."]
    write(
        tmp_path / "quickstart" / C,
        [replace(RUN, run=C, metrics=(MetricInfo("throughput", "pages", "higher"),)), BLOCK, *records, END],
    )
    refused = report(A, C)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"metric throughput: the unit is GiB/s in run {A}, pages in run {C}" in refused.stderr


@pytest.mark.usefixtures("three")
def test_a_run_given_twice_is_one_line(tmp_path: Path, report: Report) -> None:
    for words in ((A, A), (A, B, A), (C, "latest")):
        done = report(*words)
        twice = C if "latest" in words else A
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"orchestrate: run {twice} is given twice; give each run once\n"
    shutil.copytree(tmp_path / "quickstart" / A, tmp_path / "sent-by-mail")
    done = report(A, str(tmp_path / "sent-by-mail"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "is a copy of" in done.stderr


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("format_name", ["mail", "parquet", "junit"])
def test_a_format_of_one_run_says_so(report: Report, format_name: str) -> None:
    done = report(A, B, "--format", format_name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"orchestrate: --format {format_name} shows one run; for several runs use csv, html, json, markdown or table\n"
    )
    assert format_name == "parquet" or report(A, "--format", format_name).returncode == 0
