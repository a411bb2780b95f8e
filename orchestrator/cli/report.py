"""``orchestrate report``: the figures of a run in one of several forms."""

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
    help="Format of the report.",
)
@click.option(
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    help="Metric that tables show; may be repeated. Without it: the headline and the next one of the experiment.",
)
@output_option
@results_option
def report(
    run: str, format_name: str, metrics: tuple[str, ...], target: Path | None, results_path: Path
) -> None:
    """Print the figures of RUN: an id, the start of one, a folder, or `latest`."""
    from orchestrator.report import render
    from orchestrator.report.model import open_report
    from orchestrator.results import runs

    with open_report(results_path, runs.find(results_path, run), metrics) as opened:
        emit(render(opened, format_name), target)
