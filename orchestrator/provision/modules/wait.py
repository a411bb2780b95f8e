"""``wait``: wait until a path exists, a port is open or a command succeeds. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.errors import CommandFailed, HostError
from orchestrator.hosts.command import Command
from orchestrator.provision.module import Context, Module, ReadOutput, TaskPlan

_CONDITIONS = ("path", "port", "command")
TIMED_OUT = 9


class Wait(Module):
    """``wait: {port: 5432, timeout: 30}``."""

    name = "wait"
    reads_back: ClassVar[bool] = False
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "path": {"description": "A file or directory on the host.", "type": "string", "pattern": "^/"},
            "port": {
                "description": "A TCP port of the host in state LISTEN.",
                "type": "integer",
                "minimum": 1,
                "maximum": 65535,
            },
            "command": {
                "description": "A script; its exit code 0 means present.",
                "type": "string",
                "minLength": 1,
            },
            "state": {"description": "Default: present.", "enum": ["present", "absent"]},
            "timeout": {
                "description": "Time limit in seconds. Default: 300.",
                "type": "integer",
                "minimum": 0,
                "maximum": 86400,
            },
        },
    }

    def faults(self, role: object, arguments: Node) -> Iterable[tuple[Node, str]]:
        """Exactly one condition is required."""
        count = sum(key in arguments.mapping() for key in _CONDITIONS)
        if count == 0:
            yield arguments, f"one of the following is required: {', '.join(_CONDITIONS)}"
        elif count > 1:
            yield arguments, f"parameters are mutually exclusive: {', '.join(_CONDITIONS)}"

    def read(self, context: Context, arguments: Node) -> Command:
        """Check the condition once, without waiting."""
        return self._script(context, arguments, 0)

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Plan to wait if the condition is not met yet."""
        if output.exit_code == 0 and context.host.executes:
            return TaskPlan()
        return TaskPlan(actions=(self._script(context, arguments, arguments.data().get("timeout", 300)),))

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Wait; ``HostError`` if the time limit is over."""
        (command,) = plan.actions
        assert isinstance(command, Command)
        data = arguments.data()
        try:
            completed = context.host.run(command)
        except CommandFailed as error:
            raise HostError(*error.lines) from None
        if completed.exit_code == TIMED_OUT:
            key = _condition(data)
            state = data.get("state", "present")
            raise HostError(
                f"timed out after {data.get('timeout', 300)} s: {key} {data[key]!r} is not {state}"
            )
        return {}

    def _script(self, context: Context, arguments: Node, timeout: int) -> Command:
        data = arguments.data()
        key = _condition(data)
        words = (key, str(data[key]), data.get("state", "present"), str(timeout))
        limit = timeout * 2 + 60
        return context.probe("await", *words, sudo=context.become, accept=(0, TIMED_OUT), time_limit=limit)


def _condition(data: Mapping[str, Any]) -> str:
    return next(key for key in _CONDITIONS if key in data)


MODULES = (Wait(),)
