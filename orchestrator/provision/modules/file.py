"""``file``: create or remove a file, directory or link, and set its permissions. It is not restored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.hosts.command import Command
from orchestrator.provision import files
from orchestrator.provision.module import Context, Module, ReadOutput, TaskPlan, may_be_outside_role


class File(Module):
    """``file: {path: /data, state: directory, mode: '0755'}``."""

    name = "file"
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["path"],
        "properties": {
            "path": {
                "description": "Path on the host; a relative path starts in the role's directory there.",
                "type": "string",
            },
            "state": {
                "description": "Default: file, or link if src is given. A missing file is created empty.",
                "enum": ["file", "directory", "link", "absent"],
            },
            "src": {"description": "Target of a link.", "type": "string", "minLength": 1},
            **files.ATTRIBUTES,
        },
    }

    def changes_host(self, arguments: Node) -> bool:
        """Return True unless the path is relative, which means in the role's directory."""
        return may_be_outside_role(arguments, "path")

    def faults(self, role: object, arguments: Node) -> list[tuple[Node, str]]:
        """A link needs a target, only a link has one, and a root directory is not removed."""
        data = arguments.data()
        if data.get("state") == "absent" and not data["path"].strip("/."):
            return [(arguments.mapping()["path"], f"refusing to remove '{data['path']}'")]
        if data.get("state") == "link" and "src" not in data:
            return [(arguments, "src is required for state: link")]
        if "src" in data and data.get("state", "link") != "link":
            return [
                (
                    arguments.mapping()["src"],
                    "src is supported for state: link only; to copy a file, use 'copy'",
                )
            ]
        return []

    def read(self, context: Context, arguments: Node) -> Command:
        """Read the state of the path."""
        path = arguments.data()["path"]
        return files.read(context, [context.path(path)], sudo=context.sudo(path))

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Compare the state of the path with the arguments."""
        data = arguments.data()
        path = context.path(data["path"])
        kind = data.get("state", "link" if "src" in data else "file")
        missing = files.parse(output).get(path, files.ActualFile()).kind == "absent"
        content = b"" if kind == "file" and missing else None
        requested = files.RequestedFile(path, kind, content, data.get("src", ""), **files.attributes(data))
        return files.plan(context, [requested], output)


MODULES = (File(),)
