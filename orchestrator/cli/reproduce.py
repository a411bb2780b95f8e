"""``orchestrate reproduce``: does what a bundle claims hold here?"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from orchestrator.bundle.modes import MODES, Mode
from orchestrator.cache import cache_folder
from orchestrator.cli.compare import Percent
from orchestrator.cli.options import host_options, load_experiment, make_provider
from orchestrator.cli.results import emit, results_option
from orchestrator.cli.run import set_up_logging


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="smoke",
    show_default=True,
    help="smoke: part of it, minutes, in a guest; short: all cells, few repetitions; full: as it was.",
)
@click.option(
    "--within",
    type=Percent(),
    default="25%",
    show_default=True,
    help="How far a ratio may be off, up or down.",
)
@click.option("--new", "anew", is_flag=True, help="Begin a new run even where one could be carried on.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("-v", "--verbose", count=True, help="Say more; twice: everything that goes into the log.")
@host_options
@results_option
def reproduce(
    bundle: Path,
    mode: Mode,
    within: float,
    anew: bool,
    form: str,
    verbose: int,
    host: str,
    inventory: Path | None,
    ssh_config: Path | None,
    allow_local_changes: bool,
    results_path: Path,
) -> None:
    """Verify BUNDLE, do its run again, and judge its claims: the shape, not absolute speed.

    Exit code 5: a claim does not hold.
    """
    from orchestrator.bundle import layout
    from orchestrator.bundle import reproduce as again
    from orchestrator.bundle.modes import narrowed
    from orchestrator.bundle.opening import opened
    from orchestrator.cli.progress import building, progress
    from orchestrator.report import reproduction as judgement

    set_up_logging(verbose)
    with opened(bundle) as folder:
        description = layout.read(folder)
        file = folder / description.file
        as_it_was = load_experiment(file, description.overrides)
        found = narrowed(as_it_was, mode, in_guest=not host)
        overrides = (*description.overrides, *found.overrides)
        experiment = load_experiment(file, overrides)
        provider = make_provider(experiment, host, inventory, ssh_config, allow_local_changes)
        rerun = again.Rerun(
            experiment=experiment,
            provider=provider,
            mode=mode,
            overrides=overrides,
            ends=found.where,
            results=results_path,
            cache=cache_folder(),
            command_line=tuple(sys.argv),
            anew=anew,
        )
        say = partial(click.echo, err=True)
        run = again.run_again(description, rerun, building, partial(progress, verbose), say)
        made = again.judge_run(folder, description, run, mode, within, as_it_was.content_hash)
    emit(layout.json_text(made.document) if form == "json" else judgement.render(made))
    click.echo(f"\nresults: {run.path}", err=True)
    sys.exit(made.exit_code)
