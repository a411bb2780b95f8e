"""Choose the environment of a guest, and test whether KVM works on this machine."""

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

from orchestrator.activities import doing
from orchestrator.architectures import Architecture, native
from orchestrator.cache import cache_folder
from orchestrator.environments import Environment
from orchestrator.errors import HostError, OrchestratorError
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.guest.command_line import Start, qemu_argv
from orchestrator.hosts.guest.layout import GuestNode, Layout
from orchestrator.hosts.guest.platforms import platform_of
from orchestrator.hosts.guest.process import SupervisedProcess

_log = logging.getLogger(__name__)

DEVICE = Path("/dev/kvm")
PROBE_MESSAGE = "orchestrate: this kernel reached user space"
PROBE_LIMIT_S = 20.0
"""A guest prints its message within 2 s under KVM, within 5 s under nested KVM."""

_PROBE = Layout(nodes=(GuestNode(2, 512 * 1024**2),))


def choose_environment(layout: Layout) -> Environment:
    """Return the environment for a guest of this layout. The first call on a machine boots a guest to test KVM.

    Raises ``HostError`` if the layout requires KVM and KVM does not work.
    """
    if layout.acceleration != "tcg" and layout.clock != "instructions":
        obstacle = kvm_obstacle(layout.architecture)
        if obstacle is None:
            return Environment.VM_KVM
        if layout.acceleration == "kvm":
            raise HostError(f"hosts.qemu.acceleration is kvm, but {obstacle}")
        _log.warning("no KVM: %s; using software emulation (TCG)", obstacle)
    return Environment.VM_TCG if layout.clock == "wall" else Environment.VM_ICOUNT


def expected_environment(layout: Layout) -> Environment:
    """Return what :func:`choose_environment` would probably return; boots nothing, and logs nothing.

    KVM that is there and was not tested is taken to work.
    """
    if layout.acceleration == "kvm":
        return Environment.VM_KVM
    if layout.acceleration != "tcg" and layout.clock != "instructions":
        try:
            obstacle = kvm_obstacle(layout.architecture, tests=False)
        except OrchestratorError:  # no QEMU here
            obstacle = None
        if obstacle is None:
            return Environment.VM_KVM
    return Environment.VM_TCG if layout.clock == "wall" else Environment.VM_ICOUNT


def kvm_obstacle(architecture: Architecture | None = None, tests: bool = True) -> str | None:
    """Return why KVM cannot be used here; None if it can. The result of the test boot is cached.

    :param architecture: of the guest; None: that of this machine.
    :param tests: whether to test with a boot if there is no result yet.
    """
    if architecture is not None and not architecture.is_native:
        return f"the guest is {architecture.name}, this machine {platform.machine()}"
    if not DEVICE.exists():
        return f"{DEVICE}: No such file or directory"
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        return f"{DEVICE}: Permission denied; add the user to the group kvm"
    machine = describe_hypervisor()
    cached = _cache_file(machine)
    try:
        return _load(cached)
    except (OSError, ValueError, KeyError):
        if not tests:
            return None
    try:
        with doing("", "testing KVM with the boot of a guest, once for this machine", PROBE_LIMIT_S):
            obstacle = _test_boot()
    except OrchestratorError as error:  # no result to cache
        return f"the test boot failed: {error}"
    _save(cached, {**machine, "obstacle": obstacle})
    return obstacle


def remembered_obstacle() -> str | None:
    """Return why an earlier test boot has failed under KVM; None if it has not, or there was none. Boots nothing."""
    try:
        return _load(_cache_file(describe_hypervisor()))
    except (OSError, ValueError, KeyError, HostError):
        return None


def _cache_file(machine: dict[str, str]) -> Path:
    """Return the file with the result of the test boot on a machine."""
    return cache_folder() / f"kvm-{hashlib.sha256(json.dumps(machine).encode()).hexdigest()[:16]}.json"


def _load(cached: Path) -> str | None:
    obstacle = json.loads(cached.read_text())["obstacle"]
    return None if obstacle is None else f"{obstacle} (cached result; remove {cached} to test again)"


def _save(cached: Path, document: dict[str, str | None]) -> None:
    cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=cached.parent, delete=False) as file:
        json.dump(document, file, indent=1)
    Path(file.name).replace(cached)


def describe_hypervisor(architecture: Architecture | None = None) -> dict[str, str]:
    """Return ``kernel`` (release), ``cpu`` (model) and ``qemu`` (version) of this machine. KVM depends on all three.

    :param architecture: of the guest; None: that of this machine.
    """
    qemu = platform_of(architecture or native()).find_qemu()
    version = subprocess.run([qemu, "--version"], capture_output=True, text=True, check=False).stdout
    models = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
    ]
    return {
        "kernel": platform.release(),
        "cpu": models[0].split(":", 1)[1].strip() if models else "",
        "qemu": version.splitlines()[0] if version else "",
    }


def _test_boot() -> str | None:
    """Boot Debian's stock kernel under KVM until user space prints a message; return why that failed."""
    from orchestrator.hosts.guest.initramfs import probe_archive
    from orchestrator.kernels.obtain import obtain

    kernel = obtain(Kernel("probe"))
    folder = Path(tempfile.mkdtemp(prefix="orchestrate-kvm-"))
    start = Start(_PROBE, Environment.VM_KVM, kernel.image, folder / "initramfs", folder / "console")
    start.initramfs.write_bytes(probe_archive(PROBE_MESSAGE))
    start.console.touch()
    _log.info("testing %s with a boot (once; at most %g s)", DEVICE, PROBE_LIMIT_S)
    argv = qemu_argv(start.platform.find_qemu(), start)
    with start.console.open(errors="replace") as console:  # the supervisor removes the directory
        process = SupervisedProcess(argv, folder, folder / "output")
        try:
            return _watch(process, console)
        finally:
            process.stop()


def _watch(process: SupervisedProcess, console: TextIO) -> str | None:
    output = ""
    deadline = time.monotonic() + PROBE_LIMIT_S
    while time.monotonic() < deadline:
        exited = process.exit_code is not None
        output += console.read()
        if PROBE_MESSAGE in output:
            return None
        if exited:
            return f"a guest under {DEVICE} exited before it reached user space"
        time.sleep(0.05)
    return f"a guest under {DEVICE} timed out after {PROBE_LIMIT_S:g} s: it did not reach user space"
