"""The formats of a comparison. Each module is one format, found by its name.

A format has one function, ``render(compared: ComparisonReport) -> str``.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.report.comparison import ComparisonReport


def names() -> list[str]:
    """Return the names of all formats; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def render(compared: ComparisonReport, format_name: str) -> str:
    """Return the comparison in a format, one of :func:`names`, ending in a newline."""
    text: str = importlib.import_module(f"{__name__}.{format_name}").render(compared)
    return text
