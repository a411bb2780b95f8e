"""``orchestrate results``: the list of runs, and the provenance of one."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.cli.output import echo
from orchestrator.cli.program import as_started
from orchestrator.errors import BadInput, HostError
from orchestrator.terminal import visible

results_option = click.option(
    "--results",
    "results_path",
    metavar="DIR",
    envvar="ORCHESTRATE_RESULTS",
    show_envvar=True,
    default="results",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Results directory.",
)

output_option = click.option(
    "--output",
    "-o",
    "target",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to a file instead of standard output.",
)


@click.group()
def results() -> None:
    """List runs, or show one.

    A RUN is an id, the name of an experiment, a prefix of these, a directory, or `latest`.
    """


@results.command("list")
@results_option
def list_runs(results_path: Path) -> None:
    """List all runs, oldest first."""
    from orchestrator.report import listing
    from orchestrator.results.store import Store

    with Store(results_path) as store:
        for fault in store.sync():
            echo(f"orchestrate: {fault}", err=True)
        emit(as_started(listing.runs(store)))


@results.command("show")
@click.argument("run")
@click.option("--trial", metavar="ID", help="Print the records of one trial instead, as JSON.")
@click.option("--trials", is_flag=True, help="List all trials instead, those that are not ok first.")
@results_option
def show(run: str, trial: str | None, trials: bool, results_path: Path) -> None:
    """Show the provenance of RUN, its boots and the outcome of its trials."""
    if trial and trials:
        raise click.UsageError("--trial and --trials are mutually exclusive")
    from orchestrator.report import listing
    from orchestrator.results import runs
    from orchestrator.results.store import open_for

    folder = runs.find(results_path, run)
    if trial:
        emit(listing.trial(folder, trial))
        return
    with open_for(results_path, folder) as store:
        emit(listing.trials(store, folder) if trials else as_started(listing.one(store, folder)))


def emit(rendered: str | bytes, target: Path | None = None) -> None:
    """Write to a file or to standard output; bytes are refused on a terminal."""
    if target is not None:
        _write(target, rendered)
        return
    if isinstance(rendered, bytes) and sys.stdout.isatty():
        raise BadInput("not a text format; write it to a file: orchestrate report RUN --output FILE")
    if isinstance(rendered, str):
        from orchestrator.report.text import for_encoding

        rendered = for_encoding(rendered, sys.stdout.encoding or "utf-8")
    try:
        if isinstance(rendered, bytes):
            click.echo(rendered, nl=False)
        else:
            echo(rendered, nl=False)
    except BrokenPipeError:
        raise
    except OSError as error:
        sys.stdout = None  # its buffer cannot be written at exit either
        raise HostError(f"cannot write to standard output: {error.strerror}") from None


def _write(target: Path, rendered: str | bytes) -> None:
    try:
        target.write_bytes(rendered if isinstance(rendered, bytes) else visible(rendered).encode())
    except OSError as error:
        raise BadInput(f"--output {target}: {error.strerror}") from None
