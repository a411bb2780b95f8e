"""A machine that boots kernels, and that has ended for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import HostGone
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.base import Host
from orchestrator.hosts.machine.bootable import BootableMachine
from orchestrator.hosts.power import find_power
from orchestrator.hosts.testing import ScriptedHost


def test_a_machine_that_has_ended_is_neither_waited_for_nor_power_cycled(tmp_path: Path) -> None:
    def connect() -> Host:
        raise HostGone("i-1: the machine has ended: spot interruption")

    power = find_power("i-1", {"command": ["touch", str(tmp_path / "cycled")]})
    machine = BootableMachine("i-1", connect, power, None, tmp_path, 3600, {}, ())
    for attempt in (lambda: machine.boot(Kernel("default")), machine.reconnect):
        with pytest.raises(HostGone, match="i-1: the machine has ended"):
            attempt()
    assert not (tmp_path / "cycled").exists()


def test_a_kernel_that_an_earlier_controller_left_running_is_restored_by_who_takes_over(
    tmp_path: Path,
) -> None:
    """Not by others: the kernel may be that of an active run."""
    host = ScriptedHost("metal")
    for boot, tag, times in (("b1", "0123456789ab", 3), ("b2", "", 0)):
        host.answer(r" state$", stdout=f"boot={boot}\ntag={tag}\nobstacle=\nhas_blocks=no\n", times=times)
    for takes_over, ends in ((False, ["state"]), (True, ["state", "state", "reboot", "state", "remove"])):
        host.commands.clear()
        machine = BootableMachine(
            "metal", lambda: host, find_power("metal", "none"), None, tmp_path, 10, {}, ()
        )
        machine.reconnect()
        if takes_over:
            machine.take_over()
        machine.close()
        called = [
            line.rpartition(" ")[2] for line in host.commands if "boot.sh" in line or "running_tag" in line
        ]
        assert called == ends
