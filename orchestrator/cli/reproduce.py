"""``orchestrate reproduce``: run a bundle's experiment again and judge its claims."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.bundle.modes import MODES, Mode
from orchestrator.bundle.origin import Origin
from orchestrator.cache import cache_folder
from orchestrator.cli.compare import Percent
from orchestrator.cli.logs import set_up_logging
from orchestrator.cli.options import host_options, new_option, origin_options, verbose_option
from orchestrator.cli.output import echo
from orchestrator.cli.results import emit, results_option
from orchestrator.hosts.provider_choice import HostOptions, choose_provider
from orchestrator.provision.experiments import load_experiment


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="smoke",
    show_default=True,
    help="Run a few cells in a guest (smoke), all cells with few repetitions (short), or all trials (full).",
)
@click.option(
    "--within",
    type=Percent(),
    default="25%",
    show_default=True,
    help="Accept ratios that differ from the original ones by up to PERCENT.",
)
@origin_options
@new_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Print the verdicts in this format.",
)
@verbose_option
@host_options("Run with")
@results_option
def reproduce(
    bundle: Path,
    mode: Mode,
    within: float,
    origin: Origin,
    new: bool,
    format_name: str,
    verbose: int,
    chosen_hosts: HostOptions,
    results_path: Path,
) -> None:
    """Verify BUNDLE, run its experiment again, and check its claims.

    Claims are about the shape of the results, not about absolute speed. Exit code 5 if a claim does not hold. If an
    earlier reproduction is unfinished, it is resumed.
    """
    from orchestrator.bundle import contents, layout
    from orchestrator.bundle import reproduce as reproducing
    from orchestrator.bundle.modes import reduction
    from orchestrator.bundle.verify import open_bundle
    from orchestrator.cli.progress import Terminal
    from orchestrator.report.reproduction import render
    from orchestrator.results.runs import RunFolder

    set_up_logging(verbose)
    with open_bundle(bundle, origin) as folder:
        description = layout.read(folder)
        bundled = contents.read(RunFolder(folder / layout.RUN))
        file = folder / description.experiment_file
        original = load_experiment(file, description.overrides)
        reduced = reduction(
            original, mode, in_guest=not chosen_hosts.host and chosen_hosts.provider in ("", "qemu")
        )
        overrides = (*description.overrides, *reduced.overrides)
        experiment = load_experiment(file, overrides)
        chosen = choose_provider(experiment, chosen_hosts)
        request = reproducing.RerunRequest(
            experiment=experiment,
            provider=chosen,
            overrides=overrides,
            where=reduced.where,
            results=results_path,
            cache=cache_folder(),
            command_line=tuple(sys.argv),
            new=new,
            defaults=chosen_hosts.used_defaults(chosen),
        )
        run = reproducing.rerun(bundled, description, request, Terminal(verbose))
        result = reproducing.compare(bundled, description, run, mode, within, original.content_hash)
    emit(layout.json_text(result.document) if format_name == "json" else render(result))
    echo(f"\nresults: {run.path}", err=True)
    sys.exit(result.exit_code)
