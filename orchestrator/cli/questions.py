"""Questions on a terminal; what goes on meanwhile is not told between a question and its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from orchestrator.activities import muted
from orchestrator.cli.output import echo
from orchestrator.errors import BadInput


def ask(
    question: str,
    default: str | None = None,
    check: Callable[[str], None] = lambda _answer: None,
    **more: Any,
) -> str:
    """Return the answer. ``click.Abort`` on Ctrl-C and Ctrl-D.

    :param check: raises ``BadInput`` for an answer that cannot be: it is said why, and asked again.
    :param more: as for click's prompt.
    """
    while True:
        with muted():
            answer: str = click.prompt(question, default, err=True, **more)
        try:
            check(answer)
        except BadInput as error:
            echo(f"Error: {error}", err=True)
        else:
            return answer


def confirm(question: str) -> bool:
    """Return whether the answer is yes. ``click.Abort`` on Ctrl-C and Ctrl-D."""
    with muted():
        return click.confirm(question, err=True)
