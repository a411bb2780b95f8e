"""``orchestrate validate``: check experiment files."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from orchestrator.cli.logs import set_up_logging
from orchestrator.cli.options import provider_option, set_option
from orchestrator.cli.output import echo
from orchestrator.errors import BadInput, Fault
from orchestrator.hosts.provider_choice import HostOptions, choose_provider
from orchestrator.plan import Plan
from orchestrator.provision.experiments import load_experiment
from orchestrator.units import plural

log = logging.getLogger(__name__)


@click.command()
@click.argument(
    "files",
    metavar="EXPERIMENT.yaml...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
)
@set_option
@provider_option("Check the file for provider NAME ({known}) instead of its hosts.provider.")
def validate(files: tuple[Path, ...], overrides: tuple[str, ...], provider: str) -> None:
    """Check experiment files. Connects to no host."""
    from orchestrator.execution.provider_checks import check_limits

    set_up_logging(0)
    faults: list[Fault | str] = []
    for file in files:
        try:
            experiment = load_experiment(file, overrides)
            plan = Plan(experiment)
            chosen = None
            if (provider or experiment.hosts.provider) != "ssh":  # the host may be given by --host
                chosen = choose_provider(experiment, HostOptions(provider=provider))
        except BadInput as error:
            faults += [f"{file}: {fault}" if isinstance(fault, str) else fault for fault in error.faults]
        else:
            echo(f"{file}: valid: {plural(plan.cell_count, 'cell')}, {plural(plan.trial_count, 'trial')}")
            try:
                check_limits(plan, chosen)
            except BadInput as error:
                log.warning("%s: run will refuse this: %s", file, error)
    if faults:
        raise BadInput(*faults)
