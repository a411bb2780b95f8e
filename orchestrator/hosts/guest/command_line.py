"""Command lines of QEMU and of the guest's kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from orchestrator.environments import Environment, clock_of
from orchestrator.hosts import instruction_clock
from orchestrator.hosts.guest.layout import Layout
from orchestrator.hosts.guest.platforms import Platform, platform_of

BASE_PARAMETERS = ("quiet", "panic=-1")
"""`panic=-1` stops the guest at a panic (with -no-reboot). `quiet`: each character on the serial line takes time."""

DEFAULT_HZ = 250
"""CONFIG_HZ of Debian's kernels."""

_INSTRUCTIONS_PER_SECOND = 10**9
"""Rate of the instruction clock and of the guest's TSC: -icount shift=0 is one instruction per nanosecond."""


class Start(Struct, frozen=True):
    """Options for the start of a guest.

    :ivar console: log file of the serial console.
    :ivar monitor: socket for QEMU's monitor, if any.
    :ivar ssh_port: port of 127.0.0.1 that is forwarded to the guest's SSH server, or a word that stands for it;
        0: no network.
    :ivar kernel_parameters: additional kernel parameters, after those of the layout.
    :ivar hz: CONFIG_HZ of the kernel.
    :ivar options: additional options of QEMU. They can read and execute files of this machine, so no file of an
        experiment, which may come in a bundle of others, can give them.
    """

    layout: Layout
    environment: Environment
    image: Path
    initramfs: Path
    console: Path
    monitor: Path | None = None
    ssh_port: int | str = 0
    kernel_parameters: tuple[str, ...] = ()
    hz: int = DEFAULT_HZ
    options: tuple[str, ...] = ()

    @property
    def platform(self) -> Platform:
        """The machine of QEMU."""
        return platform_of(self.layout.architecture)


def kernel_command_line(start: Start) -> str:
    """Return the kernel command line. Parameters of the experiment file come last, so they take precedence."""
    layout, environment = start.layout, start.environment
    user_parameters = (*layout.append.split(), *start.kernel_parameters)
    emulated = () if environment is Environment.VM_KVM else start.platform.tcg_parameters
    clock = (instruction_clock.PARAMETER,) if clock_of(environment) == "instructions" else ()
    base_parameters = (
        f"console={start.platform.console}",
        *BASE_PARAMETERS,
        *clock,
        *emulated,
        *_delay_loop(start),
    )
    parameters = (*base_parameters, *_reproducibility(start, user_parameters))
    return " ".join((*parameters, *user_parameters))


def _delay_loop(start: Start) -> tuple[str, ...]:
    """Return ``lpj=``: a CPU that shares its clock cannot calibrate its delay loop with another CPU's timer ticks."""
    measures = start.environment is Environment.VM_ICOUNT and start.platform.has_delay_loop
    return (f"lpj={_INSTRUCTIONS_PER_SECOND // start.hz}",) if measures else ()


_SHORT_FREE_LISTS = "sysctl.vm.percpu_pagelist_high_fraction=1000000"
"""The shortest per-CPU lists of free pages that the kernel allows. By default they hold thousands of pages, left by
earlier work. Nine huge pages there leave almost no room for base pages. The migration of 2048 base pages then took
13.8, 14.3, 14.6 or 15.0 ms, depending on how many pages came from the lists and how many from the buddy allocator.
Lists this short hold no huge page, and 2048 base pages always use the buddy allocator (14.9 ms within 0.3 %). Kernels
before 5.14 do not know the parameter; kernels before 5.13 keep no huge pages in these lists."""


