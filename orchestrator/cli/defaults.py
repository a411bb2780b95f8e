"""Defaults of options that the project file sets, in the form of click's ``default_map``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from orchestrator.cli.output import echo
from orchestrator.errors import OrchestratorError
from orchestrator.project.find import distrusted, find

if TYPE_CHECKING:
    from orchestrator.project.file import Project

HELP = frozenset({"-h", "--help"})


def set_defaults(context: click.Context, name: str, command: click.Command, arguments: list[str]) -> None:
    """Read the project file, and let ``context`` have its defaults for ``command``.

    A file that is not valid is an error, but help and completion are given all the same.
    """
    path = find()
    if path is None:
        return
    must_answer = context.resilient_parsing or not HELP.isdisjoint(arguments)
    reason = distrusted(path)
    if reason:
        if not must_answer:
            echo(f"orchestrate: {path}: ignored: {reason}", err=True)
        return
    from orchestrator.project.file import read

    try:
        project = read(path)
        context.meta[__name__] = str(path)
        context.default_map = {name: _of(command, project, project.defaults.get(name, {}))}
    except OrchestratorError:
        if not must_answer:
            raise


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
    for parameter in command.params:
        option = max(parameter.opts, key=len).lstrip("-")
        key = option.replace("-", "_")
        value = project.path(key) if key in PATHS else defaults.get(option)
        if isinstance(parameter, click.Option) and parameter.name and value not in (None, ""):
            found[parameter.name] = value
    return found
