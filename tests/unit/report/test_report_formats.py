"""All formats of a report show the same figures."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from orchestrator.environments import Environment, describe
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Status
from orchestrator.report import format_names
from orchestrator.report.model import open_report
from orchestrator.results import manifest
from orchestrator.results.records import FactorInfo, Record, RunRecord
from orchestrator.results.runs import RunFolder
from tests import eventful_run
from tests.reports import Reported, render, report_of
from tests.run_samples import BLOCK, END, FIXED, RUN, trial, write

NO_PARALLEL = "no sysctl vm.accel_page_copy | \x1b[31mthe kernel has no\nparallel copy"


def records() -> list[Record]:
    found: list[Record] = [replace(RUN, trials=30), BLOCK]
    for mode in ("copy", "parallel", "serial"):
        for threads in ("10", "1"):
            factors = {"mode": mode, "threads": threads, **FIXED}
            for k in range(5):
                if mode == "parallel":
                    found.append(
                        trial(factors, k, status=Status.UNSUPPORTED, reason=NO_PARALLEL, allowed=True)
                    )
                elif (mode, threads, k) == ("serial", "1", 4):
                    found.append(trial(factors, k, final=False, status=Status.CRASHED, reason="host died"))
                    found.append(
                        trial(factors, k, throughput=9.0, status=Status.DISTURBED, reason="page 3 on node 1")
                    )
                else:
                    found.append(trial(factors, k, throughput=3.0 + k / 100, latency=600.0 + k))
    return [*found, END]


@pytest.fixture
def report(tmp_path: Path) -> Reported:
    return report_of(tmp_path / "run", records())


@pytest.mark.parametrize("format_name", format_names())
def test_characters_that_are_none_are_question_marks(tmp_path: Path, format_name: str) -> None:
    """Only escapes in JSON can write them; no encoding has them."""
    opening, block = (
        replace(RUN, run="q\ud800", headline=""),
        replace(BLOCK, kernel="k\ud800", facts={"os": "\ud800"}),
    )
    folder = write(tmp_path / "run", [opening, block, trial({"mode": "x\ud800"}, 0, 3.0), END])
    found = {
        **to_builtins(eventful_run.PROVENANCE),
        "format": 1,
        "kernels": {"k\ud800": {"release": "6\ud800"}},
    }
    (folder / "manifest.json").write_text(json.dumps(found | {"command_line": ["a\ud800", "\udcff"]}))
    shown = render(Reported(tmp_path, folder), format_name)
    assert "\ud800" not in (shown if isinstance(shown, str) else shown.decode(errors="replace"))
    assert manifest.load(folder).command_line == ("a?", "\udcff")


def test_a_factor_called_n_is_not_taken_for_the_number_of_trials(tmp_path: Path) -> None:
    factors = (FactorInfo("n", ("1", "2")),)
    trials = [trial({"n": level}, 0, 3.0, boot="b") for level in ("1", "2")]
    found = report_of(tmp_path / "run", [replace(RUN, factors=factors), BLOCK, *trials, END])
    assert render(found, "table").splitlines()[2].split()[:2] == ["n", "trials"]


def test_every_environment_has_one_plain_sentence() -> None:
    for words in map(describe, (*Environment, "moon")):
        assert words.endswith(".")
        assert words.count(".") == 1


def test_the_formats_are_the_files_of_their_folder() -> None:
    assert format_names() == ["csv", "html", "json", "junit", "latex", "mail", "markdown", "parquet", "table"]


def test_importing_the_reports_imports_no_hosts_and_no_format() -> None:
    code = (
        "import sys, orchestrator.report.model, orchestrator.report.listing, orchestrator.report as report\n"
        "report.format_names()\n"
        "bad = [m for m in sys.modules if m.startswith(('orchestrator.hosts', 'orchestrator.report.formats.'))"
        " or m in ('paramiko', 'numpy')]\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_table_shows_what_varies_and_what_it_means(report: Reported) -> None:
    lines = render(report, "table").splitlines()
    assert lines[0] == f"quickstart, run {RUN.run}, content hash c0ffeec0ffee: 30 of 30 trials"
    assert re.split(r"\s{2,}", lines[2]) == [
        *(
            "mode",
            "threads",
            "n",
            "throughput",
            "call_latency",
            "not ok",
        )
    ]
    assert lines[3].split() == ["GiB/s", "us"]
    table = [re.split(r"\s{2,}", line.strip()) for line in lines[5:11]]
    good = ["3.020 ± 0.010", "602.0 ± 1.0", "-"]
    bad = ["0", "-", "-", "unsupported 5"]
    assert table == [
        ["serial", "1", "4", "3.015 ± 0.015", "601.5 ± 1.5", "disturbed 1"],
        ["serial", "10", "5", *good],
        ["parallel", "1", *bad],
        ["parallel", "10", *bad],
        ["copy", "1", "5", *good],
        ["copy", "10", "5", *good],
    ]
    shared = "In every row: kernel = stock, page_size = 2MiB, bytes = 33554432, environment = vm-icount."
    assert shared in lines
    assert "Verified in every row with figures: all pages on target, 0 bytes wrong." in lines
    assert (
        "Figures are medians of the n ok trials "
        "± half the interquartile range (5 or more trials); half the range (2 to 4 trials)."
    ) in lines
    assert f"vm-icount: {describe('vm-icount')}" in lines
    reasons = lines[lines.index("Not ok:") + 1 :]
    assert re.fullmatch(
        r"  unsupported \(10 trials, allowed; [0-9a-f]{12}\): no sysctl vm\.accel_page_copy \| "
        r"\[31mthe kernel has no parallel copy",
        reasons[0],
    )
    assert re.fullmatch(r"  disturbed \(1 trial; [0-9a-f]{12}\): page 3 on node 1", reasons[1])
    assert re.fullmatch(r"  crashed \(1 repeated attempt; [0-9a-f]{12}\): host died", reasons[2])


@pytest.mark.parametrize("format_name", ["table", "markdown"])
def test_text_for_readers_has_no_control_characters(report: Reported, format_name: str) -> None:
    assert all(line.isprintable() for line in render(report, format_name).splitlines())


def test_markdown_keeps_its_columns_whatever_a_reason_holds(report: Reported) -> None:
    text = render(report, "markdown")
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 6
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {7}
    assert r"vm.accel\_page\_copy \| \[31mthe kernel" in text


def test_csv_holds_every_figure_of_every_cell(report: Reported) -> None:
    lines = list(csv.DictReader(io.StringIO(render(report, "csv"), newline="")))
    assert len(lines) == 4 * 2 + 2
    first = lines[0]
    assert (first["run"], first["content_hash"]) == (RUN.run, RUN.content_hash)
    assert (first["factor.mode"], first["factor.threads"], first["factor.kernel"]) == ("serial", "1", "stock")
    assert (first["metric"], first["unit"], first["n"], first["median"]) == (
        "call_latency",
        "us",
        "4",
        "601.5",
    )
    assert (first["spread"], first["spread_method"]) == ("1.5", "half range")
    assert (first["ok"], first["disturbed"], first["pages_on_target"]) == ("4", "1", "16")
    empty = next(line for line in lines if line["factor.mode"] == "parallel")
    assert (empty["unsupported"], empty["metric"], empty["median"], empty["pages"]) == ("5", "", "", "")


def test_json_has_one_object_per_cell(report: Reported) -> None:
    document = json.loads(render(report, "json"))
    assert (document["format"], document["type"], document["run"]) == (2, "report", RUN.run)
    assert document["content_hash"] == RUN.content_hash
    assert document["statuses"] == {"disturbed": 1, "ok": 19, "unsupported": 10}
    assert document["not_allowed"] == 1
    assert document["complete"] is True
    assert document["headline"] == "throughput"
    assert document["metrics"][0] == {"name": "throughput", "unit": "GiB/s", "better": "higher", "models": ""}
    assert document["factors"] == ["kernel", "mode", "page_size", "threads", "bytes"]
    assert document["environments"] == {"vm-icount": describe("vm-icount")}
    assert len(document["cells"]) == 6
    cell = document["cells"][0]
    assert cell["factors"] == {"kernel": "stock", "mode": "serial", "threads": "1", **FIXED}
    assert (cell["environment"], cell["n"], cell["statuses"]) == ("vm-icount", 4, {"disturbed": 1, "ok": 4})
    assert cell["metrics"]["throughput"] == {
        "unit": "GiB/s",
        "n": 4,
        "median": pytest.approx(2 / (1 / 3.01 + 1 / 3.02)),
        "spread": {"value": pytest.approx(0.015), "method": "half range"},
        "min": 3.0,
        "max": 3.03,
        "boots": 1,
        "interval": None,
        "no_interval": "4 trials of one boot, an interval needs 6 (or 6 boots)",
    }
    assert cell["verification"] == {
        "trials": 4,
        "pages": 16,
        "pages_on_target": 16,
        "bytes_checked": 4 * 33554432,
        "bytes_wrong": 0,
    }
    assert document["cells"][2]["metrics"] == {}
    assert document["cells"][2]["verification"] is None
    assert document["reasons"][0]["reason"] == NO_PARALLEL, "whole, not as a table shows it"
    assert document["reasons"][0]["allowed"] is True
    assert [attempt["reason"] for attempt in document["attempts"]] == ["host died"]


@pytest.mark.parametrize(
    "format_name", ["csv", "html", "json", "junit", "latex", "mail", "markdown", "table"]
)
def test_a_run_without_trials_can_be_reported(tmp_path: Path, format_name: str) -> None:
    text = render(report_of(tmp_path / "run", [RUN, BLOCK]), format_name)
    assert RUN.run in text or format_name == "csv"


def test_an_empty_journal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the journal is empty"):
        render(report_of(tmp_path / "run", []), "table")


def test_many_reasons_are_cut_in_text_and_kept_in_json(tmp_path: Path) -> None:
    failed = [trial(FIXED, k, status=Status.FAILED, reason=f"reason {k}") for k in range(50)]
    report = report_of(tmp_path / "run", [RUN, *failed])
    text = render(report, "table")
    assert text.count("failed (1 trial;") == 20
    assert "and 30 more reasons; --format json lists all" in text
    assert len(json.loads(render(report, "json"))["reasons"]) == 50


def test_a_median_has_an_interval_where_there_are_boots_enough(tmp_path: Path) -> None:
    found = [
        trial({"mode": mode}, k, throughput=3.0 + k % boots / 100, boot=f"boot-{k % boots}")
        for mode, boots in (("serial", 6), ("parallel", 3), ("copy", 1))
        for k in range(12)
    ]
    report = report_of(tmp_path / "run", [replace(RUN, factors=()), *found])
    document = json.loads(render(report, "json"))
    figures = {cell["factors"]["mode"]: cell["metrics"]["throughput"] for cell in document["cells"]}
    assert [(figures[m]["boots"], (figures[m]["interval"] or {}).get("unit")) for m in figures] == [
        (6, "boot"),
        (3, None),
        (1, "trial"),
    ]
    interval = figures["serial"]["interval"]
    assert 3.0 <= interval["low"] < figures["serial"]["median"] < interval["high"] <= 3.05
    text = render(report, "table")
    assert f"{figures['serial']['median']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]" in text
    assert (
        "[low, high]: 95 % interval of the median or of the ratio of medians; BCa bootstrap (Efron 1987)"
        in text
    )
    assert "Intervals of one boot do not cover differences between boots." in text
    assert "No interval for 1 figure: 3 boots, an interval needs 6." in text
    lines = list(csv.DictReader(io.StringIO(render(report, "csv"), newline="")))
    assert [line["interval_unit"] for line in lines] == ["boot", "", "trial"]
    assert float(lines[0]["interval_low"]) == interval["low"]
    assert all("BCa" in line["interval_method"] or line["no_interval"] for line in lines)


def test_anomalies_of_a_cell_name_its_trials(tmp_path: Path) -> None:
    """Serial begins each boot 20 % too slow; copy is quiet."""
    found = [
        trial(
            {"mode": mode},
            8 * boot + k,
            throughput=(2.4 if mode == "serial" and k == 0 else 3.0) + (k * 7 + boot * 3) % 8 / 100,
            boot=f"boot-{boot}",
        )
        for mode in ("serial", "copy")
        for boot in range(6)
        for k in range(8)
    ]
    report = report_of(tmp_path / "run", [replace(RUN, factors=()), *found])
    first = [record.trial for record in found[:48:8]]
    assert "warm-up" in render(report, "mail").partition("\nAnomalies:\n")[2]
    for format_name in ("table", "markdown", "html"):
        (line,) = (line for line in render(report, format_name).splitlines() if ": warm-up:" in line)
        assert "serial: warm-up: throughput: the first 1 trial of each boot differs (median -2" in line
        assert all(identity in line for identity in first[:4])
    document = json.loads(render(report, "json"))["diagnostics"]
    (warm,) = (each for each in document["findings"] if each["kind"] == "warm-up")
    assert (warm["trials"], warm["environment"]) == (first, "vm-icount")
    assert warm["p"] < 0.05
    assert "van Elteren" in document["methods"]["warm-up"]


def test_trials_that_were_not_needed_were_not_run(tmp_path: Path) -> None:
    found = [trial(FIXED, k, throughput=3.0) for k in range(3)]
    saved = trial(FIXED, 3, status=Status.SKIPPED, reason="not needed", allowed=True)
    assert "Each row was run 3 times, in 1 boot." in render(
        report_of(tmp_path / "run", [RUN, BLOCK, *found, saved]), "table"
    )


def test_single_trials_are_read_while_the_report_is_open(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", [RUN, trial(FIXED, throughput=3.0)])
    with open_report(tmp_path, RunFolder(folder)) as report:
        assert [one.metrics for one in report.read_trials(["throughput"])] == [{"throughput": 3.0}]
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        next(report.read_trials([]))


def test_every_format_says_which_checks_are_off(tmp_path: Path) -> None:
    off = ("idle CPUs before trials (limits.settle: 0)", "noise (noise: false)")
    opening, *rest = records()
    assert isinstance(opening, RunRecord)
    report = report_of(tmp_path / "run", [replace(opening, unchecked=off), *rest])
    for name in format_names():
        if name != "parquet":
            said = render(report, name)
            text = said.decode() if isinstance(said, bytes) else said
            assert all(re.sub(r"\s", "", part) in re.sub(r"\s", "", text) for part in off), name


@pytest.mark.parametrize("name", ["table", "markdown", "json", "mail", "html", "junit"])
def test_the_program_of_trials_is_identified(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "run", records())
    programs = {"/opt/spin": {"path": "/opt/spin", "sha256": "5a" * 32, "package": "spin 1.2-3"}}
    manifest.save(folder, replace(eventful_run.PROVENANCE, programs=programs))
    shown = render(Reported(tmp_path, folder), name)
    assert isinstance(shown, str)
    assert all(words in shown for words in ("spin 1.2-3", "5a" * 6)), shown
