"""Runs recorded by released versions are listed, reported and compared by this one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from orchestrator.analysis.verdicts import Verdict
from orchestrator.experiment.model import Status
from orchestrator.report import format_names, listing
from orchestrator.report.comparison import Rules, two_runs
from orchestrator.results import manifest, runs
from orchestrator.results.journal import Journal
from orchestrator.results.records import TrialRecord
from orchestrator.results.store import Store
from tests.reports import Reported, render

RECORDED = Path(__file__).parents[2] / "recorded"
OK = {"0.1.0-quickstart": 24, "0.1.0-toucher": 2, "0.1.0-interrupted": 4}
"""Number of ok trials by results directory."""


@pytest.fixture(params=OK)
def results(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of a recorded results directory; reading it makes an index."""
    return Path(shutil.copytree(RECORDED / request.param, tmp_path / request.param))


def test_it_is_listed_and_its_manifest_is_read(results: Path) -> None:
    with Store(results) as store:
        assert store.sync() == []
        (run,) = runs.all_runs(results)
        assert run.id in listing.runs(store)
        assert "no manifest" not in listing.one(store, run)
    assert manifest.load(run.path).run == run.id


@pytest.mark.parametrize("format_name", format_names())
def test_it_is_reported_in_every_format(results: Path, format_name: str) -> None:
    run = runs.find(results, "latest")
    text = render(Reported(results, run.path), format_name)
    if format_name == "json":
        document = json.loads(text)
        assert document["statuses"]["ok"] == OK[results.name]
        assert any(cell["metrics"] for cell in document["cells"])
    else:
        assert text


def test_it_is_compared_with_itself(results: Path) -> None:
    run = runs.find(results, "latest")
    compared = two_runs(results, run, run, (), Rules(unit="trial"), None)
    assert {row.verdict for row in compared.rows if row.base and row.base.n} == {Verdict.SAME_TRIALS}


def test_an_interrupted_run_can_be_resumed(tmp_path: Path) -> None:
    results = Path(shutil.copytree(RECORDED / "0.1.0-interrupted", tmp_path / "results"))
    run = runs.find(results, "latest")
    scope = runs.scope_of(run)
    assert scope
    assert runs.unfinished(results, "interrupted", scope) == run
    with Journal(run.path) as journal:
        trials = [record for record in journal.records() if isinstance(record, TrialRecord)]
    assert [(record.final, record.status) for record in trials] == [(True, Status.OK)] * 4
