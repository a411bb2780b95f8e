"""``orchestrate plan``: what a run would do, and how long it would take."""

from __future__ import annotations

import json
from pathlib import Path

import click

from orchestrator.cli.options import (
    experiment_argument,
    host_options,
    load_experiment,
    make_plan,
    make_provider,
    selection_options,
    set_option,
)
from orchestrator.plan.describe import documents, table
from orchestrator.units import format_duration, plural


@click.command()
@experiment_argument
@set_option
@selection_options
@host_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "jsonl"]),
    default="table",
    show_default=True,
    help="A table of cells, or one JSON object a line: the plan, its blocks, its trials in the order of execution.",
)
def plan(
    file: Path,
    overrides: tuple[str, ...],
    where: tuple[str, ...],
    limit: int | None,
    host: str,
    inventory: Path | None,
    ssh_config: Path | None,
    allow_local_changes: bool,
    form: str,
) -> None:
    """Print cells, trials, boots and an estimate of time; no host is touched."""
    experiment = load_experiment(file, overrides)
    provider = make_provider(experiment, host, inventory, ssh_config, allow_local_changes)
    planned = make_plan(experiment, where, limit, provider)
    if form == "jsonl":
        for document in documents(planned):
            click.echo(json.dumps(document, ensure_ascii=False))
        return
    estimate = planned.estimate(boot_s=provider.boot_estimate)
    click.echo(table(planned))
    trials = f"{'at most ' * planned.may_end_early()}{plural(planned.trial_count, 'trial')}"
    boots = plural(planned.block_count, "boot")
    click.echo(
        f"\n{plural(planned.cell_count, 'cell')}, {trials}, {boots} on {provider.name}; "
        f"about {format_duration(estimate.seconds)} ({estimate.basis})"
    )
