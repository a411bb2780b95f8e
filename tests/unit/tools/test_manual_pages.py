"""The manual pages that a release installs: one for each command, without faults of roff."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from orchestrator.cli import orchestrate as group
from tests.calls import orchestrate

ROOT = Path(__file__).parents[3]


def commands(
    command: click.Command, words: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, (*words, name))


COMMANDS = dict(commands(group, ("orchestrate",)))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages") / "man1"
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1790000000"}
    subprocess.run([sys.executable, ROOT / "tools" / "build-man", folder], check=True, env=environment)
    return folder


def test_each_command_has_a_page_with_all_its_options(pages: Path) -> None:
    assert {path.stem for path in pages.iterdir()} == {"-".join(words) for words in COMMANDS}
    for words, command in COMMANDS.items():
        page = (pages / f"{'-'.join(words)}.1").read_text().replace("\\-", "-")
        assert f"{'-'.join(words)} - " in page
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert all(f"\\fB{name}\\fR" in page for name in option.opts), (words, option)


def test_the_page_of_the_program_has_the_exit_codes(pages: Path) -> None:
    lines = (pages / "orchestrate.1").read_text().partition(".SH EXIT STATUS")[2].splitlines()
    assert lines[1:7] == [".TP", r"\fB0\fR", "success; run: all trials ok", ".TP", r"\fB1\fR", lines[6]]
    assert r"\fB130\fR" in lines


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="no mandoc")
def test_mandoc_finds_no_faults(pages: Path) -> None:
    words = ["mandoc", "-T", "lint", "-W", "warning", *sorted(pages.iterdir())]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.returncode) == ("", 0)


@pytest.mark.skipif(
    shutil.which("man") is None or shutil.which("groff") is None, reason="no man-db and groff"
)
def test_man_warns_of_nothing(pages: Path) -> None:
    for page in pages.iterdir():
        words = ["man", "--warnings", "-E", "UTF-8", "-l", str(page)]
        ended = subprocess.run(
            words, capture_output=True, text=True, check=True, env={**os.environ, "MANWIDTH": "80"}
        )
        assert not ended.stderr, page
        assert "NAME" in ended.stdout


def test_help_without_a_terminal_is_that_of_the_command() -> None:
    for words in ((), ("run",), ("hosts", "check")):
        assert orchestrate("help", *words).stdout.strip() == orchestrate(*words, "--help").stdout.strip()
    pages = [orchestrate("help", page).stdout for page in ("hosts-check", "orchestrate-hosts-check")]
    assert pages == [orchestrate("help", "hosts", "check").stdout] * 2
    refused = orchestrate("help", "rum")
    assert refused.returncode == 2
    assert "No such command 'rum'. Did you mean 'run'?" in refused.stderr
    assert orchestrate("help", "run", "fast").returncode == 2
