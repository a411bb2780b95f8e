"""Architectures of kernels and guests: their names in Linux, Debian and QEMU."""

from __future__ import annotations

import platform

from msgspec import Struct

from orchestrator.errors import BadInput


class Architecture(Struct, frozen=True):
    """An architecture and its names.

    :ivar name: name in experiment files.
    :ivar machine: as in ``uname -m``.
    :ivar debian: in names of Debian packages; ``gnu``: that of ``gcc-GNU`` packages and compilers.
    :ivar kernel: value of ``ARCH`` of the kernel's Makefile.
    :ivar image: the make target of the kernel image and its name in the cache.
    :ivar image_folder: directory of the image in the build directory.
    :ivar package: Debian's kernel for guests.
    :ivar elf: ``e_machine`` in the header of its programs.
    """

    name: str
    machine: str
    debian: str
    gnu: str
    kernel: str
    image: str
    image_folder: str
    package: str
    elf: int

    @property
    def is_native(self) -> bool:
        """Whether this machine runs its programs."""
        return self == native()

    def program(self, name: str) -> str:
        """Return the name of a GNU tool for it: ``gcc`` is ``aarch64-linux-gnu-gcc`` on another architecture."""
        return name if self.is_native else f"{self.gnu}-{name}"

    @property
    def compiler_packages(self) -> str:
        """Debian packages of compiler and C library, in words."""
        return (
            "gcc and libc6-dev"
            if self.is_native
            else f"gcc-{self.gnu.replace('_', '-')} and libc6-dev-{self.debian}-cross"
        )


X86_64 = Architecture(
    name="x86_64",
    machine="x86_64",
    debian="amd64",
    gnu="x86_64-linux-gnu",
    kernel="x86",
    image="bzImage",
    image_folder="arch/x86/boot",
    package="linux-image-cloud-amd64",
    elf=62,
)
ARM64 = Architecture(
    name="arm64",
    machine="aarch64",
    debian="arm64",
    gnu="aarch64-linux-gnu",
    kernel="arm64",
    image="Image",
    image_folder="arch/arm64/boot",
    package="linux-image-arm64",
    elf=183,
)
PPC64LE = Architecture(
    name="ppc64le",
    machine="ppc64le",
    debian="ppc64el",
    gnu="powerpc64le-linux-gnu",
    kernel="powerpc",
    image="vmlinux",
    image_folder="",
    package="linux-image-powerpc64le",
    elf=21,
)

ARCHITECTURES = {one.name: one for one in (X86_64, ARM64, PPC64LE)}


def native() -> Architecture:
    """Return the architecture of this machine; x86_64 if it is none of these."""
    return of_machine(platform.machine()) or X86_64


def of_machine(machine: str) -> Architecture | None:
    """Return the architecture of a host by its ``uname -m``; None: it is none of these."""
    return next((one for one in ARCHITECTURES.values() if one.machine == machine), None)


def find(name: str) -> Architecture:
    """Return an architecture by its name in experiment files; empty: that of this machine. ``BadInput`` if unknown."""
    if not name:
        return native()
    try:
        return ARCHITECTURES[name]
    except KeyError:
        raise BadInput(f"unknown architecture {name!r}; expected one of {', '.join(ARCHITECTURES)}") from None
