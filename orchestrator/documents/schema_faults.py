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
from orchestrator.nearest import did_you_mean, nearest
from orchestrator.units import meant_share, plural

_MISSPELLED = 0.8
"""Similarity from which a key is taken for a misspelled one of its own section, not for one of another section."""

_OTHER_NAMES = {
    "cmd": "command",
    "parameters": "factors",
    "params": "factors",
    "pattern": "regex",
    "repeat": "repetitions",
    "repeats": "repetitions",
    "thp": "transparent_hugepages",
    "timeout": "trial",
    "variables": "factors",
}
"""Keys of other programs for the same."""

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
        unknown = sorted(set(value) - set(rule.get("properties", ())))
        section = _section_of(unknown, rule)
        for key in unknown[:1] if section else unknown:
            hint = (
                f"did you mean '{section}.{key}'?" if section else _hint(key, value, rule, location, schema)
            )
            position = node.key_position(*location, key)
            yield (*location, key), position.fault(f"unknown key '{key}'; {hint}")
    elif keyword == "required":
        unknown = [name for name in value if name not in rule.get("properties", value)]
        for key in [key for key in rule["required"] if key not in value]:
            if unknown and (key == _missing(value, rule) or get_close_matches(key, unknown, 1)):
                continue  # misspelled, which is a fault of its own
            described = rule.get("properties", {}).get(key, {}).get("description", "")
            message = f"missing required key '{key}'{': ' + described if described else ''}"
            yield location, node.nearest_position(*location).fault(message)
    elif keyword in ("minProperties", "maxProperties") and set(value) - set(rule.get("properties", value)):
        return  # an unknown key, which is a fault of its own
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
    if not candidates:
        return None
    best = min(candidates, key=len)
    words: Any = best[0].schema
    is_a_word = len(best) == 1 and best[0].validator == "enum" and not best[0].relative_path
    if is_a_word and len(branches) > 1 and not nearest(str(best[0].instance), map(str, words["enum"])):
        return None  # none of the words: what else it may be is said as well
    return best


def _missing(value: Mapping[str, Any], rule: JSONSchema) -> str:
    """Return the one required key that a mapping lacks; empty if it lacks none or several."""
    missing = [key for key in rule.get("required", ()) if key not in value]
    return missing[0] if len(missing) == 1 else ""


def _section_of(unknown: Sequence[str], rule: JSONSchema) -> str:
    """Return the key of a mapping that has all these unknown keys, if there are several."""
    inner = rule.get("properties", {}).items()
    found = (name for name, schema in inner if set(unknown) <= set(schema.get("properties", ())))
    return next(found, "") if len(unknown) > 1 else ""


def _hint(
    key: str, value: Mapping[str, Any], rule: JSONSchema, location: Location, schema: JSONSchema
) -> str:
    known = rule.get("properties", {})
    missing = _missing(value, rule)
    is_near = get_close_matches(key, known, n=1, cutoff=_MISSPELLED)
    if is_near or (missing and nearest(key, known) == missing):
        return did_you_mean(key, known)
    other = _OTHER_NAMES.get(key.lower())
    if other in known and other not in value:
        return f"did you mean '{other}'?"
    if missing:
        described = known.get(missing, {}).get("description", "")
        return f"required is '{missing}'{': ' + described if described else ''}"
    sections = [".".join(path) for path in _sections_with(key, schema) if path != location]
    if sections:
        return f"did you mean '{sections[0]}.{key}'?"
    return did_you_mean(key, known)


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
    if keyword == "maxProperties":
        return f"expected at most {plural(rule['maxProperties'], 'key')}; found {len(value)}"
    if keyword == "maxItems":
        return f"expected at most {rule['maxItems']} items; found {len(value)}"
    if keyword == "maximum" and str(rule["maximum"]) not in _expected(rule):
        return f"expected {_expected(rule)}, at most {rule['maximum']}; found {describe_value(value)}"
    is_share = rule.get("format") == "share" and isinstance(value, str | int | float)
    meant = meant_share(value) if is_share else ""
    if isinstance(value, int | float | str) and not isinstance(value, bool) and _takes_list(rule):
        meant = f"[{value}]"
    hint = f"; did you mean '{meant}'?" if meant else ""
    return f"expected {_expected(rule)}; found {describe_value(value)}{hint}"


def _takes_list(rule: JSONSchema) -> bool:
    """Whether a value is most likely one item of a list that is written without brackets."""
    lists = [other for other in (rule, *rule.get("anyOf", ())) if other.get("type") == "array"]
    return any("title" not in taken and taken.get("items", {}).get("type") != "object" for taken in lists)


def _expected(rule: JSONSchema) -> str:
    if "title" in rule:
        return str(rule["title"])
    if "const" in rule:
        return describe_value(rule["const"])
    types = rule.get("type", ())
    if types == "object" and rule.get("properties"):
        return f"a mapping (keys: {', '.join(sorted(rule['properties']))})"
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
