"""The interface of task modules: read the state, plan the change, apply it, and verify it."""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from msgspec import Struct, field

from orchestrator.documents.document import Node
from orchestrator.errors import HostError
from orchestrator.experiment.model import Role
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import DEFAULT_TIME_LIMIT_S, Command, Completed
from orchestrator.hosts.remote.commands import probe_command

Caution = Literal["root", "controller", "download", "reboot", "shell", "hidden"]
"""What a task may do that deserves the eye of its reader: as root, on the controller, from the network, with a reboot,
by a script of a shell, or without being shown."""

LONGEST_DIFF = 200
"""Lines that are shown of the difference between two texts."""


class Difference(Struct, frozen=True):
    """One property of the host that differs from the requested value.

    :ivar name: of the property, such as a path or ``package make``.
    :ivar texts: the content of a file before and after; None if it is unknown, too long or binary.
    """

    name: str
    before: str
    after: str
    texts: tuple[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.before} → {self.after}"

    def lines(self) -> Iterable[str]:
        """Yield the lines shown to users: the change, and of texts a unified diff."""
        yield str(self)
        if self.texts:
            before, after = (text.splitlines() for text in self.texts)
            changes = list(difflib.unified_diff(before, after, "before", "after", lineterm="", n=1))
            yield from changes[2:LONGEST_DIFF]
            if len(changes) > LONGEST_DIFF:
                yield f"… {len(changes) - LONGEST_DIFF} more lines"


class Upload(Struct, frozen=True):
    """A file to write on the host. It is replaced atomically."""

    content: bytes
    path: str
    mode: int = 0o644
    sudo: bool = False


class TaskPlan(Struct, frozen=True):
    """The changes that a module is about to make.

    :ivar differences: reported to the user. A task without differences reports ``ok``.
    :ivar actions: the commands and uploads that make the change, in this order.
    :ivar result: the first values of the variable that ``register`` names.
    :ivar note: shown in parentheses after the status, such as the reason for doing nothing.
    """

    differences: tuple[Difference, ...] = ()
    actions: tuple[Command | Upload, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


class ReadOutput(Struct, frozen=True):
    """The output of a read command. In a dry run it is empty, with exit code 0."""

    exit_code: int = 0
    text: str = ""

    @property
    def lines(self) -> list[str]:
        """The output as lines."""
        return self.text.splitlines()

    @property
    def fields(self) -> dict[str, str]:
        """The lines of the form ``key=value``, by key; of equal keys the last."""
        return dict(line.split("=", 1) for line in self.lines if "=" in line)


class Context(Struct, frozen=True):
    """The host, the role and the options with which a task runs.

    :ivar base: the orchestrator's directory on the host, absolute.
    :ivar cache: the orchestrator's cache directory on the controller.
    :ivar base_sudo: whether writing to ``base`` takes sudo.
    :ivar variables: the host's variables from the inventory.
    :ivar become: whether this task runs as root.
    :ivar check: check mode: report changes, make none.
    :ivar render: renders a template (text, name for messages) with the variables of this task.
    :ivar is_true: evaluates a condition with the variables of this task.
    :ivar reconnect: connects to the host again after a reboot; None: the task must not reboot it.
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
    is_true: Callable[[Node], bool] = lambda node: bool(node.content)
    reconnect: Callable[[], Host] | None = None

    @property
    def folder(self) -> str:
        """The role's directory on the host. Relative paths start there, and the trials of its benchmark run there."""
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
        """Return a path on the host as an absolute path."""
        return path if path.startswith("/") else f"{self.folder}/{path}"

    def sudo(self, path: str) -> bool:
        """Whether writing to ``path`` takes sudo."""
        return self.become or (self.base_sudo and not path.startswith("/"))


def may_be_outside_role(arguments: Node, key: str) -> bool:
    """Whether the path in the argument ``key`` may be outside of the role's directory on the host."""
    path = arguments.get(key)
    return path is None or path.text.startswith(("/", "{"))


class Module(ABC):
    """A kind of task. Each file in ``modules/`` lists its instances in ``MODULES``; a new file adds a module.

    :ivar arguments: JSON Schema of the arguments.
    :cvar expressions: names of arguments that are conditions, like ``when``; they are not rendered as templates.
    :cvar needs_root: whether it always runs as root, whatever ``become`` says.
    :cvar reads_back: whether the state is read again after a change, to verify it.
    :cvar ends_read_ahead: whether its effect is unknown in advance, so that the state that later tasks need
        is read after it.
    :cvar becomes_itself: whether it becomes root itself, as the inventory says.
    :cvar cautions: what a reader of somebody else's role should look at, see :data:`Caution`.
    """

    name: str
    arguments: Mapping[str, Any]
    expressions: ClassVar[frozenset[str]] = frozenset()
    needs_root: ClassVar[bool] = False
    reads_back: ClassVar[bool] = True
    ends_read_ahead: ClassVar[bool] = False
    becomes_itself: ClassVar[bool] = False
    cautions: ClassVar[tuple[Caution, ...]] = ()

    def changes_host(self, arguments: Node) -> bool:
        """Whether it changes the host outside of the orchestrator's directory."""
        return self.needs_root

    def faults(self, role: Role, arguments: Node) -> Iterable[tuple[Node, str]]:
        """Yield what is wrong with arguments that match the schema, as far as that is known without a host."""
        return ()

    def template(self, arguments: Node) -> str:
        """Return the file below ``templates/`` that the task renders; empty if none."""
        return ""

    @abstractmethod
    def read(self, context: Context, arguments: Node) -> Command | None:
        """Return the command that reads the current state and changes nothing; None if there is nothing to read."""

    @abstractmethod
    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Compare the current state, as ``output`` has it, with the arguments."""

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Execute the plan; return values to add to its result. ``HostError`` if it fails.

        ``changed``, ``differences`` and ``note`` among them replace those of the plan.
        """
        for action in plan.actions:
            perform(context.host, action)
        return {}

    def verify(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Compare the state after the change with the arguments; ``HostError`` if they differ."""
        plan = self.plan(context, arguments, output)
        if plan.differences:
            faults = "; ".join(
                f"{difference.name}: requested {difference.after!r}, actual {difference.before!r}"
                for difference in plan.differences
            )
            raise HostError(f"change had no effect: {faults}")
        return plan


def perform(host: Host, action: Command | Upload) -> Completed | None:
    """Execute one action; return the completed command, None for an upload."""
    if isinstance(action, Upload):
        host.put(action.content, action.path, action.mode, sudo=action.sudo)
        return None
    return host.run(action)


class TaskResult(Struct, frozen=True):
    """The result of a task, or of one item of its loop, on a host.

    :ivar status: ``changed``, ``ok``, ``skipped`` (by a condition) or ``failed`` (only with ``ignore_errors``).
    :ivar result: the value of the variable that ``register`` names.
    """

    role: str
    task: str
    status: str
    differences: tuple[Difference, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def changed(self) -> bool:
        """Whether the task changed the host; in check mode, whether it would."""
        return self.status == "changed"
