"""The setup of a run in words: hosts, kernels, the benchmark, and options that are not factors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml
from msgspec import Struct
from msgspec.structs import replace

from orchestrator.experiment.factors import KERNEL
from orchestrator.experiment.settings import sysctl_name
from orchestrator.report import text
from orchestrator.report.model import Report
from orchestrator.results.records import BlockRecord
from orchestrator.terminal import command_line
from orchestrator.units import plural

_SEVERAL = 3
"""From this many values on, only the number of values of an option is shown."""


class HostSetup(Struct, frozen=True):
    """A host in some of a run's boots, in words; empty for what the host does not report.

    :ivar nodes: one line for each NUMA node; ``distances``: between them, as reported by firmware.
    :ivar hypervisor: of a guest that a run or its job has started: the emulator, and the machine that runs it.
    :ivar boots: number of boots with this setup.
    :ivar kernels: those of these boots, if the host has had several setups; they may be all that tells them apart.
    """

    name: str
    environment: str
    clock: str
    cpu: str
    cpus: int
    nodes: tuple[str, ...]
    distances: str
    hypervisor: str
    governors: str
    microcode: str
    boots: int
    kernels: str = ""

    @property
    def line(self) -> str:
        """All of it in one line."""
        parts = [self.cpu, plural(self.cpus, "CPU") if self.cpus else ""]
        if self.nodes:
            parts.append(f"{plural(len(self.nodes), 'NUMA node')} ({'; '.join(self.nodes)})")
        words = ", ".join(part for part in parts if part)
        return f"{words}; {self.hypervisor}" if self.hypervisor else words


def hosts(report: Report) -> list[HostSetup]:
    """Return the hosts of a run, once for each setup that differs."""
    boots_of: dict[HostSetup, dict[str, str]] = {}
    for block in report.blocks:
        boots_of.setdefault(_host(block), {})[block.boot] = block.kernel
    setups = Counter(host.name for host in boots_of)
    return [
        replace(
            host,
            boots=len(boots),
            kernels=", ".join(dict.fromkeys(boots.values())) if setups[host.name] > 1 else "",
        )
        for host, boots in boots_of.items()
    ]


def options(report: Report) -> dict[str, str]:
    """Return the effective options of the benchmark that are not factors, defaults included."""
    values_of: dict[str, dict[str, None]] = {}
    for request in report.requests.values():
        for name, value in request.items():
            if name not in report.factors:
                values_of.setdefault(name, {})[value] = None
    return {
        name: " or ".join(values) if len(values) < _SEVERAL else f"{len(values)} values"
        for name, values in values_of.items()
    }


def description(report: Report) -> str:
    """Return the description in the experiment file; empty if it has none or is not recorded."""
    if report.provenance is None:
        return ""
    try:
        document = yaml.safe_load(report.provenance.experiment_text)
    except yaml.YAMLError:
        return ""
    return str(document.get("description") or "") if isinstance(document, dict) else ""


def kernels(report: Report) -> dict[str, dict[str, str]]:
    """Return the properties of each kernel in words; only the release if it was not built from a recipe.

    They are in the order of the file; recorded is the order of their first boots.
    """
    recorded = report.provenance.kernels if report.provenance else {}
    planned = [level for factor in report.opening.factors if factor.name == KERNEL for level in factor.levels]
    names = dict.fromkeys([name for name in planned if name in recorded] + [*recorded])
    return {name: dict(_kernel(recorded[name])) for name in names}


def command_lines(report: Report) -> list[tuple[str, str]]:
    """Return each kernel command line, as reported by the kernel, with the kernels (and hosts) that had it."""
    host_names = {block.host for block in report.blocks}
    kernels_of: dict[str, dict[str, None]] = {}
    for block in report.blocks:
        line = str(block.facts.get("command_line", ""))
        kernel = f"{block.kernel} on {block.host}" if len(host_names) > 1 else block.kernel
        if line:
            kernels_of.setdefault(line, {})[kernel] = None
    return [(", ".join(names), line) for line, names in kernels_of.items()]


def benchmark(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the properties of the program that trials executed, as pairs of name and words."""
    built = report.provenance.benchmark if report.provenance else ""
    yield "benchmark", ", ".join(filter(None, (report.opening.benchmark, _sha256(built))))
    if report.opening.command[1:]:
        yield "its command", command_line(report.opening.command)
    for name, words in programs(report):
        yield f"program {name}", words


