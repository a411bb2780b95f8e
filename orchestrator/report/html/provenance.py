"""The provenance of a run down to each setting, as groups to open."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from orchestrator.report import text
from orchestrator.report.model import Report
from orchestrator.report.tables import cell_name
from orchestrator.results.records import BlockRecord
from orchestrator.terminal import command_line

BOOTS = 20
"""Most boots shown in full."""
CELLS = 500
"""Most cells whose settings are listed."""
_TABLED = frozenset({"sysctls", "thp"})
"""Facts of a host that have tables of their own."""


class Group(Struct, frozen=True):
    """A group to open: pairs of name and words, plain text, or inner groups."""

    title: str
    pairs: tuple[tuple[str, str], ...] = ()
    text: str = ""
    groups: tuple[Group, ...] = ()
    note: str = ""


def provenance(report: Report) -> list[Group]:
    """Return all groups that are not empty."""
    return [group for group in _groups(report) if group.pairs or group.text or group.groups]


def _groups(report: Report) -> Iterator[Group]:
    manifest = report.provenance
    if manifest:
        yield Group(f"Experiment file {manifest.experiment_file}", text=manifest.experiment_text)
        pairs = [
            ("command", command_line(manifest.command_line)),
            ("overrides", ", ".join(manifest.overrides) or "none"),
        ]
        pairs += [
            ("content hash", manifest.content_hash),
            ("benchmark, SHA-256", manifest.benchmark or "not recorded"),
        ]
        pairs += [("Python", manifest.python), *_pairs(manifest.controller)]
        yield Group("Command and controller", pairs=tuple(pairs))
    opening = report.opening
    yield Group(
        "Hashes of the run",
        pairs=(("content", opening.content_hash), ("scope", opening.scope or "not recorded")),
    )
    if manifest:
        yield Group(
            "Kernels",
            groups=tuple(
                Group(kernel, _pairs(properties)) for kernel, properties in manifest.kernels.items()
            ),
        )
    yield Group(
        "Boots: kernel proof, settings as read back, sysctls, facts",
        groups=tuple(map(_boot, range(1, BOOTS + 1), report.blocks)),
        note=f"The first {BOOTS} of {len(report.blocks)}; the journal has all."
        if len(report.blocks) > BOOTS
        else "",
    )
    yield _cells(report)
    if manifest:
        yield Group(
            "Role files, SHA-256",
            groups=tuple(Group(role, _pairs(hashes)) for role, hashes in manifest.roles.items()),
        )
        yield Group("Python packages", pairs=_pairs(manifest.packages))


def _boot(number: int, block: BlockRecord) -> Group:
    facts = block.facts
    groups = [
        Group("Proof of the kernel", tuple((c["what"], f"{c['found']} ({_result(c)})") for c in block.proof)),
        Group("Settings, as read back", _pairs(block.settings)),
        Group("Sysctls", _pairs(facts.get("sysctls", {}))),
        Group("Transparent huge pages", _pairs(facts.get("thp", {}))),
        Group("Machine of the guest", _pairs(block.hypervisor)),
        Group("All other facts", _pairs({k: v for k, v in facts.items() if k not in _TABLED})),
    ]
    boot = f"kernel {block.kernel} on {block.host}, {block.environment}, clock {block.clock}"
    title = text.plain(f"Boot {number}: {boot}, {block.boot}")
    return Group(title, groups=tuple(group for group in groups if group.pairs))


def _result(check: Mapping[str, Any]) -> str:
    return "as expected" if check["holds"] else f"expected {check['expected']}"


def _cells(report: Report) -> Group:
    rows = [
        (
            cell_name(report, cell),
            ", ".join(f"{path} = {value}" for path, value in report.settings[cell.cell].items()),
        )
        for cell in report.cells
        if cell.cell in report.settings
    ]
    note = f"The first {CELLS} of {len(rows)}; the journal has all." if len(rows) > CELLS else ""
    return Group("Settings of each cell, as read back", tuple(rows[:CELLS]), note=note)


def _pairs(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (str(key), value if isinstance(value, str) else json.dumps(value)) for key, value in values.items()
    )
