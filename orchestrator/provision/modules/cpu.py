"""``cpu``: governor, turbo, idle states and hardware threads, for the length of the run."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.documents.document import Node
from orchestrator.experiment import settings
from orchestrator.experiment.model import Setting
from orchestrator.provision.settings import SettingsModule, tuning_schema


class Cpu(SettingsModule):
    """``cpu: {governor: performance, turbo: false, deepest_idle_state: 1, smt: false}``."""

    name = "cpu"
    arguments = tuning_schema("cpu")

    def settings(self, arguments: Node) -> Iterator[Setting]:
        """Files of ``/sys/devices/system/cpu``; passed over where the host has no such control."""
        return (setting for _, setting in settings.cpu(arguments))


MODULE = Cpu()
