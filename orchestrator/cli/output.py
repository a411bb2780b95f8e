"""What reaches a terminal, or a pipe."""

from __future__ import annotations

import click

from orchestrator.terminal import visible


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text on stdout, or stderr, see :func:`visible`; ``nl``: with a line end."""
    click.echo(visible(str(text)), err=err, nl=nl)
