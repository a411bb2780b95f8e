"""QEMU's command line: nodes, distances, and the clock and accelerator of each environment."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from orchestrator.environments import Environment
from orchestrator.hosts.guest.command_line import Start, kernel_command_line, qemu_argv
from orchestrator.hosts.guest.layout import GuestNode, Layout

GIB = 1024**3
LAYOUT = Layout(
    nodes=(GuestNode(2, GIB), GuestNode(0, GIB // 2), GuestNode(1, GIB)),
    distances=((10, 11, 12), (13, 10, 14), (15, 16, 10)),
)


def argv(
    environment: Environment = Environment.VM_TCG, layout: Layout = LAYOUT, port: int = 2222
) -> tuple[str, ...]:
    start = Start(layout, environment, Path("/k/a=1,b"), Path("/t/initramfs"), Path("/l/a,b.log"), None, port)
    return qemu_argv(Path("/usr/bin/qemu-system-x86_64"), start)


def values(arguments: tuple[str, ...], option: str) -> list[str]:
    return [value for name, value in itertools.pairwise(arguments) if name == option]


def test_each_node_has_its_memory_and_cpus() -> None:
    numa = values(argv(), "-numa")
    assert numa[:3] == [
        "node,nodeid=0,cpus=0-1,memdev=memory0",
        "node,nodeid=1,memdev=memory1",
        "node,nodeid=2,cpus=2-2,memdev=memory2",
    ]
    assert values(argv(), "-object")[1] == "memory-backend-ram,id=memory1,size=512M"
    assert values(argv(), "-m") == ["2560M"]


def test_a_node_of_cpus_only_has_no_memory_device() -> None:
    layout = Layout(nodes=(GuestNode(1, GIB), GuestNode(2, 0)))
    assert values(argv(layout=layout), "-numa")[1] == "node,nodeid=1,cpus=1-2"
    assert len(values(argv(layout=layout), "-object")) == 1


def test_distances_go_from_row_to_column() -> None:
    numa = values(argv(), "-numa")[3:]
    assert len(numa) == 9
    assert "dist,src=1,dst=2,val=14" in numa
    assert not [word for word in values(argv(layout=Layout()), "-numa") if word.startswith("dist")]


def test_no_socket_spans_nodes() -> None:
    assert values(argv(layout=Layout()), "-smp") == ["4,sockets=2,cores=2,threads=1"]
    assert values(argv(), "-smp") == ["3,sockets=3,cores=1,threads=1"]


@pytest.mark.parametrize(
    ("environment", "accelerator", "icount"),
    [
        (Environment.VM_KVM, "kvm", []),
        (Environment.VM_TCG, "tcg,thread=multi", []),
        (Environment.VM_ICOUNT, "tcg,thread=single", ["shift=0,sleep=on"]),
    ],
)
def test_accelerator_and_clock(environment: Environment, accelerator: str, icount: list[str]) -> None:
    assert values(argv(environment), "-accel") == [accelerator]
    assert values(argv(environment), "-icount") == icount


def test_erms_and_fsrm_are_disabled_in_emulation_only() -> None:
    assert values(argv(Environment.VM_TCG), "-cpu") == ["max,erms=off,fsrm=off"]
    assert values(argv(Environment.VM_KVM), "-cpu") == ["max"]


def test_the_guest_is_reached_on_the_loopback_only() -> None:
    (network,) = values(argv(), "-netdev")
    assert "restrict=on" in network
    assert "hostfwd=tcp:127.0.0.1:2222-" in network
    assert not values(argv(port=0), "-netdev")


def test_commas_in_paths_are_doubled_where_qemu_splits() -> None:
    assert values(argv(), "-chardev") == ["file,id=console,path=/l/a,,b.log"]
    assert values(argv(), "-kernel") == ["/k/a=1,b"]


def parameters_of(layout: Layout, environment: Environment, **more: Any) -> list[str]:
    path = Path("/x")
    return kernel_command_line(Start(layout, environment, path, path, path, **more)).split()


def test_parameters_of_the_file_and_of_the_kernel_come_last() -> None:
    line = parameters_of(
        Layout(append="  loglevel=7   panic=5 "), Environment.VM_ICOUNT, kernel_parameters=("debug",)
    )
    assert line[:3] == ["console=ttyS0", "quiet", "panic=-1"]
    assert line[-3:] == ["loglevel=7", "panic=5", "debug"]


@pytest.mark.parametrize(("hz", "loops"), [(250, 4_000_000), (1000, 1_000_000)])
def test_loops_per_jiffy_follow_the_instruction_clock(hz: int, loops: int) -> None:
    assert f"lpj={loops}" in parameters_of(Layout(), Environment.VM_ICOUNT, hz=hz)
    assert not any(word.startswith("lpj=") for word in parameters_of(Layout(), Environment.VM_TCG, hz=hz))


def test_only_the_instruction_clock_has_parameters_for_reproducibility() -> None:
    lists = "sysctl.vm.percpu_pagelist_high_fraction=1000000"
    parameters = {"isolcpus=domain,1-3", "nokaslr", "norandmaps", lists}
    parameters |= {"orchestrate.clock=instructions"}
    assert parameters <= set(parameters_of(Layout(), Environment.VM_ICOUNT))
    assert not parameters & set(parameters_of(Layout(), Environment.VM_TCG))
    assert not parameters & set(parameters_of(Layout(), Environment.VM_KVM))
    alone = Layout(nodes=(GuestNode(1, 1024**3), GuestNode(0, 1024**3)))
    assert not any(word.startswith("isolcpus") for word in parameters_of(alone, Environment.VM_ICOUNT))


def test_isolcpus_of_the_file_replaces_the_default() -> None:
    for line in (
        parameters_of(Layout(append="isolcpus=domain,1"), Environment.VM_ICOUNT),
        parameters_of(Layout(), Environment.VM_ICOUNT, kernel_parameters=("isolcpus=domain,1",)),
    ):
        assert [word for word in line if word.startswith("isolcpus")] == ["isolcpus=domain,1"]


def test_additional_options_come_last() -> None:
    start = Start(
        LAYOUT, Environment.VM_ICOUNT, Path("/k"), Path("/i"), Path("/l"), options=("-plugin", "/p.so")
    )
    assert qemu_argv(Path("/usr/bin/qemu-system-x86_64"), start)[-2:] == ("-plugin", "/p.so")
