"""Questions on a terminal; what goes on meanwhile is not told between a question and its answer."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.activities import muted


def ask(question: str, default: str | None = None, **more: Any) -> str:
    """Return the answer; ``more`` as for click's prompt. ``click.Abort`` on Ctrl-C and Ctrl-D."""
    with muted():
        answer: str = click.prompt(question, default, err=True, **more)
    return answer


def confirm(question: str) -> bool:
    """Return whether the answer is yes. ``click.Abort`` on Ctrl-C and Ctrl-D."""
    with muted():
        return click.confirm(question, err=True)
