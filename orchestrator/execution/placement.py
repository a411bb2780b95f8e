"""The CPUs of ``tuning.placement``, compared with those that a host lets trials and interrupts use.

``taskset`` succeeds if one of the CPUs exists, and interrupts stay where they are if a CPU does not exist.
"""

from __future__ import annotations

from orchestrator.cpu_lists import format_cpus, parse_cpus
from orchestrator.errors import HostError
from orchestrator.experiment.model import Tuning
from orchestrator.experiment.settings import IRQ_AFFINITY
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import script

_READ = (
    "cat /sys/devices/system/cpu/online\n"
    '[ -z "$1" ] || taskset -c "$1" sed -n "s/^Cpus_allowed_list:[[:space:]]*//p" /proc/self/status'
)


def check(host: Host, tuning: Tuning) -> None:
    """Raise ``HostError`` with what a host does not grant, one line each."""
    faults = _faults(host, tuning)
    if faults:
        raise HostError(*(f"{host.name}: {fault}" for fault in faults))


def _faults(host: Host, tuning: Tuning) -> list[str]:
    irqs = [setting.value for setting in tuning.settings if setting.path == IRQ_AFFINITY]
    asked = {"cpus": tuning.cpus, "irqs": irqs[0] if irqs else ""}
    if not any(asked.values()):
        return []
    done = host.run(script(_READ, tuning.cpus, accept=(0, 1)))
    if not host.executes:
        return []
    online, _, granted = done.stdout.strip().partition("\n")
    messages = []
    for key, text in asked.items():
        missing = parse_cpus(text) - parse_cpus(online)
        if missing:
            messages.append(f"tuning.placement.{key}: no CPU {format_cpus(missing)}; online CPUs: {online}")
    if tuning.cpus and not messages and parse_cpus(granted) != parse_cpus(tuning.cpus):
        messages.append(
            f"tuning.placement.cpus: {tuning.cpus}, but processes may run only on {granted or 'other CPUs'}"
        )
    return messages
