"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from orchestrator.cli import complete
from orchestrator.cli.defaults import is_default, sources
from orchestrator.paths import DENIED, is_closed

F = TypeVar("F", bound=Callable[..., Any])

HOSTS = "(HOST|GROUP)..."
"""Metavar of the hosts that a command takes."""

experiment_argument = click.argument(
    "file", metavar="EXPERIMENT.yaml", type=click.Path(path_type=Path, dir_okay=False)
)
set_option = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Override a value of the file; VALUE is YAML, as in repetitions=1 or factors.mode=[serial]. May be repeated.",
)
new_option = click.option(
    "--new", is_flag=True, help="Start a new run even if an unfinished one can be resumed."
)
verbose_option = click.option(
    "-v", "--verbose", count=True, help="Print more; with -vv, print the whole log."
)


def selection_options(function: F) -> F:
    """Add --where and --first."""
    where = click.option(
        "--where",
        metavar="PREDICATE",
        multiple=True,
        help="Select cells for which every PREDICATE is true, such as \"mode == 'serial'\". May be repeated.",
    )
    first = click.option(
        "--first", type=click.IntRange(min=1), metavar="N", help="Select the first N cells, after --where."
    )
    return where(first(function))


class ExistingPath(click.Path):
    """A path that exists. Of one in a directory that we may not enter, click would say that it does not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if is_closed(Path(value)):
            self.fail(f"{value}: {DENIED}", param, ctx)
        return super().convert(value, param, ctx)


class ConfiguredPath(ExistingPath):
    """A path that exists. That of a project file is looked at when it is used; ``choose_provider`` does."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        is_given = ctx is None or param is None or not is_default(ctx, str(param.name))
        return super().convert(value, param, ctx) if is_given else Path(value)


class InventoryPath(ConfiguredPath):
    """A file or directory that exists, or a list of hosts such as ``host1,host2,``; becomes a path."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; a usage error if there is no such file, and the text is no list."""
        from orchestrator.hosts.inventory.host_list import is_list

        return Path(value) if is_list(Path(value)) else super().convert(value, param, ctx)


def inventory_options(function: F, hidden: bool = False) -> F:
    """Add --inventory, --limit and --ssh-config."""
    inventory = click.option(
        "-i",
        "--inventory",
        type=InventoryPath(path_type=Path, exists=True),
        envvar="ORCHESTRATE_INVENTORY",
        show_envvar=True,
        hidden=hidden,
        help="Ansible inventory: a YAML or INI file, or hosts separated by commas, as in host1,host2, (one host: "
        "host1,). Directories, scripts and other formats need Ansible.",
    )
    ssh_config = click.option(
        "--ssh-config",
        type=ConfiguredPath(path_type=Path, dir_okay=False, exists=True),
        hidden=hidden,
        help="SSH configuration to read instead of ~/.ssh/config, as with `ssh -F`.",
    )
    limit = click.option(
        "-l",
        "--limit",
        default="",
        metavar="PATTERN",
        shell_complete=complete.hosts,
        hidden=hidden,
        help="Use only those of the hosts that match PATTERN, as with Ansible: a host, a group, or several such as "
        "'numa*:!numa3:&rack1'.",
    )
    return inventory(limit(ssh_config(function)))


def provider_option(text: str) -> Callable[[F], F]:
    """Add --provider; the help ``text`` may contain ``{known}``, the names of all providers."""
    from orchestrator.hosts import providers

    *names, last = providers.names()
    return click.option(
        "--provider",
        default="",
        metavar="NAME",
        shell_complete=complete.providers,
        callback=_known_provider,
        help=text.format(known=f"{', '.join(names)} or {last}"),
    )


