"""The templates, the style and the script of HTML pages."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

ROWS = 5000
"""Most rows of a table; a page with more is slow to sort."""


def page(template: str, **values: Any) -> str:
    """Return a page of this package that extends ``base.html``, with style and script; ``values`` are the template's.

    All text is escaped.
    """
    return (
        _environment()
        .get_template(template)
        .render(most_rows=ROWS, style=_verbatim("style.css"), script=_verbatim("table.js"), **values)
    )


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_file),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _verbatim(name: str) -> Markup:
    return Markup(_file(name))  # nosec B704 # a file of this package


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _printable(value: object) -> object:
    """Replace characters that HTML does not allow; text of benchmarks and hosts may contain any."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in value)
