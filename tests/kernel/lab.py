"""A guest in which the kernel is tried, and the proof that the kernel has nothing to complain about."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from orchestrator.errors import HostError
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.command import script
from orchestrator.hosts.guest.guest import QEMU_DEFECT
from orchestrator.hosts.guest.modules import ordered_modules
from orchestrator.kernels.obtain import obtain
from tests.kernel.layouts import Layout

ACCEL = "/sys/kernel/mm/migration_accel"
"""Files of the kernel series."""

TIME_LIMIT_S = 900.0
"""Guards against hanging; nothing is tested against it."""

HUGETLB_PAGES = 12
"""2 MiB pages that are set aside on each node: for a region, its target and a copy on write of it."""

COMPLAINTS = re.compile(
    r"WARNING|BUG|KASAN|KFENCE|UBSAN|Oops|Call Trace|Bad page|bad page|(?<!hardware memory )corruption|INFO: |ODEBUG|"
    r"possible (recursive|circular|irq|deadlock)|stuck|rcu: .*(stall|detected)|blocked for more|hung|hogged|"
    r"sleeping function|scheduling while atomic|general protection|[Uu]nable to handle|page allocation failure|"
    r"Out of memory|oom-kill|page_table_check|turning off the locking|unregister_netdevice|nobody cared"
)

MOST_LINES = 500
"""Of what follows a complaint: for a hung task, the kernel tells last who holds which lock."""

NO_MEMORY_REPORT = re.compile(r"^.*page allocation failure(?s:.*?)pages hwpoisoned$", re.MULTILINE)
"""What the kernel says when a node that pages are to go to is full; so it does on mainline."""

SERVER_COUNTED_AS_TASK = re.compile(
    r"^.*WARNING: .*sched_cpu_dying(?s:(?:(?!WARNING: ).)*?)CPU\d+ enqueued tasks \(2 total\):\n"
    r".*\tpid: \d+, name: migration/\d+\n(?!.*\tpid: )",
    re.MULTILINE,
)
"""A CPU that goes is said to have two tasks, and names one: until 6.17 the scheduler's server for fair tasks, which may
still be queued, counted as another. Mainline's commit 52d15521eb75 mended that."""

NVRAM = re.compile(r"^.*\bnvram(:| corruption detected: 0-length partition).*\n", re.MULTILINE)
"""QEMU's machine pseries has an empty one, which Linux calls corrupt."""

SET_UP = """
mount -t tracefs none /sys/kernel/tracing
echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
echo madvise >/sys/kernel/mm/transparent_hugepage/defrag
echo 3600000 >/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs
for node in /sys/devices/system/node/node[0-9]*; do
    echo "$1" >"$node/hugepages/hugepages-2048kB/nr_hugepages"
    [ "$(cat "$node/hugepages/hugepages-2048kB/nr_hugepages")" = "$1" ] || exit 1
done
mkdir /ram
mount -t ramfs none /ram
truncate -s 160M /ram/swap
truncate -s 1M /ram/block
losetup /dev/loop0 /ram/swap
losetup /dev/loop1 /ram/block
mkswap /dev/loop0
tell=/proc/sys/kernel/hung_task_all_cpu_backtrace
[ ! -e "$tell" ] || echo 1 >"$tell"
"""
"""khugepaged, which moves pages of its own accord, sleeps. Small guests start without huge pages. Swap and a block
device lie in ramfs, whose pages are never swapped. Of a task that is blocked for long, the kernel shows what all CPUs
do: of the locks that running tasks hold it tells only the number."""


LOAD = """
module=$1
shift
grep -q "^$module " /proc/modules || insmod "/root/$module.ko" "$@"
"""


class EmulatorError(Exception):
    """The guest died of a known defect of its emulator, which says nothing of the kernel; the test is run again."""


