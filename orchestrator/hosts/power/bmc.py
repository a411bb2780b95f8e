"""Checks of the inventory values that IPMI and Redfish share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.documents.document import describe_value
from orchestrator.nearest import did_you_mean


def checked(
    value: Any, keys: Mapping[str, type | tuple[type, ...]], required: Sequence[str]
) -> dict[str, Any]:
    """Return ``value`` if it is a mapping with valid keys; ``ValueError`` names an unknown, invalid or missing key."""
    if not isinstance(value, dict):
        raise ValueError(f"expected {', '.join(required)}, found {describe_value(value)}")
    for key, item in value.items():
        if key not in keys:
            raise ValueError(f"unknown key {key!r}; {did_you_mean(str(key), keys)}")
        if not isinstance(item, keys[key]) or item == "":
            raise ValueError(f"{key}: invalid value: {describe_value(item)}")
    missing = [key for key in required if key not in value]
    if missing:
        raise ValueError(f"missing {', '.join(missing)}")
    return value


def password_file(path: str) -> Path:
    """Return the file whose first line is the password. Passwords are in no inventory and on no command line."""
    file = _expanded(path)
    if not file.is_file():
        raise ValueError(f"password_file: {path}: No such file or directory")
    return file


def _expanded(path: str) -> Path:
    """Return a path with ``~`` replaced; ``ValueError`` if there is no such user or no such path can exist."""
    try:
        file = Path(path).expanduser()
        file.is_file()
    except RuntimeError:
        raise ValueError(f"password_file: {path}: no such user") from None
    except OSError as error:
        raise ValueError(f"password_file: {path}: {error.strerror}") from None
    return file
