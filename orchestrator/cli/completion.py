"""``orchestrate completion``: the completion of this program's words in a shell."""

from __future__ import annotations

import os
from pathlib import Path

import click

from orchestrator.cli.complete import VARIABLE
from orchestrator.cli.output import echo
from orchestrator.cli.program import NAME
from orchestrator.errors import BadInput, HostError

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.option(
    "--install",
    is_flag=True,
    help="Write the script to the directory where the shell looks for those of its user, and print what is left to do.",
)
def completion(shell: str | None, install: bool) -> None:
    """Print or install the script for shell completion.

    Without an argument, it is that of the shell in the environment variable SHELL.
    """
    shell = shell or Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS:
        raise BadInput(
            f"no completion for this shell ({shell or 'SHELL is not set'}); name one: {', '.join(SHELLS)}"
        )
    script = _script(shell)
    if not install:
        echo(script, nl=False)
        return
    path = _place(shell)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script, encoding="utf-8")
    except OSError as error:
        raise HostError(f"{error.filename or path}: {error.strerror}") from None
    echo(f"wrote {path}; new shells use it{_TO_DO[shell].format(path=path, folder=path.parent)}")


_TO_DO = {
    "bash": " if the package bash-completion is installed; else add to ~/.bashrc: . {path}",
    "zsh": " if ~/.zshrc has, before compinit: fpath=({folder} $fpath)",
    "fish": "",
}


def _script(shell: str) -> str:
    from click.shell_completion import get_completion_class

    from orchestrator.cli import orchestrate

    kind = get_completion_class(shell)
    assert kind is not None
    made = kind(orchestrate, {}, NAME, VARIABLE)
    return f"{(made.source_template % made.source_vars()).strip()}\n"


def _place(shell: str) -> Path:
    """Return the file in which a shell looks for the completion of this program."""
    data = _base("XDG_DATA_HOME", ".local/share")
    return {
        "bash": data / "bash-completion" / "completions" / NAME,
        "zsh": data / "zsh" / "site-functions" / f"_{NAME}",
        "fish": _base("XDG_CONFIG_HOME", ".config") / "fish" / "completions" / f"{NAME}.fish",
    }[shell]


def _base(variable: str, default: str) -> Path:
    """Return a base directory of the XDG specification, which says to ignore a relative one."""
    named = Path(os.environ.get(variable, ""))
    return named if named.is_absolute() else Path.home() / default
