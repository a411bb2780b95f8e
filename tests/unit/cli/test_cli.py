"""The command line itself: help of every verb, names that are near, exit codes of misuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator import __version__
from orchestrator.cli import orchestrate as group
from tests.calls import orchestrate

VERBS = group.list_commands(None)  # type: ignore[arg-type]


def test_the_verbs() -> None:
    assert {"plan", "report", "results", "run", "schema", "validate"} <= set(VERBS)


@pytest.mark.parametrize("words", [[], *([verb] for verb in VERBS), ["results", "list"], ["results", "show"]])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_verb_has_help(words: list[str], option: str) -> None:
    ended = orchestrate(*words, option)
    assert ended.returncode == 0
    assert ended.stdout.startswith(f"Usage: {' '.join(['orchestrate', *words])}")
    assert not ended.stderr


def test_the_version() -> None:
    assert orchestrate("--version").stdout == f"orchestrate, version {__version__}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["rnu"], "No such command 'rnu'"),
        (["rnu"], "Did you mean 'run'?"),
        (["zzzz"], "No such command 'zzzz'"),
        (["run"], "Missing argument 'EXPERIMENT.yaml'"),
        (["run", "x.yaml", "--dryrun"], "--dry-run"),
        (["run", "x.yaml", "--limit", "0"], "--limit"),
        (["report", "latest", "--format", "pdf"], "'pdf' is not one of"),
        (["run", "x.yaml", "--inventory", "nowhere"], "nowhere"),
        (["results", "shwo"], "shwo"),
        (["export", "latest", "--scrub-word", "x"], "--scrub-word requires --scrub"),
    ],
)
def test_misuse_is_told_with_exit_code_2(tmp_path: Path, words: list[str], expected: str) -> None:
    ended = orchestrate(*words, folder=tmp_path)
    assert ended.returncode == 2
    assert expected in ended.stderr
    assert "Traceback" not in ended.stderr


def test_results_where_there_are_none(tmp_path: Path) -> None:
    ended = orchestrate("report", "latest", folder=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith("orchestrate: no runs in results")
