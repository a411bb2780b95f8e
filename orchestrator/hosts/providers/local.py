"""``local``: this machine. Its settings are not changed without ``--allow-local-changes``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.environments import Environment
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.local import LocalHost
from orchestrator.hosts.provider import Provider, ProviderRequest


class LocalMachine(Machine):
    """This machine, with the running kernel."""

    name = "local"
    environment: Environment | None = None

    def boot(self, kernel: Kernel) -> Host:
        """Return this machine with the running kernel, whichever ``kernel`` is."""
        return LocalHost(self.name)

    def reconnect(self) -> Host:
        """Return this machine."""
        return LocalHost(self.name)

    def close(self) -> None:
        """Do nothing: no machine was created."""


class LocalProvider(Provider):
    """Runs trials on this machine."""

    name = "local"
    always_answers = True
    options_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "description": "Run on this machine.",
        "additionalProperties": False,
        "properties": {
            "allow_changes": {
                "type": "boolean",
                "default": False,
                "description": "Whether sysctls and other settings of this machine may be changed for the run.",
            }
        },
    }

    def __init__(self, request: ProviderRequest) -> None:
        self.location = self.name
        self.changes_allowed = bool(request.options.get("allow_changes")) or request.allow_local_changes

    def shown(self, host: str = "") -> str:
        """See :meth:`Provider.shown`."""
        return "this machine"

    @contextmanager
    def machine(self, log_folder: Path) -> Iterator[Machine]:
        """See :meth:`Provider.machine`."""
        yield LocalMachine()
