"""``orchestrate role``: list roles, and apply them to hosts without an experiment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli import complete
from orchestrator.cli.logs import set_up_logging
from orchestrator.cli.options import Group, inventory_options
from orchestrator.cli.output import echo
from orchestrator.errors import BadInput, ExitCode, Fault, Position

if TYPE_CHECKING:
    from orchestrator.provision.tasks import LoadedRole


@click.group(cls=Group)
def role() -> None:
    """Apply roles to hosts without an experiment."""


@role.command("list")
def list_() -> None:
    """List the roles that are found here, and their directories.

    Roles are searched for as for an experiment file in the working directory.
    """
    from tabulate import tabulate

    from orchestrator.experiment import roles

    rows = [
        [role.name, role.folder] for role in roles.find_all(roles.search_path(Path.cwd() / "experiment.yaml"))
    ]
    echo(tabulate(rows, ["role", "directory"]))


@role.command()
@click.argument("names", metavar="ROLE...", nargs=-1, required=True, shell_complete=complete.roles)
@click.option(
    "--host",
    "hosts",
    metavar="HOST|GROUP",
    shell_complete=complete.hosts,
    multiple=True,
    required=True,
    help="Apply to a host or group of the inventory, [user@]host[:port], or `local`. May be repeated.",
)
@inventory_options
@click.option("--check", is_flag=True, help="Report what would change; change nothing.")
@click.option(
    "--var",
    "variables",
    metavar="NAME=VALUE",
    multiple=True,
    help="Set a variable of the roles; the value is YAML. May be repeated.",
)
@click.option("--tags", default="", metavar="TAG,...", help="Run only tasks with one of these tags.")
@click.option("--skip-tags", default="", metavar="TAG,...", help="Skip tasks with one of these tags.")
@click.option(
    "--allow-local-changes", is_flag=True, help="Let roles change this machine, if the host is `local`."
)
def apply(
    names: tuple[str, ...],
    hosts: tuple[str, ...],
    inventory: Path | None,
    limit: str,
    ssh_config: Path | None,
    check: bool,
    variables: tuple[str, ...],
    tags: str,
    skip_tags: str,
    allow_local_changes: bool,
) -> None:
    """Bring hosts to the state that roles describe.

    Reports each change. Settings keep their new values until `orchestrate hosts restore` restores them.
    """
    from orchestrator.cache import cache_folder
    from orchestrator.hosts.selector import LOCAL, HostSelector
    from orchestrator.provision.apply import RoleRequest, apply_roles
    from orchestrator.provision.loading import changes_host, load_named

    set_up_logging(0)
    selector = HostSelector(inventory, ssh_config, limit)
    loaded = load_named(names, variables)
    faults = [*_unknown_tags(loaded, "--tags", tags), *_unknown_tags(loaded, "--skip-tags", skip_tags)]
    if faults:
        raise BadInput(*faults)
    chosen = selector.names(hosts)
    if (
        LOCAL in chosen
        and not check
        and not allow_local_changes
        and any(changes_host(role) for role in loaded)
    ):
        raise BadInput("the roles would change this machine; to allow that, use --allow-local-changes")
    request = RoleRequest(loaded, cache_folder(), check, _split(tags), _split(skip_tags))
    code = ExitCode.OK
    for _, result in selector.run_on_each(chosen, lambda host: apply_roles(host, selector, request)):
        lines, error = ([], result) if isinstance(result, Exception) else result
        for line in lines:
            echo(line)
        if error:
            code = ExitCode(max(code, error.exit_code))
            for line in str(error).splitlines():
                echo(f"orchestrate: {line}", err=True)
    sys.exit(code)


def _unknown_tags(loaded: list[LoadedRole], option: str, text: str) -> Iterator[Fault]:
    from orchestrator.provision.loading import unknown_tags

    return unknown_tags(loaded, {tag: Position(option) for tag in sorted(_split(text))})


def _split(text: str) -> frozenset[str]:
    return frozenset(tag.strip() for tag in text.split(",") if tag.strip())
