"""``reboot``: reboot the host and wait until it is up with a new boot id. Mostly used as a handler."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.errors import HostError
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import Command, script
from orchestrator.provision.module import Caution, Context, Difference, Module, ReadOutput, TaskPlan

BOOT_ID = "/proc/sys/kernel/random/boot_id"
PAUSE_S = 2.0
_REBOOT = "(sleep 1; systemctl reboot || reboot) >/dev/null 2>&1 </dev/null &"


class Reboot(Module):
    """``reboot: {time_limit: 300}``."""

    name = "reboot"
    cautions: ClassVar[tuple[Caution, ...]] = ("reboot",)
    needs_root: ClassVar[bool] = True
    reads_back: ClassVar[bool] = False
    ends_read_ahead: ClassVar[bool] = True
    arguments: Mapping[str, Any] = {
        "title": "nothing, or time_limit",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            "time_limit": {
                "description": "Seconds to wait for the host. Default: 300.",
                "type": "number",
                "exclusiveMinimum": 0,
            }
        },
    }

    def read(self, context: Context, arguments: Node) -> Command:
        """Read the boot id."""
        return Command(("cat", BOOT_ID))

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Plan the reboot."""
        boot = output.text.strip()
        difference = Difference("boot id", boot or "?", "new")
        return TaskPlan((difference,), (script(_REBOOT, sudo=context.become),), {"boot": boot})

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Reboot and wait. ``HostError`` during a run, and if the host is not up in time."""
        if not context.host.executes:
            return dict(super().apply(context, arguments, plan))
        if context.reconnect is None:
            raise HostError(
                "a role cannot reboot the host during a run; apply it first, with: orchestrate role apply"
            )
        limit = float((arguments.data() or {}).get("time_limit", 300))
        super().apply(context, arguments, plan)
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            time.sleep(PAUSE_S)
            boot = _boot(context.reconnect)
            if boot not in ("", plan.result["boot"]):
                return {"boot": boot}
        raise HostError(
            f"the host did not answer within {limit:g} s after the reboot; "
            "check its console, or allow more time with time_limit"
        )


def _boot(reconnect: Any) -> str:
    """Return the boot id; empty while the host is down."""
    try:
        host: Host = reconnect()
        return host.run(Command(("cat", BOOT_ID))).stdout.strip()
    except HostError:
        return ""


MODULES = (Reboot(),)
