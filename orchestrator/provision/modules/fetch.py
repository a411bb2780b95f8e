"""``fetch``: a file of the host, brought to the controller."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.errors import BadInput, HostError
from orchestrator.hosts.command import Command, script
from orchestrator.provision import files
from orchestrator.provision.module import Context, Difference, Module, ReadOutput, TaskPlan

FETCH_LIMIT_S = 600.0


class Fetch(Module):
    """``fetch: {src: /var/log/dmesg, dest: "logs/{{ inventory_hostname }}"}``."""

    name = "fetch"
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["src", "dest"],
        "properties": {
            "src": {
                "description": "A file on the host; a relative path starts in the role's folder there.",
                "type": "string",
                "minLength": 1,
            },
            "dest": {
                "description": "A file on the controller; a relative path starts in the working folder.",
                "type": "string",
                "minLength": 1,
            },
        },
    }

    def read(self, context: Context, arguments: Node) -> Command:
        """What the file is there."""
        source = arguments.data()["src"]
        return files.read(context, [context.path(source)], sudo=context.sudo(source))

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """Hold it against the one here."""
        data = arguments.data()
        path = context.path(data["src"])
        found = files.parse(answer).get(path, files.ActualFile())
        if context.host.answers and not found.sha256:
            raise HostError(f"{path}: expected a file, found {found.kind}")
        dest = Path(data["dest"])
        here = hashlib.sha256(dest.read_bytes()).hexdigest() if dest.is_file() else ""
        if here == found.sha256 and here:
            return TaskPlan(result={"dest": str(dest)})
        before = f"content {here[:12]}" if here else "absent"
        command = script(
            'base64 <"$1"', path, sudo=context.sudo(data["src"]), time_limit=FETCH_LIMIT_S
        )  # text survives every connection
        after = f"content {found.sha256[:12]}" if found.sha256 else f"as {path}"
        return TaskPlan((Difference(f"here: {dest}", before, after),), (command,), {"dest": str(dest)})

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Bring it."""
        (command,) = plan.actions
        assert isinstance(command, Command)
        printed = context.host.run(command).stdout
        if not context.host.answers:
            return {}
        dest = Path(arguments.data()["dest"])
        try:
            dest.parent.mkdir(parents=True, exist_ok=True)
            dest.write_bytes(base64.b64decode(printed))
        except OSError as error:
            raise BadInput(arguments.mapping()["dest"].position.fault(f"{dest}: {error.strerror}")) from None
        return {}


MODULES = (Fetch(),)
