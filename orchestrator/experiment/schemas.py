"""The JSON Schemas of experiment files, benchmarks and recipes."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator.documents import schema
from orchestrator.documents.document import JSONSchema, Location, Node
from orchestrator.errors import Fault

_FOLDER = Path(__file__).parent


def experiment(
    provider_options: Mapping[str, JSONSchema] | None = None, sections: Container[str] | None = None
) -> dict[str, Any]:
    """Return the schema of an experiment file, including the sections of the given providers.

    Without providers, any section under ``hosts`` is accepted.

    :param sections: the sections of the file, so that no other provider is asked for its schema; None: all.
    """
    rules = _read("schema.json")
    if provider_options:
        hosts = rules["properties"]["hosts"]
        hosts["additionalProperties"] = False
        for name in sorted(provider_options):
            hosts["properties"][name] = provider_options[name] if sections is None or name in sections else {}
        hosts["properties"]["provider"]["enum"] = sorted(provider_options)
    return rules


@cache
def benchmark() -> JSONSchema:
    """Return the schema of a role's ``benchmark.yaml``."""
    return _read("benchmark.schema.json")


@cache
def recipe() -> JSONSchema:
    """Return the schema of a kernel recipe's file."""
    return _read("recipe.schema.json")


def check(node: Node, rules: JSONSchema) -> list[tuple[Location, Fault]]:
    """Return every fault of a document; ``rules`` may contain references to ``schema.json``."""
    return schema.check(node, rules, _references())


@cache
def _references() -> Mapping[str, JSONSchema]:
    return {"schema.json": experiment()}


def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((_FOLDER / name).read_text(encoding="utf-8"))
    return document
