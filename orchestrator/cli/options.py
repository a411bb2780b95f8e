"""Options that several verbs share, and what they make of them: the experiment, its plan, its provider."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from orchestrator.documents.expressions import Expression
from orchestrator.errors import BadInput
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import Experiment
from orchestrator.hosts.base import Provider, ProviderRequest
from orchestrator.hosts.providers import options_schemas, registry
from orchestrator.plan import Plan

F = TypeVar("F", bound=Callable[..., Any])

experiment_argument = click.argument(
    "file", metavar="EXPERIMENT.yaml", type=click.Path(path_type=Path, dir_okay=False)
)
set_option = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Override a value of the file, such as repetitions=1 or factors.mode=[serial]; may be repeated.",
)


def selection_options(function: F) -> F:
    """Add --where and --limit."""
    where = click.option(
        "--where",
        metavar="PREDICATE",
        multiple=True,
        help="Only cells for which this holds, such as \"mode == 'serial'\"; may be repeated, all must hold.",
    )
    limit = click.option("--limit", type=click.IntRange(min=1), help="Only the first N cells.")
    return where(limit(function))


def inventory_options(function: F) -> F:
    """Add the options that say how hosts are reached."""
    file = click.Path(path_type=Path, dir_okay=False, exists=True)
    inventory = click.option("--inventory", type=file, help="Inventory in Ansible's YAML or INI form.")
    ssh_config = click.option("--ssh-config", type=file, help="Read instead of ~/.ssh/config.")
    return inventory(ssh_config(function))


def host_options(function: F) -> F:
    """Add the options that say where to run."""
    host = click.option(
        "--host",
        default="",
        metavar="NAME",
        help="Run there and not where the file says: a host of the inventory, [user@]host[:port], or `local`.",
    )
    local = click.option(
        "--allow-local-changes",
        is_flag=True,
        help="Let the local provider change sysctls and other settings of this machine for the run.",
    )
    return host(inventory_options(local(function)))


def load_experiment(file: Path, overrides: tuple[str, ...]) -> Experiment:
    """Load the file, with what the providers say of their own sections, and the roles it names."""
    from orchestrator.provision.loading import check_roles

    experiment = load(file, provider_options=options_schemas(), overrides=overrides)
    check_roles(experiment.roles)
    return experiment


def make_plan(
    experiment: Experiment, where: tuple[str, ...], limit: int | None, provider: Provider | None = None
) -> Plan:
    """Plan an experiment, narrowed by --where and --limit, for the hosts that the provider has."""
    hosts = provider.hosts if provider and experiment.hosts.fleet == "replicate" else ()
    return Plan(experiment, where=tuple(_predicate(text) for text in where), limit=limit, hosts=hosts)


def _predicate(text: str) -> Expression:
    try:
        return Expression(text)
    except BadInput as error:
        raise BadInput(f"--where {text!r}: {error}") from error


def make_provider(
    experiment: Experiment,
    host: str,
    inventory: Path | None,
    ssh_config: Path | None,
    allow_local_changes: bool,
) -> Provider:
    """Choose the provider: that of the file, unless --host names another place."""
    name, fleet = experiment.hosts.provider, bool(experiment.hosts.fleet)
    if host == "local":
        name, host, fleet = "local", "", False
    elif host:
        name = "ssh"
    options = experiment.hosts.options if name == experiment.hosts.provider else {}
    request = ProviderRequest(
        needs=experiment.hosts.needs,
        options=options,
        group=experiment.hosts.group,
        fleet=fleet,
        host=host,
        inventory=inventory,
        ssh_config=ssh_config,
        allow_local_changes=allow_local_changes,
        boot_limit=experiment.limits.boot,
    )
    provider = registry()[name]
    if fleet and not provider.supports_fleets:
        raise BadInput(
            f"hosts.fleet: {experiment.hosts.fleet}: the {name} provider holds one host; several are reached by ssh, "
            "as a group of an inventory"
        )
    return provider(request)
