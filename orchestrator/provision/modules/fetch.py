"""``fetch``: copy a file from the host to the controller."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from msgspec.structs import replace

from orchestrator.documents.document import Node
from orchestrator.errors import BadInput, HostError
from orchestrator.experiment.model import Role
from orchestrator.hosts.command import MOST_OF_FILE, Command, script
from orchestrator.provision import confinement, files
from orchestrator.provision.module import Caution, Context, Difference, Module, ReadOutput, TaskPlan

FETCH_LIMIT_S = 600.0


class Fetch(Module):
    """``fetch: {src: /var/log/dmesg, dest: "logs/{{ inventory_hostname }}"}``."""

    name = "fetch"
    cautions: ClassVar[tuple[Caution, ...]] = ("controller",)
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["src", "dest"],
        "properties": {
            "src": {
                "description": "A file on the host; a relative path starts in the role's directory there.",
                "type": "string",
                "minLength": 1,
            },
            "dest": {
                "description": "A file on the controller, below the working directory.",
                "type": "string",
                "minLength": 1,
            },
        },
    }

    def faults(self, role: Role, arguments: Node) -> Iterator[tuple[Node, str]]:
        """A role writes nothing elsewhere on the controller."""
        yield from confinement.faults(Path.cwd(), arguments, ("dest",), "the working directory")

    def read(self, context: Context, arguments: Node) -> Command:
        """Read the state of the file on the host."""
        source = arguments.data()["src"]
        return files.read(context, [context.path(source)], sudo=context.sudo(source))

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Compare the file with the one on the controller; ``HostError`` if it is not a regular file."""
        data = arguments.data()
        path = context.path(data["src"])
        file = files.parse(output).get(path, files.ActualFile())
        if context.host.executes and not file.sha256:
            message = "no such file or directory" if file.kind == "absent" else "not a regular file"
            raise HostError(f"{path}: {message}")
        dest = Path(data["dest"])
        is_private = files.is_private(file.mode)
        local_digest = hashlib.sha256(dest.read_bytes()).hexdigest() if dest.is_file() else ""
        if local_digest and local_digest == file.sha256 and not (is_private and _others_may_read(dest)):
            return TaskPlan(result={"dest": str(dest)})
        before = f"content {local_digest[:12]}" if local_digest else "absent"
        after = f"content {file.sha256[:12]}" if file.sha256 else f"content of {path}"
        if is_private:
            before, after = "content" if local_digest else "absent", "new content, mode 0600"
        # Output is decoded as text, so binary content is encoded.
        command = script('base64 <"$1"', path, sudo=context.sudo(data["src"]), time_limit=FETCH_LIMIT_S)
        command = replace(command, most=MOST_OF_FILE)
        result = {"dest": str(dest)} | ({"mode": "0600"} if is_private else {})
        return TaskPlan((Difference(f"controller: {dest}", before, after),), (command,), result)

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Copy the file."""
        (command,) = plan.actions
        assert isinstance(command, Command)
        printed = context.host.run(command).stdout
        if not context.host.executes:
            return {}
        dest = Path(arguments.data()["dest"])
        try:
            dest.parent.mkdir(parents=True, exist_ok=True)
            if "mode" in plan.result:
                dest.touch(mode=0o600)
                dest.chmod(0o600)
            dest.write_bytes(base64.b64decode(printed))
        except OSError as error:
            raise BadInput(arguments.mapping()["dest"].position.fault(f"{dest}: {error.strerror}")) from None
        return {}


def _others_may_read(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o077)


MODULES = (Fetch(),)
