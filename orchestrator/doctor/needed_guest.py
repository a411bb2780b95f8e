"""What guests on this machine need that an experiment starts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from orchestrator.doctor import controller
from orchestrator.doctor.controller import CONTROLLER
from orchestrator.doctor.finding import Finding
from orchestrator.experiment.model import Experiment
from orchestrator.hosts.guest.layout import Layout, parse_layout
from orchestrator.hosts.guest.several import available_memory
from orchestrator.plan import Plan
from orchestrator.provision.loading import load
from orchestrator.units import MIB, format_size


def findings(plan: Plan, kvm: Finding) -> Iterator[Finding]:
    """Yield a finding for each requirement.

    :param kvm: what was found of KVM here.
    """
    experiment = plan.experiment
    layout = parse_layout(experiment.hosts.sections.get("qemu", {}))
    yield controller.guest_programs(layout.architecture, needed=True)
    yield _runner(experiment, layout)
    yield _acceleration(layout, kvm)
    yield _memory(layout)
    missing = (
        [name for name in layout.programs if not shutil.which(name)] if layout.architecture.is_native else []
    )
    if missing:
        reason = f"hosts.qemu.programs: {', '.join(missing)}: command not found"
        yield Finding(CONTROLLER, "guest's programs", "missing", reason, needed=True)


def _runner(experiment: Experiment, layout: Layout) -> Finding:
    """A guest has no compiler: what runs there is built here."""
    found = controller.compiler(layout.architecture, needed=True)
    builds = any(task.module.name == "build" for role in experiment.roles for task in load(role).tasks)
    if found.verdict == "ok" or builds or not controller.has_runner(layout.architecture):
        return found
    return Finding(CONTROLLER, found.subject, "ok", "nothing is to be built")


def _acceleration(layout: Layout, kvm: Finding) -> Finding:
    if layout.clock == "instructions" or layout.acceleration == "tcg" or not layout.architecture.is_native:
        return Finding(CONTROLLER, "guest's CPUs", "ok", "emulated, as the file says")
    if kvm.verdict == "ok":
        return Finding(CONTROLLER, "guest's CPUs", "ok", "KVM; the first run tries it with a kernel")
    if layout.acceleration == "kvm":
        reason = f"hosts.qemu.acceleration is kvm, but: {kvm.reason}"
        return Finding(CONTROLLER, "guest's CPUs", "missing", reason, kvm.command, needed=True, then=kvm.then)
    clock = "executed instructions" if layout.clock == "auto" else "time"
    return Finding(
        CONTROLLER, "guest's CPUs", "ok", f"emulated, as there is no KVM; its clock counts {clock}"
    )


def _memory(layout: Layout) -> Finding:
    """Whether QEMU starts: the kernel refuses what is larger than all memory. A guest takes what it uses, not more."""
    subject = "guest's memory"
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    largest = max(node.memory for node in layout.nodes)
    if largest > total:
        reason = f"a node of the guest has {format_size(largest)}; this machine has {total // MIB} MiB"
        return Finding(CONTROLLER, subject, "missing", reason, needed=True)
    available = available_memory()
    reason = f"a guest has {format_size(layout.memory)}; {available // MIB} MiB are available"
    if layout.memory > available:
        return Finding(CONTROLLER, subject, "warning", f"{reason}: if it uses more, it is killed")
    return Finding(CONTROLLER, subject, "ok", reason)
