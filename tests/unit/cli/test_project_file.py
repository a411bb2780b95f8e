"""``orchestrate.yaml``: defaults of a project, found upwards as git finds its directory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from orchestrator.cli import orchestrate as group
from orchestrator.project import file as project_file
from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, trial, write

EXPERIMENT = "version: 1\nbenchmark: {command: [sh, -c, 'echo x=1'], metrics: {x: {key_value: x, unit: s}}}\n"
PAGE = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text()
SCHEMA = json.loads(Path(project_file.__file__).with_name("schema.json").read_text())
COMMANDS: dict[str, Any] = SCHEMA["properties"]["defaults"]["properties"]
NEVER = (
    "set",
    "break-lock",
    "allow-local-changes",
    "host",
    "where",
    "first",
    "limit",
    "new",
    "resume",
    "provider",
)
"""What changes what is run, or where, and what a run may change."""


def options_of(name: str) -> Iterator[tuple[str, click.Option]]:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield max(parameter.opts, key=len).lstrip("-"), parameter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory below that of the project file."""
    (tmp_path / "hosts.ini").write_text("[numa]\nn1\nn2\n")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (below / "a.yaml").write_text(EXPERIMENT)
    return below


def project(folder: Path, text: str) -> Path:
    path = folder.parents[1] / "orchestrate.yaml"
    path.write_text(text)
    return path


def hosts(folder: Path, *words: str, **environment: str) -> list[str]:
    ended = orchestrate("hosts", "list", *words, folder=folder, **environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    return [line.split()[0] for line in ended.stdout.splitlines()[2:]]


def test_option_then_environment_then_project_then_built_in(folder: Path) -> None:
    project(folder, "inventory: hosts.ini\n")
    (folder / "other.ini").write_text("n3\n")
    assert hosts(folder) == ["n1", "n2"]
    assert hosts(folder, ORCHESTRATE_INVENTORY="other.ini") == ["n3"]
    assert hosts(folder, "-i", "n4,", ORCHESTRATE_INVENTORY="other.ini") == ["n4"]
    (folder / "orchestrate.yaml").write_text("{}\n")  # the nearest one is used
    assert orchestrate("hosts", "list", folder=folder).stderr.startswith("no hosts; select an inventory")


def test_options_of_commands_and_the_results(folder: Path) -> None:
    project(folder, "results: data\ndefaults: {plan: {format: jsonl}}\n")
    assert orchestrate("plan", "a.yaml", folder=folder).stdout.startswith("{")
    assert not orchestrate("plan", "a.yaml", "--format", "table", folder=folder).stdout.startswith("{")
    refused = orchestrate("report", "latest", folder=folder)
    assert refused.stderr.startswith(f"orchestrate: no runs in {folder.parents[1] / 'data'};")
    assert "[default: jsonl]" in " ".join(orchestrate("plan", "--help", folder=folder).stdout.split())


def test_a_list_of_hosts_and_a_missing_file(folder: Path) -> None:
    path = project(folder, "inventory: n1,n2,\n")
    assert hosts(folder) == ["n1", "n2"]
    names = [f"node{number}.cluster.example.org" for number in range(12)]
    project(folder, f"inventory: '{','.join(names)}'\n")
    assert hosts(folder) == names, "longer than the name of a file"
    project(folder, "inventory: none.ini\n")
    refused = orchestrate("hosts", "list", folder=folder)
    missing = path.with_name("none.ini")
    assert (refused.returncode, refused.stderr) == (
        2,
        f"{path}:1:12: inventory: {missing}: No such file or directory\n",
    )
    assert orchestrate("results", "list", folder=folder).returncode == 0, "it uses no inventory"


def test_a_run_that_uses_the_inventory_says_so_with_v(folder: Path) -> None:
    path = project(folder, "inventory: hosts.ini\n")
    words = ("run", "a.yaml", "--dry-run")
    line = f"orchestrate: inventory: {path.with_name('hosts.ini')}, from {path}\n"
    assert orchestrate(*words, "-v", "--host", "n1", folder=folder).stderr == line
    assert orchestrate(*words, "-v", folder=folder).stderr == "", "this machine is no host of the inventory"
    assert orchestrate(*words, "--host", "n1", folder=folder).stderr == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("invntory: x", ":1:1: unknown key 'invntory'; did you mean 'inventory'?"),
        ("results: 5", ":1:10: expected a string of 1 or more characters; found the number 5"),
        ("defaults: {revew: {}}", ":1:12: unknown key 'revew'; did you mean 'review'?"),
        (
            "defaults:\n  run: {format: markdwn}",
            ":2:17: expected one of csv, html, json, junit, latex, mail, markdown, parquet, table; found the string "
            "'markdwn'; did you mean 'markdown'?",
        ),
        (
            "defaults: {compare: {margin: 5}}",
            ":1:30: expected a percentage such as 5%; found the number 5",
        ),
        ("a: [", ":2:1: invalid YAML: "),
        (EXPERIMENT, ": this is an experiment, and a file of this name has the defaults of a project; rename it"),
    ],
)  # fmt: skip
def test_faults_are_those_of_experiment_files(folder: Path, text: str, message: str) -> None:
    path = project(folder, text + "\n")
    refused = orchestrate("results", "list", folder=folder)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    name = "" if message[1].isdigit() else "orchestrate: "  # a line with a position begins with it
    assert refused.stderr.startswith(f"{name}{path}{message}")
    for words in (("--help",), ("results", "list", "--help"), ("--version",)):
        assert orchestrate(*words, folder=folder).returncode == 0


