"""``orchestrate role``: apply roles to hosts by themselves, and look at those there are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.options import inventory_options
from orchestrator.errors import BadInput, ExitCode, Fault, Position

if TYPE_CHECKING:
    from orchestrator.provision.tasks import LoadedRole


@click.group()
def role() -> None:
    """Apply roles to hosts without an experiment."""


@role.command("list")
def list_() -> None:
    """List the roles that are found from here, and where."""
    from tabulate import tabulate

    from orchestrator.experiment import roles

    rows = [
        [found.name, found.folder] for found in roles.every(roles.folders(Path.cwd() / "experiment.yaml"))
    ]
    click.echo(tabulate(rows, ["role", "folder"]))


@role.command()
@click.argument("names", metavar="ROLE...", nargs=-1, required=True)
@click.option(
    "--host",
    "hosts",
    metavar="HOST|GROUP",
    multiple=True,
    required=True,
    help="A host of the inventory, one of its groups, [user@]host[:port], or `local`; may be repeated.",
)
@inventory_options
@click.option("--check", is_flag=True, help="Only say what would change; change nothing.")
@click.option(
    "--var",
    "variables",
    metavar="NAME=VALUE",
    multiple=True,
    help="A variable of the roles; the value is YAML.",
)
@click.option("--tags", default="", metavar="TAG,...", help="Only tasks with one of these tags.")
@click.option("--skip-tags", default="", metavar="TAG,...", help="No tasks with one of these tags.")
@click.option(
    "--allow-local-changes", is_flag=True, help="Let roles change this machine, where the host is `local`."
)
def apply(
    names: tuple[str, ...],
    hosts: tuple[str, ...],
    inventory: Path | None,
    ssh_config: Path | None,
    check: bool,
    variables: tuple[str, ...],
    tags: str,
    skip_tags: str,
    allow_local_changes: bool,
) -> None:
    """Bring hosts to the state that roles describe, and say what was changed.

    Settings stay as the roles set them until `orchestrate hosts restore` puts them back.
    """
    from orchestrator.cache import cache_folder
    from orchestrator.hosts.selector import LOCAL, HostSelector
    from orchestrator.provision.apply import RoleRequest, apply_roles
    from orchestrator.provision.loading import changes_host, load_named

    reach = HostSelector(inventory, ssh_config)
    loaded = load_named(names, variables)
    faults = [*_faults(loaded, "--tags", tags), *_faults(loaded, "--skip-tags", skip_tags)]
    if faults:
        raise BadInput(*faults)
    chosen = reach.names(hosts)
    if LOCAL in chosen and not check and not allow_local_changes and any(changes_host(one) for one in loaded):
        raise BadInput(
            "the roles change their host, and the host is this machine; allow that with --allow-local-changes"
        )
    request = RoleRequest(loaded, cache_folder(), check, _words(tags), _words(skip_tags))
    code = ExitCode.OK
    for _, outcome in reach.on_each(chosen, lambda host: apply_roles(host, reach, request)):
        lines, error = ([], outcome) if isinstance(outcome, Exception) else outcome
        for line in lines:
            click.echo(line)
        if error:
            code = ExitCode(max(code, error.exit_code))
            for line in str(error).splitlines():
                click.echo(f"orchestrate: {line}", err=True)
    sys.exit(code)


def _faults(loaded: list[LoadedRole], option: str, text: str) -> Iterator[Fault]:
    from orchestrator.provision.loading import unknown_tags

    return unknown_tags(loaded, {word: Position(option) for word in sorted(_words(text))})


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(",") if word.strip())
