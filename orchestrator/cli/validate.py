"""``orchestrate validate``: are these files good?"""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.options import load_experiment, make_plan, make_provider, set_option
from orchestrator.errors import BadInput
from orchestrator.units import plural


@click.command()
@click.argument(
    "files",
    metavar="EXPERIMENT.yaml...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
)
@set_option
def validate(files: tuple[Path, ...], overrides: tuple[str, ...]) -> None:
    """Check experiment files; no host is touched."""
    faults: list[object] = []
    for file in files:
        try:
            experiment = load_experiment(file, overrides)
        except BadInput as error:
            faults.extend(error.faults)
        else:
            plan = make_plan(experiment, (), None)
            if (
                experiment.hosts.provider != "ssh"
            ):  # where an ssh host is may be said by --host, and not by the file
                make_provider(experiment, "", None, None, False)
            click.echo(
                f"{file}: good: {plural(plan.cell_count, 'cell')}, {plural(plan.trial_count, 'trial')}"
            )
    if faults:
        raise BadInput(*(str(fault) for fault in faults))
