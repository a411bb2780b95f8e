"""Read the state that several tasks need in one round trip: over SSH, a round trip costs more than the reading."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from orchestrator.errors import BadInput, HostError
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import Command
from orchestrator.hosts.remote.commands import probe_command
from orchestrator.provision.module import ReadOutput
from orchestrator.provision.steps import RoleSteps
from orchestrator.provision.tasks import Task

MAX_COMMANDS = 30
"""Read commands in one round trip."""

_EXIT_CODE = re.compile("[0-9]{1,3}")

_Key = tuple[int, int]
"""Index of a task, number of the step within it."""


class ReadAhead:
    """The outputs of the read commands of a list of tasks.

    Call :meth:`forget` before the host is changed: what was read before may no longer be true.
    """

    def __init__(self, base: str, steps: RoleSteps, tasks: Sequence[Task]) -> None:
        self._base = base
        self._steps = steps
        self._tasks = tasks
        self._outputs: dict[_Key, ReadOutput] = {}

    def forget(self) -> None:
        """Drop the outputs that were read and not yet used."""
        self._outputs.clear()

    def output(self, index: int, number: int) -> ReadOutput:
        """Return the output for step ``number`` of task ``index``.

        If it is not known, read it together with the outputs for the steps that follow.
        """
        if (index, number) not in self._outputs:
            commands = dict(self._commands(index, number))
            outputs = read_all(self._steps.host, self._base, list(commands.values())) if commands else []
            self._outputs = dict(zip(commands, outputs, strict=True))
        return self._outputs.get((index, number), ReadOutput())

    def _commands(self, index: int, number: int) -> Iterator[tuple[_Key, Command]]:
        """Yield the read commands from a step on, up to the first task that depends on the result of another.

        Those of a task that is hidden are read alone: its arguments must not be in the message of another task.
        """
        count = 0
        for at in range(index, len(self._tasks)):
            task = self._tasks[at]
            try:
                steps = [step for step in enumerate(self._steps.of(task)) if (at, step[0]) >= (index, number)]
                commands = [
                    ((at, n), task.module.read(self._steps.context(step), step.arguments))
                    for n, step in steps
                    if step is not None
                ]
            except BadInput:
                if at == index:
                    raise
                return
            is_hidden = any(step is not None and step.why_hidden for _, step in steps)
            if is_hidden and at > index:
                return
            for key, command in commands:
                if command is not None and count < MAX_COMMANDS:
                    count += 1
                    yield key, command
            if count >= MAX_COMMANDS or task.module.ends_read_ahead or task.register or is_hidden:
                return


def read_all(host: Host, base: str, commands: Sequence[Command]) -> list[ReadOutput]:
    """Run commands that change nothing; ``CommandFailed`` if one ends with an exit code that it does not accept."""
    if len(commands) == 1:
        completed = host.run(commands[0])
        return [ReadOutput(completed.exit_code, completed.stdout)]
    lines = [_line(host.prepare(command)) for command in commands]
    limit = sum(command.time_limit for command in commands)
    printed = host.run(probe_command(base, "all", *lines, time_limit=limit)).stdout
    if not host.executes:
        return [ReadOutput() for _ in commands]
    parts = printed.split("\n#\n")
    return [_output(host, command, part) for command, part in zip(commands, parts, strict=False)]


def _line(command: Command) -> str:
    if command.stdin is None:
        return command.line
    return f"printf %s {shlex.quote(command.stdin.decode())} | {command.line}"


def _output(host: Host, command: Command, part: str) -> ReadOutput:
    text = "\n".join(line[1:] for line in part.split("\n"))
    body, _, code = text.rpartition("\n!")
    if not _EXIT_CODE.fullmatch(code):
        raise HostError(f"cannot read the output of {command.shown}: it has no exit code")
    completed = host.check_exit_code(command, int(code), body)
    return ReadOutput(completed.exit_code, completed.stdout)
