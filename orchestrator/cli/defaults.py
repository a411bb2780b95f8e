"""Defaults of options that the project file sets, in the form of click's ``default_map``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from orchestrator.cli.output import echo
from orchestrator.errors import OrchestratorError
from orchestrator.project.find import distrusted, find

if TYPE_CHECKING:
    from orchestrator.project.file import Project


class _Unusable(dict[str, Any]):
    """Stands for the defaults of a command whose file cannot be used. An option that asks for its default tells why.

    ``--help`` and its like do not ask: click calls them before it looks for the values of other options. Neither do
    help texts and completion.
    """

    def __init__(self, command: click.Command, tell: Callable[[], None]) -> None:
        super().__init__()
        self._asking = {parameter.name for parameter in command.params if isinstance(parameter, click.Option)}
        self._tell = tell

    def __contains__(self, name: object) -> bool:
        self._ask(name)
        return False

    def get(self, key: str, default: Any = None) -> Any:
        """Return the default; click before 8.3 does not look first whether there is a value."""
        self._ask(key)
        return default

    def _ask(self, name: object) -> None:
        context = click.get_current_context(silent=True)
        if name in self._asking and not (context and context.resilient_parsing):
            self._asking.clear()
            self._tell()


def set_defaults(context: click.Context, name: str, command: click.Command) -> None:
    """Read the project file, and let ``context`` have its defaults for ``command``.

    A file that is not valid is an error once an option asks for its default: help and completion do not.
    """
    path = find()
    if path is None:
        return
    from orchestrator.project.file import COMMANDS, read

    if name not in COMMANDS and not _takes_a_path(command):
        return
    reason = distrusted(path)
    if reason:
        context.default_map = {name: _unusable(command, partial(_warn, path, reason))}
        return
    try:
        project = read(path)
    except OrchestratorError as error:
        context.default_map = {name: _unusable(command, partial(_refuse, error))}
        return
    context.meta[__name__] = str(path)
    context.default_map = {name: _of(command, project, project.defaults.get(name, {}))}


def _warn(path: Path, reason: str) -> None:
    echo(f"orchestrate: {path}: ignored: {reason}", err=True)


def _refuse(error: OrchestratorError) -> None:
    raise error


def _unusable(command: click.Command, tell: Callable[[], None]) -> dict[str, Any]:
    if isinstance(command, click.Group):
        return {name: _unusable(inner, tell) for name, inner in command.commands.items()}
    return _Unusable(command, tell)


def _takes_a_path(command: click.Command) -> bool:
    from orchestrator.project.file import PATHS

    if isinstance(command, click.Group):
        return any(map(_takes_a_path, command.commands.values()))
    return any(key in PATHS for _, key in _options(command))


def _options(command: click.Command) -> Iterator[tuple[click.Option, str]]:
    """Yield the options of a command, each with the key that the project file may have for its path."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield parameter, _name(parameter).replace("-", "_")


def _name(option: click.Option) -> str:
    return max(option.opts, key=len).lstrip("-")


def is_default(context: click.Context, name: str) -> bool:
    """Whether the project file has set an option: it then gives way to options that exclude it."""
    return context.get_parameter_source(name) is ParameterSource.DEFAULT_MAP


def sources(context: click.Context, *names: str) -> dict[str, str]:
    """Return, of the options with these names, those that are not from the command line, and what has set each.

    That is the name of an environment variable, or the path of the project file.
    """
    found = {}
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name) if parameter.name in names else None
        if parameter.name and source is ParameterSource.ENVIRONMENT:
            found[parameter.name] = str(parameter.envvar)
        elif parameter.name and source is ParameterSource.DEFAULT_MAP:
            found[parameter.name] = context.meta[__name__]
    return found


def _of(command: click.Command, project: Project, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults of a command by the names of its parameters, and of its subcommands by their names."""
    from orchestrator.project.file import PATHS

    if isinstance(command, click.Group):
        return {name: _of(inner, project, defaults.get(name, {})) for name, inner in command.commands.items()}
    found: dict[str, Any] = {}
    for option, key in _options(command):
        value = defaults.get(_name(option))
        if key in PATHS and project.has(key):
            # A function: click calls it if nothing else sets the option. A command with --host need not use the file.
            check = all(other.name != "host" for other, _ in _options(command))
            value = partial(project.path, key, check=check)
        if option.name and value is not None:
            found[option.name] = value
    return found
