"""Parquet and JUnit: the same run for other programs."""

from __future__ import annotations

import builtins
import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from orchestrator.errors import BadInput
from orchestrator.experiment.model import Status
from orchestrator.report.formats import parquet
from tests import eventful_run
from tests.reports import Reported, render
from tests.run_samples import BLOCK, END, RUN, trial, write


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    results = tmp_path_factory.mktemp("results")
    return Reported(results, eventful_run.make(results))


def rows(report: Reported) -> list[dict[str, Any]]:
    rendered = render(report, "parquet")
    found: list[dict[str, Any]] = pyarrow.parquet.read_table(io.BytesIO(rendered)).to_pylist()
    return found


def test_parquet_has_a_row_for_each_record(report: Reported) -> None:
    found = rows(report)
    assert len(found) == 144 + 3
    assert [row["status"] for row in found if not row["final"]] == ["crashed"]
    assert sum(row["status"] == "ok" for row in found) == 120


def test_parquet_columns_have_types_and_units(report: Reported) -> None:
    rendered = render(report, "parquet")
    schema = pyarrow.parquet.read_schema(io.BytesIO(rendered))
    types = {field.name: str(field.type) for field in schema}
    assert types["factor.threads"] == "int64"
    assert types["factor.page_size"] == "string"
    assert types["metric.throughput"] == "double"
    assert types["started"] == "timestamp[ms, tz=UTC]"
    assert types["allowed"] == "bool"
    assert schema.field("metric.throughput").metadata[b"unit"] == b"GiB/s"


def test_parquet_values_give_the_figures_of_json(report: Reported) -> None:
    document = render(report, "json")
    values: dict[tuple[str, str], list[float]] = {}
    for row in rows(report):
        if row["final"] and row["status"] == "ok":
            values.setdefault((row["cell"], row["environment"]), []).append(row["metric.throughput"])
    for cell in json.loads(document)["cells"]:
        if cell["n"]:
            mine = sorted(values[cell["cell"], cell["environment"]])
            assert (mine[0], mine[-1], len(mine)) == tuple(
                cell["metrics"]["throughput"][k] for k in ("min", "max", "n")
            )


@pytest.mark.parametrize(
    ("levels", "kind"),
    [
        (("1", "-2"), "int64"),
        (("1", "0.5", "2e3", ".5"), "double"),
        (("1", "9223372036854775808"), "string"),
        (("1", "9" * 5000), "string"),
        (("1", "1e999"), "string"),
        (("nan", "inf"), "string"),
        (("1_000", "2"), "string"),
    ],
)
def test_parquet_columns_lose_nothing_of_levels(tmp_path: Path, levels: tuple[str, ...], kind: str) -> None:
    trials = [trial({"x": level}, 0, 3.0) for level in levels]
    folder = write(tmp_path / "quickstart" / RUN.run, [RUN, BLOCK, *trials, END])
    table = pyarrow.parquet.read_table(io.BytesIO(render(Reported(tmp_path, folder), "parquet")))
    assert str(table.schema.field("factor.x").type) == kind
    found = table.column("factor.x").to_pylist()
    assert found == (list(levels) if kind == "string" else [float(level) for level in levels])


def test_parquet_is_written_in_groups(report: Reported, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rows(report)
    monkeypatch.setattr(parquet, "ROWS", 10)
    assert rows(report) == whole


def test_without_pyarrow_there_is_one_line(report: Reported, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadInput, match=r"requires pyarrow; install it with: .* -m pip install 'pyarrow>="):
        render(report, "parquet")


def test_bytes_go_to_a_pipe_or_a_file(tmp_path: Path) -> None:
    eventful_run.make(tmp_path)
    command = [sys.executable, "-c", "from orchestrator.cli import main; main()", "report", "latest"]
    command += ["--results", str(tmp_path), "--format", "parquet"]
    piped = subprocess.run(command, capture_output=True, check=True).stdout
    target = tmp_path / "trials.parquet"
    subprocess.run([*command, "--output", str(target)], check=True)
    assert target.read_bytes() == piped
    refused = subprocess.run(
        [*command, "--output", str(tmp_path / "no" / "x")], capture_output=True, text=True, check=False
    )
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def suite_of(report: Reported) -> ET.Element:
    rendered = render(report, "junit")
    return ET.fromstring(rendered.split("?>", 1)[1])


def test_junit_has_a_case_for_each_cell(report: Reported) -> None:
    suite = suite_of(report)
    assert {name: suite.attrib[name] for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "36", "failures": "0", "errors": "1", "skipped": "6",
    }  # fmt: skip
    assert len(suite.findall("testcase")) == 36
    assert float(suite.attrib["time"]) == pytest.approx(147.0)
    (case,) = [case for case in suite.findall("testcase") if case.find("error") is not None]
    assert case.attrib["name"] == "kernel=base, mode=serial, threads=1, page_size=2MiB"
    assert "timeout (1 trial): no reason given" in (case.findtext("error") or "")


@pytest.mark.parametrize(
    ("statuses", "kind"),
    [
        ([Status.OK, Status.OK], None),
        ([Status.OK, Status.FAILED], "failure"),
        ([Status.DISTURBED], "failure"),
        ([Status.FAILED, Status.CRASHED], "error"),
        ([Status.TIMEOUT], "error"),
        ([Status.WRONG_KERNEL], "error"),
        ([Status.UNSUPPORTED], "failure"),
    ],
)
def test_junit_says_what_a_cell_is(tmp_path: Path, statuses: list[Status], kind: str | None) -> None:
    trials = [
        trial({"mode": "serial"}, n, 3.0, status=status, reason="why") for n, status in enumerate(statuses)
    ]
    folder = write(tmp_path / "quickstart" / RUN.run, [RUN, BLOCK, *trials, END])
    (case,) = suite_of(Reported(tmp_path, folder)).findall("testcase")
    assert [child.tag for child in case if child.tag != "system-out"] == ([kind] if kind else [])


def test_junit_skips_what_the_experiment_allows_not_to_run(tmp_path: Path) -> None:
    trials = [trial({"mode": "dma"}, 0, status=Status.UNSUPPORTED, reason="no engine", allowed=True)]
    folder = write(tmp_path / "quickstart" / RUN.run, [RUN, BLOCK, *trials, END])
    (case,) = suite_of(Reported(tmp_path, folder)).findall("testcase")
    skipped = case.find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == "unsupported (1 trial): no engine"


def test_junit_takes_times_without_a_zone_as_utc(tmp_path: Path) -> None:
    times = [("2026-11-23T10:15:30", "2026-11-23T10:15:31.5Z"), ("0001-01-01T00:00:00+01:00", "x")]
    trials = [trial({"mode": "serial"}, n, 3.0, start=a, end=b) for n, (a, b) in enumerate(times)]
    run = Reported(tmp_path, write(tmp_path / "quickstart" / RUN.run, [RUN, BLOCK, *trials, END]))
    assert suite_of(run).attrib["time"] == "1.500"
    first, second = (row["started"] for row in rows(run))
    assert (first.isoformat(), second) == ("2026-11-23T10:15:30+00:00", None)
