"""``assert``: fail unless conditions are true."""

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
            "fail_msg": {"description": "The message if one is false.", "type": "string"},
        },
    }

    def read(self, context: Context, arguments: Node) -> Command | None:
        """Return None: there is nothing to read."""
        return None

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Evaluate the conditions; ``HostError`` names the first one that is false."""
        if not context.host.executes:
            return TaskPlan()
        that = arguments.mapping()["that"]
        for node in that.items() if isinstance(that.content, list) else [that]:
            if not context.is_true(node):
                message = arguments.data().get("fail_msg", "")
                raise HostError(f"{message or 'assertion failed'} ({node.content})")
        return TaskPlan()


MODULES = (Assert(),)
