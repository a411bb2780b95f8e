"""``copy``: copy a file or directory below the role's ``files/``, or a text, to the host. It is not restored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.experiment.model import Role
from orchestrator.hosts.command import Command
from orchestrator.provision import confinement, files
from orchestrator.provision.module import Context, Module, ReadOutput, TaskPlan, may_be_outside_role
from orchestrator.provision.templates import is_template

FOLDER = "files"

_BELOW = "the role's files/"


class Copy(Module):
    """``copy: {src: limits.conf, dest: /etc/security/limits.d/x.conf, mode: '0644'}``, or ``content`` for ``src``."""

    name = "copy"
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["dest"],
        "properties": {
            "src": {
                "description": "A file or directory below the role's files/.",
                "type": "string",
                "minLength": 1,
            },
            "content": {"description": "The content, instead of src.", "type": "string"},
            "dest": {
                "description": "Path on the host; a relative path starts in the role's directory there.",
                "type": "string",
                "minLength": 1,
            },
            **files.ATTRIBUTES,
        },
    }

    def changes_host(self, arguments: Node) -> bool:
        """Return True unless the path is relative, which means in the role's directory."""
        return may_be_outside_role(arguments, "dest")

    def faults(self, role: Role, arguments: Node) -> Iterator[tuple[Node, str]]:
        """Either ``src`` or ``content`` is required, and ``src`` must exist."""
        source, content = (arguments.mapping().get(key) for key in ("src", "content"))
        if source is None and content is None:
            yield arguments, "one of the following is required: src, content"
        elif source is not None and content is not None:
            yield arguments, "parameters are mutually exclusive: src, content"
        elif source and (led_out := [*confinement.faults(role.folder / FOLDER, arguments, ("src",), _BELOW)]):
            yield from led_out
        elif source and not is_template(source.content):
            path = role.folder / FOLDER / source.text
            if not path.exists():
                yield source, f"{path}: no such file or directory"
            elif not (path.is_file() or path.is_dir()):  # a FIFO or a device could be read for ever
                yield source, f"{path}: not a regular file or directory"

    def read(self, context: Context, arguments: Node) -> Command:
        """Read the files that the copy creates or replaces."""
        paths = [file.path for file in _requested(context, arguments)]
        return files.read(context, paths, sudo=context.sudo(arguments.data()["dest"]))

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Compare the files with the source."""
        return files.plan(context, list(_requested(context, arguments)), output)


def _requested(context: Context, arguments: Node) -> Iterator[files.RequestedFile]:
    data = arguments.data()
    dest = context.path(data["dest"])
    attributes = files.attributes(data)
    if "content" in data:
        yield files.RequestedFile(dest, "file", data["content"].encode(), **attributes)
        return
    source = context.role.folder / FOLDER / data["src"]
    if source.is_dir():
        for path in sorted(entry for entry in source.rglob("*") if entry.is_file()):
            target = f"{dest.rstrip('/')}/{path.relative_to(source)}"
            confinement.check(context.role.folder / FOLDER, path)
            yield files.RequestedFile(target, "file", path.read_bytes(), **_with_mode(path, attributes))
    else:
        if dest.endswith("/"):
            dest += source.name
        yield files.RequestedFile(dest, "file", source.read_bytes(), **_with_mode(source, attributes))


def _with_mode(path: Path, attributes: dict[str, str]) -> dict[str, str]:
    """Return the attributes; an executable source is executable on the host too."""
    return {"mode": "755", **attributes} if path.stat().st_mode & 0o100 else attributes


MODULES = (Copy(),)
