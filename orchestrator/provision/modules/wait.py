"""``wait``: until a file is there, a port is listened on or a command succeeds. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.errors import CommandFailed, HostError
from orchestrator.hosts.command import Command
from orchestrator.provision.module import Context, Module, ReadOutput, TaskPlan

_WAYS = ("path", "port", "command")
GIVEN_UP = 9


class Wait(Module):
    """``wait: {port: 5432, timeout: 30}``."""

    name = "wait"
    reads_back: ClassVar[bool] = False
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "path": {"description": "A file or folder on the host.", "type": "string", "pattern": "^/"},
            "port": {
                "description": "A TCP port of the host that something listens on.",
                "type": "integer",
                "minimum": 1,
                "maximum": 65535,
            },
            "command": {"description": "A script that ends with 0.", "type": "string", "minLength": 1},
            "state": {"description": "Default: present.", "enum": ["present", "absent"]},
            "timeout": {
                "description": "Seconds; default 300.",
                "type": "integer",
                "minimum": 0,
                "maximum": 86400,
            },
        },
    }

    def faults(self, role: object, arguments: Node) -> Iterable[tuple[Node, str]]:
        """One thing is waited for."""
        given = [way for way in _WAYS if way in arguments.mapping()]
        if len(given) != 1:
            yield arguments, f"needs one of the keys {', '.join(_WAYS)}"

    def read(self, context: Context, arguments: Node) -> Command:
        """Whether it is so already."""
        return self._script(context, arguments, 0)

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """Wait where it is not."""
        if answer.exit_code == 0 and context.host.answers:
            return TaskPlan()
        return TaskPlan(actions=(self._script(context, arguments, arguments.data().get("timeout", 300)),))

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Wait; ``HostError`` when it takes too long."""
        (command,) = plan.actions
        assert isinstance(command, Command)
        data = arguments.data()
        way = next(way for way in _WAYS if way in data)
        try:
            done = context.host.run(command)
        except CommandFailed as error:
            raise HostError(str(error)) from None
        if done.exit_code == GIVEN_UP:
            state = data.get("state", "present")
            raise HostError(f"{way} {data[way]!r} is not {state} after {data.get('timeout', 300)} s")
        return {}

    def _script(self, context: Context, arguments: Node, timeout: int) -> Command:
        data = arguments.data()
        way = next(way for way in _WAYS if way in data)
        words = (way, str(data[way]), data.get("state", "present"), str(timeout))
        limit = timeout * 2 + 60
        return context.probe("await", *words, sudo=context.become, accept=(0, GIVEN_UP), time_limit=limit)


MODULES = (Wait(),)
