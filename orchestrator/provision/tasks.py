"""Tasks as data, and what a task module is given and returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.hosts.base import Host
from orchestrator.spec.model import Role


@dataclass(frozen=True, slots=True)
class Task:
    """One declarative step of a role: ``module`` brings the host to the state that ``arguments`` describe."""

    name: str
    module: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """Where a task runs.

    :ivar base: our folder on the host, absolute.
    :ivar cache: our folder for built things on the controller.
    :ivar sudo: whether ``base`` is root's and we are not.
    """

    host: Host
    base: str
    role: Role
    cache: Path
    sudo: bool = False

    @property
    def folder(self) -> str:
        """The role's folder on the host; trials of its benchmark run in it."""
        return f"{self.base}/roles/{self.role.name}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a task did.

    :ivar changed: whether the host was in another state before.
    :ivar artifacts: SHA-256 (hex) of programs that are now on the host, by their name.
    """

    changed: bool
    detail: str = ""
    artifacts: Mapping[str, str] = field(default_factory=dict)


Apply = Callable[[Context, Mapping[str, Any]], Outcome]


@dataclass(frozen=True, slots=True)
class Module:
    """A kind of task: the JSON Schema of its arguments, and the function that reads, compares, applies, verifies."""

    name: str
    arguments: Mapping[str, Any]
    apply: Apply
