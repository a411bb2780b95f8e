"""``orchestrate hosts``: which hosts there are, what they are, what is left changed on them, and putting that back."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.options import (
    experiment_argument,
    host_options,
    inventory_options,
    load_experiment,
    make_provider,
    set_option,
)
from orchestrator.errors import ExitCode

hosts_argument = click.argument("words", metavar="HOST|GROUP...", nargs=-1, required=True)


@click.group()
def hosts() -> None:
    """Look after hosts: a host of the inventory, one of its groups, [user@]host[:port], or `local`."""


@hosts.command("list")
@click.argument("words", metavar="[HOST|GROUP]...", nargs=-1)
@inventory_options
def list_(words: tuple[str, ...], inventory: Path | None, ssh_config: Path | None) -> None:
    """List the hosts of the inventory, how they are reached and their groups; none is contacted."""
    from tabulate import tabulate

    from orchestrator.hosts.selector import HostSelector

    reach = HostSelector(inventory, ssh_config)
    rows = [
        [name, reach.inventory.address(name), ", ".join(reach.inventory.groups_of(name))]
        for name in reach.names(words or ("all",) if inventory else words)
    ]
    if not rows:
        click.echo("no hosts; name an inventory with --inventory", err=True)
        return
    click.echo(tabulate(rows, ["host", "address", "groups"]))


@hosts.command()
@experiment_argument
@set_option
@host_options
def up(
    file: Path,
    overrides: tuple[str, ...],
    host: str,
    inventory: Path | None,
    ssh_config: Path | None,
    allow_local_changes: bool,
) -> None:
    """Make the host of an experiment and let it stand until `hosts down`, under the first of its kernels."""
    from orchestrator.cache import cache_folder
    from orchestrator.hosts import persistent_guest as standing

    experiment = load_experiment(file, overrides)
    provider = make_provider(experiment, host, inventory, ssh_config, allow_local_changes)
    if not provider.creates_hosts:
        click.echo(f"nothing to bring up: the {provider.name} provider uses hosts that are there already")
        return
    from orchestrator.hosts.selector import HostSelector

    made = standing.up(provider, experiment.kernels[0], cache_folder() / "up" / experiment.name)
    names = " ".join(HostSelector(made, None).names(["all"]))
    click.echo(f"{names} is up; --host {names} --inventory {made}")


@hosts.command()
@click.argument("name", default="")
def down(name: str) -> None:
    """End what `hosts up` has made: for the experiment of this NAME, or all."""
    from orchestrator.cache import cache_folder
    from orchestrator.hosts import persistent_guest as standing

    folder = cache_folder() / "up"
    found = sorted(path for path in folder.glob("*") if name in ("", path.name))
    for path in found:
        click.echo(f"{path.name}: {'ended' if standing.down(path) else 'was over already'}")
    if not found:
        click.echo("nothing is up")


@hosts.command()
@hosts_argument
@inventory_options
def facts(words: tuple[str, ...], inventory: Path | None, ssh_config: Path | None) -> None:
    """Print what hosts are, as one JSON object by host."""
    from orchestrator.hosts import facts as host_facts

    found: dict[str, Any] = {}

    def ask(host: Any) -> list[str]:
        found[host.name] = host_facts.gather(host).document
        return []

    code = _each(words, inventory, ssh_config, ask)
    click.echo(json.dumps(dict(sorted(found.items())), indent=2, ensure_ascii=False))
    sys.exit(code)


@hosts.command()
@hosts_argument
@inventory_options
def check(words: tuple[str, ...], inventory: Path | None, ssh_config: Path | None) -> None:
    """Say of each host whether it answers, what it is, whether it may be changed, and what is going on there."""
    from orchestrator.hosts.remote.maintenance import state

    sys.exit(_each(words, inventory, ssh_config, state))


@hosts.command()
@hosts_argument
@inventory_options
@click.option("--stop", is_flag=True, help="End a run that is at work on the host first.")
def restore(words: tuple[str, ...], inventory: Path | None, ssh_config: Path | None, stop: bool) -> None:
    """Put back every setting that is on record on the hosts: what a dead controller left, or `role apply`."""
    from orchestrator.hosts.remote.maintenance import put_back

    sys.exit(_each(words, inventory, ssh_config, lambda host: put_back(host, stop=stop)))


@hosts.command()
@hosts_argument
@inventory_options
def unlock(words: tuple[str, ...], inventory: Path | None, ssh_config: Path | None) -> None:
    """Break the lock of hosts and say who held it. Only what is certain to be over should be treated like that."""
    from orchestrator.hosts.remote.maintenance import unlock as break_lock

    sys.exit(_each(words, inventory, ssh_config, break_lock))


@hosts.command()
@hosts_argument
@inventory_options
def diff(words: tuple[str, ...], inventory: Path | None, ssh_config: Path | None) -> None:
    """Show the settings on record on the hosts, and which of them no longer hold what was set.

    Exit code 1: some setting has drifted.
    """
    from orchestrator.hosts.remote.maintenance import drift

    drifted = False

    def look(host: Any) -> list[str]:
        nonlocal drifted
        lines, has_drifted = drift(host)
        drifted = drifted or has_drifted
        return lines

    code = _each(words, inventory, ssh_config, look)
    sys.exit(code or (ExitCode.TRIALS_NOT_OK if drifted else ExitCode.OK))


def _each(
    words: tuple[str, ...],
    inventory: Path | None,
    ssh_config: Path | None,
    act: Callable[[Any], list[str]],
) -> ExitCode:
    """Do something on each host and print its lines; a host that fails is told of and keeps none of the others."""
    from orchestrator.hosts.selector import HostSelector

    reach = HostSelector(inventory, ssh_config)
    code = ExitCode.OK
    for name, outcome in reach.run_on_each(reach.names(words), act):
        if isinstance(outcome, Exception):
            code = ExitCode.HOST
            for line in str(outcome).splitlines():
                click.echo(f"orchestrate: {line}", err=True)
        else:
            for line in outcome:
                click.echo(f"{name}: {line}")
    return code