class Lab:
    """One guest of a layout, booted when it is first needed, and again when it has died.

    :ivar may_lack_memory: the test that runs has the kernel fail for want of memory, so it may report that.
    """

    def __init__(self, machine: Machine, kernel: Kernel, layout: Layout, checks: Path, logs: Path) -> None:
        self.layout = layout
        self.may_lack_memory = False
        self._machine = machine
        self._kernel = kernel
        self._checks = checks
        self._logs = logs
        self._host: Host | None = None
        self._heard = 0

    def boot(self) -> None:
        """Boot and set up, unless that is done."""
        if self._host is None:
            self._heard = 0
            try:
                host = self._machine.boot(self._kernel)
                self._host = host
                self.put(self._checks, "/root/checks")
                host.run(script(SET_UP, str(HUGETLB_PAGES), time_limit=TIME_LIMIT_S))
            except HostError as error:
                self._host = None
                raise self._death() from error

    def put(self, file: Path, path: str) -> None:
        """Copy a file into the guest; it can be executed there."""
        assert self._host is not None
        self._host.put(file, path, 0o755)

    def load(self, name: str, **parameters: str | int) -> None:
        """Load a module of the kernel, after those it depends on."""
        assert self._host is not None
        folder = obtain(self._kernel).modules
        assert folder, "the kernel has no modules; with DEBUG_KERNEL name where they are in DEBUG_MODULES"
        for module in ordered_modules(folder, (name,)):
            file = self._logs / f"{module.name}.ko"
            file.write_bytes(module.code)
            self.put(file, f"/root/{file.name}")
            words = (f"{key}={value}" for key, value in parameters.items()) if module.name == name else ()
            self.run(LOAD, module.name, *words)

    @property
    def nodes(self) -> range:
        return range(len(self.layout.nodes))

    @property
    def is_debug(self) -> bool:
        return self.layout.kernel == "debug"

    def run(self, text: str, *arguments: str, stdin: str = "") -> str:
        """What a shell command in the guest prints; an error if it fails."""
        assert self._host is not None
        try:
            command = script(text, *arguments, stdin=stdin.encode() or None, time_limit=TIME_LIMIT_S)
            return self._host.run(command).stdout
        except HostError:
            if not self._lives():
                self._host = None
                raise self._death() from None
            raise

    def check(self, name: str, **words: str | int) -> dict[str, int]:
        """Run a check and return what it printed, lines of name=number."""
        return parse(self.run('/root/checks "$@"', name, *(f"{key}={value}" for key, value in words.items())))

    def check_lines(
        self, name: str, lines: Iterable[str], cpus: Collection[int] | None = None
    ) -> list[dict[str, int]]:
        """Run a check that takes a job a line, on ``cpus`` only if given; what it printed for each."""
        command = f"taskset {sum(1 << cpu for cpu in cpus):x} /root/checks" if cpus else "/root/checks"
        text = self.run(f'{command} "$1"', name, stdin="".join(f"{line}\n" for line in lines))
        return [parse(line) for line in text.splitlines()]

    def complaints(self) -> list[str]:
        """Lines of the kernel's log and of the console, since the last call, that no healthy kernel prints."""
        if self._host is None:
            return []  # it has died, of which the test has failed
        console = self._console()
        log = self.run("dmesg -c") + console[self._heard :]
        self._heard = len(console)
        lines = without_excused(log, self.may_lack_memory).splitlines()
        first = next((n for n, line in enumerate(lines) if COMPLAINTS.search(line)), None)
        return [] if first is None else lines[first : first + MOST_LINES]

    def _death(self) -> Exception:
        console = self._console()
        kind = EmulatorError if QEMU_DEFECT in console else AssertionError
        return kind(f"the guest has died:\n{console[-6000:]}")

    def _lives(self) -> bool:
        try:
            self._host = self._machine.reconnect()
        except HostError:
            return False
        return True

    def _console(self) -> str:
        consoles = sorted(self._logs.glob("*.console.log"), key=lambda path: path.stat().st_mtime)
        return consoles[-1].read_text(errors="replace") if consoles else ""


def without_excused(log: str, may_lack_memory: bool) -> str:
    """The log of the kernel without the messages that mainline prints as well."""
    log = NVRAM.sub("", SERVER_COUNTED_AS_TASK.sub("", log))
    return NO_MEMORY_REPORT.sub("", log) if may_lack_memory else log


def parse(text: str) -> dict[str, int]:
    """Numbers by name."""
    return {name: int(number) for name, _, number in (word.partition("=") for word in text.split())}
