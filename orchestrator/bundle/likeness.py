"""What is the same in two runs of an experiment, and what is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.bundle.requirements import requirements
from orchestrator.results import journal
from orchestrator.results.manifest import Manifest
from orchestrator.results.records import BlockRecord
from orchestrator.results.runs import RunFolder
from orchestrator.units import plural

UNKNOWN = "not recorded"


@dataclass(frozen=True, slots=True)
class ProvenanceItem:
    """One thing, as it was in the bundle's run and as it is here; ``same`` is None where one side does not say."""

    what: str
    there: str
    here: str

    @property
    def same(self) -> bool | None:
        """Whether both say the same."""
        return None if UNKNOWN in (self.there, self.here) else self.there == self.here


@dataclass(frozen=True, slots=True)
class Side:
    """A run as far as it says where it comes from."""

    manifest: Manifest
    blocks: tuple[BlockRecord, ...]


def side(manifest: Manifest, run: RunFolder) -> Side:
    """Read the boots of a run."""
    records = journal.read(run.journal)
    return Side(manifest, tuple(record for record in records if isinstance(record, BlockRecord)))


def compare(there: Side, here: Side) -> list[ProvenanceItem]:
    """Compare environment, machine, kernels, benchmark, compilers and program; what neither says is left out."""
    old, new = there.manifest, here.manifest
    found = [ProvenanceItem("environment", _of(there, "environment"), _of(here, "environment"))]
    for what, fact in (("CPU", "cpu_model"), ("CPUs", "cpus"), ("microcode", "microcode"), ("system", "os")):
        found.append(ProvenanceItem(what, _fact(there, fact), _fact(here, fact)))
    found.append(ProvenanceItem("NUMA nodes", _nodes(there), _nodes(here)))
    for name in dict.fromkeys([*old.kernels, *new.kernels]):
        found += _kernel(name, old.kernels.get(name, {}), new.kernels.get(name, {}))
    found.append(ProvenanceItem("benchmark's program", _short(old.benchmark), _short(new.benchmark)))
    for name in dict.fromkeys([*old.roles, *new.roles]):
        found.append(
            ProvenanceItem(f"role {name}", *_files(old.roles.get(name, {}), new.roles.get(name, {})))
        )
    found.append(ProvenanceItem("compiler on the host", _compilers(there), _compilers(here)))
    found.append(ProvenanceItem("orchestrator", *_program(old, new)))
    found.append(ProvenanceItem("Python", old.python, new.python))
    found += _packages(old.packages, new.packages)
    return [compared for compared in found if (compared.there, compared.here) != (UNKNOWN, UNKNOWN)]


def _of(side: Side, name: str) -> str:
    return ", ".join(sorted({str(getattr(block, name)) for block in side.blocks})) or UNKNOWN


def _fact(side: Side, name: str) -> str:
    texts = {str(block.facts.get(name, "")) for block in side.blocks} - {""}
    return ", ".join(sorted(texts)) or UNKNOWN


def _nodes(side: Side) -> str:
    told = set()
    for block in side.blocks:
        nodes = block.facts.get("nodes") or ()
        told.add(" + ".join(f"{node.get('memory', 0) / 2**30:.1f} GiB" for node in nodes))
    return ", ".join(sorted(told - {""})) or UNKNOWN


def _compilers(side: Side) -> str:
    told = {", ".join(str(v) for v in (block.facts.get("compilers") or {}).values()) for block in side.blocks}
    return ", ".join(sorted(told - {""})) or "none"


def _kernel(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[ProvenanceItem]:
    yield ProvenanceItem(
        f"kernel {name}", *(str(k.get("hash") or k.get("release") or UNKNOWN) for k in (old, new))
    )
    ones, others = (kernel.get("ingredients") or {} for kernel in (old, new))
    if not ones and not others:
        return
    for part in ("source", "compiler", "linker"):
        yield ProvenanceItem(
            f"kernel {name}: {part}", str(ones.get(part, UNKNOWN)), str(others.get(part, UNKNOWN))
        )
    patches = [{p["name"]: p["sha256"] for p in side.get("patches", ())} for side in (ones, others)]
    yield ProvenanceItem(f"kernel {name}: patches", *_files(*patches))
    configs = [str((side.get("config") or {}).get("requests", UNKNOWN)) for side in (ones, others)]
    words = ("as there", "as there") if configs[0] == configs[1] else ("as there", "another")
    yield ProvenanceItem(f"kernel {name}: configuration", *words)


def _files(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, str]:
    """Two sets of files by name and hash, as words that differ if the sets do."""
    changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    if not changed:
        return plural(len(old), "file"), plural(len(new), "file")
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return plural(len(old), "file"), f"{plural(len(new), 'file')}; {changed[0]}{more} differ"


def _program(old: Manifest, new: Manifest) -> tuple[str, str]:
    texts = [f"{m.version}, source {_short(m.source)}" for m in (old, new)]
    return (texts[0], texts[1]) if old.source else (UNKNOWN, texts[1])


def _packages(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[ProvenanceItem]:
    """The Python packages that the program needs, as far as both sides have them."""
    both = [line.partition("==")[0] for line in requirements(old)]
    both = [name for name in both if name in new]
    other = [name for name in both if old[name] != new[name]]
    if not other:
        yield ProvenanceItem("Python packages", f"{len(both)} in common", f"{len(both)} in common")
    for name in other:
        yield ProvenanceItem(f"package {name}", old[name], new[name])


def _short(hashed: str) -> str:
    return hashed[:12] or UNKNOWN