@pytest.mark.parametrize("key", ["inventory", "ssh_config"])
def test_a_file_that_is_missing_counts_when_it_is_used(folder: Path, key: str) -> None:
    path = project(folder, f"{key}: none.ini\n")
    other = "-i", "n1,"
    if key == "ssh_config":
        (folder / "own").touch()
        other = "--ssh-config", "own"
        assert orchestrate("hosts", "list", "n1", *other, folder=folder).returncode == 0
    else:
        assert hosts(folder, *other) == ["n1"]
    for words in ((), ("--host", "local"), ("--host", "n1", *other)):
        planned = orchestrate("plan", "a.yaml", *words, folder=folder)
        assert (planned.returncode, planned.stderr) == (0, ""), words
    refused = orchestrate("plan", "a.yaml", "--host", "n1", folder=folder)
    missing = path.with_name("none.ini")
    assert (refused.returncode, refused.stderr) == (
        2,
        f"orchestrate: {path}: {key}: {missing}: No such file or directory\n",
    )


def test_a_default_gives_way_to_what_excludes_it(folder: Path) -> None:
    project(folder, "results: data\ndefaults: {compare: {metric: [time]}, report: {format: mail}}\n")
    run = write(folder.parents[1] / "data" / "a" / "20261123T101500000Z-aaaa", [RUN, BLOCK, trial({}), END])
    compared = orchestrate("compare", "--published", "latest", folder=folder)
    assert compared.stderr.startswith(f"orchestrate: run {run.name} has no published figures")
    asked = orchestrate("compare", "--published", "latest", "--metric", "time", folder=folder)
    assert "--metric cannot be used with --published" in asked.stderr
    assert "for several runs use" not in orchestrate("report", "latest", "latest", folder=folder).stderr
    asked = orchestrate("report", "latest", "latest", "--format", "mail", folder=folder)
    assert "--format mail shows one run; for several runs use" in asked.stderr


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "---\n"])
def test_an_empty_file_sets_nothing(folder: Path, text: str) -> None:
    project(folder, "inventory: hosts.ini\n")
    (folder / "orchestrate.yaml").write_text(text)
    listed = orchestrate("hosts", "list", folder=folder)
    assert (listed.returncode, listed.stderr) == (0, "no hosts; select an inventory with --inventory\n")


def test_a_directory_of_its_name(folder: Path) -> None:
    path = folder / "orchestrate.yaml"
    path.mkdir()
    refused = orchestrate("hosts", "list", folder=folder)
    assert (refused.returncode, refused.stderr) == (2, f"orchestrate: {path}: Is a directory\n")


FAULTY = "defaults: {reprt: {}}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("help",),
        ("help", "run"),
        ("help", "hosts", "list"),
        ("schema",),
        ("completion", "bash"),
        ("hosts", "list", "-h"),
        ("hosts", "-h"),
        ("run", "a.yaml", "-h"),
    ],
)
def test_commands_without_defaults_and_help_do_without_a_valid_file(
    folder: Path, words: tuple[str, ...]
) -> None:
    path = project(folder, FAULTY)
    for _ in range(2):
        ended = orchestrate(*words, folder=folder)
        assert (ended.returncode, ended.stderr) == (0, "")
        path.chmod(0o646)


