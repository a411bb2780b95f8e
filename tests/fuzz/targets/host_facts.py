"""What ``facts.sh`` prints on a host, and what is made of it."""

from __future__ import annotations

from orchestrator.cpu_lists import parse_cpus
from orchestrator.experiment.model import Needs
from orchestrator.hosts import facts
from orchestrator.hosts.similarity import differences
from tests.fuzz import mutation
from tests.fuzz.target import Target
from tests.unit.hosts.test_facts import TWO_NODES

GIB = 1 << 30


def run(data: bytes) -> None:
    found = facts.parse(data.decode(errors="replace"))
    facts.environment(found)
    facts.unmet(Needs(numa_nodes=2, cpus=4, memory_per_node=GIB), found)
    differences(facts.parse(TWO_NODES), found, kernels=True)
    for cpus in (found.online, *(node.cpus for node in found.nodes)):
        parse_cpus(cpus)


TARGET = Target(
    "host-facts",
    run,
    ("orchestrator.hosts.facts", "orchestrator.hosts.facts_parser", "orchestrator.cpu_lists"),
    lambda: [TWO_NODES.encode(), b"boot=b\nuname.release=6.1\n"],
    mutation.text(
        b"node.",
        b"file./sys/devices/system/",
        b"=",
        b"cpus=",
        b"0-7,",
        b"exists=",
        b"kB/nr_hugepages=",
        b"[x]",
    ),
)
