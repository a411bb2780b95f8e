"""The templates, the style and the script of HTML pages."""

from __future__ import annotations

from importlib.resources import files

import jinja2
from markupsafe import Markup


def environment() -> jinja2.Environment:
    """Return the environment of the templates of this package; everything that they print is escaped."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_file),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def verbatim(name: str) -> Markup:
    """Return a file of this package as it is."""
    return Markup(_file(name))  # nosec B704 # a file of this package


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _printable(value: object) -> object:
    """Replace characters that HTML does not allow; text of benchmarks and hosts may contain any."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in value)
