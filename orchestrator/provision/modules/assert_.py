"""``assert``: conditions that must hold, or the role ends here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.errors import HostError
from orchestrator.hosts.command import Command
from orchestrator.provision.module import Context, Module, ReadOutput, TaskPlan
from orchestrator.provision.tasks import CONDITION


class Assert(Module):
    """``assert: {that: facts.cpus >= 4, fail_msg: too small}``."""

    name = "assert"
    expressions: ClassVar[frozenset[str]] = frozenset({"that"})
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["that"],
        "properties": {
            "that": {"description": "A condition, or a list of them.", **CONDITION},
            "fail_msg": {"description": "What to say otherwise.", "type": "string"},
        },
    }

    def read(self, context: Context, arguments: Node) -> Command | None:
        """There is nothing to read."""
        return None

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """Raises ``HostError`` with the first condition that does not hold."""
        if not context.host.answers:
            return TaskPlan()
        that = arguments.mapping()["that"]
        for node in that.items() if isinstance(that.content, list) else [that]:
            if not context.holds(node):
                message = arguments.data().get("fail_msg", "")
                raise HostError(f"{message or 'assertion does not hold'} ({node.content})")
        return TaskPlan()


MODULES = (Assert(),)
