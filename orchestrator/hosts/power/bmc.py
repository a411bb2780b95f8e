"""What the inventory says of a management controller (BMC), whichever protocol it speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.nearest import did_you_mean


def checked(
    value: Any, keys: Mapping[str, type | tuple[type, ...]], required: Sequence[str]
) -> dict[str, Any]:
    """Return a mapping that has the keys it must have and no others; ``ValueError`` says what is wrong."""
    if not isinstance(value, dict):
        raise ValueError(f"expected {', '.join(required)}; found {value!r}")
    for key, given in value.items():
        if key not in keys:
            raise ValueError(f"no key {key!r}; {did_you_mean(str(key), keys)}")
        if not isinstance(given, keys[key]) or given == "":
            raise ValueError(f"{key}: cannot be {given!r}")
    missing = [key for key in required if key not in value]
    if missing:
        raise ValueError(f"{', '.join(missing)} missing")
    return value


def password_file(path: str) -> Path:
    """Return the file whose first line is the password, so that none is in an inventory or a command line."""
    file = Path(path).expanduser()
    if not file.is_file():
        raise ValueError(f"password_file: there is no file {path}")
    return file
