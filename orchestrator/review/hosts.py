"""Where a run executes, and what it needs of the hosts."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import to_builtins

from orchestrator.errors import BadInput
from orchestrator.execution.dry_run import setup
from orchestrator.execution.provider_checks import check_provider
from orchestrator.experiment.model import Needs
from orchestrator.hosts.base import Machine, Provider
from orchestrator.plan import Plan
from orchestrator.provision.module import Caution
from orchestrator.review.model import Entry
from orchestrator.review.places import Places

_LOCAL = re.compile(r"(Proxy|Local|KnownHosts)Command|PKCS11Provider|SecurityKeyProvider", re.IGNORECASE)
"""Keywords of OpenSSH that name a program of the controller, or a library that it loads."""


def entries(plan: Plan, provider: Provider, machine: Machine | None, places: Places) -> Iterator[Entry]:
    """Yield each host, what a run asks of it, and what it would be refused for."""
    for host in provider.hosts or ("",):
        first, *details = setup(plan, provider, host)
        reached = [f"reached by: {command}" for command in provider.connections(host)]
        cautions: tuple[Caution, ...] = ("controller",) if any(map(_LOCAL.search, reached)) else ()
        yield Entry(first, places.of("hosts"), (*details, *reached), (), cautions)
    for host, reason in provider.other_hosts.items():
        yield Entry(f"not used: {host}: {reason}", places.of("hosts"))
    options = plan.experiment.hosts.sections.get(provider.name, {})
    for key, value in options.items():
        text = f"{provider.name}.{key}: {json.dumps(value, ensure_ascii=False)}"
        yield Entry(text, places.of("hosts", provider.name, key))
    for key, value in _asked(plan.experiment.hosts.needs):
        yield Entry(f"needs {key}: {value}", places.of("hosts", "needs", key))
    power = machine.variables.get("power") if machine is not None else None
    if isinstance(power, Mapping) and "command" in power:
        command = power["command"]
        shown = command if isinstance(command, str) else shlex.join(command)
        yield Entry("power control, by a command on the controller", "", (), (shown,), ("controller",))
    try:
        check_provider(plan, provider)
    except BadInput as error:
        yield Entry(f"run will refuse this: {error}", str(plan.experiment.file))


def _asked(needs: Needs) -> Iterator[tuple[str, Any]]:
    """Yield the needs that are not the default."""
    default = to_builtins(Needs())
    for key, value in to_builtins(needs).items():
        if value != default[key]:
            yield key, value
