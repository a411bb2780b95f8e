"""``limits``: what users may have of memory, files and the like (pam_limits). It stays when the run is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.errors import HostError
from orchestrator.hosts.command import Command
from orchestrator.provision import files
from orchestrator.provision.module import Context, Module, ReadOutput, TaskPlan

DEFAULT_FILE = "/etc/security/limits.d/90-orchestrate.conf"
ITEMS = (
    *(
        "as",
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "maxlogins",
        "maxsyslogins",
        "memlock",
        "msgqueue",
        "nice",
    ),
    *("nofile", "nproc", "priority", "rss", "rtprio", "sigpending", "stack"),
)


class Limits(Module):
    """``limits: {domain: '*', limit_item: memlock, value: unlimited}``; counts from the next login on."""

    name = "limits"
    needs_root: ClassVar[bool] = True
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["domain", "limit_item", "value"],
        "properties": {
            "domain": {
                "description": "A user, @group, or '*' for all.",
                "title": "a user, @group or '*'",
                "type": "string",
                "pattern": "^[^\\s#]+$",
            },
            "limit_type": {"description": "Default: '-', both.", "enum": ["soft", "hard", "-"]},
            "limit_item": {"description": "What is limited.", "enum": list(ITEMS)},
            "value": {
                "description": "A number, unlimited or -1.",
                "title": "a number or 'unlimited'",
                "type": ["integer", "string"],
                "pattern": "^(unlimited|infinity|-?[0-9]+)$",
            },
            "dest": {"description": f"Default: {DEFAULT_FILE}.", "type": "string", "pattern": "^/"},
        },
    }

    def read(self, context: Context, arguments: Node) -> Command:
        """The file as it is."""
        return files.read(context, [arguments.data().get("dest", DEFAULT_FILE)], sudo=context.become)

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """The file with one line for this domain, type and item."""
        data = arguments.data()
        path = data.get("dest", DEFAULT_FILE)
        found = files.parse(answer).get(path, files.ActualFile())
        if found.kind == "file" and found.text is None:
            raise HostError(f"{path}: too large to be a file of limits")
        there = found.text or ""
        key = [data["domain"], data.get("limit_type", "-"), data["limit_item"]]
        line = " ".join((*key, str(data["value"])))
        lines = [kept for kept in there.splitlines() if kept.split()[:3] != key]
        old = [kept for kept in there.splitlines() if kept.split()[:3] == key]
        if [kept.split() for kept in old] == [line.split()]:
            return TaskPlan(note=line)
        content = "".join(f"{kept}\n" for kept in (*lines, line))
        return files.plan(context, [files.RequestedFile(path, "file", content.encode())], answer)


MODULES = (Limits(),)
