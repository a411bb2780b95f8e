"""``orchestrate plan``: print the plan of a run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import click

from orchestrator.cli.logs import set_up_logging
from orchestrator.cli.options import (
    experiment_argument,
    host_options,
    selection_options,
    set_option,
)
from orchestrator.cli.output import echo
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Experiment
from orchestrator.hosts.provider import Provider
from orchestrator.hosts.provider_choice import HostOptions, choose_provider
from orchestrator.plan import Plan
from orchestrator.plan.describe import json_lines, summary, table
from orchestrator.provision.experiments import load_experiment

log = logging.getLogger(__name__)


@click.command()
@experiment_argument
@set_option
@selection_options
@host_options("Plan for")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["table", "jsonl"]),
    default="table",
    show_default=True,
    help="Output format: a table of cells, or JSON lines with the plan, its blocks and its trials in execution order.",
)
def plan(
    file: Path,
    overrides: tuple[str, ...],
    where: tuple[str, ...],
    first: int | None,
    chosen_hosts: HostOptions,
    format_name: str,
) -> None:
    """Print the plan of a run with the estimated time.

    Connects to no host. If `orchestrate run` would refuse the plan, for example because of limits.max_hours, a warning
    says so.
    """
    from orchestrator.execution.provider_checks import check_provider, estimate

    set_up_logging(0)
    experiment = load_experiment(file, overrides)
    chosen = choose_provider(experiment, chosen_hosts)
    planned = Plan(experiment, where, first, chosen.hosts)
    try:
        check_provider(planned, chosen)
    except BadInput as error:
        log.warning("run will refuse this: %s", error)
    if format_name == "jsonl":
        for lines in json_lines(planned):
            click.echo(lines, nl=False)  # JSON has no such characters, and there may be millions of lines
        return
    echo(table(planned))
    estimated = estimate(planned, chosen)
    echo(f"\n{summary(planned, chosen.name, estimated)}")
    if missing := list(_to_build(experiment, chosen)):
        which, them = ("kernel", "it") if len(missing) == 1 else ("kernels", "them")
        echo(
            f"{which} {', '.join(missing)}: not built yet; `run` builds {them} first, which takes minutes to hours and "
            "2 GB of disk"
        )
    quote = chosen.quote(estimated.seconds)
    if quote is not None:
        echo(quote)
        for hint in quote.hints:
            echo(hint)
        if quote.end:
            echo(f"end: {quote.end}")


def _to_build(experiment: Experiment, provider: Provider) -> Iterator[str]:
    """Yield the names of the kernels that are not in the cache."""
    kernels = [kernel for kernel in experiment.kernels if kernel.recipe is not None]
    if kernels:
        from orchestrator import architectures
        from orchestrator.kernels.built import is_built

        for kernel in kernels:
            architecture = architectures.find(provider.kernel(kernel).architecture)
            if kernel.recipe is not None and not is_built(kernel.recipe, architecture):
                yield kernel.name
