"""``template``: a file of the role's ``templates/``, filled in with the task's variables. It stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.experiment.model import Role
from orchestrator.hosts.command import Command
from orchestrator.provision import files
from orchestrator.provision.checking import TEMPLATES
from orchestrator.provision.module import Context, Module, ReadOutput, TaskPlan, reaches_out
from orchestrator.provision.templating import is_template


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

    def template(self, arguments: Node) -> str:
        """The source."""
        source = arguments.get("src")
        return source.text if source else ""

    def faults(self, role: Role, arguments: Node) -> Iterator[tuple[Node, str]]:
        """The source must be there."""
        source = arguments.mapping()["src"]
        if not is_template(source.content) and not (role.folder / TEMPLATES / source.text).is_file():
            yield source, f"there is no file '{source.text}' in {role.folder / TEMPLATES}"

    def read(self, context: Context, arguments: Node) -> Command:
        """What is at the place that it will take."""
        dest = arguments.data()["dest"]
        return files.read(context, [context.path(dest)], sudo=context.sudo(dest))

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """Hold it against what the template comes to."""
        data = arguments.data()
        source = context.role.folder / TEMPLATES / data["src"]
        content = context.render(source.read_text(encoding="utf-8"), str(source))
        wanted = files.RequestedFile(
            context.path(data["dest"]), "file", content.encode(), **files.attributes(data)
        )
        return files.plan(context, [wanted], answer)


MODULES = (Template(),)
