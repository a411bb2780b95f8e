"""``orchestrate run``: from an experiment file to results."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from orchestrator.cache import cache_folder
from orchestrator.cli import complete
from orchestrator.cli.logs import set_up_logging
from orchestrator.cli.options import (
    OptionalValue,
    ResumingCommand,
    experiment_argument,
    host_options,
    new_option,
    selection_options,
    set_option,
    verbose_option,
)
from orchestrator.cli.output import echo
from orchestrator.cli.program import as_started
from orchestrator.cli.results import emit, results_option
from orchestrator.hosts.provider_choice import HostOptions, choose_provider
from orchestrator.plan import Plan
from orchestrator.provision.experiments import load_experiment
from orchestrator.report import format_names


@click.command(cls=ResumingCommand)
@experiment_argument
@set_option
@selection_options
@host_options("Run with")
@results_option
@click.option(
    "--resume",
    cls=OptionalValue,
    default="",
    metavar="[=RUN]",
    shell_complete=complete.runs,
    help="Resume RUN, which must have the same scope; default: the latest unfinished run of that scope. Without this "
    "option, a new run is started if there is none; with it, that is an error.",
)
@new_option
@click.option(
    "--break-lock",
    is_flag=True,
    help="Remove locks of other runs from the hosts. `orchestrate hosts check HOST` names the run; make sure first "
    "that it is not active.",
)
@click.option(
    "--dry-run", is_flag=True, help="Print the commands that would run on the hosts. Connects to no host."
)
@click.option(
    "--check",
    is_flag=True,
    help="Report what roles and tuning would change; run no trial. Existing hosts are not changed, except for the "
    "scripts of orchestrate. Guests are booted and cloud machines are rented for the check.",
)
@verbose_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(format_names()),
    default="table",
    show_default=True,
    help="Print the report in this format. `orchestrate report` prints it again, in any format, or to a file.",
)
def run(
    file: Path,
    overrides: tuple[str, ...],
    where: tuple[str, ...],
    first: int | None,
    chosen_hosts: HostOptions,
    results_path: Path,
    resume: str,
    new: bool,
    break_lock: bool,
    dry_run: bool,
    check: bool,
    verbose: int,
    format_: str,
) -> None:
    """Run an experiment and print its report.

    If an earlier run of the same scope is unfinished, it is resumed; --new starts another one. Runs have the same scope
    if the experiment, --where, --first, the hosts, the kernels and the files of the roles are the same.

    The report is printed on standard output, progress on standard error.
    """
    if new and resume:
        raise click.UsageError("--new and --resume are mutually exclusive")
    if dry_run and check:
        raise click.UsageError("--dry-run and --check are mutually exclusive")
    set_up_logging(verbose)
    experiment = load_experiment(file, overrides)
    chosen = choose_provider(experiment, chosen_hosts)
    plan = Plan(experiment, where, first, chosen.hosts)
    if dry_run:
        from orchestrator.execution.dry_run import dry_run as print_commands
        from orchestrator.execution.provider_checks import check_provider

        check_provider(plan, chosen)
        print_commands(plan, chosen, cache_folder(), echo)
        return

    from orchestrator.cli.progress import Terminal
    from orchestrator.execution.request import RunRequest

    request = RunRequest(
        plan,
        chosen,
        results_path,
        cache_folder(),
        overrides,
        tuple(sys.argv),
        resume,
        new,
        break_lock,
        chosen_hosts.used_defaults(chosen),
    )
    if check:
        from orchestrator.execution.check_mode import check as check_hosts

        sys.exit(check_hosts(request, Terminal(verbose), echo))
    from orchestrator.execution.launch import run_experiment
    from orchestrator.report import render, run_end
    from orchestrator.report.model import open_report
    from orchestrator.results.runs import RunFolder

    def show(folder: RunFolder, ended_early: bool = False) -> None:
        with open_report(results_path, folder) as report:
            if ended_early and not report.trial_count:
                return
            if format_ == "table":
                emit(as_started(run_end.render(report, folder.path, verbose > 0)))
            else:
                emit(render(report, format_))
                echo(f"\nresults: {folder.path}", err=True)

    ended = run_experiment(request, Terminal(verbose, partial(show, ended_early=True)))
    show(ended.folder)
    sys.exit(ended.exit_code)
