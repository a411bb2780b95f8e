"""``orchestrate hosts``: list hosts, show their facts and changed settings, restore and unlock them."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from orchestrator.cli import complete
from orchestrator.cli.logs import set_up_logging
from orchestrator.cli.options import (
    HOSTS,
    Command,
    Group,
    experiment_argument,
    host_options,
    inventory_options,
    provider_option,
    set_option,
)
from orchestrator.cli.output import echo
from orchestrator.errors import BadInput, ExitCode, OrchestratorError
from orchestrator.hosts.provider_choice import HostOptions, choose_provider
from orchestrator.nearest import did_you_mean, nearest
from orchestrator.provision.experiments import load_experiment

hosts_argument = click.argument(
    "patterns", metavar=HOSTS, nargs=-1, required=True, shell_complete=complete.hosts
)


@click.group(cls=Group)
def hosts() -> None:
    """Check, restore and unlock hosts; start and stop guests.

    HOST is a host of the inventory, [user@]host[:port], or `local`. GROUP is a group of the inventory.

    If a command fails on a host, it continues with the others and exits with 3.
    """
    set_up_logging(0)


@hosts.command("list")
@click.argument("patterns", metavar=f"[{HOSTS}]", nargs=-1, shell_complete=complete.hosts)
@inventory_options
def list_(patterns: tuple[str, ...], inventory: Path | None, limit: str, ssh_config: Path | None) -> None:
    """List hosts with their addresses and groups.

    Connects to no host. Without arguments, list all hosts of the inventory.
    """
    from tabulate import tabulate

    from orchestrator.hosts.selector import HostSelector

    selector = HostSelector(inventory, ssh_config, limit)
    known = {*selector.inventory.hosts, *selector.inventory.groups}
    unknown = [pattern for pattern in patterns if pattern not in known] if inventory else []
    if unknown:
        raise BadInput(
            *(f"{inventory}: no host or group '{name}'; {did_you_mean(name, known)}" for name in unknown)
        )
    rows = [
        [name, selector.address_shown(name), ", ".join(selector.inventory.groups_of(name))]
        for name in selector.names(patterns or ("all",) if inventory else patterns)
    ]
    if not rows:
        echo(f"{inventory}: no hosts" if inventory else _no_inventory(), err=True)
        return
    echo(tabulate(rows, ["host", "address", "groups"]))


def _no_inventory() -> str:
    """Return what to select instead of no inventory: that of a guest that is up, if one is."""
    from orchestrator.hosts import persistent_guest

    guests = [
        f"guest of {folder.name}: --inventory {shlex.quote(str(folder / persistent_guest.INVENTORY))}"
        for folder in _guest_folders()
        if persistent_guest.is_up(folder)
    ]
    return "\n".join(["no hosts; select an inventory with --inventory", *guests])


def _guest_folders() -> list[Path]:
    """Return the directories of the guests that `hosts up` has started, by the names of their experiments."""
    from orchestrator.cache import cache_folder

    return sorted((cache_folder() / "up").glob("*"))


@hosts.command()
@experiment_argument
@set_option
@host_options("Use", hidden=True)
def up(
    file: Path,
    overrides: tuple[str, ...],
    chosen_hosts: HostOptions,
) -> None:
    """Start the guest of an experiment and keep it running.

    The guest runs the first kernel of the experiment, until `orchestrate hosts down`. The command prints the options
    with which other commands use it. If the provider uses existing hosts, there is nothing to start.
    """
    from orchestrator.cache import cache_folder
    from orchestrator.hosts import persistent_guest

    experiment = load_experiment(file, overrides)
    chosen = choose_provider(experiment, chosen_hosts)
    if not chosen.creates_hosts:
        echo(f"nothing to start: the {chosen.name} provider uses existing hosts")
        return
    from orchestrator.hosts.selector import HostSelector

    inventory_file = persistent_guest.up(
        chosen, experiment.kernels[0], cache_folder() / "up" / experiment.name
    )
    names = " ".join(HostSelector(inventory_file, None).names(["all"]))
    options = ["--host", names, "--inventory", str(inventory_file)]
    if experiment.repetitions.boots > 1 and experiment.repetitions.until is None:
        options += ["--set", "repetitions.boots=1"]  # a guest that is kept running is not rebooted
    echo(f"{names} is up; {shlex.join(options)}")


@hosts.command()
@click.argument("name", default="")
@click.option(
    "--orphans",
    is_flag=True,
    help="Instead, remove rented machines that killed runs have left, in all regions.",
)
@click.option(
    "--all",
    "others",
    is_flag=True,
    help="With --orphans: also remove machines that were rented from other computers. Their runs may be active.",
)
def down(name: str, orphans: bool, others: bool) -> None:
    """Stop guests that `hosts up` started, or remove rented machines.

    With NAME, stops the guest of the experiment of that name. Without NAME, stops all of them.
    """
    if name and orphans:
        raise click.UsageError("NAME and --orphans are mutually exclusive")
    if others and not orphans:
        raise click.UsageError("--all requires --orphans")
    if orphans:
        _remove_orphans(others)
        return
    from orchestrator.hosts import persistent_guest

    known = _guest_folders()
    folders = [path for path in known if name in ("", path.name)]
    for path in folders:
        echo(f"{path.name}: {'stopped' if persistent_guest.down(path) else 'was not running'}")
    if name and not folders and (meant := nearest(name, [path.name for path in known])):
        raise BadInput(f"no guest of {name} is up; did you mean '{meant}'?")
    if not folders:
        echo(f"no guest of {name} is up" if name else "no guest is up")


def _remove_orphans(others: bool) -> None:
    """Look at every cloud that this machine has credentials for; an error of one does not stop the others."""
    from orchestrator.hosts.providers import registry
    from orchestrator.hosts.rented.cloud import NotConfigured
    from orchestrator.hosts.rented.orphans import remove_orphans
    from orchestrator.hosts.rented.provider import RentedProvider
    from orchestrator.hosts.waiting import waiting

    def note(text: str) -> None:
        echo(text, err=True)

    lines, failed, skipped = 0, False, []
    clouds = [provider for provider in registry().values() if issubclass(provider, RentedProvider)]
    for provider in clouds:
        try:
            with waiting(note, provider.name, "asking for regions"):
                regions = provider.open({}).everywhere()
        except NotConfigured as error:
            skipped.append(f"{provider.name}: skipped: {error}")
            continue
        except OrchestratorError as error:
            failed = True
            echo(f"orchestrate: {provider.name}: {error}", err=True)
            continue
        for cloud in regions:
            try:
                for line in remove_orphans(cloud, note, others=others):
                    lines += 1
                    echo(line)
            except OrchestratorError as error:
                failed = True
                echo(f"orchestrate: {provider.name}: {error}", err=True)
    for line in skipped:
        echo(f"orchestrate: {line}", err=True)
    if failed or len(skipped) == len(clouds):
        sys.exit(ExitCode.HOST)
    if not lines:
        echo("no orphans")


@hosts.command()
@hosts_argument
@inventory_options
def facts(patterns: tuple[str, ...], inventory: Path | None, limit: str, ssh_config: Path | None) -> None:
    """Print the facts about hosts as JSON."""
    from orchestrator.hosts import facts as host_facts

    documents: dict[str, Any] = {}

    def add(host: Any) -> list[str]:
        documents[host.name] = host_facts.gather(host).document
        return []

    code = _each(patterns, inventory, limit, ssh_config, add)
    echo(json.dumps(dict(sorted(documents.items())), indent=2, ensure_ascii=False))
    sys.exit(code)


@hosts.command(cls=Command, synopses=(HOSTS, "--provider NAME [EXPERIMENT.yaml]"))
@click.argument("patterns", metavar=HOSTS, nargs=-1, shell_complete=complete.hosts_or_file)
@provider_option(
    "Ask the cluster of provider NAME (slurm) instead of connecting to hosts. Its options are in hosts.NAME of "
    "EXPERIMENT.yaml."
)
@inventory_options
def check(
    patterns: tuple[str, ...], provider: str, inventory: Path | None, limit: str, ssh_config: Path | None
) -> None:
    """Print the state of hosts, or what a cluster can run.

    The state is kernel, CPUs, root access, active runner, lock and number of changed settings. Of a cluster, the
    partitions are printed, and the kernels of EXPERIMENT.yaml that it has. No job is submitted.
    """
    from orchestrator.hosts.remote.maintenance import state

    if provider:
        if limit:
            raise click.UsageError("--provider and --limit are mutually exclusive")
        _check_cluster(provider, patterns, inventory, ssh_config)
        return
    if not patterns:
        raise click.UsageError(f"Missing argument '{HOSTS}'.")
    sys.exit(_each(patterns, inventory, limit, ssh_config, state))


def _check_cluster(
    provider: str, files: tuple[str, ...], inventory: Path | None, ssh_config: Path | None
) -> None:
    from orchestrator.experiment.model import Needs
    from orchestrator.hosts import providers
    from orchestrator.hosts.provider import ProviderRequest

    if len(files) > 1:
        raise click.UsageError(f"--provider takes one experiment file, not {len(files)}")
    kernels: list[str] = []
    if files:
        experiment = load_experiment(Path(files[0]))
        kernels = [kernel.name for kernel in experiment.kernels]
        chosen = choose_provider(
            experiment, HostOptions(inventory=inventory, ssh_config=ssh_config, provider=provider)
        )
    else:
        request = ProviderRequest(Needs(), {}, inventory=inventory, ssh_config=ssh_config)
        chosen = providers.find(provider)(request)
    lines = chosen.describe(kernels)
    if not lines:
        raise click.UsageError(f"--provider {provider}: name the hosts to check instead")
    for line in lines:
        echo(line)


@hosts.command()
@hosts_argument
@inventory_options
@click.option(
    "--stop", is_flag=True, help="First stop the run that is active on the host, and remove its lock."
)
def restore(
    patterns: tuple[str, ...], inventory: Path | None, limit: str, ssh_config: Path | None, stop: bool
) -> None:
    """Restore the settings that runs or roles have changed.

    A run restores them itself at its end. This is for hosts that a killed run or `role apply` has left. Kernels that a
    killed run has installed are removed. A host that is in use by a run is refused.
    """
    from orchestrator.hosts.remote import maintenance

    sys.exit(_each(patterns, inventory, limit, ssh_config, lambda host: maintenance.restore(host, stop=stop)))


@hosts.command()
@hosts_argument
@inventory_options
def unlock(patterns: tuple[str, ...], inventory: Path | None, limit: str, ssh_config: Path | None) -> None:
    """Remove the lock of hosts and print its holder.

    Make sure first that the run that holds it is not active.
    """
    from orchestrator.hosts.remote.maintenance import unlock as break_lock

    sys.exit(_each(patterns, inventory, limit, ssh_config, break_lock))


@hosts.command()
@hosts_argument
@inventory_options
def diff(patterns: tuple[str, ...], inventory: Path | None, limit: str, ssh_config: Path | None) -> None:
    """Show the changed settings of hosts.

    These are the settings that `hosts restore` would restore: original, set and current value. Exit code 1 if the
    current value of one is not the value that was set; 3 if a host cannot be read.
    """
    from orchestrator.hosts.remote.maintenance import diff as diff_settings

    any_drifted = False

    def add(host: Any) -> list[str]:
        nonlocal any_drifted
        lines, drifted = diff_settings(host)
        any_drifted = any_drifted or drifted
        return lines

    code = _each(patterns, inventory, limit, ssh_config, add)
    sys.exit(code or (ExitCode.TRIALS_NOT_OK if any_drifted else ExitCode.OK))


def _each(
    patterns: tuple[str, ...],
    inventory: Path | None,
    limit: str,
    ssh_config: Path | None,
    function: Callable[[Any], list[str]],
) -> ExitCode:
    """Call a function on each host and print the returned lines; an error on one host does not stop the others."""
    from orchestrator.hosts.selector import HostSelector

    selector = HostSelector(inventory, ssh_config, limit)
    code = ExitCode.OK
    for name, outcome in selector.run_on_each(selector.names(patterns), function):
        if isinstance(outcome, Exception):
            code = ExitCode.HOST
            for line in str(outcome).splitlines():
                echo(f"orchestrate: {line}", err=True)
        else:
            for line in outcome:
                echo(f"{name}: {line}")
    return code
