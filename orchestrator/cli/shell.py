"""``orchestrate shell``: a shell on a host, or on the host of an experiment as a trial finds it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.cache import cache_folder
from orchestrator.cli.logs import set_up_logging
from orchestrator.cli.options import Command, host_options, set_option
from orchestrator.errors import BadInput
from orchestrator.hosts.provider_choice import HostOptions, choose_provider
from orchestrator.paths import check_name


@click.command(cls=Command, synopses=("EXPERIMENT.yaml [-- COMMAND...]", "HOST [-- COMMAND...]"))
@click.argument("target", metavar="EXPERIMENT.yaml|HOST")
@click.argument("words", metavar="[COMMAND...]", nargs=-1, type=click.UNPROCESSED)
@set_option
@click.option(
    "--kernel", default="", metavar="NAME", help="Boot this kernel of the experiment. Default: the first."
)
@host_options("Use")
def shell(
    target: str,
    words: tuple[str, ...],
    overrides: tuple[str, ...],
    kernel: str,
    chosen_hosts: HostOptions,
) -> None:
    """Open a shell on the host of an experiment, as a trial finds it.

    The kernel is booted, roles are applied and the host is tuned. The working directory and the environment are those
    of a trial. Afterwards the host is restored, or the guest is stopped, also if the terminal is closed.

    With HOST, which is a host of the inventory, [user@]host[:port] or `local`, log in to it; nothing is changed.

    With COMMAND, run it instead of a shell; its exit code is that of `orchestrate`. Its arguments are passed unchanged:
    for a line of shell, use sh -c LINE.
    """
    set_up_logging(0)
    check_name(target)
    if not _is_file(target):
        if overrides or kernel or chosen_hosts.provider or chosen_hosts.host:
            raise click.UsageError(
                f"{target}: No such file; --set, --kernel, --provider and --host require one"
            )
        sys.exit(_log_in(target, words, chosen_hosts))
    from orchestrator.cli.progress import Terminal
    from orchestrator.execution.shell import ShellRequest, open_shell
    from orchestrator.provision.experiments import load_experiment

    experiment = load_experiment(Path(target), overrides)
    chosen = choose_provider(experiment, chosen_hosts)
    sys.exit(open_shell(ShellRequest(experiment, chosen, kernel, words, cache_folder()), Terminal(0)))


def _is_file(target: str) -> bool:
    return target.endswith((".yaml", ".yml")) or Path(target).is_file()


def _log_in(target: str, words: tuple[str, ...], options: HostOptions) -> int:
    import shlex

    from orchestrator.hosts import terminal_session
    from orchestrator.hosts.selector import HostSelector

    selector = HostSelector(options.inventory, options.ssh_config, options.limit)
    names = selector.names([target])
    if len(names) != 1:
        raise BadInput(f"{target}: a group of several hosts: {', '.join(names)}; name one of them")
    with terminal_session.ending_on_signals():
        host = selector.connect(names[0])
        argv = host.session(shlex.join(words), terminal=terminal_session.has_terminal())
        host.close()
        return terminal_session.run(argv)
