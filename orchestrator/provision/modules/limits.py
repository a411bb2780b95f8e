"""``limits``: set resource limits of users (pam_limits). They are not restored."""

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
    """``limits: {domain: '*', limit_item: memlock, value: unlimited}``; takes effect at the next login."""

    name = "limits"
    needs_root: ClassVar[bool] = True
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["domain", "limit_item", "value"],
        "properties": {
            "domain": {
                "description": "A user, a group as @group, or '*' for all users.",
                "title": "a user, @group or '*'",
                "type": "string",
                "pattern": "^[^\\s#]+$",
            },
            "limit_type": {"description": "Default: '-', both.", "enum": ["soft", "hard", "-"]},
            "limit_item": {"description": "The limited resource.", "enum": list(ITEMS)},
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
        """Read the file."""
        return files.read(context, [arguments.data().get("dest", DEFAULT_FILE)], sudo=context.become)

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Plan the file with one line for this domain, type and item; ``HostError`` if the file is too large."""
        data = arguments.data()
        path = data.get("dest", DEFAULT_FILE)
        file = files.parse(output).get(path, files.ActualFile())
        if file.kind == "file" and file.text is None:
            raise HostError(f"{path}: file too large")
        current_lines = (file.text or "").splitlines()
        key = [data["domain"], data.get("limit_type", "-"), data["limit_item"]]
        line = " ".join((*key, str(data["value"])))
        others = [other for other in current_lines if other.split()[:3] != key]
        current = [old.split() for old in current_lines if old.split()[:3] == key]
        if current == [line.split()]:
            return TaskPlan(note=line)
        content = "".join(f"{other}\n" for other in (*others, line))
        return files.plan(context, [files.RequestedFile(path, "file", content.encode())], output)


MODULES = (Limits(),)
