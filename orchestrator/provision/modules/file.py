"""``file``: a file, folder or link with its permissions, or none. It stays when the run is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.hosts.command import Command
from orchestrator.provision import files
from orchestrator.provision.module import Context, Module, ReadOutput, TaskPlan, reaches_out


class File(Module):
    """``file: {path: /data, state: directory, mode: '0755'}``."""

    name = "file"
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["path"],
        "properties": {
            "path": {
                "description": "On the host; a relative one starts in the role's folder there.",
                "type": "string",
            },
            "state": {
                "description": "Default: file, or link where src is given. A file that is missing is made, empty.",
                "enum": ["file", "directory", "link", "absent"],
            },
            "src": {"description": "What a link leads to.", "type": "string", "minLength": 1},
            **files.ATTRIBUTES,
        },
    }

    def changes_host(self, arguments: Node) -> bool:
        """Beyond our folder unless the path is relative."""
        return reaches_out(arguments, "path")

    def faults(self, role: object, arguments: Node) -> list[tuple[Node, str]]:
        """A link needs to lead somewhere, and only a link does."""
        data = arguments.data()
        if data.get("state") == "absent" and not data["path"].strip("/."):
            return [(arguments.mapping()["path"], "that is a whole file system")]
        if data.get("state") == "link" and "src" not in data:
            return [(arguments, "a link needs 'src', what it leads to")]
        if "src" in data and data.get("state", "link") != "link":
            return [(arguments.mapping()["src"], "only a link has 'src'; to bring a file there, use 'copy'")]
        return []

    def read(self, context: Context, arguments: Node) -> Command:
        """What is at the path."""
        path = arguments.data()["path"]
        return files.read(context, [context.path(path)], sudo=context.sudo(path))

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """Hold it against what is asked."""
        data = arguments.data()
        path = context.path(data["path"])
        kind = data.get("state", "link" if "src" in data else "file")
        missing = files.parse(answer).get(path, files.ActualFile()).kind == "absent"
        content = b"" if kind == "file" and missing else None
        wanted = files.RequestedFile(path, kind, content, data.get("src", ""), **files.attributes(data))
        return files.plan(context, [wanted], answer)


MODULES = (File(),)
