"""What the modules ``command`` and ``shell`` share: they run something and tell what it said."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.hosts.command import Command
from orchestrator.provision.module import Context, Difference, Module, ReadOutput, TaskPlan

WORKDIR = 'cd "$0" && exec "$@"'
COMMON: Mapping[str, Any] = {
    "creates": {"description": "Do nothing where this file exists on the host.", "type": "string"},
    "removes": {"description": "Do nothing where this file does not exist on the host.", "type": "string"},
    "chdir": {
        "description": "Working folder on the host. Default: where one is after logging in.",
        "type": "string",
    },
    "time_limit": {"description": "Seconds; default 60.", "type": "number", "exclusiveMinimum": 0},
    "exit_codes": {
        "description": "Exit codes that are no fault. Default: 0 only.",
        "type": "array",
        "minItems": 1,
        "items": {"type": "integer", "minimum": 0, "maximum": 255},
    },
}


class CommandModule(Module):
    """Runs ``argv`` unless a file says that there is no need."""

    reads_back: ClassVar[bool] = False
    opaque: ClassVar[bool] = True

    @abstractmethod
    def argv(self, data: Any) -> tuple[str, ...]:
        """What is to be executed."""

    def read(self, context: Context, arguments: Node) -> Command | None:
        """Look whether the files are there, if any are named."""
        creates, removes = (
            self._path(context, arguments, "creates"),
            self._path(context, arguments, "removes"),
        )
        if not creates and not removes:
            return None
        return context.probe("needed", creates, removes, accept=(0, 1, 2), sudo=context.become)

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """The command, or why there is no need."""
        data = _options(arguments)
        if answer.exit_code:
            which = "creates" if answer.exit_code == 1 else "removes"
            word = "is there" if answer.exit_code == 1 else "is not there"
            return TaskPlan(note=f"{data[which]} {word}", result=_said(0, "", ""))
        argv = self.argv(arguments.data())
        command = Command(
            ("sh", "-c", WORKDIR, context.path(data["chdir"]), *argv) if "chdir" in data else argv,
            sudo=context.become,
            time_limit=float(data.get("time_limit", 60)),
            accept=tuple(data.get("exit_codes", (0,))),
        )
        return TaskPlan(
            (Difference("command", "not run", Command(argv).shown),), (command,), _said(0, "", "")
        )

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Run it."""
        (command,) = plan.actions
        assert isinstance(command, Command)
        done = context.host.run(command)
        return _said(done.exit_code, done.stdout, done.stderr)

    @staticmethod
    def _path(context: Context, arguments: Node, key: str) -> str:
        path = _options(arguments).get(key, "")
        return context.path(path) if path else ""


def _options(arguments: Node) -> dict[str, Any]:
    data = arguments.data()
    return data if isinstance(data, dict) else {}


def _said(code: int, out: str, err: str) -> dict[str, Any]:
    out, err = out.rstrip("\n"), err.rstrip("\n")
    return {"rc": code, "stdout": out, "stderr": err, "stdout_lines": out.splitlines()}
