"""Charts as Vega-Lite: `orchestrate report RUN --format vega`."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from msgspec.structs import replace

from orchestrator.experiment.model import Comparison
from orchestrator.results.records import FactorInfo, Record
from tests import eventful_run
from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, trial, write

MODES = {"serial": 3.0, "parallel": 6.0}


def charts(results: Path, run: str, target: Path, *words: str) -> dict[str, Any]:
    done = orchestrate(
        "report", run, "--results", str(results), "--format", "vega", "-o", str(target), *words
    )
    assert done.returncode == 0, done.stderr
    return {path.name.removesuffix(".vl.json"): json.loads(path.read_text()) for path in target.iterdir()}


def six_boots(results: Path) -> None:
    opening = replace(
        RUN,
        compare=Comparison("throughput", {"mode": "serial"}),
        unchecked=("noise (noise: false)",),
        factors=(FactorInfo("mode", tuple(MODES)), FactorInfo("threads", ("1", "16"))),
    )
    found: list[Record] = [opening]
    for boot in range(6):
        found.append(replace(BLOCK, boot=f"boot-{boot}"))
        found += [
            trial({"mode": mode, "threads": threads}, boot, value + boot / 100, boot=f"boot-{boot}")
            for mode, value in MODES.items()
            for threads in ("1", "16")
        ]
    write(results / "six" / RUN.run, [*found, END])


@pytest.mark.slow
def test_every_chart_is_valid_by_the_schema_of_vega_lite_5(tmp_path: Path) -> None:
    package = importlib.util.find_spec("altair")
    assert package is not None
    assert package.submodule_search_locations is not None
    (folder,) = package.submodule_search_locations
    schema = json.loads((Path(folder) / "vegalite/v5/schema/vega-lite-schema.json").read_text("utf-8"))
    eventful_run.make(tmp_path / "results")
    found = charts(tmp_path / "results", "eventful", tmp_path / "charts")
    assert {name.partition("-throughput")[0] for name in found} >= {"by-number", "speed-up", "distributions"}
    for name, chart in found.items():
        assert not [error.message for error in Draft7Validator(schema).iter_errors(chart)], name


def test_data_have_figures_and_intervals_of_each_cell(tmp_path: Path) -> None:
    six_boots(tmp_path)
    found = charts(tmp_path, "six", tmp_path / "charts")
    done = orchestrate("report", "six", "--results", str(tmp_path), "--format", "json")
    cells = json.loads(done.stdout)["cells"]
    data = found["by-number-throughput"]["data"]["values"]
    expected = [
        (
            float(cell["factors"]["threads"]),
            cell["factors"]["mode"],
            cell["metrics"]["throughput"]["median"],
            cell["metrics"]["throughput"]["interval"]["low"],
            cell["metrics"]["throughput"]["interval"]["high"],
        )
        for cell in cells
    ]
    assert [(d["at"], d["series"], d["value"], d["low"], d["high"]) for d in data] == expected
    ratios = [cell["speedup"]["ratio"] for cell in cells if cell["factors"]["mode"] == "parallel"]
    assert [d["value"] for d in found["speed-up"]["data"]["values"]] == ratios
    assert len(found["distributions"]["data"]["values"]) == 24


def test_a_chart_has_the_run_the_checks_that_are_off_and_the_width(tmp_path: Path) -> None:
    six_boots(tmp_path)
    for chart in charts(tmp_path, "six", tmp_path / "charts", "--width", "6in").values():
        assert chart["width"] == 6 * 96
        assert chart["title"]["text"] == "Not checked: noise (noise: false)."
        assert chart["usermeta"]["run"] == RUN.run
        assert chart["usermeta"]["unchecked"] == ["noise (noise: false)"]
        assert f"Run {RUN.run}" in chart["description"]


def test_numbers_that_are_categories_keep_their_order(tmp_path: Path) -> None:
    eventful_run.make(tmp_path)
    panel = charts(tmp_path, "eventful", tmp_path / "charts")["by-number-throughput-2"]
    assert panel["encoding"]["x"]["type"] == "quantitative"
    sizes = [trial({"page_size": size}, 0, 2.0) for size in ("4KiB", "2MiB")]
    write(tmp_path / "y" / RUN.run, [replace(RUN, factors=()), BLOCK, *sizes, END])
    panel = charts(tmp_path, "y", tmp_path / "more")["by-number-throughput"]
    assert (panel["encoding"]["x"]["type"], panel["encoding"]["x"]["sort"]) == ("ordinal", None)
    assert [d["at"] for d in panel["data"]["values"]] == ["4KiB", "2MiB"]


def test_a_logarithmic_axis_is_asked_for(tmp_path: Path) -> None:
    six_boots(tmp_path)
    for words, scale in (((), {"zero": False}), (("--log-x",), {"type": "log", "base": 2})):
        panel = charts(tmp_path, "six", tmp_path / f"charts{len(words)}", *words)["by-number-throughput"]
        assert panel["encoding"]["x"]["scale"] == scale
