"""``orchestrate init``: a file to begin with."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument(
    "folder", metavar="[FOLDER]", default=".", type=click.Path(path_type=Path, exists=True, file_okay=False)
)
@click.option(
    "--ci",
    is_flag=True,
    help="Write a GitHub Actions workflow that runs experiment.yaml, on a NUMA machine of your own and on a cloud "
    "instance, and fails where it has become slower.",
)
def init(folder: Path, ci: bool) -> None:
    """Write experiment.yaml to FOLDER (the working directory): an experiment to begin with.

    Nothing is overwritten.
    """
    from orchestrator import starters

    path = starters.write(folder, starters.WORKFLOW if ci else starters.EXPERIMENT)
    click.echo(f"{path}: written")
    experiment = folder / starters.EXPERIMENT
    if ci and not experiment.exists():
        click.echo(
            f"it runs {experiment}, which is not there yet: `orchestrate init` writes one to begin with"
        )
    elif not ci:
        click.echo(f"next: orchestrate plan {path}, then orchestrate run {path}")
