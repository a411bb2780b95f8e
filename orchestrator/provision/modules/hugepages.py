"""``hugepages``: pools of huge pages, of the host or of each NUMA node, for the length of the run."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.documents.document import Node
from orchestrator.experiment import settings
from orchestrator.experiment.model import Setting
from orchestrator.provision.settings import SettingsModule, tuning_schema


class Hugepages(SettingsModule):
    """``hugepages: {2MiB: {0: 64, 1: 64}, 1GiB: 0}``."""

    name = "hugepages"
    arguments = tuning_schema("hugepages")

    def settings(self, arguments: Node) -> Iterator[Setting]:
        """Files ``nr_hugepages``; a pool that the kernel cannot fill is an error that names what it got."""
        return (setting for _, setting in settings.hugepages(arguments))


MODULE = Hugepages()
