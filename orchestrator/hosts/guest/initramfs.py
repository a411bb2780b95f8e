"""The guest's initramfs: init.sh, busybox, dropbear, dash and requested programs, with their shared libraries.

The shell is dash because busybox's shell prefers its applets to programs in PATH.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from msgspec import Struct

from orchestrator.architectures import ARCHITECTURES, Architecture, native
from orchestrator.errors import HostError
from orchestrator.hosts.guest import cpio
from orchestrator.hosts.guest.modules import ordered_modules
from orchestrator.hosts.guest.userland import Userland, userland_for
from orchestrator.kernels.obtain import KernelFiles
from orchestrator.paths import DENIED, is_closed

NETWORK_MODULES = ("virtio_pci", "virtio_net")
"""Modules of the guest's network card; built into some kernels."""

UP_MESSAGE = "orchestrate: guest is up"
"""Printed by init.sh on the console when the SSH server is started."""

FAILURE_PREFIX = "orchestrate: fail"
"""Prefix of error messages of init.sh."""


_ETC = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
    "etc/shadow": "root:*:0:::::::\n",
    "etc/shells": "/bin/sh\n",
    "etc/hosts": "127.0.0.1 localhost guest\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
}


class Keys(Struct, frozen=True):
    """Keys of one guest: host key in dropbear format, and the authorized_keys line of the client."""

    host_key: bytes
    authorized_key: str


def base_archive(
    kernel: KernelFiles, programs: Iterable[str], architecture: Architecture | None = None
) -> bytes:
    """Return the initramfs without the keys. The same kernel and programs result in the same bytes.

    :param architecture: of the guest; None: that of this machine.
    """
    architecture = architecture or native()
    userland = userland_for(architecture)
    paths = [
        userland.find("dropbear"),
        userland.find("dash"),
        *(_find_requested(name, architecture) for name in programs),
    ]
    entries = [*_skeleton(), *_kernel_modules(kernel)]
    for path in paths:
        entries += _program(userland, path)
    # Last: programs take precedence over busybox applets of the same name.
    return cpio.archive([*entries, *_busybox(userland)])


def keys_archive(keys: Keys) -> bytes:
    """Return the archive with the keys of this guest, to be appended to the base archive."""
    return cpio.archive(
        [
            cpio.folder("root", 0o700),
            cpio.folder("root/.ssh", 0o700),
            cpio.file("root/.ssh/authorized_keys", keys.authorized_key.encode() + b"\n", 0o600),
            cpio.file("etc/dropbear/host_key", keys.host_key, 0o600),
        ]
    )


def probe_archive(message: str) -> bytes:
    """Return an initramfs for this machine's architecture that prints a message and waits to be stopped.

    At once after the message, a panic for want of an init would end QEMU before the serial line has sent it.
    """
    script = f"#!/bin/busybox sh\necho '{message}'\nexec /bin/busybox sleep 60\n"
    busybox = userland_for(native()).find("busybox").read_bytes()
    return cpio.archive(
        [
            cpio.character_device("dev/console", 5, 1),
            cpio.file("bin/busybox", busybox, 0o755),
            cpio.file("init", script.encode(), 0o755),
        ]
    )


def _skeleton() -> Iterator[cpio.Entry]:
    for name in (
        "proc",
        "sys",
        "dev",
        "tmp",
        "run",
        "root",
        "var/log",
        "usr/bin",
        "usr/sbin",
        "usr/lib",
        "usr/lib64",
    ):
        yield cpio.folder(name, 0o700 if name == "root" else 0o755)
    for name in ("bin", "sbin", "lib", "lib64"):
        yield cpio.link(name, f"usr/{name}")
    yield cpio.link("usr/bin/sh", "dash")
    yield cpio.character_device("dev/console", 5, 1)
    yield cpio.character_device("dev/null", 1, 3, 0o666)
    for path, text in _ETC.items():
        yield cpio.file(path, text.encode())
    yield cpio.file("init", files("orchestrator.hosts.guest").joinpath("init.sh").read_bytes(), 0o755)


def _busybox(userland: Userland) -> Iterator[cpio.Entry]:
    yield cpio.file("usr/bin/busybox", userland.find("busybox").read_bytes(), 0o755)
    for applet in userland.applets():
        if applet != "busybox":
            yield cpio.link(f"usr/bin/{applet}", "busybox")


def _kernel_modules(kernel: KernelFiles) -> Iterator[cpio.Entry]:
    modules = ordered_modules(kernel.modules, NETWORK_MODULES) if kernel.modules else ()
    for module in modules:
        yield cpio.file(f"usr/lib/modules/{module.name}.ko", module.code)
    yield cpio.file("etc/modules", "".join(f"{module.name}\n" for module in modules).encode())


def _find_requested(name: str, architecture: Architecture) -> Path:
    path = Path(name) if name.startswith("/") else Path(shutil.which(name) or "")
    if is_closed(path):
        raise HostError(f"hosts.qemu.programs: {path}: {DENIED}")
    if not path.is_file():
        raise HostError(f"hosts.qemu.programs: {name}: command not found; install it or give its path")
    with path.open("rb") as file:
        header = file.read(20)
    # Scripts have no architecture.
    if (
        header.startswith(b"\x7fELF")
        and (machine := struct.unpack_from("<H", header, 18)[0]) != architecture.elf
    ):
        others = (one.name for one in ARCHITECTURES.values() if one.elf == machine)
        raise HostError(
            f"hosts.qemu.programs: {path} is a program for {next(others, 'another architecture')}; the guest is "
            f"{architecture.name}: give the path of a static program for {architecture.name}"
        )
    return path


def _program(userland: Userland, path: Path) -> Iterator[cpio.Entry]:
    """Yield a program and its shared libraries, at the same paths as where they come from."""
    for source in (path, *userland.libraries(path)):
        permissions = 0o755 if source is path else 0o644
        yield cpio.file(str(userland.target(source)).lstrip("/"), source.read_bytes(), permissions | 0o111)
