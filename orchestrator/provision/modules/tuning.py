"""The modules with the arguments of the experiment file's section ``tuning``. The run restores what they change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.errors import Position
from orchestrator.experiment import settings
from orchestrator.experiment.model import Setting
from orchestrator.provision.settings import SettingsModule


class TuningModule(SettingsModule):
    """A module whose arguments are read by a function of :mod:`orchestrator.experiment.settings`."""

    def __init__(
        self,
        name: str,
        read_settings: Callable[[Node], Iterable[tuple[Position, Setting]]],
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.arguments = arguments or {"$ref": f"schema.json#/properties/tuning/properties/{name}"}
        self._read_settings = read_settings

    def settings(self, arguments: Node) -> Iterator[Setting]:
        """Return the settings, each a file below ``/proc/sys``, ``/proc/irq`` or ``/sys``."""
        return (setting for _, setting in self._read_settings(arguments))


_IRQ_AFFINITY = {
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


def _irq_affinity(arguments: Node) -> Iterable[tuple[Position, Setting]]:
    cpus = arguments.mapping().get("cpus")
    return settings.irqs(cpus) if cpus else ()


MODULES = (
    TuningModule("sysctl", settings.sysctl),
    TuningModule("sysfs", settings.sysfs),
    TuningModule("transparent_hugepages", settings.transparent_hugepages),
    TuningModule("hugepages", settings.hugepages),
    TuningModule("cpu", settings.cpu),
    TuningModule("irq_affinity", _irq_affinity, _IRQ_AFFINITY),
)