def programs(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the programs that trials begin with, but for that of a role: file name, and package and hash in words."""
    if report.provenance is None:
        return
    for name, program in report.provenance.programs.items():
        digest = program.get("sha256", "")
        words = ", ".join(filter(None, (program.get("package", ""), _sha256(digest))))
        if words and digest != report.provenance.benchmark:
            yield PurePosixPath(name).name, words


def _sha256(digest: str) -> str:
    return f"SHA-256 {digest[:12]}" if digest else ""


def version(report: Report) -> str:
    """Return the version of the orchestrator, twelve digits of its commit, and whether the tree was dirty."""
    digits, _, dirty = (report.provenance.commit if report.provenance else "").partition("-")
    commit = f", commit {digits[:12]}" + (f" ({dirty})" if dirty else "") if digits else ""
    return report.opening.version + commit


def settings(report: Report) -> dict[str, str]:
    """Return the settings of the boots, as read back; several values where boots differ."""
    values_of: dict[str, dict[str, None]] = {}
    for block in report.blocks:
        for path, value in block.settings.items():
            values_of.setdefault(sysctl_name(path), {})[value] = None
    return {name: " or ".join(values) for name, values in values_of.items()}


def _kernel(properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "release", str(properties.get("release", "not known"))
    if properties.get("source"):
        yield "base", properties["source"]
    package = properties.get("package") or {}
    if package:
        suite = f", suite {package['suite']}" if package.get("suite") else ""
        yield "package", f"{package.get('package', '')}={package.get('version', '')}{suite}"
    patches = properties.get("patches") or ()
    if patches:
        ends = patches[0] if len(patches) == 1 else f"{patches[0]} to {patches[-1]}"
        yield "series", f"{len(patches)} patch{'es' * (len(patches) != 1)}, {ends}"
    if properties.get("recipe"):
        yield "recipe", f"{properties['recipe']}, {properties['hash']} with all its files"
    if properties.get("config"):
        yield "config", properties["config"] + _digest(properties.get("config_hash"))
    if properties.get("compiler"):
        yield "compiler", properties["compiler"]


def _digest(config_hash: str | None) -> str:
    return f", SHA-256 of it as reported by the kernel {config_hash[:12]}" if config_hash else ""


def _host(block: BlockRecord) -> HostSetup:
    facts = block.facts
    return HostSetup(
        name=block.host,
        environment=block.environment,
        clock=block.clock,
        cpu=" ".join(str(facts.get("cpu_model", "")).split()),
        cpus=facts.get("cpus", 0),
        nodes=tuple(_nodes(facts)),
        distances=_distances(facts),
        hypervisor=_hypervisor(block.hypervisor),
        governors=", ".join(map(str, facts.get("governors", {}))),
        microcode=str(facts.get("microcode", "")),
        boots=0,
    )


def _nodes(facts: Mapping[str, Any]) -> Iterator[str]:
    for index, node in enumerate(facts.get("nodes", ())):
        memory = node.get("memory")
        parts = [
            f"CPUs {node['cpus']}" if node.get("cpus") else "no CPU",
            text.size(memory) if memory else "no memory" if memory == 0 else "",
        ]
        yield f"node {node.get('id', index)}: {', '.join(filter(None, parts))}"


def _distances(facts: Mapping[str, Any]) -> str:
    rows = [node.get("distances", ()) for node in facts.get("nodes", ())]
    return "; ".join(" ".join(map(str, row)) for row in rows) if len(rows) > 1 and all(rows) else ""


def _hypervisor(machine: Mapping[str, str]) -> str:
    if not machine:
        return ""
    version = re.search(r"\d+(\.\d+)+", machine.get("qemu", ""))
    emulator = f"QEMU {version[0]}" if version else "QEMU"
    kernel = f", Linux {machine['kernel']}" if machine.get("kernel") else ""
    label = f"{machine['label']}: " if machine.get("label") else ""
    return f"{label}{emulator} on {machine.get('cpu') or 'an unknown CPU'}{kernel}"
