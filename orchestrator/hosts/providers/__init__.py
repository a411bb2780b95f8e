"""Providers: one file each. A new file in this directory adds a provider."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.hosts.provider import Provider


def names() -> list[str]:
    """Return the names of all providers; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find(name: str) -> type[Provider]:
    """Return the provider of a name of :func:`names`; imports no other."""
    module = importlib.import_module(f"{__name__}.{name}")
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Provider) and value.__module__ == module.__name__:
            return value
    raise AssertionError(f"{module.__name__} has no provider")


def registry() -> dict[str, type[Provider]]:
    """Return all providers by name."""
    return {name: find(name) for name in names()}


class _OptionsSchemas(Mapping[str, Mapping[str, Any]]):
    def __getitem__(self, name: str) -> Mapping[str, Any]:
        if name not in names():
            raise KeyError(name)
        return find(name).options_schema

    def __iter__(self) -> Iterator[str]:
        return iter(names())

    def __len__(self) -> int:
        return len(names())


def options_schemas() -> Mapping[str, Mapping[str, Any]]:
    """Return the JSON Schema of each provider's section of an experiment file, by provider name.

    A provider is imported when its schema is asked for.
    """
    return _OptionsSchemas()
