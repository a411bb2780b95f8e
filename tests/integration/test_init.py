"""What ``orchestrate init`` writes, run as its user and as a CI server run it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from orchestrator import starters
from tests.run_samples import BLOCK, END, RUN, trial, write
from tests.running import COMMAND

RUN_ID = "20261124T101500000Z-0a1b"


def orchestrate(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(COMMAND), *words], capture_output=True, text=True, check=False, cwd=folder)


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Each job of the workflow with each of its scripts."""
    folder = tmp_path_factory.mktemp("ci")
    assert orchestrate("init", "--ci", folder=folder).returncode == 0
    document = yaml.load((folder / starters.WORKFLOW).read_text(encoding="utf-8"), yaml.BaseLoader)
    return [
        (name, step["run"])
        for name, job in document["jobs"].items()
        for step in job["steps"]
        if "run" in step
    ]


def test_the_starter_is_a_good_experiment(tmp_path: Path) -> None:
    assert orchestrate("init", folder=tmp_path).returncode == 0
    ended = orchestrate("validate", "experiment.yaml", folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "experiment.yaml: valid: 4 cells, 24 trials\n")
    ended = orchestrate(
        "run", "experiment.yaml", "--host", "local", "--allow-local-changes", "--set", "repetitions=20", "--dry-run",
        folder=tmp_path,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "numa_balancing" in ended.stdout


def test_a_dry_run_of_the_starter_works_unchanged(tmp_path: Path) -> None:
    orchestrate("init", folder=tmp_path)
    ended = orchestrate("run", "experiment.yaml", "--dry-run", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert not (tmp_path / "results").exists()


def test_the_scripts_of_the_workflow_are_good_shell(scripts: list[tuple[str, str]], tmp_path: Path) -> None:
    for number, (_, script) in enumerate(scripts):
        path = tmp_path / f"{number}.sh"
        path.write_text("#!/bin/bash\n" + re.sub(r"\$\{\{.*?\}\}", "WORD", script))
        ended = subprocess.run(["shellcheck", path], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize(("slower", "code"), [(1.0, 0), (1.2, 5)])
def test_the_workflow_compares_with_the_last_run_of_the_main_branch(
    scripts: list[tuple[str, str]], tmp_path: Path, slower: float, code: int
) -> None:
    def a_run(folder: Path, factor: float) -> None:
        trials = [trial({"mode": "serial"}, n, 3.0 / factor * (1 + n / 1e4), 600.0) for n in range(20)]
        write(folder, [RUN, BLOCK, *trials, END])

    script = next(s for job, s in scripts if job == "numa" and "orchestrate compare" in s)
    surroundings = {
        **os.environ,
        "PATH": f"{COMMAND.parent}:{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }

    def step() -> int:
        words = ["bash", "-e", "-o", "pipefail", "-c", script]
        return subprocess.run(words, cwd=tmp_path, env=surroundings, check=False).returncode

    a_run(tmp_path / "results" / "quickstart" / RUN_ID, 1.0)
    assert step() == 0
    assert (tmp_path / "baseline" / "journal.jsonl").is_file()
    a_run(tmp_path / "results" / "quickstart" / RUN_ID.replace("24T", "25T"), slower)
    assert step() == code
    assert "<testsuite" in (tmp_path / "comparison.xml").read_text()
    assert "| mode=serial" in (tmp_path / "summary.md").read_text()
