"""Words that the shell completes: runs, hosts, recipes, roles and providers. Nothing that an error could stop."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

VARIABLE = "_ORCHESTRATE_COMPLETE"
"""The environment variable with which the scripts of shells ask; click's name for it."""

_PLAIN = re.compile(r"[\w@%+:,./-][\w@%+=:,./-]*")
"""Letters of any script, digits, and what is not special to bash, zsh and fish. (zsh expands a first ``=``.)"""

Words = Iterable[str] | Iterable[tuple[str, str]]
Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]


def _completer(words: Callable[[click.Context], Words]) -> Completer:
    """Complete the words that a function returns, each possibly with an explanation; none where it fails.

    Names come from directories and inventories of others. One that a shell or a terminal would obey is not offered: no
    shell quotes what it inserts, and bash prints it as it is.
    """

    @functools.wraps(words)
    def complete(
        context: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        try:
            pairs = [(word, "") if isinstance(word, str) else word for word in words(context)]
        except Exception:  # noqa: BLE001 - nobody reads a traceback between two words of a command
            return []
        return [
            CompletionItem(word, help=text if _is_plain(text.replace(" ", "")) else None)
            for word, text in pairs
            if word.startswith(incomplete) and _is_plain(word)
        ]

    return complete


def _is_plain(word: str) -> bool:
    return _PLAIN.fullmatch(word) is not None


def _or_path(kind: str, complete: Completer) -> Completer:
    """Complete files or directories as well, in the way of the shell, where no word fits."""

    @functools.wraps(complete)
    def either(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        return complete(context, parameter, incomplete) or [CompletionItem(incomplete, type=kind)]

    return either


def _runs(context: click.Context) -> Words:
    from orchestrator.results import runs

    results = Path(context.params.get("results_path") or "results")
    found = list(reversed(runs.all_runs(results)))
    yield from [(runs.LATEST, "the newest run")] if found else []
    yield from dict.fromkeys((run.path.parent.name, "the newest run of this experiment") for run in found)
    yield from ((run.id, run.path.parent.name) for run in found)


def _hosts(context: click.Context) -> Words:
    """Return the hosts and groups of the inventory. A script or a plugin is a program, and not executed for this."""
    from orchestrator.hosts.inventory import ansible
    from orchestrator.hosts.inventory.inventory import load

    inventory = context.params.get("inventory")
    if not inventory:
        return
    with ansible.not_run():
        loaded = load(Path(inventory))
    yield from ((name, "group") for name in loaded.groups)
    yield from ((name, "host") for name in loaded.hosts)


def _recipes(_context: click.Context) -> Words:
    from orchestrator.experiment import roles
    from orchestrator.experiment.kernels import recipe_names

    return recipe_names(roles.search_path(Path.cwd() / "recipe.yaml"))


def _kernels(context: click.Context) -> Words:
    from orchestrator.kernels import store

    yield from ((built.hash, built.recipe or "") for built in store.kernels())
    yield from ((str(name), "recipe") for name in _recipes(context))


def _roles(_context: click.Context) -> Words:
    from orchestrator.experiment import roles

    return [role.name for role in roles.find_all(roles.search_path(Path.cwd() / "experiment.yaml"))]


def _providers(_context: click.Context) -> Words:
    from orchestrator.hosts import providers

    return providers.names()


runs = _or_path("dir", _completer(_runs))
hosts = _completer(_hosts)
hosts_or_file = _or_path("file", hosts)
recipes_or_file = _or_path("file", _completer(_recipes))
kernels = _completer(_kernels)
roles = _completer(_roles)
providers = _completer(_providers)


def answer(command: click.Command, name: str, question: str) -> int:
    """Print the words that a shell asks for, and nothing else; return the exit code."""
    import logging

    from click.shell_completion import shell_complete

    arguments: dict[str, Any] = {}
    logging.disable()
    try:
        return shell_complete(command, arguments, name, VARIABLE, question)
    finally:
        logging.disable(logging.NOTSET)
