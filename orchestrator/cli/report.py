"""``orchestrate report``: the figures of a run in one of several forms."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.results import emit, results_option
from orchestrator.errors import BadInput
from orchestrator.report import names


@click.command()
@click.argument("run")
@click.option(
    "--format",
    "form",
    type=click.Choice(names()),
    default="table",
    show_default=True,
    help="Form of the report.",
)
@click.option(
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    help="Metric that tables show; may be repeated. Without it: the headline and the next one of the experiment.",
)
@click.option(
    "--output",
    "-o",
    "target",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to a file instead.",
)
@results_option
def report(run: str, form: str, metrics: tuple[str, ...], target: Path | None, results_path: Path) -> None:
    """Print the figures of RUN: an id, the start of one, a folder, or `latest`."""
    from orchestrator.report import render
    from orchestrator.report.model import build
    from orchestrator.results import runs

    rendered = render(build(results_path, runs.find(results_path, run), metrics), form)
    if target is None:
        emit(rendered)
    else:
        _write(target, rendered)


def _write(target: Path, rendered: str | bytes) -> None:
    try:
        target.write_bytes(rendered if isinstance(rendered, bytes) else rendered.encode("utf-8", "replace"))
    except OSError as error:
        raise BadInput(f"--output {target}: {error.strerror}") from None
