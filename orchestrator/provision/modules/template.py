"""``template``: render a file below the role's ``templates/`` to the host. It is not restored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.experiment.model import Role
from orchestrator.hosts.command import Command
from orchestrator.provision import confinement, files
from orchestrator.provision.checking import TEMPLATES
from orchestrator.provision.module import Context, Module, ReadOutput, TaskPlan, may_be_outside_role
from orchestrator.provision.templates import is_template


class Template(Module):
    """``template: {src: sshd.conf.j2, dest: /etc/ssh/sshd_config.d/x.conf}``."""

    name = "template"
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["src", "dest"],
        "properties": {
            "src": {"description": "A file below the role's templates/.", "type": "string", "minLength": 1},
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

    def template(self, arguments: Node) -> str:
        """Return the name of the source."""
        source = arguments.get("src")
        return source.text if source else ""

    def faults(self, role: Role, arguments: Node) -> Iterator[tuple[Node, str]]:
        """The source must exist."""
        source = arguments.mapping()["src"]
        path = role.folder / TEMPLATES / source.text
        if led_out := [
            *confinement.faults(role.folder / TEMPLATES, arguments, ("src",), "the role's templates/")
        ]:
            yield from led_out
        elif not is_template(source.content) and not path.is_file():
            yield source, f"{path}: no such file or directory"

    def read(self, context: Context, arguments: Node) -> Command:
        """Read the file that the template creates or replaces."""
        dest = arguments.data()["dest"]
        return files.read(context, [context.path(dest)], sudo=context.sudo(dest))

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Compare the file with the rendered template."""
        data = arguments.data()
        source = context.role.folder / TEMPLATES / data["src"]
        content = context.render(source.read_text(encoding="utf-8"), str(source))
        requested = files.RequestedFile(
            context.path(data["dest"]), "file", content.encode(), **files.attributes(data)
        )
        return files.plan(context, [requested], output)


MODULES = (Template(),)
