"""What a machine says of its boot, and the commands that change what it boots next: all of it is ``boot.sh``."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from orchestrator.errors import HostError
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import Command, script
from orchestrator.kernels.obtain import KernelFiles

MARK = "orchestrate.kernel"
"""A word ``orchestrate.kernel=…`` of the command line tells a kernel of ours from the machine's own."""

FOLDER = "/boot/orchestrate"
INSTALL_LIMIT_S = 600.0


@dataclass(frozen=True, slots=True)
class State:
    """A boot of a machine.

    :ivar mark: of the kernel that runs; empty where it is the machine's own.
    :ivar fault: why no kernel can be booted once here; empty where one can.
    :ivar used: whether the folder of a block is there, whose runner may be at work.
    """

    boot: str
    mark: str
    fault: str
    used: bool


def command(*words: str, time_limit: float = 60.0, accept: tuple[int, ...] = (0,)) -> Command:
    """A verb of ``boot.sh``; the text travels with the command, so nothing need be on the machine."""
    here = files(__package__)
    texts = [file.read_text() for file in sorted((here / "loaders").iterdir(), key=lambda file: file.name)]
    text = "\n".join((*texts, (here / "boot.sh").read_text()))
    return script(text, *words, sudo=True, time_limit=time_limit, accept=accept)


def look(host: Host) -> State:
    """Ask a machine. ``HostError`` where it does not answer as it should."""
    told = dict(line.split("=", 1) for line in host.run(command("look")).stdout.splitlines() if "=" in line)
    try:
        return State(told["boot"], told["mark"], told["fault"], told["used"] == "yes")
    except KeyError as error:
        raise HostError(f"{host.name}: does not tell which boot this is") from error


def mark_of(kernel: KernelFiles) -> str:
    """What the command line of this kernel is marked with: 12 hex digits."""
    identity = kernel.identity
    parts = (kernel.release, identity.kernel_hash, identity.build_id, *identity.command_line)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def install(host: Host, kernel: KernelFiles, watchdog: float) -> None:
    """Put a kernel beside the old one; the default stays what it is. ``HostError`` says what is in the way.

    :param watchdog: seconds after which that kernel is to boot the machine unless it was looked at; 0: it is not.
    """
    host.run(command("forget"))
    host.put(kernel.image, f"{FOLDER}/vmlinuz", sudo=True)
    if kernel.config is not None and kernel.config.is_file():
        host.put(kernel.config, f"{FOLDER}/config", sudo=True)
    there = Command(("test", "-d", f"/lib/modules/{kernel.release}"), accept=(0, 1))
    if kernel.modules is not None and host.run(there).exit_code:
        host.put(_archive(kernel.modules), f"{FOLDER}/modules.tar", sudo=True)
    if watchdog:
        host.put((files(__package__) / "watchdog.sh").read_bytes(), f"{FOLDER}/watchdog.sh", sudo=True)
    words = " ".join(kernel.identity.command_line)
    wanted = (kernel.release, mark_of(kernel), words, f"{watchdog:.0f}")
    host.run(command("install", *wanted, time_limit=INSTALL_LIMIT_S))


def tidy(host: Host) -> list[str]:
    """Remove what a killed run has installed; what was done or is left to do, a line each."""
    if host.run(Command(("test", "-d", FOLDER), accept=(0, 1))).exit_code:
        return []
    if look(host).mark:
        return [
            f"runs a kernel of a run, from {FOLDER}; boot it, which brings its own back, and restore again"
        ]
    host.run(command("forget"))
    return [f"{FOLDER}: removed"]


def _archive(folder: Path) -> bytes:
    """A tar of what a folder of modules holds, without the links to where it was built."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in sorted(folder.iterdir()):
            if path.name not in ("build", "source"):
                tar.add(path, path.name)
    return buffer.getvalue()