def _known_provider(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    from orchestrator.hosts import providers
    from orchestrator.nearest import did_you_mean

    if value and value not in providers.names():
        raise click.BadParameter(f"no provider {value!r}; {did_you_mean(value, providers.names())}")
    return value


def host_options(verb: str, hidden: bool = False) -> Callable[[F], F]:
    """Add the options that choose hosts; the command takes them together as ``chosen_hosts``, a ``HostOptions``.

    These are --provider, --host, --inventory, --limit, --ssh-config and --allow-local-changes.

    :param verb: what the command does with a provider, such as ``Run with``.
    :param hidden: accept all but --provider without showing them: the command does nothing with them.
    """
    provider = provider_option(
        f"{verb} provider NAME ({{known}}) instead of hosts.provider of the file. Its options are in section "
        "hosts.NAME."
    )
    host = click.option(
        "--host",
        default="",
        metavar="HOST",
        shell_complete=complete.hosts,
        hidden=hidden,
        help="Use HOST instead of the hosts in the file: a name in the inventory, [user@]host[:port], or `local`.",
    )
    local = click.option(
        "--allow-local-changes",
        is_flag=True,
        hidden=hidden,
        help="Allow the local provider to change settings of this machine, such as sysctls, during the run.",
    )

    def add(function: F) -> F:
        return provider(host(inventory_options(local(_with_host_options(function)), hidden)))

    return add


def _with_host_options(function: F) -> F:
    @functools.wraps(function)
    def command(**arguments: Any) -> Any:
        from orchestrator.hosts.provider_choice import HostOptions

        options = HostOptions(
            defaults=sources(click.get_current_context(), "inventory", "ssh_config"),
            **{name: arguments.pop(name) for name in HostOptions.__struct_fields__ if name in arguments},
        )
        return function(chosen_hosts=options, **arguments)

    return command  # type: ignore[return-value]


def origin_options(function: F) -> F:
    """Add --id, --signer, --allowed-signers and --revoked-keys; the command takes them as ``origin``, an ``Origin``."""
    identity = click.option(
        "--id",
        "identity",
        default="",
        metavar="ID",
        help="Also check the id of the bundle: the ID that its author published, or at least 8 digits of it.",
    )
    signer = click.option(
        "--signer",
        default="",
        metavar="NAME",
        help="Also check that NAME, a principal of --allowed-signers, signed the bundle.",
    )
    allowed = click.option(
        "--allowed-signers",
        metavar="FILE",
        type=ExistingPath(path_type=Path, exists=True, dir_okay=False),
        help="The keys of signers, in the format ALLOWED SIGNERS of ssh-keygen(1).",
    )
    revoked = click.option(
        "--revoked-keys",
        metavar="FILE",
        type=ExistingPath(path_type=Path, exists=True, dir_okay=False),
        help="Public keys whose signatures are refused, or a key revocation list (KRL).",
    )
    return identity(signer(allowed(revoked(_with_origin(function)))))


def _with_origin(function: F) -> F:
    @functools.wraps(function)
    def command(
        identity: str, signer: str, allowed_signers: Path | None, revoked_keys: Path | None, **arguments: Any
    ) -> Any:
        from orchestrator.bundle.origin import Origin
        from orchestrator.bundle.signature import Signer

        if bool(signer) != (allowed_signers is not None):
            raise click.UsageError("--signer and --allowed-signers require each other")
        if revoked_keys and not signer:
            raise click.UsageError("--revoked-keys requires --signer")
        by = None if allowed_signers is None else Signer(signer, allowed_signers, revoked_keys)
        return function(origin=Origin(identity, by), **arguments)

    return command  # type: ignore[return-value]


class Group(click.Group):
    """A group of commands whose list has whole sentences, on narrow terminals in several lines."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands with their summaries."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(self.commands[name])) for name in self.list_commands(ctx)])


def summary(command: click.Command) -> str:
    """Return the first sentence of the help of a command."""
    return command.get_short_help_str(limit=1000)


class Command(click.Command):
    """A command with several synopses, printed as git does.

    :param synopses: of arguments and required options, one for each way to use the command.
    """

    def __init__(self, *arguments: Any, synopses: tuple[str, ...] = (), **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._synopses = synopses

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write ``Usage:`` and then ``or:`` for each other synopsis."""
        for index, synopsis in enumerate(self._synopses):
            prefix = "   or: " if index else None
            formatter.write_usage(ctx.command_path, f"[OPTIONS] {synopsis}", prefix)


class OptionalValue(click.Option):
    """An option whose value is optional, as in GNU's ``--option[=VALUE]``; its metavar is ``[=VALUE]``."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the help without the blank that click puts before a metavar."""
        record = super().get_help_record(ctx)
        return record and (record[0].replace(" [=", "[="), record[1])


class ResumingCommand(click.Command):
    """A command with one argument and ``--resume[=RUN]``. The word after ``--resume`` is not its value.

    Earlier versions had ``--resume RUN``. That still works: the command has one argument, so if there are two, the one
    after ``--resume`` is the run.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Rewrite ``--resume`` to ``--resume=RUN`` before click sees it."""
        if "--resume" in args:
            at = args.index("--resume")
            before, after = args[:at], args[at + 1 :]
            args = [*before, "--resume=latest", *after]
            if after and not after[0].startswith("-") and self._has_two_arguments(ctx, args):
                args = [*before, f"--resume={after[0]}", *after[1:]]
        return super().parse_args(ctx, args)

    def _has_two_arguments(self, ctx: click.Context, args: list[str]) -> bool:
        try:
            _, surplus, _ = self.make_parser(ctx).parse_args(list(args))
        except click.UsageError:
            return False  # click reports it
        return len(surplus) == 1
