"""How long a guest takes, from the command to its first process or its first trial, beside QEMU and virtme-ng."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from orchestrator.cache import cache_folder
from orchestrator.environments import Environment
from orchestrator.hosts.guest.command_line import Start, qemu_argv
from orchestrator.hosts.guest.icount_boot import IcountBoot
from orchestrator.hosts.guest.initramfs import probe_archive
from orchestrator.hosts.guest.layout import Layout
from tests.performance.environments import Environments

READY = "the first process runs"
CLOCKS = {"wall": Environment.VM_TCG, "instructions": Environment.VM_ICOUNT}
KERNEL = "linux-image-amd64"
"""Debian's kernel with 9p, which virtme-ng needs; the one for clouds has it not."""
LIMIT_S = 300.0
POLL_S = 0.02

Times = dict[str, list[float]]
"""Seconds of each round by what was started."""


def measure_guests(folder: Path, environments: Environments, rounds: int) -> Times:
    """Start the same kernel, on two nodes with two CPUs each and without KVM, in each way, in turns."""
    folder = folder / "guests"
    folder.mkdir()
    _first_trial(folder / "first", environments, "wall")  # fetches the kernel
    kernel = max((cache_folder() / "packages" / KERNEL).glob("*/boot/vmlinuz-*"))
    ways: dict[str, Callable[[Path], float]] = {}
    for clock, environment in CLOCKS.items():
        ways[f"QEMU, first process, clock: {clock}"] = _plain(kernel, environment)
        ways[f"orchestrate run, first trial, clock: {clock}"] = _ours(environments, clock)
    ways["virtme-ng, first process, clock: wall"] = _virtme(environments, kernel)
    times: Times = {name: [] for name in ways}
    for number in range(rounds):
        for position, (name, way) in enumerate(ways.items()):
            times[name].append(way(folder / f"{number}-{position}"))
    return times


def _ours(environments: Environments, clock: str) -> Callable[[Path], float]:
    return lambda folder: _first_trial(folder, environments, clock)


def _first_trial(folder: Path, environments: Environments, clock: str) -> float:
    """Return the time until the journal holds the first trial."""
    folder.mkdir()
    experiment = {
        "version": 1,
        "name": "guest",
        "hosts": {"provider": "qemu", "qemu": {"clock": clock, "acceleration": "tcg"}},
        "kernels": {"stock": {"package": KERNEL}},
        "benchmark": {"command": ["echo", '{{"t": 1}}'], "metrics": {"t": {"json": "t", "unit": "ms"}}},
    }
    (folder / "guest.yaml").write_text(json.dumps(experiment))
    argv = [str(environments.orchestrate), "run", "guest.yaml"]

    def is_there() -> bool:
        return any(
            b'"type":"trial"' in path.read_bytes() for path in folder.glob("results/*/*/journal.jsonl")
        )

    return _time(argv, folder, is_there, ends=True)


def _plain(kernel: Path, environment: Environment) -> Callable[[Path], float]:
    """The kernel with our command line, and an initramfs of one program that says that it runs."""

    def run(folder: Path) -> float:
        folder.mkdir()
        start = Start(
            Layout(), environment, kernel, folder / "initramfs", folder / "console", folder / "monitor"
        )
        start.initramfs.write_bytes(probe_archive(READY))
        start.console.touch()
        with IcountBoot(start.monitor if environment is Environment.VM_ICOUNT else None) as boot:

            def is_there() -> bool:
                boot.switch_cpu()
                return READY.encode() in start.console.read_bytes()

            return _time(qemu_argv(start.platform.find_qemu(), start), folder, is_there)

    return run


def _virtme(environments: Environments, kernel: Path) -> Callable[[Path], float]:
    def run(folder: Path) -> float:
        folder.mkdir()
        argv = [
            *(str(environments.peer("vng")), "--run", str(kernel), "--disable-kvm", "--cpus", "4"),
            *("--memory", "2G", "--numa", "1G,cpus=0-1", "--numa", "1G,cpus=2-3"),
            # Its output comes by the console, for its own ports need udev. The console may have these words as well.
            *("--verbose", "--exec", f"echo {READY.replace(' ', '_')} | tr _ ' '"),
        ]
        # virtme-ng looks for its own programs in PATH.
        path = f"{environments.peer('vng').parent}:{os.environ['PATH']}"
        return _time(
            argv, folder, lambda: READY.encode() in (folder / "log").read_bytes(), {"PATH": path}, ends=True
        )

    return run


def _time(
    argv: Sequence[str],
    folder: Path,
    is_there: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
    ends: bool = False,
) -> float:
    """Return the time from the start of a command until ``is_there``; it ``ends`` by itself, or is stopped then."""
    with (folder / "log").open("wb") as log:
        began = time.monotonic()
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=os.environ | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            while not is_there():
                if process.poll() is not None or time.monotonic() - began > LIMIT_S:
                    text = (folder / "log").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"{' '.join(argv)}: nothing came\n{text}")
                time.sleep(POLL_S)
            found = time.monotonic() - began
            if ends:
                process.wait(LIMIT_S)
            return found
        finally:
            process.terminate()
            process.wait()
