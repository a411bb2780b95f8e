"""Providers: one file each. A new file in this directory adds a provider."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.hosts.base import Provider


def registry() -> dict[str, type[Provider]]:
    """Return all providers by name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {
        provider.name: provider
        for provider in _subclasses(Provider)  # type: ignore[type-abstract]
        if provider.__module__.startswith(f"{__name__}.")
    }


def _subclasses(base: type[Provider]) -> Iterator[type[Provider]]:
    for subclass in base.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def options_schemas() -> dict[str, Mapping[str, Any]]:
    """Return the JSON Schema of each provider's section of an experiment file, by provider name."""
    return {name: provider.options_schema for name, provider in registry().items()}
