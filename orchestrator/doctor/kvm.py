"""Whether KVM starts a guest: tried, as the file ``/dev/kvm`` alone shows little."""

from __future__ import annotations

from importlib.resources import files

from orchestrator.architectures import X86_64
from orchestrator.doctor import fixes
from orchestrator.doctor.finding import Finding
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import script
from orchestrator.hosts.facts_model import Facts
from orchestrator.hosts.guest.platforms import platform_of

BOOT_S = 10
"""Seconds that the guest has. It takes a tenth of one."""

LIMIT_S = 30.0
EMULATION = "guests are emulated"


def finding(host: Host, facts: Facts, remembered: str | None = None) -> Finding:
    """Start a guest of a few instructions; of other architectures than x86_64 look at the device only.

    :param remembered: why a kernel did not boot under KVM here earlier; None: not known to have failed.
    """
    qemu = platform_of(X86_64).qemu if facts.machine == X86_64.machine else "true"
    if facts.machine == X86_64.machine:
        text = (files(__package__) / "boot.sh").read_text()
    else:
        text = (
            "if [ ! -e /dev/kvm ]; then echo absent; elif [ -r /dev/kvm ] && [ -w /dev/kvm ]; then echo untried; "
            "else echo denied; fi"
        )
    printed = host.run(script(text, qemu, str(BOOT_S), time_limit=LIMIT_S)).stdout.strip()
    verdict, _, reason = printed.partition(" ")
    is_root = facts.user_id == 0
    match verdict:
        case "ok" if remembered:
            return Finding(host.name, "KVM", "missing", f"{remembered}; {EMULATION}")
        case "ok":
            return Finding(host.name, "KVM", "ok", "a guest of a few instructions ran under /dev/kvm")
        case "untried":
            return Finding(host.name, "KVM", "ok", "/dev/kvm can be opened; no guest was tried")
        case "denied":
            command = fixes.as_root('usermod -aG kvm "$USER"', is_root=is_root)
            return Finding(
                host.name,
                "KVM",
                "missing",
                f"/dev/kvm: Permission denied; {EMULATION}",
                command,
                then="log in again",
            )
        case "no-qemu":
            return Finding(host.name, "KVM", "warning", f"not tried: {qemu}: command not found")
        case "absent":
            return _absent(host.name, facts, has_modules=not reason)
        case _:
            why = reason or printed[:200] or "no answer"
            return Finding(
                host.name,
                "KVM",
                "missing",
                f"/dev/kvm is there, but does not start a guest: {why}; {EMULATION}",
            )


def _absent(host: str, facts: Facts, *, has_modules: bool) -> Finding:
    module = next(
        (name for flag, name in (("vmx", "kvm_intel"), ("svm", "kvm_amd")) if flag in facts.cpu_flags), ""
    )
    if module and not has_modules:
        reason = f"/dev/kvm: No such file or directory, and no {module} to load"
        return Finding(host, "KVM", "missing", f"{reason}; {EMULATION}")
    if module:
        command = fixes.as_root(f"modprobe {module}", is_root=facts.user_id == 0)
        return Finding(host, "KVM", "missing", f"/dev/kvm: No such file or directory; {EMULATION}", command)
    reason = "/dev/kvm: No such file or directory, and the CPU shows no virtualization"
    return Finding(host, "KVM", "missing", f"{reason} (firmware, or nested virtualization); {EMULATION}")
