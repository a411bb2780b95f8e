"""``orchestrate help``: the manual page of a command, or its help."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from orchestrator.cli.output import echo
from orchestrator.cli.program import NAME


@click.command()
@click.argument("words", metavar="[COMMAND]...", nargs=-1)
@click.pass_context
def help(context: click.Context, words: tuple[str, ...]) -> None:
    """Show the manual page of a command, or its help.

    On a terminal, man shows the page, if it is installed. The help is that of `orchestrate COMMAND --help`. The name of
    a page, such as orchestrate-hosts-check, stands for its command.
    """
    assert context.parent is not None
    shown = context.parent
    assert isinstance(shown.command, click.Group)
    if len(words) == 1 and words[0] not in shown.command.commands and "-" in words[0]:
        words = tuple(words[0].removeprefix(f"{NAME}-").split("-"))
    for word in words:
        if not isinstance(shown.command, click.Group):
            raise click.UsageError(f"No such command {' '.join(words)!r}.")
        name, command, _ = shown.command.resolve_command(shown, [word])
        assert command is not None
        shown = click.Context(command, info_name=name, parent=shown)
    page = Path(sys.prefix, "share", "man", "man1", f"{'-'.join([NAME, *words])}.1")
    program = shutil.which("man")
    if program and page.is_file() and sys.stdout.isatty():
        os.execv(program, ["man", str(page)])  # nosec B606 # without a shell
    with shown:
        echo(shown.get_help())
