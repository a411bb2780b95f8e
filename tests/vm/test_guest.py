"""Properties of a guest, from inside and by the interface of a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.environments import Environment
from orchestrator.errors import CommandFailed, HostError
from orchestrator.hosts.command import Command, script
from orchestrator.kernels.obtain import obtain
from tests.vm.conftest import STOCK, BootedGuest, qemu_provider


def read(guest: BootedGuest, path: str) -> str:
    return guest.host.run(Command(("cat", path))).stdout.strip()


def test_nodes_have_the_cpus_and_memory_of_the_layout(tcg_guest: BootedGuest) -> None:
    node = "/sys/devices/system/node"
    assert read(tcg_guest, f"{node}/online") == "0-1"
    assert read(tcg_guest, f"{node}/node0/cpulist") == "0-1"
    assert read(tcg_guest, f"{node}/node1/cpulist") == "2"
    for index in (0, 1):
        total = int(read(tcg_guest, f"{node}/node{index}/meminfo").split("MemTotal:")[1].split()[0])
        assert 400 * 1024 < total <= 512 * 1024


def test_distances_are_those_of_the_layout(tcg_guest: BootedGuest) -> None:
    assert read(tcg_guest, "/sys/devices/system/node/node0/distance").split() == ["10", "25"]
    assert read(tcg_guest, "/sys/devices/system/node/node1/distance").split() == ["25", "10"]


def test_it_runs_the_requested_kernel(tcg_guest: BootedGuest) -> None:
    assert read(tcg_guest, "/proc/sys/kernel/osrelease") == obtain(STOCK).release


def test_its_environment_and_clock_source(tcg_guest: BootedGuest) -> None:
    assert tcg_guest.machine.environment is Environment.VM_TCG
    assert read(tcg_guest, "/sys/devices/system/clocksource/clocksource0/current_clocksource") == "tsc"


def test_the_cpu_has_no_erms_and_fsrm(tcg_guest: BootedGuest) -> None:
    flags = read(tcg_guest, "/proc/cpuinfo").split("flags")[1].split("\n")[0].split()
    assert "rep_good" in flags
    assert not {"erms", "fsrm"} & set(flags)


def test_root_works_as_on_any_host(tcg_guest: BootedGuest) -> None:
    host = tcg_guest.host
    assert host.is_root
    host.put(b'#!/bin/sh\necho "$1" over ssh\n', "/root/tool/hello", 0o755)
    assert host.run(Command(("/root/tool/hello", "two words"))).stdout == "two words over ssh\n"
    host.run(Command(("rm", "-r", "/root/tool")))
    with pytest.raises(CommandFailed, match="exit code 3"):
        host.run(script("exit 3"))


def test_detached_processes_outlive_the_session_and_are_reaped(tcg_guest: BootedGuest) -> None:
    host = tcg_guest.host
    host.run(script("setsid sh -c 'sleep 0.1; echo done >/tmp/detached' </dev/null >/dev/null 2>&1 &"))
    wait = (
        "until [ -s /tmp/detached ]; do sleep 0.1; done; sleep 0.5; rm /tmp/detached; ps -o stat | grep -c Z"
    )
    assert host.run(script(wait, accept=(0, 1))).stdout.strip() == "0"


def test_memory_file_systems_and_terminals(tcg_guest: BootedGuest) -> None:
    mounts = read(tcg_guest, "/proc/mounts")
    for place in ("/proc", "/sys", "/dev", "/dev/pts", "/dev/shm", "/tmp", "/run"):
        assert f" {place} " in mounts


def test_it_reaches_no_other_network(tcg_guest: BootedGuest) -> None:
    assert tcg_guest.host.run(Command(("ip", "route"))).stdout.split()[0] == "10.0.2.0/24"


def test_reconnection(tcg_guest: BootedGuest) -> None:
    boot_id = read(tcg_guest, "/proc/sys/kernel/random/boot_id")
    host = tcg_guest.machine.reconnect()
    object.__setattr__(tcg_guest, "host", host)
    assert read(tcg_guest, "/proc/sys/kernel/random/boot_id") == boot_id


def test_a_connection_before_the_first_boot_is_an_error(tmp_path: Path) -> None:
    with (
        qemu_provider({"acceleration": "tcg"}).machine(tmp_path) as machine,
        pytest.raises(HostError, match="no guest is running"),
    ):
        machine.reconnect()
