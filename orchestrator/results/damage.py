"""Words for what is wrong with a JSON document of ours."""

from __future__ import annotations

import json
import re

from msgspec import ValidationError

_TYPES = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_WRONG_TYPE = re.compile(r"Expected `(.+)`, got `(.+)`")
_MISSING = re.compile(r"Object missing required field `(.+)`")
_NO_CHOICE = re.compile(r"Invalid enum value (.+)")


def plain(error: Exception) -> str:
    """Return what ``json`` or ``msgspec`` found, with its place: ``metrics.rate: expected a number, got a string``."""
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON (line {error.lineno}, column {error.colno})"
    if isinstance(error, KeyError):
        return f"missing key '{error.args[0]}'"
    if not isinstance(error, ValidationError):
        return "invalid content"
    text, _, place = str(error).partition(" - at ")
    place = place.strip("`").removeprefix("$").lstrip(".")
    if found := _WRONG_TYPE.fullmatch(text):
        fault = f"expected {_types(found[1])}, got {_types(found[2])}"
    elif found := _MISSING.fullmatch(text):
        fault = f"missing key '{found[1]}'"
    elif found := _NO_CHOICE.fullmatch(text):
        fault = f"invalid value {found[1]}"
    else:
        fault = "invalid value"
    return f"{place}: {fault}" if place else fault


def _types(names: str) -> str:
    return " or ".join(_TYPES.get(name, name) for name in names.split(" | "))
