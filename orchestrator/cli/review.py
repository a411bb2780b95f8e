"""``orchestrate review``: what a run of somebody else's file would do."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cache import cache_folder
from orchestrator.cli.logs import set_up_logging
from orchestrator.cli.options import (
    experiment_argument,
    host_options,
    selection_options,
    set_option,
)
from orchestrator.cli.output import echo
from orchestrator.cli.results import results_option
from orchestrator.hosts.provider_choice import HostOptions, choose_provider
from orchestrator.plan import Plan
from orchestrator.provision.experiments import load_experiment


@click.command()
@experiment_argument
@set_option
@selection_options
@host_options("Review for")
@results_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Output format.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show the scripts of orchestrate itself in full.")
def review(
    file: Path,
    overrides: tuple[str, ...],
    where: tuple[str, ...],
    first: int | None,
    chosen_hosts: HostOptions,
    results_path: Path,
    format_name: str,
    verbose: bool,
) -> None:
    """Show what a run of a file that somebody else wrote would do.

    Prints each command, file and setting with the line that it comes from, and first what deserves attention. Connects
    to no host, executes nothing of the file and fetches nothing.
    """
    from orchestrator.hosts.inventory import ansible
    from orchestrator.review.review import review as look
    from orchestrator.review.text import lines

    set_up_logging(0)
    with ansible.not_run():
        experiment = load_experiment(file, overrides)
        chosen = choose_provider(experiment, chosen_hosts)
        found = look(
            Plan(experiment, where, first, chosen.hosts), where, chosen, results_path, cache_folder()
        )
    if format_name == "json":
        from msgspec import json

        echo(json.format(json.encode(found), indent=2).decode())
        return
    for line in lines(found, verbose=verbose):
        echo(line)
