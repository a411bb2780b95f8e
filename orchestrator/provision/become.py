"""How tasks become root: by sudo, without a password. Whatever else an inventory asks for is a fault."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import BadInput
from orchestrator.hosts.inventory.variables import position_of

_ONLY = {
    "ansible_become_method": "sudo",
    "ansible_become_user": "root",
    "ansible_sudo_user": "root",
    "ansible_become_exe": "sudo",
    "ansible_sudo_exe": "sudo",
}
_FLAGS = ("ansible_become_flags", "ansible_sudo_flags")
_HARMLESS_FLAGS = frozenset({"-H", "-S", "-n", "-HSn", "-HS", "-Hn"})


def require_sudo_to_root(host: str, variables: Mapping[str, Any]) -> None:
    """Raise ``BadInput`` if variables of the inventory ask for anything but sudo to root."""
    for name, only in _ONLY.items():
        value = variables.get(name)
        if value not in (None, "") and Path(str(value)).name != only:
            message = f"host {host!r}: {name}: {value!r} is not supported, only {only}"
            raise BadInput(position_of(variables, name).fault(message))
    for name in _FLAGS:
        value = str(variables.get(name) or "")
        if not _HARMLESS_FLAGS.issuperset(value.split()):
            message = f"host {host!r}: {name}: {value!r} is not supported"
            raise BadInput(position_of(variables, name).fault(message))
