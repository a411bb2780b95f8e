"""Find and explain what a JSON Schema refuses: each fault is one line with a position and the expected value."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from referencing import Registry, Resource

from orchestrator.documents.document import JSONSchema, Location, Node, describe_value
from orchestrator.errors import Fault
from orchestrator.nearest import did_you_mean
from orchestrator.units import meant_share, plural

_MISSPELLED = 0.8
"""Similarity from which a key is taken for a misspelled one of its own section, not for one of another section."""

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


def find(
    node: Node, schema: JSONSchema, references: Mapping[str, JSONSchema]
) -> list[tuple[Location, Fault]]:
    """Return every fault of a document with the location of the invalid value.

    :param references: further schemas, by their name in ``$ref``.
    """
    resources = {name: Resource.from_contents(dict(rules)) for name, rules in references.items()}
    registry: Registry[Any] = Registry().with_resources(resources.items())
    validator = _Validator(schema, registry=registry)
    # Two places with an alias of one value have the same fault.
    found = (found for error in validator.iter_errors(node.data()) for found in _explain(error, node, schema))
    return list(dict.fromkeys(found))


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: JSONSchema) -> Iterator[ValidationError]:
    """Match ``$`` at the end of the string only; Python also matches it before a final newline."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def _explain(error: ValidationError, node: Node, schema: JSONSchema) -> Iterator[tuple[Location, Fault]]:
    location: Location = tuple(error.absolute_path)
    keyword = str(error.validator)
    rule: Any = error.schema
    value: Any = error.instance
    if keyword in ("anyOf", "oneOf") and error.context:
        branch = _best_branch(error.context)
        if branch:
            for inner in branch:
                yield from _explain(inner, node, schema)
            return
    if "propertyNames" in list(error.absolute_schema_path)[-3:] and isinstance(value, str):
        position = node.key_position(*location, value)
        yield (*location, value), position.fault(f"invalid key '{value}'; expected {_expected(rule)}")
    elif keyword == "additionalProperties":
        for key in sorted(set(value) - set(rule.get("properties", ()))):
            position = node.key_position(*location, key)
            yield (*location, key), position.fault(_unknown_key_message(key, rule, location, schema))
    elif keyword == "required":
        unknown = [name for name in value if name not in rule.get("properties", value)]
        for key in [key for key in rule["required"] if key not in value]:
            if get_close_matches(key, unknown, 1):
                continue  # misspelled, which is a fault of its own
            described = rule.get("properties", {}).get(key, {}).get("description", "")
            message = f"missing required key '{key}'{': ' + described if described else ''}"
            yield location, node.nearest_position(*location).fault(message)
    else:
        yield location, node.nearest_position(*location).fault(_value_message(keyword, rule, value))


def _best_branch(context: Sequence[ValidationError]) -> list[ValidationError] | None:
    """Return the errors of the alternative with the right type and the fewest errors; None if no type fits."""
    branches: dict[Any, list[ValidationError]] = defaultdict(list)
    for error in context:
        branches[error.relative_schema_path[0]].append(error)
    candidates = [
        errors
        for errors in branches.values()
        if not any(error.validator == "type" and not error.relative_path for error in errors)
    ]
    return min(candidates, key=len) if candidates else None


def _unknown_key_message(key: str, rule: JSONSchema, location: Location, schema: JSONSchema) -> str:
    known = rule.get("properties", {})
    sections = [".".join(path) for path in _sections_with(key, schema) if path != location]
    if sections and not get_close_matches(key, known, n=1, cutoff=_MISSPELLED):
        return f"unknown key '{key}'; did you mean '{sections[0]}.{key}'?"
    return f"unknown key '{key}'; {did_you_mean(key, known)}"


def _sections_with(key: str, schema: JSONSchema, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the mappings below the top level that accept ``key``."""
    for name, inner in schema.get("properties", {}).items():
        alternatives = [inner, *inner.get("anyOf", ())]
        if any(key in alternative.get("properties", {}) for alternative in alternatives):
            yield (*path, name)
        yield from _sections_with(key, inner, (*path, name))


def _value_message(keyword: str, rule: JSONSchema, value: Any) -> str:
    if keyword == "enum":
        options = [str(option) for option in rule["enum"]]
        hint = f"; {did_you_mean(value, options)}" if isinstance(value, str) else ""
        hint = hint if "did you mean" in hint else ""
        return f"expected one of {', '.join(options)}; found {describe_value(value)}{hint}"
    if keyword in ("minItems", "minProperties"):
        noun = "item" if keyword == "minItems" else "key"
        size = plural(len(value), noun) if value else describe_value(value).replace("a ", "an empty ")
        expected = _expected(rule) if "title" in rule else f"at least {plural(rule[keyword], noun)}"
        return f"expected {expected}; found {size}"
    if keyword == "uniqueItems":
        duplicate = next(item for index, item in enumerate(value) if item in value[:index])
        return f"duplicate item: {describe_value(duplicate)}"
    if keyword == "maxItems":
        return f"expected at most {rule['maxItems']} items; found {len(value)}"
    if keyword == "maximum" and str(rule["maximum"]) not in _expected(rule):
        return f"expected {_expected(rule)}, at most {rule['maximum']}; found {describe_value(value)}"
    is_share = rule.get("format") == "share" and isinstance(value, str | int | float)
    meant = meant_share(value) if is_share else ""
    hint = f"; did you mean '{meant}'?" if meant else ""
    return f"expected {_expected(rule)}; found {describe_value(value)}{hint}"


def _expected(rule: JSONSchema) -> str:
    if "title" in rule:
        return str(rule["title"])
    if "const" in rule:
        return describe_value(rule["const"])
    types = rule.get("type", ())
    described = " or ".join(_TYPES[name] for name in ([types] if isinstance(types, str) else types))
    if "minimum" in rule and "maximum" in rule:
        return f"{described} from {rule['minimum']} to {rule['maximum']}"
    bounds = [text.format(rule[key]) for key, text in _BOUNDS.items() if key in rule]
    return " ".join([described or "another value", " and ".join(bounds)]).strip()


_BOUNDS = {
    "minimum": ">= {}",
    "maximum": "<= {}",
    "exclusiveMinimum": "> {}",
    "exclusiveMaximum": "< {}",
    "pattern": "that matches {}",
    "minLength": "of {} or more characters",
    "minItems": "of {} or more items",
    "minProperties": "of {} or more keys",
}
