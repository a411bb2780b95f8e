"""``sysfs``: files below ``/sys`` by path, for the length of the run."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.documents.document import Node
from orchestrator.experiment import settings
from orchestrator.experiment.model import Setting
from orchestrator.provision.settings import SettingsModule, tuning_schema


class Sysfs(SettingsModule):
    """``sysfs: {/sys/kernel/mm/ksm/run: 0}``."""

    name = "sysfs"
    arguments = tuning_schema("sysfs")

    def settings(self, arguments: Node) -> Iterator[Setting]:
        """The files as they stand."""
        return (setting for _, setting in settings.sysfs(arguments))


MODULE = Sysfs()
