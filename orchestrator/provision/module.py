"""What a task module is: it reads a fact, says how it differs from what is asked, applies that and reads it back."""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.errors import HostError
from orchestrator.experiment.model import Role
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import DEFAULT_TIME_LIMIT_S, Command, Completed
from orchestrator.hosts.remote.commands import probe_command

LONGEST_DIFF = 200
"""Lines of a difference between two texts that are shown."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be.

    :ivar texts: what a file holds and shall hold, where that can be shown.
    """

    what: str
    before: str
    after: str
    texts: tuple[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.what}: {self.before} → {self.after}"

    def lines(self) -> Iterable[str]:
        """The difference as people read it; of texts in the form of ``diff -u``."""
        yield str(self)
        if self.texts:
            before, after = (text.splitlines() for text in self.texts)
            changes = list(difflib.unified_diff(before, after, "before", "after", lineterm="", n=1))
            yield from changes[2:LONGEST_DIFF]
            if len(changes) > LONGEST_DIFF:
                yield f"… {len(changes) - LONGEST_DIFF} lines more"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is written on the host, whole or not at all."""

    content: bytes
    path: str
    mode: int = 0o644
    sudo: bool = False


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """What a module is going to do, and what is known before it does.

    :ivar differences: nothing is to be done where there are none, unless ``actions`` says otherwise.
    :ivar actions: what brings the host to the state asked for, in this order.
    :ivar result: what a later task finds in the variable that ``register`` names.
    :ivar note: more for the reader, such as why nothing is to be done.
    """

    differences: tuple[Difference, ...] = ()
    actions: tuple[Command | Upload, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReadOutput:
    """What the command printed that read the facts; empty on a host that answers nothing (a dry run)."""

    exit_code: int = 0
    text: str = ""

    @property
    def lines(self) -> list[str]:
        """The lines printed."""
        return self.text.splitlines()

    @property
    def fields(self) -> dict[str, str]:
        """Lines ``key=value``; of two of the same key the last."""
        return dict(line.split("=", 1) for line in self.lines if "=" in line)


@dataclass(frozen=True, slots=True)
class Context:
    """Where a task runs.

    :ivar base: our folder on the host, absolute; ``base_sudo``: it is root's, and we are not.
    :ivar cache: our folder for built things on the controller.
    :ivar variables: what the inventory says of the host.
    :ivar become: whether this task runs as root.
    :ivar render: fills a template (text, name for messages) with the variables of this task.
    :ivar holds: tells whether an expression is true for this task.
    :ivar reconnect: returns to the host after it has been booted again; None where that must not be.
    """

    host: Host
    base: str
    role: Role
    cache: Path
    base_sudo: bool = False
    variables: Mapping[str, Any] = field(default_factory=dict)
    become: bool = False
    check: bool = False
    render: Callable[[str, str], str] = lambda text, _name: text
    holds: Callable[[Node], bool] = lambda node: bool(node.content)
    reconnect: Callable[[], Host] | None = None

    @property
    def folder(self) -> str:
        """The role's folder on the host; relative paths start there, and trials of its benchmark run in it."""
        return f"{self.base}/roles/{self.role.name}"

    def probe(
        self,
        verb: str,
        *words: str,
        sudo: bool = False,
        accept: tuple[int, ...] = (0,),
        time_limit: float = DEFAULT_TIME_LIMIT_S,
    ) -> Command:
        """Return a command that only reads from the host; ``probe.sh`` documents each verb."""
        return probe_command(self.base, verb, *words, sudo=sudo, accept=accept, time_limit=time_limit)

    def path(self, path: str) -> str:
        """A path on the host, absolute."""
        return path if path.startswith("/") else f"{self.folder}/{path}"

    def sudo(self, path: str) -> bool:
        """Whether it takes root to write at ``path``."""
        return self.become or (self.base_sudo and not path.startswith("/"))


def reaches_out(arguments: Node, key: str) -> bool:
    """Whether the path that is the argument ``key`` may lie beyond the role's folder on the host."""
    path = arguments.get(key)
    return path is None or path.text.startswith(("/", "{"))


class Module(ABC):
    """A kind of task. Each file in ``modules/`` lists its instances in ``MODULES``; a new file adds a module.

    :cvar arguments: JSON Schema of its arguments.
    :cvar expressions: arguments that are conditions (as ``when`` is), and are not filled in as templates.
    :cvar needs_root: whether its nature asks for root, whatever ``become`` says.
    :cvar reads_back: whether the facts are read again after a change, to see whether it took.
    :cvar opaque: whether it acts without facts, so that nothing is read ahead past it.
    """

    name: str
    arguments: Mapping[str, Any]
    expressions: ClassVar[frozenset[str]] = frozenset()
    needs_root: ClassVar[bool] = False
    reads_back: ClassVar[bool] = True
    opaque: ClassVar[bool] = False

    def changes_host(self, arguments: Node) -> bool:
        """Whether it changes the host beyond our own folder there."""
        return self.needs_root

    def faults(self, role: Role, arguments: Node) -> Iterable[tuple[Node, str]]:
        """What is wrong with arguments that the schema has nothing against, found without a host."""
        return ()

    def template(self, arguments: Node) -> str:
        """The file below ``templates/`` that the task fills in; empty if none."""
        return ""

    @abstractmethod
    def read(self, context: Context, arguments: Node) -> Command | None:
        """The command that reads the facts; it changes nothing. None: there is nothing to read."""

    @abstractmethod
    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """Hold the facts against what is asked."""

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Carry the plan out; return what is to be added to its result. ``HostError`` where it fails.

        ``changed``, ``differences`` and ``note`` in what is returned take the place of what was planned.
        """
        for action in plan.actions:
            perform(context.host, action)
        return {}

    def verify(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """Hold what is found after the change against what was asked; ``HostError`` where it did not take."""
        plan = self.plan(context, arguments, answer)
        if plan.differences:
            faults = "; ".join(
                f"{difference.what}: asked {difference.after!r}, found {difference.before!r}"
                for difference in plan.differences
            )
            raise HostError(f"did not take: {faults}")
        return plan


def perform(host: Host, action: Command | Upload) -> Completed | None:
    """Carry out one action."""
    if isinstance(action, Upload):
        host.put(action.content, action.path, action.mode, sudo=action.sudo)
        return None
    return host.run(action)


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What became of a task on a host.

    :ivar status: ``skipped`` by its condition or tags; ``failed`` only where errors are ignored.
    """

    role: str
    task: str
    status: str
    differences: tuple[Difference, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def changed(self) -> bool:
        """Whether the host was in another state before."""
        return self.status == "changed"
