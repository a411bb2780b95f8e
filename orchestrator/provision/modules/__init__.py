"""Task modules: one file each, which holds a :class:`Module` named ``MODULE``. A new file is a new module."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from orchestrator.provision.module import Module


@cache
def registry() -> dict[str, Module]:
    """All task modules by name."""
    found = (
        importlib.import_module(f"{__name__}.{entry.name}").MODULE for entry in pkgutil.iter_modules(__path__)
    )
    return {module.name: module for module in found}
