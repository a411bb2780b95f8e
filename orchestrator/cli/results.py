"""``orchestrate results``: the list of runs, the provenance of one, and their removal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli import complete
from orchestrator.cli.options import Group
from orchestrator.cli.output import echo
from orchestrator.cli.program import as_started
from orchestrator.cli.questions import confirm
from orchestrator.errors import BadInput, HostError
from orchestrator.terminal import visible

if TYPE_CHECKING:
    from orchestrator.report.chart_formats import ChartFile
    from orchestrator.results.runs import RunFolder

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


@click.group(cls=Group)
def results() -> None:
    """List, show and remove runs.

    A RUN is an id, the name of an experiment, a prefix of these, a directory, or `latest`.
    """


@results.command("list")
@results_option
def list_runs(results_path: Path) -> None:
    """List all runs, oldest first.

    The state of a run is complete, interrupted (the same `orchestrate run` resumes it), or running, with the process id
    and the machine of its controller.
    """
    from orchestrator.report import listing
    from orchestrator.results.store import Store

    with Store(results_path) as store:
        for fault in store.sync():
            echo(f"orchestrate: {fault}", err=True)
        emit(as_started(listing.runs(store)))


@results.command("show")
@click.argument("run", shell_complete=complete.runs)
@click.option("--trial", metavar="ID", help="Print the records of one trial instead, as JSON.")
@click.option("--trials", is_flag=True, help="List all trials instead, those that are not ok first.")
@click.option("--text", is_flag=True, help="With --trial: print status, stdout and stderr as text, not JSON.")
@results_option
def show(run: str, trial: str | None, trials: bool, text: bool, results_path: Path) -> None:
    """Show the provenance of RUN, its boots and the outcome of its trials."""
    if trial and trials:
        raise click.UsageError("--trial and --trials are mutually exclusive")
    if text and not trial:
        raise click.UsageError("--text requires --trial ID")
    from orchestrator.report import listing
    from orchestrator.results import runs
    from orchestrator.results.store import open_for

    folder = runs.find(results_path, run)
    if trial:
        emit(listing.trial(folder, trial, text))
        return
    with open_for(results_path, folder) as store:
        emit(listing.trials(store, folder) if trials else as_started(listing.one(store, folder)))


dry_run_option = click.option(
    "-n", "--dry-run", is_flag=True, help="Print what would be removed; remove nothing."
)
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")


@results.command("rm")
@click.argument("references", metavar="RUN...", nargs=-1, required=True, shell_complete=complete.runs)
@dry_run_option
@yes_option
@results_option
def remove_runs(references: tuple[str, ...], dry_run: bool, yes: bool, results_path: Path) -> None:
    """Remove runs.

    On a terminal, asks for confirmation. Runs that are active are refused, and what is not in the results directory;
    `latest` too, as it is the newest run that reached a host, which need not be the last of the list.
    """
    if "latest" in references:
        raise click.UsageError(
            "name the run to remove: `latest` need not be the last run of `orchestrate results list`"
        )
    from orchestrator.results import removal

    failed = _remove(results_path, removal.find(results_path, references), dry_run, yes)
    if failed:
        raise type(failed[0])(*map(str, failed))


@results.command()
@click.option(
    "--keep", type=click.IntRange(min=0), metavar="N", help="Keep the newest N runs of each experiment."
)
@click.option(
    "--older-than", metavar="DURATION", help="Remove runs that started before this time, such as 30d or 12h."
)
@click.option("--unfinished", is_flag=True, help="Remove runs that are not complete.")
@dry_run_option
@yes_option
@results_option
def prune(
    keep: int | None, older_than: str | None, unfinished: bool, dry_run: bool, yes: bool, results_path: Path
) -> None:
    """Remove old or unfinished runs.

    With several conditions, a run is removed if all are true. On a terminal, asks for confirmation. Runs that are
    active are kept. --unfinished keeps runs with a journal whose last line cannot be read.
    """
    if keep is None and older_than is None and not unfinished:
        raise click.UsageError("nothing to select runs by; give --keep, --older-than or --unfinished")
    from orchestrator.results import removal
    from orchestrator.units import parse_age

    try:
        seconds = parse_age(older_than) if older_than is not None else 0.0
    except BadInput as error:
        raise BadInput(f"--older-than: {error}") from None
    selection = removal.Selection(keep or 0, seconds, unfinished)
    selected = list(
        removal.select(results_path, selection, lambda fault: echo(f"orchestrate: {fault}", err=True))
    )
    failed = []
    for fault in _remove(results_path, selected, dry_run, yes):
        if isinstance(fault, BadInput):  # it was not active when it was selected
            echo(f"orchestrate: {fault}; the run is kept", err=True)
        else:
            failed.append(str(fault))
    if failed:
        raise HostError(*failed)


def _remove(
    results_path: Path, selected: list[RunFolder], dry_run: bool, yes: bool
) -> list[BadInput | HostError]:
    """Remove runs one after another, and then from the index; return why some were not removed."""
    from orchestrator.results import removal
    from orchestrator.results.store import Store
    from orchestrator.units import plural

    shown = {
        run: f"{run.path.parent.name}/{run.id}, {removal.state(run, removal.recorded_state(run))}, "
        f"{_mebibytes(removal.size(run))}"
        for run in selected
    }
    rests = {folder: f"the rest of {removal.removed_run(folder)}" for folder in removal.left(results_path)}
    must_ask = not dry_run and not yes and sys.stdin.isatty()
    if dry_run or must_ask:
        for text in (*rests.values(), *shown.values()):
            echo(f"would remove {text}")
    if not selected and not rests:
        echo("nothing to remove", err=True)
        return []
    if dry_run or (must_ask and not confirm(f"Remove {plural(len(selected) + len(rests), 'run')}?")):
        return []
    failed: list[BadInput | HostError] = []
    for folder, text in rests.items():
        try:
            removal.finish(folder)
            echo(f"removed {text}")
        except HostError as error:
            failed.append(error)
    try:
        for run in selected:
            try:
                if removal.remove(results_path, run):
                    echo(f"removed {shown[run]}")
            except (BadInput, HostError) as error:
                failed.append(error)
    finally:
        with Store(results_path) as store:
            store.sync()
    return failed


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:.1f} MiB"


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


def emit_charts(files: Sequence[ChartFile], target: Path | None, is_chosen: bool) -> Iterator[str]:
    """Write charts to files in a directory; yield a line for each.

    One chart goes to standard output without a target, and to a file if it is chosen (``--chart``) or if the name of
    the target ends as a file of its format.
    """
    has_suffix = target is not None and target.name.endswith(f".{files[0].extension.rpartition('.')[2]}")
    may_be_file = target is None or ((is_chosen or has_suffix) and not target.is_dir())
    if len(files) == 1 and may_be_file:
        emit(files[0].content, target)
        return
    names = ", ".join(file.name for file in files)
    if target is None or (has_suffix and not target.is_dir()):
        where = "standard output" if target is None else f"--output {target}"
        raise BadInput(
            f"{where}: {len(files)} charts are {len(files)} files; name a directory with --output, or one of them "
            f"with --chart: {names}"
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--output {target}: {error.strerror}") from None
    for file in files:
        path = target / f"{file.name}.{file.extension}"
        _write(path, file.content)
        yield f"{path}: {file.title}"


def _write(target: Path, rendered: str | bytes) -> None:
    try:
        target.write_bytes(rendered if isinstance(rendered, bytes) else visible(rendered).encode())
    except OSError as error:
        raise BadInput(f"--output {target}: {error.strerror}") from None
