"""Reports of runs. Each format is one module of :mod:`orchestrator.report.formats`, found by its name.

A format has one function, ``render(report: Report) -> str | bytes``. :func:`orchestrator.report.model.open_report`
opens a report.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from orchestrator.report import formats

if TYPE_CHECKING:
    from orchestrator.report.model import Report


def format_names() -> list[str]:
    """Return the names of all formats; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(formats.__path__))


def render(report: Report, format_name: str) -> str | bytes:
    """Return the report in a format, one of :func:`format_names`: text that ends in a newline, or bytes."""
    rendered: str | bytes = importlib.import_module(f"{formats.__name__}.{format_name}").render(report)
    return rendered
