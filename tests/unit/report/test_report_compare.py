"""Speed-ups and breakdowns in reports."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator.experiment.model import Breakdown, Comparison, Published, PublishedFigure
from orchestrator.results.records import MetricInfo, MetricValue, RunRecord, TrialRecord
from tests.reports import Reported, render
from tests.run_samples import BLOCK, RUN, trial, write

PUBLISHED = Published(
    "rfc2017-cover",
    "Zi Yan, linux-mm, 2017-02-17, some@id",
    "2 x Intel E5-2640v3",
    "mmotm",
    "GiB/s",
    "higher",
    (PublishedFigure({"mode": "serial"}, 3.0, 3.0), PublishedFigure({"mode": "parallel"}, 8.6, 3.0)),
)
OPENING = replace(
    RUN,
    metrics=(
        *RUN.metrics,
        MetricInfo("modelled_throughput", "GiB/s", "higher", models="throughput"),
        MetricInfo("copy_time", "us", "lower"),
        MetricInfo("modelled_copy", "us", "lower", models="copy_time"),
    ),
    breakdown=Breakdown("call_latency", {"copy": "copy_time"}, ("tlb_shootdowns",)),
    compare=Comparison("throughput", {"mode": "serial"}, PUBLISHED),
)


def one(mode: str, environment: str = "vm-icount", throughput: float = 3.0, **figures: float) -> TrialRecord:
    record = trial({"mode": mode}, throughput=throughput, latency=600.0, environment=environment)
    more = {name: MetricValue(value, "GiB/s") for name, value in figures.items()}
    identity = f"{record.trial[:8]}{len(environment):04}"
    return replace(record, trial=identity, metrics={**record.metrics, **more})


def report_of(folder: Path, *trials: TrialRecord, opening: RunRecord = OPENING) -> Reported:
    return Reported(folder, write(folder / "run", [opening, BLOCK, *trials]))


def rows(text: str, start: str) -> list[list[str]]:
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if line.startswith(start)]


@pytest.fixture
def report(tmp_path: Path) -> Reported:
    return report_of(
        tmp_path,
        one("serial", throughput=3.0, modelled_throughput=3.0, modelled_copy=480.0, tlb_shootdowns=16),
        one("parallel", throughput=2.5, modelled_throughput=9.0, modelled_copy=60.0, tlb_shootdowns=1),
        replace(one("copy", throughput=4.0), metrics={"call_latency": MetricValue(600.0, "us")}),
    )


def test_modelled_and_published_speed_ups_have_columns(report: Reported) -> None:
    text = render(report, "table")
    assert rows(text, "mode  ")[0] == [
        *("mode", "n", "throughput", "modelled_throughput", "speed-up", "published")
    ]
    assert rows(text, " ")[0] == ["GiB/s", "GiB/s", "modelled"]
    assert rows(text, "serial")[0] == ["serial", "1", "3.000", "3.000", "baseline", "1.000"]
    assert rows(text, "parallel")[0] == ["parallel", "1", "2.500", "9.000", "3.000", "2.867"]
    assert rows(text, "copy")[0] == ["copy", "1", "-", "-", "-", "-"]
    lines = text.splitlines()
    assert "speed-up in vm-icount: modelled, from modelled_throughput: " in text
    assert (
        "published: the same ratio in rfc2017-cover (Zi Yan, linux-mm, 2017-02-17, some@id), "
        "measured on 2 x Intel E5-2640v3, kernel mmotm."
    ) in lines
    assert "No speed-up for 1 row: no throughput." in lines
    assert any("(mode = serial, other factors equal) in the same environment" in line for line in lines)


def test_the_breakdown_is_a_table_of_its_own(report: Reported) -> None:
    text = render(report, "table")
    assert "Breakdown of call_latency, us (medians):" in text.splitlines()
    assert rows(text, "mode  ")[1] == ["mode", "total", "copy", "rest", "tlb_shootdowns"]
    assert rows(text, " ")[1] == ["modelled"]
    assert rows(text, "serial")[1] == ["serial", "600.0", "480.0", "120.0", "16"]
    assert rows(text, "parallel")[1] == ["parallel", "600.0", "60.00", "540.0", "1"]
    assert len(rows(text, "copy")) == 1, "it has no phases"


def test_markdown_has_both_tables(report: Reported) -> None:
    tables = re.findall(r"(?:^\|.*\n)+", render(report, "markdown"), re.MULTILINE)
    assert [table.count("\n") for table in tables] == [5, 4]
    assert all(len({line.count("|") for line in table.splitlines()}) == 1 for table in tables)


def test_csv_and_json_hold_the_speed_up_of_each_cell(report: Reported) -> None:
    lines = list(csv.DictReader(io.StringIO(render(report, "csv"), newline="")))
    parallel = next(line for line in lines if line["factor.mode"] == "parallel")
    assert (parallel["speedup_ratio"], parallel["speedup_modelled"]) == ("3.0", "True")
    assert float(parallel["speedup_published"]) == pytest.approx(8.6 / 3)
    document = json.loads(render(report, "json"))
    assert document["compare"]["published"]["dataset"] == "rfc2017-cover"
    assert document["breakdown"]["phases"] == {"copy": "copy_time"}
    assert document["cells"][1]["speedup"] == {
        "metric": "modelled_throughput",
        "modelled": True,
        "baseline": document["cells"][0]["cell"],
        "ratio": 3.0,
        "reason": "",
        "published": pytest.approx(8.6 / 3),
        "interval": None,
        "no_interval": "1 trial of one boot, an interval needs 6 (or 6 boots)",
    }
    assert document["cells"][2]["speedup"]["reason"] == "no throughput"


def test_where_only_some_are_modelled_each_is_marked(tmp_path: Path) -> None:
    report = report_of(
        tmp_path,
        one("serial", modelled_throughput=3.0, modelled_copy=480.0),
        one("parallel", modelled_throughput=9.0, modelled_copy=60.0),
        one("copy", throughput=4.0, copy_time=90.0),
    )
    text = render(report, "table")
    assert [row[4] for start in ("mode ", "parallel", "copy") for row in rows(text, start)[:1]] == [
        *("speed-up", "3.000 m", "1.333")
    ]
    assert [row[2] for start in ("mode ", "parallel", "copy") for row in rows(text, start)[1:]] == [
        *("copy", "60.00 m", "90.00")
    ]
    assert "Breakdown of call_latency, us (medians; m: modelled):" in text
    assert "speed-up in vm-icount: modelled (m), from modelled_throughput" in text


def test_a_run_of_two_environments_says_which_speed_up_is_modelled(tmp_path: Path) -> None:
    report = report_of(
        tmp_path,
        one("serial", modelled_throughput=3.0),
        one("parallel", modelled_throughput=6.0),
        one("serial", "metal", 3.0),
        one("parallel", "metal", 7.5),
    )
    text = render(report, "table")
    assert {row[-3] for row in rows(text, "parallel")} == {"2.000 m", "2.500"}
    assert "speed-up in metal: measured, from throughput." in text.splitlines()


def test_reports_without_compare_and_breakdown_do_not_mention_them(tmp_path: Path) -> None:
    report = report_of(tmp_path, one("serial"), opening=RUN)
    for format_name in ("table", "markdown", "csv"):
        assert "speed" not in render(report, format_name)
        assert "published" not in render(report, format_name)
    document = json.loads(render(report, "json"))
    assert (document["compare"], document["breakdown"], document["cells"][0]["speedup"]) == (None,) * 3
