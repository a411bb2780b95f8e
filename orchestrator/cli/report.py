"""``orchestrate report``: the figures of a run in one of several formats."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from orchestrator.cli import complete
from orchestrator.cli.defaults import is_default
from orchestrator.cli.output import echo
from orchestrator.cli.results import emit, emit_charts, results_option
from orchestrator.errors import BadInput
from orchestrator.report import charts, format_names
from orchestrator.units import parse_length

FORMAT = "table"
WIDTH = "3.5in"
"""One column of most papers that have two columns."""
LIMITS = "1.5in", "20in"
SUFFIXES = {
    ".csv": "csv",
    ".html": "html",
    ".json": "json",
    ".md": "markdown",
    ".parquet": "parquet",
    ".pdf": "pdf",
    ".svg": "svg",
    ".tex": "latex",
    ".xml": "junit",
}
"""The format of a file whose name ends so, if none is given."""

_PLAIN = ("", ".txt")
"""Endings of names of files in the format that is printed."""


@click.command()
@click.argument("references", metavar="RUN...", nargs=-1, required=True, shell_complete=complete.runs)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(sorted([*format_names(), *charts.format_names()])),
    default=FORMAT,
    show_default=True,
    help=f"Print the report in this format; {', '.join(charts.format_names())}: the charts, one file for each.",
)
@click.option(
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    help="Show metric NAME in tables and charts; default: the headline and the next metric. Of one run, csv, json and "
    "parquet have all metrics. May be repeated.",
)
@click.option(
    "--output",
    "-o",
    "target",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write to a file instead of standard output; without --format, in the format that its name ends with. Charts: "
    "to files in this directory, unless --chart is given, or there is one chart and FILE ends with the name of the "
    "format.",
)
@click.option("--chart", metavar="NAME", help="Write chart NAME alone; needs a format of charts.")
@click.option(
    "--width",
    metavar="LENGTH",
    help=f"Width of a chart in in, mm, cm or pt, such as 89mm; default: {WIDTH}. Needs a format of charts.",
)
@click.option(
    "--log-x",
    is_flag=True,
    help="Draw the chart by threads, or another amount, on a logarithmic axis. Needs html or a format of charts.",
)
@results_option
def report(
    references: tuple[str, ...],
    format_name: str,
    metrics: tuple[str, ...],
    target: Path | None,
    chart: str | None,
    width: str | None,
    log_x: bool,
    results_path: Path,
) -> None:
    """Print the figures of a run.

    RUN is an id, the name of an experiment, a prefix of these, a directory, or `latest`. Several runs are shown side by
    side: one column for each, of the headline metric or those of --metric, and what differs between the runs.
    """
    source = click.get_current_context().get_parameter_source("format_name")
    if target is not None and source is not ParameterSource.COMMANDLINE:
        format_name = SUFFIXES.get(target.suffix, format_name)
        if target.suffix not in (*_PLAIN, *SUFFIXES) and format_name not in charts.format_names():
            names = ", ".join(SUFFIXES)
            echo(
                f"orchestrate: {target}: format {format_name}; a name gives another if it ends in {names}",
                err=True,
            )
    *others, last = charts.format_names()
    of_charts = format_name in (*others, last)
    for option, value in (("--chart", chart), ("--width", width)):
        if value is not None and not of_charts:
            raise click.UsageError(f"{option} needs --format {', '.join(others)} or {last}")
    if log_x and (len(references) > 1 or not (of_charts or format_name == "html")):
        raise click.UsageError(f"--log-x needs one run and --format html, {', '.join(others)} or {last}")
    try:
        points = parse_length(width or WIDTH)
    except BadInput as error:
        raise BadInput(f"--width: {error}") from None
    least, most = map(parse_length, LIMITS)
    if not least <= points <= most:
        raise click.UsageError(f"--width {width}: charts are from {LIMITS[0]} to {LIMITS[1]} wide")
    from msgspec.structs import replace

    from orchestrator.report import render, side_by_side, side_by_side_formats
    from orchestrator.report.model import open_report
    from orchestrator.results import runs

    found = [runs.find(results_path, reference) for reference in references]
    if len(found) > 1:
        if (
            is_default(click.get_current_context(), "format_name")
            and format_name not in side_by_side_formats.names()
        ):
            format_name = FORMAT
        side_by_side_formats.check(format_name)
        together = side_by_side.read(results_path, found, metrics)
        emit(side_by_side_formats.render(together, format_name), target)
        return
    with open_report(results_path, found[0], metrics) as one:
        opened = replace(one, log_x=log_x)
        if not of_charts:
            emit(render(opened, format_name), target)
            return
        for line in emit_charts(
            charts.render(opened, format_name, points, chart or ""), target, chart is not None
        ):
            echo(line)
