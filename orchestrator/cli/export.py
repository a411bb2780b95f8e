"""``orchestrate export``: write a run into a bundle."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli import complete
from orchestrator.cli.output import echo
from orchestrator.cli.results import results_option
from orchestrator.units import plural


@click.command()
@click.argument("run", shell_complete=complete.runs)
@click.option(
    "--output",
    "-o",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Archive or directory to write; default: EXPERIMENT-RUN.tar in the working directory.",
)
@click.option("--directory", is_flag=True, help="Write a directory instead of an archive.")
@click.option("--folder", is_flag=True, hidden=True, help="The name of --directory until 0.1.")
@click.option(
    "--scrub",
    is_flag=True,
    help="Replace secrets, names of hosts and users, and addresses with placeholders.",
)
@click.option(
    "--scrub-word", "words", metavar="WORD", multiple=True, help="Also replace WORD. May be repeated."
)
@click.option(
    "--experiment",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Find the other files of the experiment beside FILE; needed if they were moved since the run.",
)
@click.option(
    "--sign",
    "key",
    metavar="KEY",
    type=click.Path(path_type=Path),
    help="Sign the bundle with an SSH key: the file of a private key, or of a public key whose private key is in the "
    "agent. The signature is a file beside the bundle, with the suffix .sig.",
)
@results_option
def export(
    run: str,
    output: Path | None,
    directory: bool,
    folder: bool,
    scrub: bool,
    words: tuple[str, ...],
    experiment: Path | None,
    key: Path | None,
    results_path: Path,
) -> None:
    """Write a run into a bundle.

    RUN is an id, the name of an experiment, a prefix of these, a directory, or `latest`. The bundle has everything to
    check the run and to reproduce it. It is an RO-Crate. Two exports of a run are identical, byte for byte.
    """
    if words and not scrub:
        raise click.UsageError("--scrub-word requires --scrub")
    from orchestrator.bundle.export import ExportOptions
    from orchestrator.bundle.export import export as write
    from orchestrator.results import runs

    options = ExportOptions(output, directory or folder, scrub, words, experiment, key)
    exported = write(runs.find(results_path, run), options)
    for note in exported.notes:
        echo(f"orchestrate: {note}", err=True)
    echo(f"{exported.path}: {plural(exported.files, 'file')}, id {exported.identity}")
    if exported.signature is not None:
        echo(f"{exported.signature}: signature")
