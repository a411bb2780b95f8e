"""``orchestrate init``: what it writes works, and overwrites nothing."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from orchestrator import starters
from orchestrator.cli import orchestrate as group
from tests.calls import orchestrate


@pytest.fixture(scope="module")
def workflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("ci")
    ended = orchestrate("init", "--ci", folder=folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "orchestrate init" in ended.stdout  # there is no experiment yet, and it says how to make one
    text = (folder / starters.WORKFLOW).read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.load(text, yaml.BaseLoader)
    return document


def scripts(workflow: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each job's name with each of its scripts."""
    for name, job in workflow["jobs"].items():
        for step in job["steps"]:
            if "run" in step:
                yield name, step["run"]


@pytest.mark.parametrize("words", [["init"], ["init", "--ci"]])
def test_nothing_is_overwritten(tmp_path: Path, words: list[str]) -> None:
    target = tmp_path / (starters.WORKFLOW if "--ci" in words else starters.EXPERIMENT)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("mine")
    ended = orchestrate(*words, folder=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "already exists" in ended.stderr
    assert target.read_text() == "mine"


@pytest.mark.parametrize("precision", list(starters.PRECISIONS))
@pytest.mark.parametrize(
    "place",
    [
        [],
        ["--kernel", "default", "--kernel", "linux-7.3-accel", "--kernel", "linux-image-cloud-amd64"],
        ["--on", "local"],
        ["--on", "me@machine:2222"],
        ["--on", "me@[::1]:22"],
    ],
    ids=lambda words: words[-1] if words else "guest",
)
@pytest.mark.parametrize(
    "what",
    [
        [],
        ["--command", "/opt/prog --n={n} 'a: b' {mode}"],
        ["--command", "prog", "--metric", "rate", "--unit", "GiB/s", "--regex", r"rate: +([0-9.]+) \"G"],
        ["--command", "sh -c 'echo {{}}'", "--metric", "rate", "--json", "totals.rate"],
    ],
    ids=["migbench", "key", "regex", "json"],
)
def test_each_combination_of_answers_is_a_good_experiment(
    tmp_path: Path, what: list[str], place: list[str], precision: str
) -> None:
    made = orchestrate("init", *what, *place, "--precision", precision, folder=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    checked = orchestrate("validate", "experiment.yaml", folder=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    words = shlex.split(made.stdout.splitlines()[-1].partition("; orchestrate ")[2])
    planned = orchestrate(*words, "--dry-run", folder=tmp_path)
    assert (planned.returncode, planned.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "better"),
    [
        *((["--unit", unit], "lower") for unit in ("seconds", "sec", "µs", "ns/page", "ms")),
        *((["--unit", unit], "higher") for unit in ("GiB/s", "pages/sec", "ops/min")),
        (["--unit", "cycles", "--better", "lower"], "lower"),
        (["--unit", "s", "--better", "higher"], "higher"),
    ],
)
def test_which_figures_are_better_is_as_the_unit_or_the_option_says(
    tmp_path: Path, words: list[str], better: str
) -> None:
    made = orchestrate("init", "--command", "prog", *words, folder=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    text = (tmp_path / starters.EXPERIMENT).read_text(encoding="utf-8")
    assert yaml.safe_load(text)["benchmark"]["metrics"]["time"]["better"] == better


@pytest.mark.parametrize(
    ("words", "message"),
    [
        *(
            (
                ["--command", "prog", "--unit", unit],
                f"--unit {unit}: say which figures are better, with --better",
            )
            for unit in ("cycles", "faults", "MiB", "%", "ms/s", "1/s/s")
        ),
        (
            ["--command", "prog", "--regex", "rate=[0-9]+"],
            "orchestrate: --regex: expected one group ( ) around the number",
        ),
        (["--command", "prog 'x"], "--command prog 'x: No closing quotation"),
        (["--command", "prog", "--regex", "(x)", "--json", "x"], "--regex and --json are mutually exclusive"),
        (
            ["--kernel", "linux-7.3-acel"],
            "orchestrate: --kernel: recipe 'linux-7.3-acel' not found; did you mean 'linux-7.3-accel'?",
        ),
        (["--on", "local", "--kernel", "running"], "only a guest boots a kernel here"),
        (["--command", "prog", "--metric", "a b"], "orchestrate: --metric: invalid key 'a b'"),
        (["--command", "prog {}"], "orchestrate: --command: unmatched brace in '{}'"),
        (["--command", "prog {a.b}"], "orchestrate: --command: invalid key 'a.b'"),
        (["--command", ""], "--command: empty"),
        (
            ["--command", "./prog", "--on", "me@machine"],
            "orchestrate: --command: relative path './prog' of a",
        ),
        *(
            (["--on", place], f"orchestrate: --on '{place}': expected guest, local or [user@]host[:port]")
            for place in ("qemu", "ec2", "bad host", "me@", "host:ssh")
        ),
        *(
            ([option, "x"], f"Error: {option} needs --command COMMAND")
            for option in ("--metric", "--unit", "--regex", "--json")
        ),
        (["--better", "lower", "--command", "migbench"], "Error: --better needs --command COMMAND"),
        (["--ci", "--command", "ls"], "Error: --ci and --command are mutually exclusive"),
        (["--ci", "--on", "local"], "Error: --ci and --on are mutually exclusive"),
        (["--precision", "high"], "is not one of 'quick', 'usual', 'exact'"),
    ],
)
def test_answers_that_make_no_experiment_write_none(tmp_path: Path, words: list[str], message: str) -> None:
    refused = orchestrate("init", *words, folder=tmp_path)
    assert (refused.returncode, message in refused.stderr) == (2, True), refused.stderr
    assert not list(tmp_path.iterdir())


def test_the_kernel_in_a_command_is_the_kernel_that_is_booted(tmp_path: Path) -> None:
    made = orchestrate("init", "--command", "./prog {kernel} {n}", folder=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    checked = orchestrate("validate", "experiment.yaml", folder=tmp_path)
    assert (checked.returncode, checked.stdout) == (0, "experiment.yaml: valid: 2 cells, 12 trials\n")


def test_an_existing_file_is_overwritten_with_force(tmp_path: Path) -> None:
    (tmp_path / starters.EXPERIMENT).write_text("mine")
    assert orchestrate("init", "--force", folder=tmp_path).returncode == 0
    assert orchestrate("validate", "experiment.yaml", folder=tmp_path).returncode == 0


def test_force_does_not_wait_for_the_reader_of_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "experiment.yaml")
    refused = orchestrate("init", "--force", folder=tmp_path)
    assert (refused.returncode, refused.stderr) == (2, "orchestrate: experiment.yaml: not a regular file\n")


def test_the_command_for_a_real_machine_in_the_example_is_accepted(tmp_path: Path) -> None:
    orchestrate("init", folder=tmp_path)
    text = (tmp_path / starters.EXPERIMENT).read_text(encoding="utf-8")
    (command,) = re.findall(r"orchestrate (run .*--host .*)", text)
    words = shlex.split(command)
    planned = orchestrate(*words, "--dry-run", folder=tmp_path)
    assert (planned.returncode, planned.stderr) == (0, "")
    option = words.index("--set")
    refused = orchestrate(*words[:option], *words[option + 2 :], "--dry-run", folder=tmp_path)
    assert refused.returncode == 2
    assert f"run with {shlex.join(words[option : option + 2])}, or use hosts whose" in refused.stderr


def test_the_workflow_runs_on_a_machine_of_ones_own_and_in_a_cloud(workflow: dict[str, Any]) -> None:
    assert workflow["jobs"]["numa"]["runs-on"] == ["self-hosted", "numa"]
    assert any("--provider ec2" in script for name, script in scripts(workflow) if name == "cloud")
    returned = [
        step for step in workflow["jobs"]["cloud"]["steps"] if "hosts down --orphans" in step.get("run", "")
    ]
    assert [step["if"] for step in returned] == ["always()"]
    for name in ("numa", "cloud"):
        assert any("--fail-on-regression 5%" in script for job, script in scripts(workflow) if job == name)


def test_the_workflow_says_what_is_missing_before_it_installs_another_package(
    workflow: dict[str, Any], tmp_path: Path
) -> None:
    """The name alone is on no package index; whoever took it there would be installed."""
    assert workflow["env"] == {"ORCHESTRATOR": "${{ vars.ORCHESTRATOR }}"}
    installs = [script for _, script in scripts(workflow) if "pip install" in script]
    assert len(installs) == 2
    for script in installs:
        before = script[: script.index(".venv/bin/pip")].replace("python3 -m venv .venv", "")
        install = next(line for line in script.splitlines() if "pip install" in line)
        done = subprocess.run(
            ["bash", "-ec", before + install.replace(".venv/bin/pip", "echo")],
            env={**os.environ, "ORCHESTRATOR": ""}, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode
        assert "set the variable ORCHESTRATOR" in done.stderr
        assert done.stdout == ""


def test_the_commands_of_the_workflow_exist(workflow: dict[str, Any]) -> None:
    verbs = set()
    for _, script in scripts(workflow):
        for line in re.findall(r"^\s*(orchestrate .*?)(?: >>? .*)?$", script, re.MULTILINE):
            _, verb, *words = shlex.split(line)
            parent = click.Context(group, **group.context_settings)
            command = group.get_command(parent, verb)
            assert command is not None, line
            command.make_context(verb, words, parent, resilient_parsing=False)
            verbs.add(verb)
    assert verbs == {"run", "report", "compare", "hosts"}
