"""The task modules. Each file here lists its modules in ``MODULES``; the registry finds a new file by itself."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from orchestrator.provision.module import Module


@cache
def registry() -> dict[str, Module]:
    """Return all task modules by name."""
    files = (importlib.import_module(f"{__name__}.{entry.name}") for entry in pkgutil.iter_modules(__path__))
    return {module.name: module for file in files for module in file.MODULES}
