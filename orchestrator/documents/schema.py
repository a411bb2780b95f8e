"""Check documents against a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.documents.document import JSONSchema, Location, Node
from orchestrator.errors import Fault

_BASE = "json-schema:///"
"""Where jsonschema-rs has a schema without ``$id``."""


def check(
    node: Node, schema: JSONSchema, references: Mapping[str, JSONSchema] | None = None
) -> list[tuple[Location, Fault]]:
    """Return every fault of a document with the location of the invalid value.

    jsonschema takes longer to import than all else that a valid file needs: it is asked only about the others.

    :param references: further schemas, by their name in ``$ref``.
    """
    if _is_valid(node, schema, references or {}):
        return []
    from orchestrator.documents import schema_faults

    return schema_faults.find(node, schema, references or {})


def _is_valid(node: Node, schema: JSONSchema, references: Mapping[str, JSONSchema]) -> bool:
    """Whether jsonschema-rs accepts a document. It has no packages for some architectures of controllers."""
    try:
        import jsonschema_rs
    except ImportError:
        return False
    registry = jsonschema_rs.Registry([(f"{_BASE}{name}", dict(rules)) for name, rules in references.items()])
    validator = jsonschema_rs.Draft202012Validator(
        dict(schema), registry=registry, base_uri=_BASE, offline=True
    )
    try:
        return validator.is_valid(node.data())
    except ValueError:  # a string that is not Unicode
        return False
