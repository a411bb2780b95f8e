"""QEMU's command line and the guest kernel's, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.environments import Environment
from orchestrator.hosts.guest.layout import Layout

KERNEL_WORDS = ("console=ttyS0", "quiet", "panic=-1")
"""A panic ends the guest at once (-no-reboot); `quiet` because each character on a serial line costs emulation."""

DEFAULT_TICKS = 250
"""Ticks a second of Debian's kernels."""

_ACCELERATION = {
    Environment.VM_KVM: ("-accel", "kvm"),
    Environment.VM_TCG: ("-accel", "tcg,thread=multi"),
    Environment.VM_ICOUNT: ("-accel", "tcg,thread=single", "-icount", "shift=0,sleep=on"),
}

_EMULATED = ("tsc=reliable", "no_timer_check", "cryptomgr.notests")
"""The emulated TSC is the guest's clock itself, so there is nothing to doubt. The other two leave out work that is
dear in emulation and tells nothing there: watching the timer tick (a loop of `pause`), and self-tests of ciphers."""

_KERNEL_CLOCK = {
    Environment.VM_KVM: (),
    Environment.VM_TCG: _EMULATED,
    Environment.VM_ICOUNT: _EMULATED,
}

_INSTRUCTIONS_A_SECOND = 10**9
"""Of the instruction clock, which the guest's TSC counts (-icount shift=0: one each nanosecond)."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a guest is started from.

    :ivar console: file that takes what the guest prints on its serial line.
    :ivar monitor: socket for QEMU's monitor, if one is wanted.
    :ivar ssh_port: port of 127.0.0.1 that leads to the guest's SSH server; 0: no network.
    :ivar kernel_words: words for the kernel's command line beside ours and the layout's.
    :ivar ticks: timer ticks a second of the kernel (its CONFIG_HZ).
    """

    layout: Layout
    environment: Environment
    image: Path
    initramfs: Path
    console: Path
    monitor: Path | None = None
    ssh_port: int = 0
    kernel_words: tuple[str, ...] = ()
    ticks: int = DEFAULT_TICKS


def kernel_command_line(start: Start) -> str:
    """Return the words that the guest's kernel is started with; those of the file come last, hence win."""
    layout, environment = start.layout, start.environment
    given = (*layout.append.split(), *start.kernel_words)
    words = (*KERNEL_WORDS, *_KERNEL_CLOCK[environment], *_delay_loop(start), *_steady(start, given))
    return " ".join((*words, *given))


def _delay_loop(start: Start) -> tuple[str, ...]:
    """How long a delay loop is, as a CPU that shares its clock cannot measure one against ticks that another makes."""
    counted = start.environment is Environment.VM_ICOUNT
    return (f"lpj={_INSTRUCTIONS_A_SECOND // start.ticks}",) if counted else ()


_SHORT_FREE_LISTS = "sysctl.vm.percpu_pagelist_high_fraction=1000000"
"""As short as a kernel lets a CPU's own lists of free pages be. By default they hold thousands of pages, and what lies
in them is left from whatever ran before: with nine huge pages there hardly a base page has room, and never gets it
back. 2048 base pages then took 13.8, 14.3, 14.6 or 15.0 ms by what came from the lists and went to them, and what from
and to the buddy allocator. No huge page stays in a list this short, and long lists of base pages always go by the
buddy allocator (14.9 ms within 0.3 %). Kernels before 5.14 do not know the word, and those before 5.13 do not keep huge
pages in these lists."""


def _steady(start: Start, given: tuple[str, ...]) -> tuple[str, ...]:
    """Words that take chance out of a count of instructions.

    Where all CPUs share one clock, a tick that finds a busy CPU wakes the others to balance the load, each time 0.3 ms
    that are not the trial's: 10 trials of `serial`, 2048 base pages (14 ms), spread over 9 % with it and over 4 %
    without. Programs that want another CPU than the first must then ask for it by affinity. Random addresses are the
    rest: those of a process differ from trial to trial, the kernel's from boot to boot (the node that holds its image
    has 32 MB less, and the same trials took 2 % longer).

    A kernel takes `isolcpus` once, and its own workers may keep off isolated CPUs: a file that wants them to run says
    by an `isolcpus` of its own which CPUs are left to them.
    """
    if start.environment is not Environment.VM_ICOUNT:
        return ()
    last = start.layout.cpus - 1
    told = any(word.startswith("isolcpus=") for word in given)
    alone = (f"isolcpus=domain,1-{last}",) if last > 0 and not told else ()
    return (*alone, "nokaslr", "norandmaps", _SHORT_FREE_LISTS)


def qemu_argv(qemu: Path, start: Start) -> tuple[str, ...]:
    """Return QEMU's argument vector."""
    layout = start.layout
    return (
        str(qemu),
        *("-nodefaults", "-no-user-config", "-nographic", "-no-reboot"),
        *("-machine", "q35,hpet=off,smbus=off,sata=off,usb=off,graphics=off,vmport=off"),
        *_ACCELERATION[start.environment],
        *("-cpu", _cpu(layout, start.environment)),
        *("-smp", _topology(layout)),
        *("-m", f"{layout.memory // 1024**2}M"),
        *_numa(layout),
        *("-kernel", str(start.image), "-initrd", str(start.initramfs)),
        *("-append", kernel_command_line(start)),
        *("-chardev", f"file,id=console,path={_escaped(start.console)}", "-serial", "chardev:console"),
        *(("-monitor", f"unix:{_escaped(start.monitor)},server=on,wait=off") if start.monitor else ()),
        *(_network(start.ssh_port) if start.ssh_port else ()),
    )


def _escaped(path: Path) -> str:
    """QEMU splits option values at commas; a comma that belongs to a path is written twice."""
    return str(path).replace(",", ",,")


def _cpu(layout: Layout, environment: Environment) -> str:
    """TCG executes `rep movsb` byte by byte, so a kernel that prefers it would measure that and nothing else."""
    return layout.cpu if environment is Environment.VM_KVM else f"{layout.cpu},erms=off,fsrm=off"


def _topology(layout: Layout) -> str:
    """A socket per node; where nodes differ a socket per CPU, since no cache may span nodes."""
    sizes = {node.cpus for node in layout.nodes if node.cpus}
    cores = sizes.pop() if len(sizes) == 1 else 1
    return f"{layout.cpus},sockets={layout.cpus // cores},cores={cores},threads=1"


def _numa(layout: Layout) -> Iterator[str]:
    first = 0
    for index, node in enumerate(layout.nodes):
        yield from ("-object", f"memory-backend-ram,id=memory{index},size={node.memory // 1024**2}M")
        cpus = f",cpus={first}-{first + node.cpus - 1}" if node.cpus else ""
        yield from ("-numa", f"node,nodeid={index}{cpus},memdev=memory{index}")
        first += node.cpus
    for i, row in enumerate(layout.distances):
        for j, distance in enumerate(row):
            yield from ("-numa", f"dist,src={i},dst={j},val={distance}")


def _network(port: int) -> tuple[str, ...]:
    """A network of the guest and this machine only; nothing else of the outside can be reached from it."""
    forward = f"user,id=net,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:{port}-10.0.2.15:22"
    return ("-netdev", forward, "-device", "virtio-net-pci,netdev=net,romfile=")
