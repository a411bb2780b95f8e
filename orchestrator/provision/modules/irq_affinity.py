"""``irq_affinity``: the CPUs that serve interrupts, for the length of the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.experiment import settings
from orchestrator.experiment.model import Setting
from orchestrator.provision.settings import SettingsModule


class IrqAffinity(SettingsModule):
    """``irq_affinity: {cpus: 0-1}``."""

    name = "irq_affinity"
    arguments: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["cpus"],
        "properties": {
            "cpus": {
                "description": "CPUs that serve interrupts, such as 0-1,8.",
                "$ref": "schema.json#/$defs/cpus",
            }
        },
    }

    def settings(self, arguments: Node) -> Iterator[Setting]:
        """One file for each interrupt; those that cannot be moved stay where they are."""
        cpus = arguments.mapping().get("cpus")
        return (setting for _, setting in settings.irqs(cpus)) if cpus else iter(())


MODULE = IrqAffinity()
