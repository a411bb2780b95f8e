"""Where a run executes, and what it needs of the hosts."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import to_builtins

from orchestrator.errors import BadInput
from orchestrator.execution.dry_run import setup
from orchestrator.execution.provider_checks import check_provider
from orchestrator.experiment.model import Needs
from orchestrator.hosts.base import Machine
from orchestrator.hosts.inventory.variables import contains_encrypted
from orchestrator.hosts.provider import Provider
from orchestrator.plan import Plan
from orchestrator.provision.module import Caution
from orchestrator.review.connections import may_execute
from orchestrator.review.model import Entry
from orchestrator.review.places import Places
from orchestrator.units import format_size


def entries(plan: Plan, provider: Provider, machines: Iterable[Machine], places: Places) -> Iterator[Entry]:
    """Yield each host, what a run asks of it, and what it would be refused for."""
    for host in provider.hosts or ("",):
        first, *details = setup(plan, provider, host)
        commands = list(provider.connections(host))
        reached = [f"reached by: {shlex.join(command)}" for command in commands]
        cautions: tuple[Caution, ...] = ("controller",) if any(map(may_execute, commands)) else ()
        yield Entry(first, places.of("hosts"), (*details, *reached), (), cautions)
    for host, reason in provider.other_hosts.items():
        yield Entry(f"not used: {host}: {reason}", places.of("hosts"))
    options = plan.experiment.hosts.sections.get(provider.name, {})
    for key, value in options.items():
        text = f"{provider.name}.{key}: {json.dumps(value, ensure_ascii=False)}"
        yield Entry(text, places.of("hosts", provider.name, key))
    for key, value in _asked(plan.experiment.hosts.needs):
        yield Entry(f"needs {key}: {value}", places.of("hosts", "needs", key))
    yield from _controls(provider)
    for machine in machines:
        for name, value in machine.variables.items():
            if name.startswith("ansible_") and contains_encrypted(value):
                yield Entry(f"{machine.name}: {name} is encrypted with ansible-vault", cautions=("hidden",))
    try:
        check_provider(plan, provider)
    except BadInput as error:
        yield Entry(f"run will refuse this: {error}", str(plan.experiment.file))


def _controls(provider: Provider) -> Iterator[Entry]:
    """Yield the commands and addresses by which the controller controls machines, once for all hosts that have them."""
    hosts: dict[tuple[str, str, str], list[str]] = {}
    for host, key, value in provider.controls():
        by = {"command": value} if key == "console" else value if isinstance(value, Mapping) else {}
        for method, argument in by.items():
            if argument is not None:
                hosts.setdefault((key, method, _written(argument)), []).append(host)
    for (key, method, written), names in hosts.items():
        of = f"{key} of {', '.join(names)}"
        if method == "command":
            yield Entry(f"{of}, by a command on the controller", "", (), (written,), ("controller",))
        else:
            yield Entry(f"{of}, from the controller", "", (f"{method}: {written}",), (), ("controller",))


def _written(value: Any) -> str:
    """Return a command as a shell has it, and other values as JSON."""
    if isinstance(value, list):
        return shlex.join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _asked(needs: Needs) -> Iterator[tuple[str, Any]]:
    """Yield the needs that are not the default."""
    default = to_builtins(Needs())
    for key, value in to_builtins(needs).items():
        if value != default[key]:
            yield key, format_size(value) if key == "memory_per_node" else value
