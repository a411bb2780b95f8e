"""``orchestrate init``: create an example experiment or a CI workflow."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from orchestrator.cli.output import echo
from orchestrator.cli.program import as_started


@click.command()
@click.argument(
    "folder",
    metavar="[DIRECTORY]",
    default=".",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
)
@click.option(
    "--ci",
    is_flag=True,
    help="Create a GitHub Actions workflow instead. It runs experiment.yaml on your own NUMA machine and on a metal "
    "instance of EC2, and fails on a regression.",
)
def init(folder: Path, ci: bool) -> None:
    """Create an example experiment, or a CI workflow.

    Writes experiment.yaml to DIRECTORY; default: the working directory. Existing files are not overwritten.
    """
    from orchestrator import starters

    path = starters.write(folder, starters.WORKFLOW if ci else starters.EXPERIMENT)
    echo(f"created {path}")
    experiment = folder / starters.EXPERIMENT
    if ci and not experiment.exists():
        hint = "create it with 'orchestrate init'"
        echo(f"the workflow runs {experiment}, which does not exist; {as_started(hint)}")
    elif not ci:
        name = shlex.quote(str(path))
        echo(as_started(f"next: orchestrate plan {name}; orchestrate run {name}"))
