"""A machine that boots kernels, and that has ended for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import HostGone
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.base import Host
from orchestrator.hosts.machine.bootable import BootableMachine
from orchestrator.hosts.power import find_power


def test_a_machine_that_has_ended_is_neither_waited_for_nor_power_cycled(tmp_path: Path) -> None:
    def connect() -> Host:
        raise HostGone("i-1: the machine has ended: spot interruption")

    power = find_power("i-1", {"command": ["touch", str(tmp_path / "cycled")]})
    machine = BootableMachine("i-1", connect, power, None, tmp_path, 3600, {}, ())
    for attempt in (lambda: machine.boot(Kernel("default")), machine.reconnect):
        with pytest.raises(HostGone, match="i-1: the machine has ended"):
            attempt()
    assert not (tmp_path / "cycled").exists()
