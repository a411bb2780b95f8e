"""Roles of a test, and the host that they are applied to."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.experiment.model import Role
from orchestrator.hosts.base import Host
from orchestrator.hosts.testing import ScriptedHost
from orchestrator.provision.engine import run_role
from orchestrator.provision.loading import load
from orchestrator.provision.module import TaskResult
from orchestrator.provision.target import Target


class ProbedHost(ScriptedHost):
    """Executes ``probe.sh all`` as the script does: command by command.

    :ivar trips: the command lines, one item for each round trip; of ``probe.sh all`` the list of its commands.
    """

    def __init__(self, name: str = "n1", root: bool = True) -> None:
        super().__init__(name, root)
        self.trips: list[Any] = []

    def _execute(
        self, line: str, stdin: bytes | None, time_limit: float, most: int
    ) -> tuple[int, bytes, bytes]:
        words = shlex.split(line)
        if words[1:2] != ["/base/bin/probe.sh"] or words[2] != "all":
            self.trips.append(line)
            return super()._execute(line, stdin, time_limit, most)
        self.trips.append(words[3:])
        printed = b""
        for inner in words[3:]:
            code, out, err = super()._execute(inner, None, time_limit, most)
            body = out + err + f"\n!{code}".encode()
            printed += b"".join(b" " + part + b"\n" for part in body.split(b"\n")) + b"#\n"
        return 0, printed, b""


def run(
    folder: Path,
    tasks: str,
    host: Host | None = None,
    *,
    defaults: str = "",
    handlers: str = "",
    variables: Mapping[str, Any] | None = None,
    inventory: Mapping[str, Any] | None = None,
    **target: Any,
) -> list[TaskResult]:
    for name, text in (("tasks", tasks), ("defaults", defaults), ("handlers", handlers)):
        (folder / f"{name}.yaml").write_text(text)
    role = load(Role("r", folder, variables or {}))
    return run_role(Target(host or ProbedHost(), "/base", folder, variables=inventory or {}, **target), role)


def commands(host: ProbedHost) -> list[str]:
    return [line for line in host.commands if "/bin/" not in line]
