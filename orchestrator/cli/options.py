"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

experiment_argument = click.argument(
    "file", metavar="EXPERIMENT.yaml", type=click.Path(path_type=Path, dir_okay=False)
)
set_option = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Override a value of the file, such as repetitions=1 or factors.mode=[serial]. May be repeated.",
)
new_option = click.option(
    "--new", is_flag=True, help="Start a new run even if an unfinished one can be resumed."
)
verbose_option = click.option(
    "-v", "--verbose", count=True, help="Print more; with -vv, print the whole log."
)


def selection_options(function: F) -> F:
    """Add --where and --limit."""
    where = click.option(
        "--where",
        metavar="PREDICATE",
        multiple=True,
        help="Select cells for which every PREDICATE is true, such as \"mode == 'serial'\". May be repeated.",
    )
    limit = click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Select the first N cells.")
    return where(limit(function))


def inventory_options(function: F) -> F:
    """Add --inventory and --ssh-config."""
    file = click.Path(path_type=Path, dir_okay=False, exists=True)
    inventory = click.option(
        "--inventory",
        type=click.Path(path_type=Path, exists=True),
        help="Ansible inventory. Other formats than YAML and INI, scripts and directories are read by Ansible.",
    )
    ssh_config = click.option(
        "--ssh-config", type=file, help="SSH configuration to read instead of ~/.ssh/config."
    )
    return inventory(ssh_config(function))


def provider_option(function: F) -> F:
    """Add --provider."""
    option = click.option(
        "--provider",
        default="",
        metavar="NAME",
        callback=_known_provider,
        help="Run with this provider instead of the one in the file; its options are those of its section hosts.NAME.",
    )
    return option(function)


def _known_provider(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    from orchestrator.hosts.providers import registry
    from orchestrator.nearest import did_you_mean

    if value and value not in registry():
        raise click.BadParameter(f"no provider {value!r}; {did_you_mean(value, registry())}")
    return value


def host_options(function: F) -> F:
    """Add --provider, --host, --inventory, --ssh-config and --allow-local-changes."""
    host = click.option(
        "--host",
        default="",
        metavar="HOST",
        help="Use HOST instead of the hosts in the file: a name in the inventory, [user@]host[:port], or `local`.",
    )
    local = click.option(
        "--allow-local-changes",
        is_flag=True,
        help="Allow the local provider to change sysctls and other settings of this machine during the run.",
    )
    return provider_option(host(inventory_options(local(function))))
