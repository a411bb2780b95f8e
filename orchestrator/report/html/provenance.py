"""Where every number comes from, down to the last setting, as groups that a reader opens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.report import text
from orchestrator.report.html.cells import name
from orchestrator.report.model import Report
from orchestrator.results.records import BlockRecord

BOOTS = 20
"""So many boots are told of in full."""
CELLS = 500
"""So many cells' settings are listed."""
_TABLED = frozenset({"sysctls", "thp"})
"""Facts of a host that have tables of their own."""


@dataclass(frozen=True, slots=True)
class Group:
    """Something that opens: pairs of names and words, or text as it is, or groups inside."""

    title: str
    pairs: tuple[tuple[str, str], ...] = ()
    text: str = ""
    groups: tuple[Group, ...] = ()
    note: str = ""


def provenance(report: Report) -> list[Group]:
    """Return all groups; those that have nothing to say are left out."""
    return [group for group in _groups(report) if group.pairs or group.text or group.groups]


def _groups(report: Report) -> Iterator[Group]:
    found = report.provenance
    if found:
        yield Group(f"Experiment file {found.experiment_file}", text=found.experiment_text)
        pairs = [
            ("command", text.command_line(found.command_line)),
            ("overrides", ", ".join(found.overrides) or "none"),
        ]
        pairs += [
            ("content hash", found.content_hash),
            ("benchmark, SHA-256", found.benchmark or "not known"),
        ]
        pairs += [("Python", found.python), *_pairs(found.controller)]
        yield Group("Command and controller", pairs=tuple(pairs))
    hashes = report.opening
    yield Group(
        "Hashes of the run", pairs=(("content", hashes.content_hash), ("scope", hashes.scope or "not known"))
    )
    if found:
        yield Group(
            "Kernels", groups=tuple(Group(kernel, _pairs(told)) for kernel, told in found.kernels.items())
        )
    yield Group(
        "Boots: kernel proof, settings as read back, sysctls, facts",
        groups=tuple(map(_boot, range(1, BOOTS + 1), report.blocks)),
        note=f"The first {BOOTS} of {len(report.blocks)}; the journal has all."
        if len(report.blocks) > BOOTS
        else "",
    )
    yield _cells(report)
    if found:
        yield Group(
            "Role files, SHA-256",
            groups=tuple(Group(role, _pairs(said)) for role, said in found.roles.items()),
        )
        yield Group("Python packages", pairs=_pairs(found.packages))


def _boot(number: int, block: BlockRecord) -> Group:
    facts = block.facts
    groups = [
        Group("Proof of the kernel", tuple((c["what"], f"{c['found']} ({_held(c)})") for c in block.proof)),
        Group("Settings, as read back", _pairs(block.settings)),
        Group("Sysctls", _pairs(facts.get("sysctls", {}))),
        Group("Transparent huge pages", _pairs(facts.get("thp", {}))),
        Group("What the guest ran on", _pairs(block.hypervisor)),
        Group("All other facts", _pairs({k: v for k, v in facts.items() if k not in _TABLED})),
    ]
    where = f"kernel {block.kernel} on {block.host}, {block.environment}, clock {block.clock}"
    title = text.plain(f"Boot {number}: {where}, {block.boot}")
    return Group(title, groups=tuple(group for group in groups if group.pairs))


def _held(check: Mapping[str, Any]) -> str:
    return "as expected" if check["holds"] else f"expected {check['expected']}"


def _cells(report: Report) -> Group:
    rows = [
        (
            name(report, cell),
            ", ".join(f"{path} = {value}" for path, value in report.settings[cell.cell].items()),
        )
        for cell in report.cells
        if cell.cell in report.settings
    ]
    note = f"The first {CELLS} of {len(rows)}; the journal has all." if len(rows) > CELLS else ""
    return Group("Settings of each cell, as read back", tuple(rows[:CELLS]), note=note)


def _pairs(told: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (str(key), value if isinstance(value, str) else json.dumps(value)) for key, value in told.items()
    )
