"""The formats of several runs side by side. Each module is one format, found by its name.

A format has one function, ``render(runs: SideBySide) -> str``.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from orchestrator.errors import BadInput

if TYPE_CHECKING:
    from orchestrator.report.side_by_side import SideBySide


def names() -> list[str]:
    """Return the names of all formats; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def check(format_name: str) -> None:
    """Raise ``BadInput`` for a format of reports that shows one run only."""
    if format_name not in names():
        *first, last = names()
        raise BadInput(
            f"--format {format_name} shows one run; for several runs use {', '.join(first)} or {last}"
        )


def render(runs: SideBySide, format_name: str) -> str:
    """Return the runs in a format, one of :func:`names`, ending in a newline."""
    text: str = importlib.import_module(f"{__name__}.{format_name}").render(runs)
    return text
