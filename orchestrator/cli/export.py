"""``orchestrate export``: a run and all that it takes to check it and do it again, as one bundle."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.results import results_option
from orchestrator.units import plural


@click.command()
@click.argument("run")
@click.option(
    "--output",
    "-o",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Archive (or folder) to write; default: EXPERIMENT-RUN.tar here.",
)
@click.option("--folder", is_flag=True, help="Write a folder instead of an archive.")
@click.option(
    "--scrub",
    is_flag=True,
    help="Put stand-ins in place of secrets, names of hosts and users, and addresses.",
)
@click.option(
    "--scrub-word", "words", metavar="WORD", multiple=True, help="And in place of this; may be repeated."
)
@click.option(
    "--experiment",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The experiment file, if it is no longer where the run found it.",
)
@results_option
def export(
    run: str,
    output: Path | None,
    folder: bool,
    scrub: bool,
    words: tuple[str, ...],
    experiment: Path | None,
    results_path: Path,
) -> None:
    """Write RUN (an id, the start of one, a folder, or `latest`) into a bundle, an RO-Crate.

    Two exports of one run are the same, byte for byte.
    """
    if words and not scrub:
        raise click.UsageError("--scrub-word goes with --scrub")
    from orchestrator.bundle.export import ExportOptions
    from orchestrator.bundle.export import export as write
    from orchestrator.results import runs

    made = write(runs.find(results_path, run), ExportOptions(output, folder, scrub, words, experiment))
    for note in made.notes:
        click.echo(f"orchestrate: {note}", err=True)
    click.echo(f"{made.path}: {plural(made.files, 'file')}, id {made.identity}")
