"""Many commands that only read, in one round trip: over SSH a round trip costs more than the reading."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from orchestrator.hosts.base import Host
from orchestrator.hosts.command import Command
from orchestrator.hosts.remote.commands import probe_command
from orchestrator.provision.module import ReadOutput


def read_all(host: Host, base: str, commands: Sequence[Command]) -> list[ReadOutput]:
    """Run commands that change nothing; ``CommandFailed`` where one ends with a code that is not accepted."""
    if len(commands) == 1:
        done = host.run(commands[0])
        return [ReadOutput(done.exit_code, done.stdout)]
    lines = [_line(host.prepare(command)) for command in commands]
    limit = sum(command.time_limit for command in commands)
    printed = host.run(probe_command(base, "all", *lines, time_limit=limit)).stdout
    if not host.answers:
        return [ReadOutput() for _ in commands]
    pieces = printed.split("\n#\n")
    return [_answer(host, command, piece) for command, piece in zip(commands, pieces, strict=False)]


def _line(command: Command) -> str:
    if command.stdin is None:
        return command.line
    return f"printf %s {shlex.quote(command.stdin.decode())} | {command.line}"


def _answer(host: Host, command: Command, piece: str) -> ReadOutput:
    text = "\n".join(line[1:] for line in piece.split("\n"))
    body, _, code = text.rpartition("\n!")
    done = host.check_exit_code(command, int(code), body)
    return ReadOutput(done.exit_code, done.stdout)
