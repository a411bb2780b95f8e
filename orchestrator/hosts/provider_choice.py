"""Choose the provider of an experiment."""

from __future__ import annotations

from pathlib import Path

from orchestrator.errors import BadInput
from orchestrator.experiment.model import Experiment
from orchestrator.hosts.base import Provider, ProviderRequest
from orchestrator.hosts.providers import registry


def choose_provider(
    experiment: Experiment,
    host: str = "",
    inventory: Path | None = None,
    ssh_config: Path | None = None,
    allow_local_changes: bool = False,
) -> Provider:
    """Return the provider of the experiment file, or the one for ``--host``.

    :param host: ``local``, a host of the inventory, or ``[user@]host[:port]``; empty: as in the file.
    :param ssh_config: a file to read instead of ``~/.ssh/config``.
    :param allow_local_changes: whether the local provider may change settings of this machine.

    Raises ``BadInput`` if the provider cannot run the experiment.
    """
    name, fleet = experiment.hosts.provider, bool(experiment.hosts.fleet)
    if host == "local":
        name, host, fleet = "local", "", False
    elif host:
        name = "ssh"
    provider = registry()[name]
    if fleet and not provider.supports_fleets:
        raise BadInput(
            f"hosts.fleet: {experiment.hosts.fleet}: the {name} provider has only one host; "
            "use the ssh provider with a group of an inventory"
        )
    return provider(
        ProviderRequest(
            needs=experiment.hosts.needs,
            options=experiment.hosts.options if name == experiment.hosts.provider else {},
            group=experiment.hosts.group,
            fleet=fleet,
            host=host,
            inventory=inventory,
            ssh_config=ssh_config,
            allow_local_changes=allow_local_changes,
            boot_limit=experiment.limits.boot,
            max_hours=experiment.limits.max_hours or 0.0,
        )
    )
