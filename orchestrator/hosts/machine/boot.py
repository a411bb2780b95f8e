"""Commands of ``boot.sh``: query the state of a boot, install a kernel, boot it once, remove it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from importlib.resources import files
from pathlib import Path

from msgspec import Struct

from orchestrator.errors import HostError
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import Command, script
from orchestrator.kernels.obtain import KernelFiles

TAG_PARAMETER = "orchestrate.kernel"
"""Kernel parameter ``orchestrate.kernel=TAG`` of an installed kernel; the machine's own kernel does not have it."""

FOLDER = "/boot/orchestrate"
INSTALL_LIMIT_S = 600.0


class BootState(Struct, frozen=True):
    """The current boot of a machine.

    :ivar boot: boot id.
    :ivar tag: tag of the running kernel; empty for the machine's own kernel.
    :ivar obstacle: why no kernel can be booted once; empty if one can.
    :ivar has_blocks: whether there is a block's directory, whose runner may be active.
    """

    boot: str
    tag: str
    obstacle: str
    has_blocks: bool


def command(*arguments: str, time_limit: float = 60.0, accept: tuple[int, ...] = (0,)) -> Command:
    """Return a command that runs ``boot.sh``. The command contains the script, so it need not be on the machine."""
    folder = files(__package__)
    loaders = [
        file.read_text() for file in sorted((folder / "loaders").iterdir(), key=lambda file: file.name)
    ]
    text = "\n".join((*loaders, (folder / "boot.sh").read_text()))
    return script(text, *arguments, sudo=True, time_limit=time_limit, accept=accept)


def boot_state(host: Host) -> BootState:
    """Return the state of the current boot. ``HostError`` where the output is incomplete."""
    output = host.run(command("state")).stdout
    values = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
    try:
        return BootState(values["boot"], values["tag"], values["obstacle"], values["has_blocks"] == "yes")
    except KeyError as error:
        raise HostError(
            f"{host.name}: cannot read the boot state: no {error} in the output of boot.sh"
        ) from error


def kernel_tag(kernel: KernelFiles) -> str:
    """Return the tag of a kernel: 12 hex digits."""
    identity = kernel.identity
    parts = (kernel.release, identity.kernel_hash, identity.build_id, *identity.command_line)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def install(host: Host, kernel: KernelFiles, watchdog: float) -> None:
    """Install a kernel beside the default one, which stays the default. ``HostError`` on failure.

    :param watchdog: seconds after which that kernel reboots the machine unless the controller connects; 0: never.
    """
    host.run(command("remove"))
    host.put(kernel.image, f"{FOLDER}/vmlinuz", sudo=True)
    if kernel.config is not None and kernel.config.is_file():
        host.put(kernel.config, f"{FOLDER}/config", sudo=True)
    has_modules = Command(("test", "-d", f"/lib/modules/{kernel.release}"), accept=(0, 1))
    if kernel.modules is not None and host.run(has_modules).exit_code:
        host.put(_archive(kernel.modules), f"{FOLDER}/modules.tar", sudo=True)
    if watchdog:
        host.put((files(__package__) / "watchdog.sh").read_bytes(), f"{FOLDER}/watchdog.sh", sudo=True)
    parameters = " ".join(kernel.identity.command_line)
    arguments = (kernel.release, kernel_tag(kernel), parameters, f"{watchdog:.0f}")
    host.run(command("install", *arguments, time_limit=INSTALL_LIMIT_S))


def remove_leftovers(host: Host) -> list[str]:
    """Remove the kernel that a killed run installed; return messages on what was done or is left to do."""
    if host.run(Command(("test", "-d", FOLDER), accept=(0, 1))).exit_code:
        return []
    if boot_state(host).tag:
        return [f"runs a kernel from {FOLDER}; reboot to the default kernel, then restore again"]
    host.run(command("remove"))
    return [f"removed {FOLDER}"]


def _archive(folder: Path) -> bytes:
    """Return a tar of a directory of modules, without the links to the build directory."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in sorted(folder.iterdir()):
            if path.name not in ("build", "source"):
                tar.add(path, path.name)
    return buffer.getvalue()
