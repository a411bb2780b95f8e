"""``sysctl``: kernel parameters by dotted name, for the length of the run."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.documents.document import Node
from orchestrator.experiment import settings
from orchestrator.experiment.model import Setting
from orchestrator.provision.settings import SettingsModule, tuning_schema


class Sysctl(SettingsModule):
    """``sysctl: {vm.swappiness: 0}``."""

    name = "sysctl"
    arguments = tuning_schema("sysctl")

    def settings(self, arguments: Node) -> Iterator[Setting]:
        """Files below ``/proc/sys``."""
        return (setting for _, setting in settings.sysctl(arguments))


MODULE = Sysctl()
