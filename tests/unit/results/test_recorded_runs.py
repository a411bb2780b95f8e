"""Runs recorded by released versions, see ``tests/recorded/README.md``, are read by the present one."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestrator.cli import orchestrate as group
from orchestrator.results import journal
from orchestrator.results.codec import decode
from orchestrator.results.records import FORMAT, RunRecord, TrialRecord

RECORDED = Path(__file__).parents[2] / "recorded"


@pytest.fixture(params=sorted(path.name for path in RECORDED.iterdir() if path.is_dir()))
def results(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of a results folder with one run."""
    return Path(shutil.copytree(RECORDED / str(request.param), tmp_path / str(request.param)))


def orchestrate(*words: str | Path) -> Result:
    done = CliRunner().invoke(group, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done


def trials(name: str) -> list[TrialRecord]:
    (path,) = (RECORDED / name).glob("*/*/journal.jsonl")
    return [record for record in journal.read(path) if isinstance(record, TrialRecord)]


def test_they_are_listed_shown_and_compared(results: Path) -> None:
    (path,) = results.glob("*/*")
    assert path.name in orchestrate("results", "list", "--results", results).output
    assert path.name in orchestrate("results", "show", "latest", "--results", results).output
    assert orchestrate("compare", "latest", "latest", "--results", results).output


@pytest.mark.parametrize("form", ["table", "markdown", "csv", "json", "junit", "html", "mail"])
def test_they_are_reported(results: Path, form: str) -> None:
    assert orchestrate("report", "latest", "--format", form, "--results", results).output


def test_all_trials_are_verified() -> None:
    found = trials("0.1.0-quickstart")
    assert Counter(trial.status for trial in found) == {"ok": 24}
    for trial in found:
        verified = trial.details["verification"]
        assert verified["pages"] == verified["pages_on_target"] == sum(verified["pages_per_node"].values())
        assert verified["bytes_wrong"] == verified.get("status_mismatches", 0) == 0
        assert verified["pages_not_migrated"] == 0
        assert verified["page_size_source"] == "kpageflags"
        assert trial.details["dialect"]["evidence"].startswith("release 6.1.0")
        assert not {"truth", "how", "residence"} & set(trial.details)


def test_the_report_says_that_they_are_verified(tmp_path: Path) -> None:
    copy = shutil.copytree(RECORDED / "0.1.0-quickstart", tmp_path / "results")
    report = json.loads(orchestrate("report", "latest", "--format", "json", "--results", copy).output)
    assert {cell["verification"]["pages"] for cell in report["cells"]} == {16, 32, 2048, 4096}
    assert all(cell["verification"]["bytes_wrong"] == 0 for cell in report["cells"])
    table = orchestrate("report", "latest", "--results", copy).output
    assert "all pages on target, 0 bytes wrong" in table
    assert "latency_probe = false" in table


def test_options_and_metrics_have_their_new_names() -> None:
    found = [trial for trial in trials("0.1.0-toucher") if trial.status == "ok"]
    assert len(found) == 2
    for trial in found:
        assert {"latency_probe_faults", "latency_probe_idle_gap", "victim_rate_alone"} <= set(trial.metrics)
        assert not [name for name in trial.metrics if "toucher" in name]
        assert trial.details["request"]["latency_probe"] is True
    (path,) = (RECORDED / "0.1.0-toucher").glob("*/*/journal.jsonl")
    run = next(journal.read(path))
    assert isinstance(run, RunRecord)
    assert run.experiment == "toucher"
    names = [metric.name for metric in run.metrics]
    assert {"latency_probe_faults", "dma_fallback_pages"} <= set(names)
    assert not [name for name in names if "toucher" in name or name == "pages_left_by_dma"]


def test_a_factor_has_its_new_name() -> None:
    (path,) = (RECORDED / "0.1.0-toucher").glob("*/*/journal.jsonl")
    documents = [json.loads(line) for line in path.read_text().splitlines()]
    run, trial = (next(one for one in documents if one["type"] == kind) for kind in ("run", "trial"))
    run["factors"][1]["name"] = "toucher"
    run["compare"] = {"metric": "toucher_faults", "baseline": {"toucher": "0"}, "published": None}
    trial["factors"]["toucher"] = trial["factors"].pop("take_turns")
    trial["details"]["truth"] = {"pages": 1, "status_lies": 3}
    changed, old = decode(run), decode(trial)
    assert isinstance(changed, RunRecord)
    assert isinstance(old, TrialRecord)
    assert [factor.name for factor in changed.factors] == ["mode", "latency_probe"]
    assert changed.compare is not None
    assert (changed.compare.metric, changed.compare.baseline) == (
        "latency_probe_faults",
        {"latency_probe": "0"},
    )
    assert set(old.factors) == {"kernel", "mode", "latency_probe"}
    assert old.details["verification"] == {"pages": 1, "status_mismatches": 3}


def test_a_role_of_an_older_version_prints_its_own_names() -> None:
    """The journal has the present format then, as when a bundle of an older version is reproduced."""
    (path,) = (RECORDED / "0.1.0-quickstart").glob("*/*/journal.jsonl")
    documents = [json.loads(line) for line in path.read_text().splitlines()]
    trial = decode(next(one for one in documents if one["type"] == "trial") | {"format": FORMAT})
    assert isinstance(trial, TrialRecord)
    assert trial.details["migbench"] == 2
    assert "pages_per_node" in trial.details["verification"]
