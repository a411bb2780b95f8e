"""``kernel_module``: load or unload a kernel module. The run restores the previous state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.experiment.model import Setting
from orchestrator.provision.settings import SettingsModule

_NAME = {"title": "the name of a kernel module", "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]*$"}


class KernelModule(SettingsModule):
    """``kernel_module: {name: msr}``; ``state: absent`` unloads it."""

    name = "kernel_module"
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {
                "description": "Its name, or a list of names.",
                "title": "the name of a kernel module, or a list of names",
                "anyOf": [_NAME, {"type": "array", "items": _NAME}],
            },
            "state": {"description": "Default: present.", "enum": ["present", "absent"]},
        },
    }

    def settings(self, arguments: Node) -> Iterator[Setting]:
        """Return one setting for each module. To unload a built-in module is an error."""
        data = arguments.data()
        names = data["name"] if isinstance(data["name"], list) else [data["name"]]
        value = "absent" if data.get("state") == "absent" else "loaded"
        return (Setting(f"module:{name}", value) for name in names)


MODULES = (KernelModule(),)
