"""Where the trials of a run were made, and what was not swept in them, in words for readers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import yaml

from orchestrator.report import text
from orchestrator.report.model import Report
from orchestrator.results.records import BlockRecord
from orchestrator.units import plural

_SEVERAL = 3
"""From so many values on an option that is no factor is said to vary."""


@dataclass(frozen=True, slots=True)
class HostSetup:
    """A host as it was in some of a run's boots, in words; what the host does not tell is empty.

    :ivar nodes: one line for each NUMA node; ``distances``: between them, as firmware tells them.
    :ivar beneath: of a guest of ours: the emulator, and the machine under it.
    """

    host: str
    environment: str
    clock: str
    cpu: str
    cpus: int
    nodes: tuple[str, ...]
    distances: str
    beneath: str
    governors: str
    microcode: str
    boots: int

    @property
    def line(self) -> str:
        """All of it in one line."""
        parts = [self.cpu, plural(self.cpus, "CPU") if self.cpus else ""]
        if self.nodes:
            parts.append(f"{plural(len(self.nodes), 'NUMA node')} ({'; '.join(self.nodes)})")
        told = ", ".join(part for part in parts if part)
        return f"{told}; {self.beneath}" if self.beneath else told


def places(report: Report) -> list[HostSetup]:
    """Return the hosts of a run, each once for all boots in which it was the same."""
    alike: dict[HostSetup, set[str]] = {}
    for block in report.blocks:
        alike.setdefault(_place(block), set()).add(block.boot)
    return [replace(place, boots=len(boots)) for place, boots in alike.items()]


def options(report: Report) -> dict[str, str]:
    """Return the benchmark's options that are no factors, as they were in force, defaults included."""
    found: dict[str, dict[str, None]] = {}
    for request in report.requests.values():
        for name, value in request.items():
            if name not in report.factors:
                found.setdefault(name, {})[value] = None
    return {
        name: " or ".join(values) if len(values) < _SEVERAL else f"{len(values)} values"
        for name, values in found.items()
    }


def description(report: Report) -> str:
    """Return what the experiment's file says of itself; empty if nothing, or if it is not at hand."""
    if report.provenance is None:
        return ""
    try:
        document = yaml.safe_load(report.provenance.experiment_text)
    except yaml.YAMLError:
        return ""
    return str(document.get("description") or "") if isinstance(document, dict) else ""


def kernels(report: Report) -> dict[str, dict[str, str]]:
    """Return what is known of each kernel, in pairs of words; of one that is not from a recipe that is its release."""
    told = report.provenance.kernels if report.provenance else {}
    return {name: dict(_kernel(said)) for name, said in told.items()}


def command_lines(report: Report) -> list[tuple[str, str]]:
    """Return the kernels' command lines as they were in force, each with the kernels (and hosts) that had it."""
    hosts = {block.host for block in report.blocks}
    found: dict[str, dict[str, None]] = {}
    for block in report.blocks:
        line = str(block.facts.get("command_line", ""))
        whose = f"{block.kernel} on {block.host}" if len(hosts) > 1 else block.kernel
        if line:
            found.setdefault(line, {})[whose] = None
    return [(", ".join(whose), line) for line, whose in found.items()]


def command(report: Report) -> str:
    """Return the command that began the run, the program without its folder; empty if it is not known."""
    return text.command_line(report.provenance.command_line) if report.provenance else ""


def benchmark(report: Report) -> Iterator[tuple[str, str]]:
    """Yield what is known of the program that trials executed, in pairs of words."""
    built = report.provenance.benchmark if report.provenance else ""
    yield "benchmark", ", ".join(filter(None, (report.opening.benchmark, _sha256(built))))
    if report.opening.command[1:]:
        yield "its command", text.command_line(report.opening.command)
    for name, told in (report.provenance.programs if report.provenance else {}).items():
        digest = told.get("sha256", "")
        known = ", ".join(filter(None, (told.get("package", ""), _sha256(digest))))
        if known and digest != built:
            yield f"program {PurePosixPath(name).name}", known


def _sha256(digest: str) -> str:
    return f"SHA-256 {digest[:12]}" if digest else ""


def commit(report: Report) -> str:
    """Return the version of the orchestrator, with twelve digits of its commit and whether the tree was changed."""
    digits, _, changed = (report.provenance.commit if report.provenance else "").partition("-")
    told = f", commit {digits[:12]}" + (f" ({changed})" if changed else "") if digits else ""
    return report.opening.version + told


def settings(report: Report) -> dict[str, str]:
    """Return the settings that hold through the boots, as read back; several values where boots differ."""
    found: dict[str, dict[str, None]] = {}
    for block in report.blocks:
        for path, value in block.settings.items():
            found.setdefault(_sysctl(path), {})[value] = None
    return {name: " or ".join(values) for name, values in found.items()}


def _sysctl(path: str) -> str:
    """Sysctls by their names."""
    inner = path.removeprefix("/proc/sys/")
    return path if inner == path else inner.replace("/", ".")


def _kernel(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "release", str(said.get("release", "not known"))
    if said.get("source"):
        yield "base", said["source"]
    patches = said.get("patches") or ()
    if patches:
        ends = patches[0] if len(patches) == 1 else f"{patches[0]} to {patches[-1]}"
        yield "series", f"{len(patches)} patch{'es' * (len(patches) != 1)}, {ends}"
    if said.get("recipe"):
        yield "recipe", f"{said['recipe']}, {said['hash']} with all that it names"
    if said.get("config"):
        yield "config", said["config"] + _digest(said.get("config_hash"))
    if said.get("compiler"):
        yield "compiler", said["compiler"]


def _digest(config_hash: str | None) -> str:
    return f", SHA-256 of it as the running kernel tells it {config_hash[:12]}" if config_hash else ""


def _place(block: BlockRecord) -> HostSetup:
    facts = block.facts
    return HostSetup(
        host=block.host,
        environment=block.environment,
        clock=block.clock,
        cpu=" ".join(str(facts.get("cpu_model", "")).split()),
        cpus=facts.get("cpus", 0),
        nodes=tuple(_nodes(facts)),
        distances=_distances(facts),
        beneath=_beneath(block.hypervisor),
        governors=", ".join(map(str, facts.get("governors", {}))),
        microcode=str(facts.get("microcode", "")),
        boots=0,
    )


def _nodes(facts: Mapping[str, Any]) -> Iterator[str]:
    for node in facts.get("nodes", ()):
        cpus = f"CPUs {node['cpus']}" if node.get("cpus") else "no CPU"
        yield f"{cpus}, {text.size(node['memory'])}" if node.get("memory") else cpus


def _distances(facts: Mapping[str, Any]) -> str:
    rows = [node.get("distances", ()) for node in facts.get("nodes", ())]
    return "; ".join(" ".join(map(str, row)) for row in rows) if len(rows) > 1 and all(rows) else ""


def _beneath(told: Mapping[str, str]) -> str:
    if not told:
        return ""
    version = re.search(r"\d+(\.\d+)+", told.get("qemu", ""))
    emulator = f"QEMU {version[0]}" if version else "QEMU"
    kernel = f", Linux {told['kernel']}" if told.get("kernel") else ""
    return f"{emulator} on {told.get('cpu') or 'an unknown CPU'}{kernel}"
