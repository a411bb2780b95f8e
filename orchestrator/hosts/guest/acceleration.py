"""Which environment a guest runs in, and whether KVM really boots one here."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TextIO

from orchestrator.cache import cache_folder
from orchestrator.environments import Environment
from orchestrator.errors import HostError, OrchestratorError
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.guest.command_line import Start, qemu_argv
from orchestrator.hosts.guest.initramfs import PROBE_WORD, find_program, probe_archive
from orchestrator.hosts.guest.layout import GuestNode, Layout
from orchestrator.hosts.guest.process import SupervisedProcess
from orchestrator.kernels.obtain import obtain

_log = logging.getLogger(__name__)

DEVICE = Path("/dev/kvm")
PROBE_LIMIT_S = 20.0
"""A guest under working KVM prints its word within 2 s; nested ones within 5 s."""

_PROBE = Layout(nodes=(GuestNode(2, 512 * 1024**2),))


def choose_environment(layout: Layout) -> Environment:
    """Return where a guest of this layout will run; may boot one under KVM to find out (once per machine).

    Raises ``HostError`` if the layout insists on KVM and KVM does not work.
    """
    if layout.acceleration != "tcg" and layout.clock != "instructions":
        obstacle = kvm_obstacle()
        if obstacle is None:
            return Environment.VM_KVM
        if layout.acceleration == "kvm":
            raise HostError(f"hosts.qemu.acceleration: kvm was asked for, but {obstacle}")
        _log.warning("no KVM: %s; the guest runs in software emulation", obstacle)
    return Environment.VM_TCG if layout.clock == "wall" else Environment.VM_ICOUNT


def kvm_obstacle() -> str | None:
    """Return why KVM cannot be used here, None if it can. The outcome of a real boot is remembered in the cache."""
    if not DEVICE.exists():
        return f"there is no {DEVICE}"
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        return f"{DEVICE} may not be opened by this user"
    machine = describe_hypervisor()
    memory = cache_folder() / f"kvm-{hashlib.sha256(json.dumps(machine).encode()).hexdigest()[:16]}.json"
    try:
        return _remembered(memory)
    except (OSError, ValueError, KeyError):
        pass
    try:
        obstacle = _try_boot()
    except OrchestratorError as error:  # nothing was learnt, so nothing is remembered
        return f"it could not be tried: {error}"
    _remember(memory, {**machine, "obstacle": obstacle})
    return obstacle


def _remembered(memory: Path) -> str | None:
    obstacle = json.loads(memory.read_text())["obstacle"]
    return None if obstacle is None else f"{obstacle} (found earlier; remove {memory} to try again)"


def _remember(memory: Path, document: dict[str, str | None]) -> None:
    memory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=memory.parent, delete=False) as file:
        json.dump(document, file, indent=1)
    Path(file.name).replace(memory)


def describe_hypervisor() -> dict[str, str]:
    """Return what a guest runs on, which also decides whether KVM works: kernel and CPU of this machine, and QEMU."""
    qemu = find_program("qemu-system-x86_64", "qemu-system-x86")
    version = subprocess.run([qemu, "--version"], capture_output=True, text=True, check=False).stdout
    models = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
    ]
    return {
        "kernel": platform.release(),
        "cpu": models[0].split(":", 1)[1].strip() if models else "",
        "qemu": version.splitlines()[0] if version else "",
    }


def _try_boot() -> str | None:
    """Boot Debian's stock kernel under KVM up to a word from user space, in bounded time."""
    kernel = obtain(Kernel("probe"))
    folder = Path(tempfile.mkdtemp(prefix="orchestrate-kvm-"))
    start = Start(_PROBE, Environment.VM_KVM, kernel.image, folder / "initramfs", folder / "console")
    start.initramfs.write_bytes(probe_archive())
    start.console.touch()
    _log.info("trying %s with a real boot (once; %g s at most)", DEVICE, PROBE_LIMIT_S)
    argv = qemu_argv(find_program("qemu-system-x86_64", "qemu-system-x86"), start)
    with start.console.open(errors="replace") as console:  # the guard removes the folder, not what is open
        process = SupervisedProcess(argv, folder, folder / "output")
        try:
            return _watch(process, console)
        finally:
            process.stop()


def _watch(process: SupervisedProcess, console: TextIO) -> str | None:
    said = ""
    deadline = time.monotonic() + PROBE_LIMIT_S
    while time.monotonic() < deadline:
        ended = process.exit_code is not None
        said += console.read()
        if PROBE_WORD in said:
            return None
        if ended:
            return f"a guest under {DEVICE} ended before it reached user space"
        time.sleep(0.05)
    return f"a guest under {DEVICE} did not reach user space within {PROBE_LIMIT_S:g} s"
