"""Compare where two runs of an experiment come from: environment, machine, kernels, programs, versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.bundle.contents import RunContents
from orchestrator.bundle.requirements import requirements
from orchestrator.report.reproduction import NOT_RECORDED, ProvenanceItem
from orchestrator.results.manifest import Manifest
from orchestrator.units import plural


def compare(bundle: RunContents, local: RunContents) -> list[ProvenanceItem]:
    """Compare two runs item by item; items that neither run recorded are left out."""
    old, new = bundle.manifest, local.manifest
    items = [ProvenanceItem("environment", _environments(bundle), _environments(local))]
    for name, fact in (("CPU", "cpu_model"), ("CPUs", "cpus"), ("microcode", "microcode"), ("system", "os")):
        items.append(ProvenanceItem(name, _fact(bundle, fact), _fact(local, fact)))
    items.append(ProvenanceItem("NUMA nodes", _nodes(bundle), _nodes(local)))
    for name in dict.fromkeys([*old.kernels, *new.kernels]):
        items += _kernel(name, old.kernels.get(name, {}), new.kernels.get(name, {}))
    items.append(ProvenanceItem("benchmark binary", _short(old.benchmark), _short(new.benchmark)))
    items += _programs(old, new)
    for name in dict.fromkeys([*old.roles, *new.roles]):
        items.append(
            ProvenanceItem(f"role {name}", *_files(old.roles.get(name, {}), new.roles.get(name, {})))
        )
    items.append(ProvenanceItem("compilers on the host", _compilers(bundle), _compilers(local)))
    items.append(ProvenanceItem("orchestrator", *_program(old, new)))
    items.append(ProvenanceItem("Python", old.python, new.python))
    items += _packages(old.packages, new.packages)
    unknown = (NOT_RECORDED, NOT_RECORDED)
    return [item for item in items if (item.bundle_value, item.local_value) != unknown]


def _environments(run: RunContents) -> str:
    return ", ".join(sorted({block.environment for block in run.blocks})) or NOT_RECORDED


def _fact(run: RunContents, name: str) -> str:
    texts = {str(block.facts.get(name, "")) for block in run.blocks} - {""}
    return ", ".join(sorted(texts)) or NOT_RECORDED


def _nodes(run: RunContents) -> str:
    texts = set()
    for block in run.blocks:
        nodes = block.facts.get("nodes") or ()
        texts.add(" + ".join(f"{node.get('memory', 0) / 2**30:.1f} GiB" for node in nodes))
    return ", ".join(sorted(texts - {""})) or NOT_RECORDED


def _compilers(run: RunContents) -> str:
    texts = {", ".join(str(v) for v in (block.facts.get("compilers") or {}).values()) for block in run.blocks}
    return ", ".join(sorted(texts - {""})) or "none"


def _kernel(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[ProvenanceItem]:
    yield ProvenanceItem(
        f"kernel {name}", *(str(k.get("hash") or k.get("release") or NOT_RECORDED) for k in (old, new))
    )
    old_parts, new_parts = (kernel.get("ingredients") or {} for kernel in (old, new))
    if not old_parts and not new_parts:
        return
    for part in ("source", "compiler", "linker"):
        yield ProvenanceItem(
            f"kernel {name}: {part}",
            str(old_parts.get(part, NOT_RECORDED)),
            str(new_parts.get(part, NOT_RECORDED)),
        )
    patches = [{p["name"]: p["sha256"] for p in parts.get("patches", ())} for parts in (old_parts, new_parts)]
    yield ProvenanceItem(f"kernel {name}: patches", *_files(*patches))
    configs = [
        str((parts.get("config") or {}).get("requests", NOT_RECORDED)) for parts in (old_parts, new_parts)
    ]
    same = configs[0] == configs[1]
    yield ProvenanceItem(f"kernel {name}: configuration", "as recorded", "as recorded" if same else "changed")


def _programs(old: Manifest, new: Manifest) -> Iterator[ProvenanceItem]:
    """Compare the programs of the trials; the benchmark of a role has a row of its own."""
    for name in dict.fromkeys([*old.programs, *new.programs]):
        programs = [manifest.programs.get(name, {}) for manifest in (old, new)]
        hashes = [program.get("sha256", "") for program in programs]
        if not old.benchmark or hashes[0] != old.benchmark:
            yield ProvenanceItem(f"program {name}", *(_short(each) for each in hashes))


def _files(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, str]:
    """Describe two sets of files (hash by name); the texts differ if the sets differ."""
    changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    if not changed:
        return plural(len(old), "file"), plural(len(new), "file")
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return plural(len(old), "file"), f"{plural(len(new), 'file')}; {changed[0]}{more} differ"


def _program(old: Manifest, new: Manifest) -> tuple[str, str]:
    texts = [f"{m.version}, source {_short(m.source)}" for m in (old, new)]
    return (texts[0], texts[1]) if old.source else (NOT_RECORDED, texts[1])


def _packages(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[ProvenanceItem]:
    """Compare the Python packages that the orchestrator needs and that both runs recorded."""
    needed = [line.partition("==")[0] for line in requirements(old)]
    common = [name for name in needed if name in new]
    different = [name for name in common if old[name] != new[name]]
    if not different:
        yield ProvenanceItem("Python packages", f"{len(common)} in common", f"{len(common)} in common")
    for name in different:
        yield ProvenanceItem(f"package {name}", old[name], new[name])


def _short(hashed: str) -> str:
    return hashed[:12] or NOT_RECORDED
