"""docs/recipes.md: its files are valid, and its commands and their options exist."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

from orchestrator.cli import orchestrate as program
from tests.calls import orchestrate
from tests.pages import ROOT, Block, blocks

PAGE = ROOT / "docs" / "recipes.md"
BLOCKS = blocks(PAGE)
FILES = [block for block in BLOCKS if block.language == "yaml"]
EXPERIMENTS = [block for block in FILES if "inventory" not in block.words]
COMMANDS = [command for block in BLOCKS for command, _ in block.commands]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with all files of the page, and with those that they name."""
    for block in FILES:
        (tmp_path / block.title).write_text(block.text, encoding="utf-8")
    (tmp_path / "my-series").mkdir()
    (tmp_path / "my-series/0001-a.patch").write_text("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n")
    shutil.copy(ROOT / "roles/kernel/files/config/guest.config", tmp_path)
    return tmp_path


@pytest.mark.parametrize("block", EXPERIMENTS, ids=lambda block: block.title)
def test_a_file_is_a_complete_experiment(block: Block, place: Path) -> None:
    ended = orchestrate("validate", block.title, folder=place)
    assert (ended.returncode, ended.stderr) == (0, "")
    inventory = ["--inventory", "inventory.yaml"] if "group:" in block.text else []
    ended = orchestrate("plan", block.title, *inventory, folder=place)
    assert ended.returncode == 0, ended.stderr
    assert " trials, " in ended.stdout


def test_the_inventory_has_its_hosts(place: Path) -> None:
    ended = orchestrate("hosts", "list", "--inventory", "inventory.yaml", folder=place)
    assert ended.returncode == 0, ended.stderr
    assert len(re.findall(r"^numa\d\.example", ended.stdout, re.MULTILINE)) == 8


@pytest.mark.parametrize("line", sorted({line for line in COMMANDS if line.startswith("orchestrate ")}))
def test_a_command_has_its_options_and_its_files(line: str) -> None:
    _, *words = shlex.split(line)
    command: click.Command = program
    context = click.Context(command, info_name="orchestrate", **program.context_settings)
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, f"no command {words[0]!r}"
        command, words = found, words[1:]
        context = click.Context(command, parent=context, info_name=command.name)
    options, arguments, _ = command.make_parser(context).parse_args(list(words))
    for parameter in command.params:
        if isinstance(parameter.type, click.Choice) and options.get(str(parameter.name)):
            parameter.type_cast_value(context, options[str(parameter.name)])
    titles = {block.title for block in FILES} | {"experiment.yaml"}
    assert {word for word in arguments if word.endswith(".yaml")} <= titles
    assert "--" not in " ".join(arguments)


def test_each_recipe_is_a_question_an_answer_and_a_reason() -> None:
    _, *recipes = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(recipes) >= 10
    for recipe in recipes:
        assert "\n```" in recipe, recipe
        assert "\nWhy: " in recipe, recipe
