"""From the tasks of a role to steps: conditions evaluated, loops expanded, arguments rendered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.documents.document import Node
from orchestrator.errors import BadInput, Position
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.base import Host
from orchestrator.hosts.inventory.ansible import decrypted
from orchestrator.hosts.inventory.variables import is_secret, position_of
from orchestrator.provision.become import require_sudo_to_root
from orchestrator.provision.checking import ITEM, check_arguments, hidden_faults, render_arguments, why_hidden
from orchestrator.provision.filters import as_bool
from orchestrator.provision.module import Context, TaskResult
from orchestrator.provision.results import LazyFacts, registered_value, shortened
from orchestrator.provision.target import Target
from orchestrator.provision.tasks import LoadedRole, Task
from orchestrator.provision.templates import UndefinedName, as_node
from orchestrator.provision.variables import Scope, SecretNode


class Step(Struct, frozen=True):
    """A task, or one item of its loop, with its arguments rendered.

    :ivar become: whether the step runs as root.
    :ivar item: the item of the loop as text; empty without a loop.
    """

    task: Task
    arguments: Node
    scope: Scope
    become: bool
    item: str = ""

    @property
    def why_hidden(self) -> str:
        """Why nothing of what the step does may be shown; empty: it may be shown."""
        return why_hidden(self.task, self.scope)

    @property
    def name(self) -> str:
        """The name of the task with its variables rendered, and the item; of one that is hidden, as it is written."""
        name = str(self.scope.render_node(self.task.title, lenient=True).data())
        if self.why_hidden:
            return self.task.name
        return f"{name} ({self.item})" if self.item else name


class RoleSteps:
    """The steps of one role on one host, and the variables that they see.

    A dry run knows no facts and no results. It skips the steps that depend on them.
    """

    def __init__(self, target: Target, loaded: LoadedRole) -> None:
        self._target = target
        self._loaded = loaded
        self._registered: dict[str, Any] = {}

    @property
    def host(self) -> Host:
        """The connected host; after a reboot this is a new connection."""
        return self._target.host

    def register(self, task: Task, results: Sequence[TaskResult]) -> None:
        """Give later tasks the results of a task, if it has the keyword ``register``."""
        if task.register:
            self._registered[task.register] = registered_value(task, results)

    def of(self, task: Task) -> Iterator[Step | None]:
        """Yield the steps of a task; None for one that its condition skips."""
        scope = self._scope(task)
        if task.loop is None:
            yield self._step(task, scope)
            return
        try:
            with hidden_faults(task, scope):
                items = scope.render_node(task.loop)
        except UndefinedName:
            if self.host.executes:
                raise
            yield None
            return
        if not isinstance(items.content, list):
            raise BadInput(task.loop.position.fault("'loop' requires a list"))
        for item in items.content:
            yield self._step(task, scope.with_values({ITEM: item.data()}), shortened(item.data()))

    def context(self, step: Step) -> Context:
        """Return the context in which the module of a step runs."""
        return replace(
            self._role_context(),
            become=step.become,
            is_true=step.scope.is_true,
            render=lambda text, name: str(step.scope.render(text, Position(name, 1, 1))),
        )

    def _role_context(self) -> Context:
        target = self._target
        return Context(
            host=target.host,
            base=target.base,
            role=self._loaded.role,
            cache=target.cache,
            base_sudo=target.base_sudo,
            variables=target.variables,
            check=target.check,
            reconnect=None if target.reconnect is None else self._reconnect,
        )

    def _scope(self, task: Task) -> Scope:
        target, loaded = self._target, self._loaded
        inventory = {
            name: _from_inventory(target.variables, name)
            for name in target.variables
            if name in loaded.defaults
        }
        special = {
            "check_mode": target.check,
            "folder": self._role_context().folder,
            "group_names": list(target.groups),
            "inventory_hostname": self.host.name,
            "role_name": loaded.role.name,
            "role_path": str(loaded.role.folder),
        }
        values = {**special, **self._registered, "facts": LazyFacts(self._facts)}
        return Scope([loaded.defaults, inventory, loaded.variables, task.variables], values)

    def _facts(self) -> Mapping[str, Any]:
        if self._target.facts is None:
            if not self.host.executes:
                raise UndefinedName("facts are not available in a dry run")
            self._target.facts = host_facts.gather(self.host).document
        return self._target.facts

    def _step(self, task: Task, scope: Scope, item: str = "") -> Step | None:
        try:
            with hidden_faults(task, scope):
                if not all(scope.is_true(condition) for condition in task.when):
                    return None
                arguments = render_arguments(task, scope)
                check_arguments(self._loaded.role, task, arguments)
        except UndefinedName:
            if self.host.executes:
                raise
            return None
        become = task.become
        if become is None:
            become = as_bool(self._target.variables.get("ansible_become", False))
        if become and not task.module.becomes_itself:
            require_sudo_to_root(self.host.name, self._target.variables)
        return Step(task, arguments, scope, become or task.module.needs_root, item)

    def _reconnect(self) -> Host:
        """Replace the connection by a new one. The facts are gathered again, as a reboot may change them."""
        assert self._target.reconnect is not None
        host = self._target.reconnect()
        self._target.host.close()
        self._target.host = host
        self._target.facts = None
        return host


def _from_inventory(variables: Mapping[str, Any], name: str) -> Node:
    node = as_node(decrypted(variables, name), position_of(variables, name))
    return (
        SecretNode(node.position, node.content, node.text, node.keys) if is_secret(variables, name) else node
    )
