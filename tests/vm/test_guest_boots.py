"""Special boots: memory-only nodes, copied programs, panics, invalid images, timeouts."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from orchestrator.environments import Environment
from orchestrator.errors import HostError, KernelError
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.command import Command, script
from orchestrator.kernels.obtain import obtain
from tests.vm.conftest import STOCK, qemu_provider

SMALL = {"nodes": [{"cpus": 1, "memory": "384MiB"}], "clock": "wall", "acceleration": "tcg"}


def test_a_memory_only_node_and_a_copied_program(tmp_path: Path) -> None:
    program = shutil.which("setpriv")
    assert program
    options = SMALL | {
        "nodes": [{"cpus": 1, "memory": "384MiB"}, {"cpus": 0, "memory": "128MiB"}],
        "programs": ["setpriv"],
        "append": "slub_debug=- loglevel=4",
    }
    with qemu_provider(options).machine(tmp_path) as machine:
        host = machine.boot(STOCK)
        online = host.run(script("cat /sys/devices/system/node/has_memory /sys/devices/system/node/has_cpu"))
        assert online.stdout.split() == ["0-1", "0"]
        assert "util-linux" in host.run(Command(("setpriv", "--version"))).stdout
        assert host.run(Command(("cat", "/proc/cmdline"))).stdout.strip().endswith("slub_debug=- loglevel=4")


def test_a_panic_stops_the_guest_and_the_next_boot_starts_a_new_one(tmp_path: Path) -> None:
    with qemu_provider(SMALL).machine(tmp_path) as machine:
        host = machine.boot(STOCK)
        first = host.run(Command(("cat", "/proc/sys/kernel/random/boot_id"))).stdout
        with pytest.raises(HostError, match="connection lost"):
            host.run(script("echo c >/proc/sysrq-trigger; sleep 60"))
        with pytest.raises(HostError, match=r"the guest has exited(?s:.*)sysrq"):
            machine.reconnect()
        host = machine.boot(STOCK)
        assert host.run(Command(("cat", "/proc/sys/kernel/random/boot_id"))).stdout != first
    consoles = sorted(path.name for path in tmp_path.glob("*.console.log"))
    assert consoles == ["guest-1.console.log", "guest-2.console.log"]
    assert "sysrq triggered crash" in (tmp_path / consoles[0]).read_text()


def test_a_panic_while_booting_shows_the_console(tmp_path: Path) -> None:
    options = SMALL | {"append": "rdinit=/nothing-here init=/nothing-here"}
    with (
        qemu_provider(options).machine(tmp_path) as machine,
        pytest.raises(KernelError, match=r"the guest exited during boot(?s:.*)Kernel panic"),
    ):
        machine.boot(STOCK)
    assert len(list(tmp_path.glob("*.console.log"))) == 1


def test_a_guest_that_qemu_kills_is_started_again(tmp_path: Path) -> None:
    """The console shows the message of the defect, as a kernel parameter contains it. The panic has another cause."""
    options = SMALL | {
        "append": 'loglevel=7 rdinit=/nothing-here init=/nothing-here note="Oops: int3: 0000 [#1]"'
    }
    with qemu_provider(options).machine(tmp_path) as machine, pytest.raises(KernelError, match="guest-3"):
        machine.boot(STOCK)
    assert len(list(tmp_path.glob("*.console.log"))) == 3


def test_a_machine_that_qemu_cannot_start(tmp_path: Path) -> None:
    options = SMALL | {"nodes": [{"cpus": 1, "memory": "900TiB"}]}
    with (
        qemu_provider(options).machine(tmp_path) as machine,
        pytest.raises(HostError, match=r": QEMU failed: .*memory"),
    ):
        machine.boot(STOCK)


def test_a_boot_times_out(tmp_path: Path) -> None:
    with (
        qemu_provider(SMALL, boot_limit=1.0).machine(tmp_path) as machine,
        pytest.raises(HostError, match=r"boot timed out after 1 s .*guest-1\.console\.log"),
    ):
        machine.boot(STOCK)


def test_a_kernel_without_network_modules(tmp_path: Path) -> None:
    image = obtain(STOCK).image
    with (
        qemu_provider(SMALL).machine(tmp_path) as machine,
        pytest.raises(KernelError, match="no network device"),
    ):
        machine.boot(Kernel("bare", "image", image=image))


def test_an_invalid_image_is_refused_before_the_start(tmp_path: Path) -> None:
    image = tmp_path / "bzImage"
    image.write_bytes(b"not a kernel" * 1000)
    with (
        qemu_provider(SMALL).machine(tmp_path) as machine,
        pytest.raises(KernelError, match=r"bzImage is not a kernel image"),
    ):
        machine.boot(Kernel("bad", "image", image=image))
    assert not list(tmp_path.glob("*.log"))


def test_a_damaged_kernel_is_an_error(tmp_path: Path) -> None:
    image = tmp_path / "bzImage"
    whole = obtain(STOCK).image.read_bytes()
    image.write_bytes(whole[: len(whole) // 2])
    with (
        qemu_provider(SMALL, boot_limit=20.0).machine(tmp_path) as machine,
        pytest.raises((KernelError, HostError)),
    ):
        machine.boot(Kernel("half", "image", image=image))


def test_the_instruction_clock_counts_instructions(tmp_path: Path) -> None:
    """The same loop takes the same guest time, within 2 %, independent of real time."""
    loop = script(
        "now() { sed -n 's/^now at \\([0-9]*\\) nsecs.*/\\1/p' /proc/timer_list; }\n"
        "for round in 1 2 3 4 5; do a=$(now); i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done; b=$(now);\n"
        "echo $((b - a)); done"
    )
    with qemu_provider({"acceleration": "tcg"}).machine(tmp_path) as machine:
        assert machine.environment is Environment.VM_ICOUNT
        times = [int(line) for line in machine.boot(STOCK).run(loop).stdout.split()]
    assert len(times) == 5
    assert max(times) <= 1.02 * min(times), times


def test_a_long_name_of_the_directory_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of a socket has at most 107 bytes."""
    folder = tmp_path / ("long-" * 20)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with qemu_provider(SMALL).machine(tmp_path) as machine:
        assert machine.boot(STOCK).run(Command(("echo", "up"))).stdout == "up\n"
