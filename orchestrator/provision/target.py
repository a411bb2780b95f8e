"""The host that roles are applied to, and the options of the application."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from orchestrator.hosts.base import Host
from orchestrator.provision.module import TaskResult

OnResult = Callable[[str, TaskResult], None]
"""Called with the host's name and the result of each task."""


class Target(Struct):
    """A connected host, and how roles are applied to it.

    :ivar base: the orchestrator's directory on the host, absolute.
    :ivar cache: the orchestrator's cache directory on the controller.
    :ivar base_sudo: whether writing to ``base`` takes sudo.
    :ivar variables: the host's variables from the inventory; ``groups``: the names of its groups.
    :ivar facts: the host's facts as plain data; None: gathered when a task first uses them.
    :ivar check: check mode: report changes, make none.
    :ivar tags: run only tasks with one of these tags; empty: all. ``skip_tags``: run no task with one of these.
    :ivar reconnect: connects to the host again after a reboot; None: tasks must not reboot it.
    """

    host: Host
    base: str
    cache: Path
    base_sudo: bool = False
    variables: Mapping[str, Any] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    facts: Mapping[str, Any] | None = None
    check: bool = False
    tags: frozenset[str] = frozenset()
    skip_tags: frozenset[str] = frozenset()
    reconnect: Callable[[], Host] | None = None
    on_result: OnResult = lambda _host, _result: None
