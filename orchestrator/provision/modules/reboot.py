"""``reboot``: boots the host again and waits until it is back, which its boot id proves. Mostly a handler."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.errors import HostError
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import Command, script
from orchestrator.provision.module import Context, Difference, Module, ReadOutput, TaskPlan

BOOT_ID = "/proc/sys/kernel/random/boot_id"
PAUSE_S = 2.0
_REBOOT = "(sleep 1; systemctl reboot || reboot) >/dev/null 2>&1 </dev/null &"


class Reboot(Module):
    """``reboot: {time_limit: 300}``."""

    name = "reboot"
    needs_root: ClassVar[bool] = True
    reads_back: ClassVar[bool] = False
    opaque: ClassVar[bool] = True
    arguments: Mapping[str, Any] = {
        "title": "nothing, or a time limit",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            "time_limit": {
                "description": "Seconds until it must be back; default 300.",
                "type": "number",
                "exclusiveMinimum": 0,
            }
        },
    }

    def read(self, context: Context, arguments: Node) -> Command:
        """Which boot this is."""
        return Command(("cat", BOOT_ID))

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """Another boot."""
        boot = answer.text.strip()
        difference = Difference("boot", boot or "?", "another")
        return TaskPlan((difference,), (script(_REBOOT, sudo=context.become),), {"boot": boot})

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Boot it and wait. ``HostError`` where that is not ours to do, and when it does not come back."""
        if not context.host.answers:
            return dict(super().apply(context, arguments, plan))
        if context.reconnect is None:
            raise HostError(
                "a run does not boot its host; apply the role first, with `orchestrate role apply`"
            )
        limit = float((arguments.data() or {}).get("time_limit", 300))
        super().apply(context, arguments, plan)
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            time.sleep(PAUSE_S)
            boot = _boot(context.reconnect)
            if boot not in ("", plan.result["boot"]):
                return {"boot": boot}
        raise HostError(f"is not back {limit:g} s after it was told to boot")


def _boot(reconnect: Any) -> str:
    """The boot id of a host that may be away."""
    try:
        host: Host = reconnect()
        return host.run(Command(("cat", BOOT_ID))).stdout.strip()
    except HostError:
        return ""


MODULES = (Reboot(),)
