"""JSON Schema over documents: each fault is one line, with its position and what was expected."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from referencing import Registry, Resource

from orchestrator.documents.document import Node, describe_value
from orchestrator.errors import Fault
from orchestrator.nearest import did_you_mean

JSONSchema = Mapping[str, Any]
#: where in a document a fault lies
Location = tuple[str | int, ...]

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def check(
    node: Node, schema: JSONSchema, references: Mapping[str, JSONSchema] | None = None
) -> list[tuple[Location, Fault]]:
    """Return every fault of a document, each with the location of the wrong value.

    :param references: further schemas, by the name that ``$ref`` gives them.
    """
    resources = {name: Resource.from_contents(dict(known)) for name, known in (references or {}).items()}
    registry: Registry[Any] = Registry().with_resources(resources.items())
    validator = _Validator(schema, registry=registry)
    found: dict[Fault, Location] = {}
    for error in validator.iter_errors(node.data()):
        for location, fault in _explain(error, node, schema):
            found.setdefault(fault, location)
    return [(location, fault) for fault, location in found.items()]


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: JSONSchema) -> Iterator[ValidationError]:
    """As the specification has it: ``$`` is the end, not also the place before a last line break."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def _explain(error: ValidationError, node: Node, schema: JSONSchema) -> Iterator[tuple[Location, Fault]]:
    location: Location = tuple(error.absolute_path)
    keyword = str(error.validator)
    rule: Any = error.schema
    found: Any = error.instance
    if keyword in ("anyOf", "oneOf") and error.context:
        branch = _branch_meant(error.context)
        if branch:
            for inner in branch:
                yield from _explain(inner, node, schema)
            return
    if "propertyNames" in list(error.absolute_schema_path)[-3:] and isinstance(found, str):
        position = node.key_position(*location, found)
        yield (*location, found), position.fault(f"'{found}' is not {_expected(rule)}")
    elif keyword == "additionalProperties":
        for key in sorted(set(found) - set(rule.get("properties", ()))):
            position = node.key_position(*location, key)
            yield (*location, key), position.fault(_unknown_key(key, rule, location, schema))
    elif keyword == "required":
        for key in [key for key in rule["required"] if key not in found]:
            described = rule.get("properties", {}).get(key, {}).get("description", "")
            message = f"key '{key}' is missing{': ' + described if described else ''}"
            yield location, node.nearest_position(*location).fault(message)
    else:
        yield location, node.nearest_position(*location).fault(_wrong_value(keyword, rule, found))


def _branch_meant(context: Sequence[ValidationError]) -> list[ValidationError] | None:
    """Return the faults of the one alternative that fits the type of the value best, None if no type fits."""
    branches: dict[Any, list[ValidationError]] = defaultdict(list)
    for error in context:
        branches[error.relative_schema_path[0]].append(error)
    fitting = [
        errors
        for errors in branches.values()
        if not any(error.validator == "type" and not error.relative_path for error in errors)
    ]
    return min(fitting, key=len) if fitting else None


def _unknown_key(key: str, rule: JSONSchema, location: Location, schema: JSONSchema) -> str:
    elsewhere = [".".join(path) for path in _homes(key, schema) if path != location]
    if elsewhere:
        return f"unknown key '{key}' here; it belongs under '{elsewhere[0]}'"
    return f"unknown key '{key}'; {did_you_mean(key, rule.get('properties', {}))}"


def _homes(key: str, schema: JSONSchema, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the mappings below the top in which ``key`` is known."""
    for name, inner in schema.get("properties", {}).items():
        alternatives = [inner, *inner.get("anyOf", ())]
        if any(key in alternative.get("properties", {}) for alternative in alternatives):
            yield (*path, name)
        yield from _homes(key, inner, (*path, name))


def _wrong_value(keyword: str, rule: JSONSchema, found: Any) -> str:
    if keyword == "enum":
        options = [str(option) for option in rule["enum"]]
        hint = f"; {did_you_mean(found, options)}" if isinstance(found, str) else ""
        hint = hint if "did you mean" in hint else ""
        return f"expected one of {', '.join(options)}; found {describe_value(found)}{hint}"
    if keyword in ("minItems", "minProperties"):
        size = f"has {len(found)} only" if found else "is empty"
        return (
            f"{size}; expected {_expected(rule)}"
            if "title" in rule
            else f"{size}; give at least {rule[keyword]}"
        )
    if keyword == "uniqueItems":
        twice = next(item for index, item in enumerate(found) if item in found[:index])
        return f"{describe_value(twice)} is listed twice"
    if keyword == "maxItems":
        return f"has {len(found)} levels; the most is {rule['maxItems']}"
    return f"expected {_expected(rule)}; found {describe_value(found)}"


def _expected(rule: JSONSchema) -> str:
    if "title" in rule:
        return str(rule["title"])
    if "const" in rule:
        return describe_value(rule["const"])
    types = rule.get("type", ())
    described = " or ".join(_TYPES[name] for name in ([types] if isinstance(types, str) else types))
    bounds = [f"{word} {rule[key]}" for key, word in _BOUNDS.items() if key in rule]
    return " ".join([described or "another value", *bounds])


_BOUNDS = {
    "minimum": "from",
    "maximum": "to",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
    "pattern": "like",
    "minLength": "with characters at least",
    "minItems": "with items at least",
    "minProperties": "with keys at least",
}
