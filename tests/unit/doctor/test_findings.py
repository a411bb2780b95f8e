"""What ``orchestrate doctor`` makes of what hosts print."""

from __future__ import annotations

import pytest

from orchestrator.doctor import devices, machine, memory, text
from orchestrator.doctor.finding import Examination, Finding
from orchestrator.doctor.state import HostState, parse
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.facts_model import Facts

FACTS = """\
uname.release=6.12.0
uname.machine=x86_64
boot=1
user=1000
root=yes
cpus=4
cpu.vendor_id=GenuineIntel
memory.MemTotal=4000000
memory.Hugepagesize=2048
file./sys/devices/system/node/node0/cpulist=0-3
node.0.MemTotal=4000000
node.0.MemFree=3000000
"""
STATE = """\
worked.cpu0=2
worked.cpu1=95
busy=93 4711 cc1 plus
busy=2 5 kworker/0:1
huge.2048=0 16 yes
huge.1048576=0 0 no
dma=4 3 ioatdma
counters=cpu
perf=yes
program=make
program=apt-get
folder=/var/lib/orchestrate
disk=8388608
"""


def facts(more: str = "") -> Facts:
    return host_facts.parse(FACTS + more)


def found(findings: object, subject: str) -> Finding:
    (one,) = (finding for finding in findings if finding.subject == subject)  # type: ignore[attr-defined]
    assert isinstance(one, Finding)
    return one


STATE_OF_ALL = parse(STATE)


def test_a_host_that_prints_nothing_has_nothing() -> None:
    state = parse("sh: 1: awk: not found\n=\nbusy=x\nhuge.2048=1\ndma=\n")
    assert state == HostState({}, 0, 0, (), False, (), frozenset(), "", None, 0, 0, ())


def test_who_is_busy() -> None:
    finding = found(machine.findings("h", facts(), STATE_OF_ALL), "idle CPUs")
    assert finding.verdict == "warning"
    assert finding.reason.startswith("1 of 2 CPUs were not idle for a second")
    assert finding.reason.endswith("busy: cc1 plus (pid 4711) 0.93 CPUs")


@pytest.mark.parametrize(
    ("file", "subject", "verdict", "command"),
    [
        ("cpu/cpu0/cpufreq/scaling_governor=performance", "CPU governor", "ok", ""),
        (
            "cpu/cpu0/cpufreq/scaling_governor=powersave",
            "CPU governor",
            "warning",
            "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
        ),
        ("cpu/intel_pstate/no_turbo=1", "turbo", "ok", ""),
        (
            "cpu/intel_pstate/no_turbo=0",
            "turbo",
            "warning",
            "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo",
        ),
        ("clocksource/clocksource0/current_clocksource=tsc", "clock source", "ok", ""),
        ("clocksource/clocksource0/current_clocksource=hpet", "clock source", "warning", ""),
    ],
)
def test_settings_that_change_times(file: str, subject: str, verdict: str, command: str) -> None:
    finding = found(machine.findings("h", facts(f"file./sys/devices/system/{file}\n"), STATE_OF_ALL), subject)
    assert (finding.verdict, finding.command) == (verdict, command)


def test_a_program_that_is_missing_on_a_host() -> None:
    finding = found(machine.findings("h", facts(), STATE_OF_ALL), "compiler")
    assert finding.reason.startswith("cc: command not found")
    assert finding.command == "sudo apt-get install --no-install-recommends gcc libc6-dev make"
    guest = parse(STATE.replace("program=apt-get\n", ""))
    assert found(machine.findings("h", facts(), guest), "compiler").command == ""


def test_memory() -> None:
    findings = list(memory.findings("h", facts(), STATE_OF_ALL))
    assert (found(findings, "NUMA").verdict, found(findings, "NUMA").command) == ("missing", "")
    small, large = (found(findings, f"huge pages of {size}") for size in ("2MiB", "1GiB"))
    assert (small.verdict, small.command) == ("warning", "sudo sysctl vm.nr_hugepages=528"), "16 are in use"
    assert large.verdict == "missing"
    assert large.command == ("echo 2 | sudo tee /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages")
    two = "file./sys/devices/system/node/node1/cpulist=\nnode.1.MemTotal=4000000\n"
    assert found(memory.findings("h", facts(two), STATE_OF_ALL), "NUMA").verdict == "ok"


@pytest.mark.parametrize(
    ("host", "where"), [("controller", "; run: "), ("local", "; run: "), ("numa1", "; on numa1 run: ")]
)
def test_a_command_says_where_to_run_it(host: str, where: str) -> None:
    findings = (Finding(host, "x", "missing", "none", "make x", then="log in again"),)
    (line,) = text.lines(Examination("", can_run=True, findings=findings))
    assert line.endswith(f"none{where}make x; then log in again")


def test_devices() -> None:
    findings = list(devices.findings("h", facts(), STATE_OF_ALL))
    assert found(findings, "DMA engines").reason == "4 channels (ioatdma), 3 free"
    assert found(findings, "perf").verdict == "ok"
    strict = devices.findings("h", facts("file./proc/sys/kernel/perf_event_paranoid=3\n"), STATE_OF_ALL)
    assert found(strict, "perf").command == "sudo sysctl kernel.perf_event_paranoid=2"
