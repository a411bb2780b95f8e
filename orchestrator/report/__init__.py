"""What is shown of a run. Each form is one module of :mod:`orchestrator.report.formats`, found by its name.

A form has one function, ``render(report: Report) -> str | bytes``; :func:`orchestrator.report.model.build` makes the
report.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from orchestrator.report import formats as forms

if TYPE_CHECKING:
    from orchestrator.report.model import Report


def format_names() -> list[str]:
    """Return the names of the forms there are; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(forms.__path__))


def render(report: Report, form: str) -> str | bytes:
    """Return the report in a form, one of :func:`format_names`: text that ends in a newline, or bytes."""
    rendered: str | bytes = importlib.import_module(f"{forms.__name__}.{form}").render(report)
    return rendered
