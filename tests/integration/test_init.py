"""What ``orchestrate init`` writes, run as its user and as a CI server run it."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from orchestrator import starters
from tests.run_samples import BLOCK, END, RUN, trial, write
from tests.running import COMMAND

RUN_ID = "20261124T101500000Z-0a1b"


def orchestrate(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )


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


def on_a_terminal(folder: Path, *words: str, answers: str) -> tuple[int, str]:
    """Run ``orchestrate init`` on a terminal on which somebody types; return its exit code and what is shown."""
    ours, its = pty.openpty()
    process = subprocess.Popen([str(COMMAND), "init", *words], cwd=folder, stdin=its, stdout=its, stderr=its)
    os.close(its)
    os.write(ours, answers.encode())
    shown = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    return process.wait(), shown.decode()


def test_on_a_terminal_it_asks_and_what_it_writes_runs(tmp_path: Path) -> None:
    answers = ["sh -c 'echo rate: {n}'", "rate", "GiB/s", "rate: ([0-9.]+)", "local", "quick"]
    code, shown = on_a_terminal(tmp_path, answers="".join(f"{answer}\n" for answer in answers))
    assert code == 0, shown
    words = ["run", "experiment.yaml", "--set", "limits.settle=0"]
    ended = orchestrate(*words, folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "6 of 6 trials ok" in ended.stdout
    assert "GiB/s" in ended.stdout


def test_it_asks_which_figures_are_better_where_the_unit_does_not_say(tmp_path: Path) -> None:
    answers = ["prog", "misses", "cycles", "lower", "misses=([0-9]+)", "local", "quick"]
    code, shown = on_a_terminal(tmp_path, answers="".join(f"{answer}\n" for answer in answers))
    assert (code, "Which figures are better?" in shown) == (0, True), shown
    assert "unit: cycles, better: lower" in (tmp_path / "experiment.yaml").read_text()


def test_an_answer_that_cannot_be_is_asked_for_again_and_the_others_are_kept(tmp_path: Path) -> None:
    answers = [
        "prog '{n}", "prog {n}", "misses", "cycles", "lower",
        "misses=[0-9]+", "misses=([0-9]+)", "me@", "guest", "linux-7.3-acel", "default", "quick",
    ]  # fmt: skip
    code, shown = on_a_terminal(tmp_path, answers="".join(f"{answer}\n" for answer in answers))
    assert code == 0, shown
    for refusal in (
        "No closing quotation",
        "--regex: expected one group ( )",
        "--on 'me@': expected guest",
        "did you mean 'linux-7.3-accel'?",
    ):
        assert refusal in shown, shown
    text = (tmp_path / "experiment.yaml").read_text()
    assert "misses=([0-9]+)', unit: cycles, better: lower" in text
    assert "These levels are made up: write your own." in text


def test_only_recipes_are_said_to_be_built(tmp_path: Path) -> None:
    for kernel, built in (("linux-image-cloud-amd64", False), ("linux-7.3-accel", True)):
        made = orchestrate("init", "--force", "--kernel", kernel, folder=tmp_path)
        assert made.returncode == 0, made.stderr
        assert ("orchestrate kernel build" in (tmp_path / "experiment.yaml").read_text()) == built


def test_four_times_enter_is_what_it_writes_without_a_terminal(tmp_path: Path) -> None:
    code, shown = on_a_terminal(tmp_path, answers="\n" * 4)
    assert code == 0, shown
    assert all(
        question in shown for question in ("What is measured?", "Where?", "Which kernels?", "How exact?")
    )
    (tmp_path / "other").mkdir()
    assert orchestrate("init", folder=tmp_path / "other").returncode == 0
    assert (tmp_path / "other/experiment.yaml").read_text() == (tmp_path / "experiment.yaml").read_text()


def test_it_asks_for_nothing_that_an_option_says(tmp_path: Path) -> None:
    words = ["--command", "prog", "--on", "local", "--precision", "quick"]
    code, shown = on_a_terminal(tmp_path, *words, answers="")
    assert (code, "?" in shown) == (0, False), shown


@pytest.mark.parametrize(
    "output",
    [
        ["--regex", "rate: ([0-9.]+)", "--command", "sh -c 'echo rate: {n}'"],
        ["--json", "a.rate", "--command", """sh -c 'printf "{{\\"a\\": {{\\"rate\\": 3}}}}"'"""],
    ],
)
def test_an_experiment_with_a_program_of_ones_own_runs(tmp_path: Path, output: list[str]) -> None:
    made = orchestrate("init", *output, "--on", "local", "--precision", "quick", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    ended = orchestrate("run", "experiment.yaml", "--set", "limits.settle=0", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert " trials ok" in ended.stdout


@pytest.mark.parametrize("command", ["./spin.sh {n}", "tools/../spin.sh {n}"])
def test_a_program_in_the_working_directory_is_found_from_wherever_it_is_run(
    tmp_path: Path, command: str
) -> None:
    program = tmp_path / "spin.sh"
    program.write_text("#!/bin/sh\necho time=1.$1\n")
    program.chmod(0o755)
    (tmp_path / "tools").mkdir()
    words = ["--command", command, "--on", "local", "--precision", "quick"]
    made = orchestrate("init", *words, folder=tmp_path)
    assert made.returncode == 0, made.stderr
    file = tmp_path / "experiment.yaml"
    ended = orchestrate("run", "../experiment.yaml", "--set", "limits.settle=0", folder=tmp_path / "tools")
    assert ended.returncode == 0, ended.stderr
    file.write_text(file.read_text().replace(str(program), "./spin.sh"))
    refused = orchestrate("validate", "../experiment.yaml", folder=tmp_path / "tools")
    assert refused.returncode == 2
    assert f"such as '{program}'" in refused.stderr


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


@pytest.mark.parametrize(("slower", "code"), [(1.001, 0), (1.2, 5)])
def test_the_workflow_compares_with_the_last_run_of_the_main_branch(
    scripts: list[tuple[str, str]], tmp_path: Path, slower: float, code: int
) -> None:
    def a_run(folder: Path, factor: float) -> None:
        trials = [trial({"mode": "serial"}, n, 3.0 / factor * (1 + n / 1e4), 600.0) for n in range(20)]
        write(folder, [replace(RUN, run=folder.name), BLOCK, *trials, END])

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
