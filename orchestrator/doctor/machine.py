"""A machine as a place for trials: where it is, who may do what, CPUs, clock, disk."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.doctor import fixes
from orchestrator.doctor.finding import Finding
from orchestrator.doctor.state import HostState
from orchestrator.environments import describe
from orchestrator.execution.idleness import shown
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.facts_model import Facts
from orchestrator.units import GIB, plural

ENVIRONMENT = "environment"
"""A subject: what the figures of trials on the machine are worth."""

LEAST_DISK = GIB
"""Free bytes that scripts, a built benchmark and its output need at most, by far."""

GOOD_CLOCKS = ("tsc", "kvm-clock", "arch_sys_counter", "timebase", "hyperv_clocksource_tsc_page", "tod")
"""Clock sources that are read without a call of the kernel."""

_NO_TURBO = "/sys/devices/system/cpu/intel_pstate/no_turbo"
_BOOST = "/sys/devices/system/cpu/cpufreq/boost"
_GOVERNORS = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"


def findings(host: str, facts: Facts, state: HostState) -> Iterator[Finding]:
    """Yield a finding for each subject."""
    environment = host_facts.environment(facts)
    yield Finding(host, ENVIRONMENT, "ok", f"{environment}: {describe(environment)}")
    yield _root(host, facts)
    yield _compiler(host, facts, state)
    yield _idle(host, state)
    yield _governor(host, facts)
    yield _turbo(host, facts)
    yield _clock(host, facts)
    yield _disk(host, state)


def _root(host: str, facts: Facts) -> Finding:
    if facts.root:
        return Finding(
            host, "root", "ok", "login as root" if facts.user_id == 0 else "sudo without a password"
        )
    return Finding(
        host,
        "root",
        "missing",
        "no root, and sudo asks for a password: settings of the host cannot be changed",
        fixes.SUDO,
    )


def _compiler(host: str, facts: Facts, state: HostState) -> Finding:
    missing = [name for name in ("make", "cc") if name not in state.programs]
    if not missing:
        compiler = facts.compilers.get("cc") or next(iter(facts.compilers.values()), "cc")
        return Finding(host, "compiler", "ok", compiler)
    return Finding(
        host,
        "compiler",
        "warning",
        f"{', '.join(missing)}: command not found; benchmarks are built on the controller and copied",
        fixes.compiler(facts, state),
    )


def _idle(host: str, state: HostState) -> Finding:
    if not state.working:
        return Finding(host, "idle CPUs", "ok", f"all of {plural(state.cpus, 'CPU')} were idle for a second")
    return Finding(
        host,
        "idle CPUs",
        "warning",
        f"{state.working} of {plural(state.cpus, 'CPU')} were not idle for a second: trials wait for idle CPUs "
        f"(limits.settle); busy: {shown(state.busy)}",
    )


def _governor(host: str, facts: Facts) -> Finding:
    others = {name: cpus for name, cpus in facts.governors.items() if name != "performance"}
    if not facts.governors:
        return Finding(host, "CPU governor", "ok", "none: the frequency of CPUs is not controlled here")
    if not others:
        return Finding(host, "CPU governor", "ok", "performance")
    which = ", ".join(f"{name} (CPUs {cpus})" for name, cpus in others.items())
    return Finding(
        host,
        "CPU governor",
        "warning",
        f"{which}; an experiment sets it with tuning.cpu.governor: performance",
        fixes.write("performance", _GOVERNORS, is_root=facts.user_id == 0),
    )


def _turbo(host: str, facts: Facts) -> Finding:
    if facts.turbo is None:
        return Finding(host, "turbo", "ok", "none: it is not controlled here")
    if not facts.turbo:
        return Finding(host, "turbo", "ok", "off")
    intel = facts.cpu_vendor == "GenuineIntel"
    return Finding(
        host,
        "turbo",
        "warning",
        "on: the frequency depends on load and temperature; an experiment sets it with tuning.cpu.turbo: false",
        fixes.write("1" if intel else "0", _NO_TURBO if intel else _BOOST, is_root=facts.user_id == 0),
    )


def _clock(host: str, facts: Facts) -> Finding:
    clock = facts.clocksource or "unknown"
    if clock in GOOD_CLOCKS or not facts.clocksource:
        return Finding(host, "clock source", "ok", clock)
    better = next((name for name in facts.clocksources if name in GOOD_CLOCKS), "")
    file = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
    return Finding(
        host,
        "clock source",
        "warning",
        f"{clock}: reading it takes long, and it may be coarse",
        fixes.write(better, file, is_root=facts.user_id == 0) if better else "",
    )


def _disk(host: str, state: HostState) -> Finding:
    if state.disk is None:
        return Finding(host, "disk", "warning", "the free space is unknown: neither df nor stat told it")
    free = f"{state.disk / GIB:.1f} GiB free for {state.folder}"
    return Finding(host, "disk", "ok" if state.disk >= LEAST_DISK else "warning", free)
