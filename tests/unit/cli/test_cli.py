"""The command line: help of every command, suggestions, exit codes of invalid usage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from orchestrator import __version__
from orchestrator.cli import orchestrate as group
from tests.calls import orchestrate

COMMANDS = group.list_commands(None)  # type: ignore[arg-type]


def test_the_commands() -> None:
    assert {"plan", "report", "results", "run", "schema", "validate"} <= set(COMMANDS)


@pytest.mark.parametrize(
    "words", [[], *([command] for command in COMMANDS), ["results", "list"], ["results", "show"]]
)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_has_help(words: list[str], option: str) -> None:
    ended = orchestrate(*words, option)
    assert ended.returncode == 0
    assert ended.stdout.startswith(f"Usage: {' '.join(['orchestrate', *words])}")
    assert not ended.stderr


def test_the_old_name_of_an_option_is_not_in_the_help() -> None:
    shown = orchestrate("export", "--help").stdout
    assert "--directory" in shown
    assert "--folder" not in shown


def options_of(command: click.Command, name: str) -> Iterator[tuple[str, click.Option]]:
    """Yield every option of a command and of its subcommands, with the command's name."""
    yield from ((name, option) for option in command.params if isinstance(option, click.Option))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for inner in command.list_commands(context):
            subcommand = command.get_command(context, inner)
            assert subcommand is not None
            yield from options_of(subcommand, f"{name} {inner}")


def test_every_option_that_may_be_repeated_says_so_in_the_same_words() -> None:
    repeated = [(name, option) for name, option in options_of(group, "orchestrate") if option.multiple]
    assert len(repeated) > 5
    for name, option in repeated:
        assert (option.help or "").endswith(". May be repeated."), f"{name}: {option.opts}"


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
def test_invalid_usage_has_exit_code_2(tmp_path: Path, words: list[str], expected: str) -> None:
    ended = orchestrate(*words, folder=tmp_path)
    assert ended.returncode == 2
    assert expected in ended.stderr
    assert "Traceback" not in ended.stderr


def test_no_results(tmp_path: Path) -> None:
    ended = orchestrate("report", "latest", folder=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith("orchestrate: no runs in results")
