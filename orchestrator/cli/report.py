"""``orchestrate report``: the figures of a run in one of several formats."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.results import emit, output_option, results_option
from orchestrator.report import format_names


@click.command()
@click.argument("run")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(format_names()),
    default="table",
    show_default=True,
    help="Print the report in this format.",
)
@click.option(
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    help="Show metric NAME in tables and charts; default: the headline and the next metric. May be repeated.",
)
@output_option
@results_option
def report(
    run: str, format_name: str, metrics: tuple[str, ...], target: Path | None, results_path: Path
) -> None:
    """Print the figures of a run.

    RUN is an id, the name of an experiment, a prefix of these, a directory, or `latest`.
    """
    from orchestrator.report import render
    from orchestrator.report.model import open_report
    from orchestrator.results import runs

    with open_report(results_path, runs.find(results_path, run), metrics) as opened:
        emit(render(opened, format_name), target)
