"""``copy``: a file or folder of the role's ``files/``, or a text, on the host. It stays when the run is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.experiment.model import Role
from orchestrator.hosts.command import Command
from orchestrator.provision import files
from orchestrator.provision.module import Context, Module, ReadOutput, TaskPlan, reaches_out
from orchestrator.provision.templating import is_template

FOLDER = "files"


class Copy(Module):
    """``copy: {src: limits.conf, dest: /etc/security/limits.d/x.conf, mode: '0644'}``, or ``content`` for ``src``."""

    name = "copy"
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["dest"],
        "properties": {
            "src": {
                "description": "A file or folder below the role's files/.",
                "type": "string",
                "minLength": 1,
            },
            "content": {"description": "The content, instead of src.", "type": "string"},
            "dest": {
                "description": "On the host; a relative path starts in the role's folder there.",
                "type": "string",
                "minLength": 1,
            },
            **files.ATTRIBUTES,
        },
    }

    def changes_host(self, arguments: Node) -> bool:
        """Beyond our folder unless the path is relative."""
        return reaches_out(arguments, "dest")

    def faults(self, role: Role, arguments: Node) -> Iterator[tuple[Node, str]]:
        """The source must be there."""
        source = arguments.mapping().get("src")
        if (source is None) == ("content" not in arguments.mapping()):
            yield arguments, "needs one of the keys src and content"
        elif source and not is_template(source.content) and not (role.folder / FOLDER / source.text).exists():
            yield source, f"there is no '{source.text}' in {role.folder / FOLDER}"

    def read(self, context: Context, arguments: Node) -> Command:
        """What is at the places that the copy will take."""
        paths = [one.path for one in _wanted(context, arguments)]
        return files.read(context, paths, sudo=context.sudo(arguments.data()["dest"]))

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """Hold it against the source."""
        return files.plan(context, list(_wanted(context, arguments)), answer)


def _wanted(context: Context, arguments: Node) -> Iterator[files.RequestedFile]:
    data = arguments.data()
    dest = context.path(data["dest"])
    attributes = files.attributes(data)
    if "content" in data:
        yield files.RequestedFile(dest, "file", data["content"].encode(), **attributes)
        return
    source = context.role.folder / FOLDER / data["src"]
    if source.is_dir():
        for path in sorted(entry for entry in source.rglob("*") if entry.is_file()):
            position = f"{dest.rstrip('/')}/{path.relative_to(source)}"
            yield files.RequestedFile(position, "file", path.read_bytes(), **_kept(path, attributes))
    else:
        if dest.endswith("/"):
            dest += source.name
        yield files.RequestedFile(dest, "file", source.read_bytes(), **_kept(source, attributes))


def _kept(path: Path, attributes: dict[str, str]) -> dict[str, str]:
    """What is executable here is so there."""
    return {"mode": "755", **attributes} if path.stat().st_mode & 0o100 else attributes


MODULES = (Copy(),)
