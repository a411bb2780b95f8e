"""The forms of a comparison: one module each, which is all it takes to add one."""

from __future__ import annotations

import pkgutil


def names() -> list[str]:
    """Return the names of the forms there are; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))
