"""Choose the provider of an experiment."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from orchestrator.documents.document import read_file
from orchestrator.errors import BadInput, Fault
from orchestrator.experiment.model import Experiment
from orchestrator.hosts import providers
from orchestrator.hosts.inventory.host_list import is_list
from orchestrator.hosts.inventory.limit import refuse
from orchestrator.hosts.provider import Provider, ProviderRequest
from orchestrator.paths import DENIED, is_closed

log = logging.getLogger(__name__)

INVENTORY = "inventory"

_OPTION = re.compile(r"hosts\.([\w.\[\]]+): ")
"""The value that a message of a provider names."""


class HostOptions(Struct, frozen=True):
    """What a command line says about hosts.

    :ivar host: ``local``, a host of the inventory, or ``[user@]host[:port]``; empty: as in the file.
    :ivar limit: a pattern of hosts that may be used; empty: all.
    :ivar ssh_config: a file to read instead of ``~/.ssh/config``.
    :ivar allow_local_changes: whether the local provider may change settings of this machine.
    :ivar provider: name of the provider to use instead of that of the file; its options are those of its own section.
    :ivar defaults: what has set each option that was not on the command line: an environment variable or a file. Such
        an inventory need not be used.
    """

    host: str = ""
    inventory: Path | None = None
    ssh_config: Path | None = None
    allow_local_changes: bool = False
    provider: str = ""
    limit: str = ""
    defaults: Mapping[str, str] = MappingProxyType({})

    def used_defaults(self, provider: Provider) -> dict[str, dict[str, str]]:
        """Return the value and the source of each option in :attr:`defaults` that a provider has used."""
        if not provider.uses_inventory:
            return {}
        return {
            name: {"value": str(getattr(self, name)), "source": source}
            for name, source in self.defaults.items()
        }


def choose_provider(experiment: Experiment, options: HostOptions | None = None) -> Provider:
    """Return the provider of the experiment file, or the one for ``--host`` or ``--provider``.

    Raises ``BadInput`` if the provider cannot run the experiment, or an inventory is given that names no host for it.
    """
    options = options or HostOptions()
    provider, host, inventory = options.provider, options.host, options.inventory
    if provider and host and provider != "ssh":
        raise BadInput(
            f"--provider {provider} and --host {host} are mutually exclusive: --host implies ssh or local"
        )
    is_named = bool(provider or host)
    name, fleet = provider or experiment.hosts.provider, experiment.hosts.fleet
    if host == "local":
        name, host, fleet = "local", "", ""
    elif host:
        name = "ssh"
    chosen = providers.find(name)
    if inventory and not is_named and not chosen.uses_inventory and INVENTORY not in options.defaults:
        raise BadInput(
            f"--inventory {inventory}: not used by the {name} provider of the experiment; name a host or group of "
            "the inventory with --host"
        )
    if options.limit and not chosen.supports_limit:
        refuse(options.limit, name)
    if fleet and not chosen.supports_fleets:
        raise BadInput(
            f"hosts.fleet: {experiment.hosts.fleet}: the {name} provider has only one host; "
            "use the ssh provider with a group of an inventory"
        )
    if chosen.uses_inventory:
        _check_defaults(options)
    request = ProviderRequest(
        needs=experiment.hosts.needs,
        options=experiment.hosts.sections.get(name, {})
        if name in (provider, experiment.hosts.provider)
        else {},
        group=experiment.hosts.group,
        fleet=fleet,
        host=host,
        limit=options.limit,
        inventory=inventory,
        ssh_config=options.ssh_config,
        allow_local_changes=options.allow_local_changes,
        boot_limit=experiment.limits.boot,
        max_hours=experiment.limits.max_hours or 0.0,
        guest=experiment.hosts.sections.get("qemu", {}),
    )
    try:
        made = chosen(request)
    except BadInput as error:
        raise BadInput(*(_with_position(fault, experiment) for fault in error.faults)) from None
    for option, default in options.used_defaults(made).items():
        log.info("%s: %s, from %s", option, default["value"], default["source"])
    return made


def _check_defaults(options: HostOptions) -> None:
    """Raise ``BadInput`` for a file that does not exist; one that is not used need not."""
    for name, source in options.defaults.items():
        path = getattr(options, name)
        if is_list(path):
            continue
        if is_closed(path):
            raise BadInput(f"{source}: {name}: {path}: {DENIED}")
        if not path.exists():
            raise BadInput(f"{source}: {name}: {path}: No such file or directory")


def _with_position(fault: Fault | str, experiment: Experiment) -> Fault | str:
    """Return a fault of a provider's section with its position, unless the value is not that of the file."""
    found = _OPTION.match(fault) if isinstance(fault, str) else None
    if found is None:
        return fault
    first, *steps = (
        int(step) if step.isdigit() else step for step in re.split(r"\.|\[|\]\.?", found[1]) if step
    )
    try:
        node = read_file(experiment.file).get("hosts", first, *steps)
    except BadInput:
        return fault  # the file has gone, or the experiment is that of a run
    value: Any = experiment.hosts.sections.get(str(first))
    for step in steps:
        is_there = (
            step in value if isinstance(value, Mapping) else isinstance(step, int) and step < len(value)
        )
        value = value[step] if is_there else None
    return node.position.fault(str(fault)) if node is not None and node.data() == value else fault
