"""``transparent_hugepages``: when the kernel uses huge pages by itself, for the length of the run."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.documents.document import Node
from orchestrator.experiment import settings
from orchestrator.experiment.model import Setting
from orchestrator.provision.settings import SettingsModule, tuning_schema


class TransparentHugepages(SettingsModule):
    """``transparent_hugepages: {enabled: madvise, defrag: madvise, sizes: {64KiB: inherit}}``."""

    name = "transparent_hugepages"
    arguments = tuning_schema("transparent_hugepages")

    def settings(self, arguments: Node) -> Iterator[Setting]:
        """Files of ``/sys/kernel/mm/transparent_hugepage``."""
        return (setting for _, setting in settings.transparent_hugepages(arguments))


MODULE = TransparentHugepages()
