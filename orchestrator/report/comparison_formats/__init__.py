"""The formats of a comparison. Each module is one format, found by its name."""

from __future__ import annotations

import pkgutil


def names() -> list[str]:
    """Return the names of all formats; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))