@pytest.mark.parametrize(
    "words",
    [
        ("report", "latest", "-o", "-h"),
        ("shell", "a.yaml", "--", "df", "-h"),
        ("results", "show", "--", "-h"),
    ],
)
def test_a_word_that_is_not_the_option_help_is_no_help(folder: Path, words: tuple[str, ...]) -> None:
    path = project(folder, FAULTY)
    refused = orchestrate(*words, folder=folder)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == f"{path}:1:12: unknown key 'reprt'; did you mean 'report'?\n"


def refused(folder: Path, text: str) -> str:
    project(folder, text)
    ended = orchestrate("plan", "a.yaml", folder=folder)
    assert (ended.returncode, ended.stdout) == (2, "")
    return ended.stderr


@pytest.mark.parametrize(
    ("command", "option"),
    [(name, option) for name in COMMANDS for option, _ in options_of(name) if option in NEVER],
)
def test_what_a_file_found_upwards_must_not_do(folder: Path, command: str, option: str) -> None:
    assert f"unknown key '{option}'" in refused(folder, f"defaults: {{{command}: {{{option}: true}}}}\n")


def test_each_option_that_a_file_must_not_set_is_one_of_a_command_with_defaults() -> None:
    assert set(NEVER) <= {option for name in COMMANDS for option, _ in options_of(name)}


@pytest.mark.parametrize("command", ["hosts", "kernel", "results", "role", "shell"])
def test_commands_that_change_hosts_or_remove_runs_have_no_defaults(folder: Path, command: str) -> None:
    assert f"unknown key '{command}'" in refused(folder, f"defaults: {{{command}: {{}}}}\n")


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


def linked(path: Path) -> Path:
    """Replace the project file by a link to it."""
    target = path.rename(path.with_name("valid.yaml"))
    path.symlink_to(target)
    return path


def test_a_link_of_the_user_is_followed(folder: Path) -> None:
    linked(project(folder, "inventory: hosts.ini\n"))
    assert hosts(folder) == ["n1", "n2"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path: path.chmod(0o646), "everybody may write to it"),
        (lambda path: path.parent.chmod(0o1777), "everybody may write to its directory"),
        pytest.param(lambda path: os.chown(path, 12345, -1), "it belongs to another user", marks=AS_ROOT),
        pytest.param(
            lambda path: os.chown(path.parent, 12345, -1),
            "its directory belongs to another user",
            marks=AS_ROOT,
        ),
        pytest.param(
            lambda path: os.chown(linked(path), 12345, -1, follow_symlinks=False),
            "it is a link that belongs to another user",
            marks=AS_ROOT,
        ),
        pytest.param(
            lambda path: os.chown(linked(path), 12345, -1),
            "it is a link to a file of another user",
            marks=AS_ROOT,
        ),
        (lambda path: linked(path).chmod(0o646), "everybody may write to it"),
        (lambda path: (path.unlink(), path.symlink_to("nowhere")), "No such file or directory"),
    ],
)
def test_a_file_that_others_may_have_written_is_ignored(folder: Path, change: Any, reason: str) -> None:
    path = project(folder, "inventory: hosts.ini\n")
    change(path)
    ended = orchestrate("hosts", "list", folder=folder)
    first, *rest = ended.stderr.splitlines()
    assert first == f"orchestrate: {path}: ignored: {reason}"
    assert rest == ["no hosts; select an inventory with --inventory"]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_schema_has_the_options_of_the_commands(name: str) -> None:
    known = dict(options_of(name))
    for option, rule in COMMANDS[name]["properties"].items():
        kind = known[option].type
        assert rule.get("enum") == (list(kind.choices) if isinstance(kind, click.Choice) else None)
        assert (rule.get("type") == "array") == known[option].multiple


def test_the_page_has_the_example_and_all_options(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "orchestrate.yaml").write_text(example)
    assert project_file.read(tmp_path / "orchestrate.yaml").defaults["run"] == {"verbose": 1}
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE))
    assert rows == {
        name: ", ".join(f"`{key}`" for key in sorted(rule["properties"])) for name, rule in COMMANDS.items()
    }


def test_a_command_without_a_project_file_reads_no_yaml(tmp_path: Path) -> None:
    program = (
        "import sys; from orchestrator import cli\n"
        "try: cli.main()\n"
        "finally: print(sorted({'yaml', 'jsonschema_rs', 'orchestrator.project.file'} & set(sys.modules)))"
    )
    for words in (("--version",), ("results", "list", "--help")):
        ended = subprocess.run(
            [sys.executable, "-c", program, *words], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert ended.stdout.splitlines()[-1] == "[]"
