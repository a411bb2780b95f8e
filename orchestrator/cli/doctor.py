"""``orchestrate doctor``: what machines can do, and what they lack."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.cli.logs import set_up_logging
from orchestrator.cli.options import Command, host_options, set_option
from orchestrator.cli.output import echo
from orchestrator.cli.program import as_started
from orchestrator.cli.results import results_option
from orchestrator.errors import ExitCode
from orchestrator.hosts.provider_choice import HostOptions, choose_provider


@click.command(cls=Command, synopses=("[EXPERIMENT.yaml]",))
@click.argument(
    "file", metavar="[EXPERIMENT.yaml]", required=False, type=click.Path(path_type=Path, dir_okay=False)
)
@set_option
@host_options("Examine for")
@results_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="Print the findings in this format.",
)
def doctor(
    file: Path | None,
    overrides: tuple[str, ...],
    chosen_hosts: HostOptions,
    results_path: Path,
    format_name: str,
) -> None:
    """Show what a machine can do for experiments, and what it lacks.

    Examines this machine, or HOST. With EXPERIMENT.yaml, examines the hosts of the experiment, and says whether it can
    run there: exit code 3 if not. Without it, the exit code is 0 unless no experiment at all could run.

    Each line is a finding: ok, missing or warning, what was looked at, the reason, and a command that mends it. Nothing
    is changed. KVM is tried with a guest of a few instructions.
    """
    from orchestrator.doctor import examination
    from orchestrator.doctor.text import lines

    set_up_logging(0)
    if file is None:
        for option, value in (
            ("--set", overrides),
            ("--provider", chosen_hosts.provider),
            ("--limit", chosen_hosts.limit),
        ):
            if value:
                raise click.UsageError(f"{option} requires EXPERIMENT.yaml")
        from orchestrator.hosts.selector import HostSelector

        selector = HostSelector(chosen_hosts.inventory, chosen_hosts.ssh_config)
        found = examination.examine(selector, [chosen_hosts.host] if chosen_hosts.host else [], results_path)
    else:
        from orchestrator.plan import Plan
        from orchestrator.provision.experiments import load_experiment

        experiment = load_experiment(file, overrides)
        chosen = choose_provider(experiment, chosen_hosts)
        found = examination.examine_for(Plan(experiment, hosts=chosen.hosts), chosen, results_path)
    if format_name == "json":
        from msgspec import json

        echo(json.format(json.encode(found), indent=2).decode())
    else:
        for line in lines(found):
            echo(as_started(line))
    sys.exit(ExitCode.OK if found.can_run else ExitCode.HOST)
