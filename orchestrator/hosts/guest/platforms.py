"""QEMU's machines: one for each architecture of guests."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from orchestrator.architectures import ARM64, PPC64LE, X86_64, Architecture
from orchestrator.environments import Environment
from orchestrator.hosts.guest.find_program import find_program

MIB = 1024**2


class Platform(Struct, frozen=True):
    """A machine of QEMU.

    :ivar qemu: QEMU's program; ``package``: its Debian package.
    :ivar machine: value of ``-machine``; ``tcg_machine``: more of it without KVM.
    :ivar console: the serial console of the guest's kernel.
    :ivar cpu: the CPU model that ``max`` stands for; ``kvm_cpu``: under KVM.
    :ivar tcg_features: appended to each CPU model without KVM; ``max_features``: to that of ``max`` only.
    :ivar tcg_parameters: kernel parameters of guests without KVM.
    :ivar tcg_thread: ``multi``: each emulated CPU is a thread of QEMU; ``single``: they take turns in one.
    :ivar has_delay_loop: whether the kernel measures ``lpj=`` at boot; others use their timer.
    :ivar memory_step: the memory of a node is a multiple of so many bytes.
    """

    architecture: Architecture
    qemu: str
    package: str
    machine: str
    console: str
    tcg_machine: str = ""
    cpu: str = "max"
    kvm_cpu: str = "max"
    tcg_features: str = ""
    max_features: str = ""
    tcg_parameters: tuple[str, ...] = ()
    tcg_thread: Literal["multi", "single"] = "multi"
    has_delay_loop: bool = False
    memory_step: int = MIB

    def find_qemu(self) -> Path:
        """Return the path of QEMU; ``HostError`` names the Debian package to install."""
        setup = "make setup" if self.architecture.is_native else f"make setup ARCH={self.architecture.name}"
        return find_program(self.qemu, self.package, setup)

    def machine_options(self, environment: Environment) -> str:
        """Return the value of ``-machine``."""
        return self.machine if environment is Environment.VM_KVM else self.machine + self.tcg_machine

    def cpu_options(self, cpu: str, environment: Environment) -> str:
        """Return the value of ``-cpu`` for the CPU model of the experiment file."""
        if environment is Environment.VM_KVM:
            return self.kvm_cpu if cpu == "max" else cpu
        return (f"{self.cpu}{self.max_features}" if cpu == "max" else cpu) + self.tcg_features


_NO_SELF_TESTS = "cryptomgr.notests"
"""Self-tests of ciphers are slow in emulation and have no use there."""

_PLATFORMS = {
    X86_64: Platform(
        architecture=X86_64,
        qemu="qemu-system-x86_64",
        package="qemu-system-x86",
        machine="q35,hpet=off,smbus=off,sata=off,usb=off,graphics=off,vmport=off",
        console="ttyS0",
        # TCG executes `rep movsb` byte by byte, so kernels must not choose it.
        tcg_features=",erms=off,fsrm=off",
        # The emulated TSC is reliable. `no_timer_check` skips a check of the timer interrupt, a loop of `pause`.
        tcg_parameters=("tsc=reliable", "no_timer_check", _NO_SELF_TESTS),
        has_delay_loop=True,
    ),
    ARM64: Platform(
        architecture=ARM64,
        qemu="qemu-system-aarch64",
        package="qemu-system-arm",
        machine="virt,gic-version=max",
        console="ttyAMA0",
        # Pointer authentication with the architected algorithm takes most of the time of a kernel in emulation.
        max_features=",pauth-impdef=on",
        tcg_parameters=(_NO_SELF_TESTS,),
    ),
    PPC64LE: Platform(
        architecture=PPC64LE,
        qemu="qemu-system-ppc64",
        package="qemu-system-ppc",
        # x-vof: the firmware in QEMU itself, without the seconds that SLOF takes.
        machine="pseries,x-vof=on",
        # Mitigations that TCG cannot give to its guest; QEMU warns about each if they are asked for.
        tcg_machine=",cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off",
        console="hvc0",
        cpu="power9",
        kvm_cpu="host",
        tcg_parameters=(_NO_SELF_TESTS,),
        # With threads, QEMU 7.2 does not wait until the other CPUs have flushed their TLB: a write by an old entry
        # may reach a page after migration has copied it.
        tcg_thread="single",
        memory_step=256 * MIB,
    ),
}


def platform_of(architecture: Architecture) -> Platform:
    """Return QEMU's machine for an architecture."""
    return _PLATFORMS[architecture]
