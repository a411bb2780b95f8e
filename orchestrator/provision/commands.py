"""The common part of the modules ``command`` and ``shell``: run a command and return its output."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.hosts.command import Command
from orchestrator.provision.module import Context, Difference, Module, ReadOutput, TaskPlan

WORKDIR = 'cd "$0" && exec "$@"'
OPTIONS: Mapping[str, Any] = {
    "creates": {"description": "Skip if this file exists on the host.", "type": "string"},
    "removes": {"description": "Skip if this file does not exist on the host.", "type": "string"},
    "chdir": {
        "description": "Working directory on the host. Default: the login directory.",
        "type": "string",
    },
    "time_limit": {
        "description": "Time limit in seconds. Default: 60.",
        "type": "number",
        "exclusiveMinimum": 0,
    },
    "exit_codes": {
        "description": "Exit codes that are not an error. Default: 0 only.",
        "type": "array",
        "minItems": 1,
        "items": {"type": "integer", "minimum": 0, "maximum": 255},
    },
}


class CommandModule(Module):
    """Runs ``argv``, unless ``creates`` exists or ``removes`` does not."""

    reads_back: ClassVar[bool] = False
    ends_read_ahead: ClassVar[bool] = True

    @abstractmethod
    def argv(self, data: Any) -> tuple[str, ...]:
        """Return the command line to run."""

    def read(self, context: Context, arguments: Node) -> Command | None:
        """Check whether the files ``creates`` and ``removes`` exist, if they are given."""
        creates, removes = (
            self._path(context, arguments, "creates"),
            self._path(context, arguments, "removes"),
        )
        if not creates and not removes:
            return None
        return context.probe("needed", creates, removes, accept=(0, 1, 2), sudo=context.become)

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Plan to run the command, or note why it is skipped."""
        data = _options(arguments)
        if output.exit_code == 1:
            return TaskPlan(note=f"{data['creates']} exists", result=_result(0, "", ""))
        if output.exit_code == 2:
            return TaskPlan(note=f"{data['removes']} does not exist", result=_result(0, "", ""))
        argv = self.argv(arguments.data())
        command = Command(
            ("sh", "-c", WORKDIR, context.path(data["chdir"]), *argv) if "chdir" in data else argv,
            sudo=context.become,
            time_limit=float(data.get("time_limit", 60)),
            accept=tuple(data.get("exit_codes", (0,))),
        )
        return TaskPlan(
            (Difference("command", "not run", Command(argv).shown),), (command,), _result(0, "", "")
        )

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Run the command."""
        (command,) = plan.actions
        assert isinstance(command, Command)
        completed = context.host.run(command)
        return _result(completed.exit_code, completed.stdout, completed.stderr)

    @staticmethod
    def _path(context: Context, arguments: Node, key: str) -> str:
        path = _options(arguments).get(key, "")
        return context.path(path) if path else ""


def _options(arguments: Node) -> dict[str, Any]:
    data = arguments.data()
    return data if isinstance(data, dict) else {}


def _result(exit_code: int, stdout: str, stderr: str) -> dict[str, Any]:
    stdout, stderr = stdout.rstrip("\n"), stderr.rstrip("\n")
    return {"rc": exit_code, "stdout": stdout, "stderr": stderr, "stdout_lines": stdout.splitlines()}
