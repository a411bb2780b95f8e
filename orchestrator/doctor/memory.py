"""The memory of a machine: NUMA nodes, huge pages, transparent huge pages."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.doctor import fixes
from orchestrator.doctor.finding import Finding
from orchestrator.doctor.state import HostState
from orchestrator.hosts.facts_model import Facts
from orchestrator.units import GIB, MIB, format_size, plural


def findings(host: str, facts: Facts, state: HostState) -> Iterator[Finding]:
    """Yield a finding for each subject."""
    yield _nodes(host, facts)
    sizes = {
        facts.default_huge_page or 2 * MIB,
        *((GIB,) if facts.machine == "x86_64" else ()),
        *state.huge_pages,
    }
    for size in sorted(sizes):
        yield _huge_pages(host, facts, state, size)
    yield _transparent(host, facts)


def _nodes(host: str, facts: Facts) -> Finding:
    nodes = [node for node in facts.nodes if node.memory]
    count = plural(len(nodes), "node") + " with memory"
    if len(nodes) > 1:
        sizes = ", ".join(f"node {node.id}: {node.memory / GIB:.1f} GiB" for node in nodes)
        return Finding(host, "NUMA", "ok", f"{count}: {sizes}")
    return Finding(
        host,
        "NUMA",
        "missing",
        f"{count}: migration between nodes needs two; guests have as many as their file says (--provider qemu)",
    )


def _huge_pages(host: str, facts: Facts, state: HostState, size: int) -> Finding:
    subject = f"huge pages of {format_size(size)}"
    pages = state.huge_pages.get(size)
    if pages is None:
        return Finding(host, subject, "missing", "the kernel or the CPU does not support this size")
    numbers = f"{pages.free} free of {pages.total}"
    if pages.free:
        return Finding(
            host, subject, "ok", f"{numbers}{'' if pages.settable else '; their number cannot be set'}"
        )
    command = fixes.huge_pages(size, pages.total, facts)
    if not pages.settable:
        return Finding(
            host, subject, "missing", f"{numbers}, and their number cannot be set by this user", command
        )
    reason = f"{numbers}; their number can be set, and an experiment sets it with tuning.hugepages"
    return Finding(host, subject, "warning", reason, command)


def _transparent(host: str, facts: Facts) -> Finding:
    subject = "transparent huge pages"
    if not facts.thp_size:
        return Finding(host, subject, "missing", "the kernel has none (CONFIG_TRANSPARENT_HUGEPAGE)")
    setting = facts.thp.get("enabled", "unknown")
    if setting == "never":
        file = "/sys/kernel/mm/transparent_hugepage/enabled"
        return Finding(
            host,
            subject,
            "warning",
            "never; an experiment sets it with tuning.transparent_hugepages",
            fixes.write("madvise", file, is_root=facts.user_id == 0),
        )
    return Finding(host, subject, "ok", f"{setting}, of {format_size(facts.thp_size)}")