def _reproducibility(start: Start, user_parameters: tuple[str, ...]) -> tuple[str, ...]:
    """Return parameters that make instruction counts reproducible.

    `isolcpus`: all CPUs share one clock. A timer tick on a busy CPU wakes the others for load balancing, which adds
    0.3 ms to a trial each time. 10 trials of `serial` with 2048 base pages (14 ms) varied by 9 % with load balancing
    and by 4 % without. On isolated CPUs, programs must set their affinity to use another CPU than the first.

    `nokaslr`, `norandmaps`: random addresses differ from trial to trial in a process, and from boot to boot in the
    kernel. The node that holds the kernel image has 32 MB less memory; the same trials took 2 % longer there.

    A kernel accepts `isolcpus` only once, and its workers may avoid isolated CPUs. An `isolcpus` of the experiment file
    replaces this one, so that it can leave CPUs to them.
    """
    if start.environment is not Environment.VM_ICOUNT:
        return ()
    last = start.layout.cpus - 1
    has_isolcpus = any(word.startswith("isolcpus=") for word in user_parameters)
    isolated = (f"isolcpus=domain,1-{last}",) if last > 0 and not has_isolcpus else ()
    return (*isolated, "nokaslr", "norandmaps", _SHORT_FREE_LISTS)


def qemu_argv(qemu: Path, start: Start) -> tuple[str, ...]:
    """Return QEMU's argument vector."""
    layout = start.layout
    return (
        str(qemu),
        *("-nodefaults", "-no-user-config", "-nographic", "-no-reboot"),
        *("-machine", _machine(start)),
        *_acceleration(start),
        *("-cpu", start.platform.cpu_options(layout.cpu, start.environment)),
        *("-smp", _topology(layout)),
        *("-m", f"{layout.memory // 1024**2}M"),
        *_numa(layout),
        *("-kernel", str(start.image), "-initrd", str(start.initramfs)),
        *("-append", kernel_command_line(start)),
        *("-chardev", f"file,id=console,path={_escaped(start.console)}", "-serial", "chardev:console"),
        *(("-monitor", f"unix:{_escaped(start.monitor)},server=on,wait=off") if start.monitor else ()),
        *(_network(start.ssh_port) if start.ssh_port else ()),
        *start.options,
    )


def _acceleration(start: Start) -> tuple[str, ...]:
    if start.environment is Environment.VM_KVM:
        return ("-accel", "kvm")
    if start.environment is Environment.VM_ICOUNT:
        return ("-accel", "tcg,thread=single", "-icount", "shift=0,sleep=on")
    return ("-accel", f"tcg,thread={start.platform.tcg_thread}")


def _machine(start: Start) -> str:
    options = start.platform.machine_options(start.environment)
    return f"{options},{start.layout.machine_options}" if start.layout.machine_options else options


def _escaped(path: Path) -> str:
    """Return a path for an option value of QEMU, where commas are doubled."""
    return str(path).replace(",", ",,")


def _topology(layout: Layout) -> str:
    """Return one socket per node, or per CPU where nodes differ: a cache must not span nodes."""
    sizes = {node.cpus for node in layout.nodes if node.cpus}
    cores = sizes.pop() if len(sizes) == 1 else 1
    return f"{layout.cpus},sockets={layout.cpus // cores},cores={cores},threads=1"


def _numa(layout: Layout) -> Iterator[str]:
    first = 0
    for index, node in enumerate(layout.nodes):
        memory, cpus = "", f",cpus={first}-{first + node.cpus - 1}" if node.cpus else ""
        if node.memory:
            yield from ("-object", f"memory-backend-ram,id=memory{index},size={node.memory // 1024**2}M")
            memory = f",memdev=memory{index}"
        yield from ("-numa", f"node,nodeid={index}{cpus}{memory}")
        first += node.cpus
    for i, row in enumerate(layout.distances):
        for j, distance in enumerate(row):
            yield from ("-numa", f"dist,src={i},dst={j},val={distance}")


def _network(port: int | str) -> tuple[str, ...]:
    """Return a network between the guest and this machine, without access to other networks."""
    forward = f"user,id=net,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:{port}-10.0.2.15:22"
    return ("-netdev", forward, "-device", "virtio-net-pci,netdev=net,romfile=")
