"""Read the sections ``hosts``, ``roles``, ``repetitions``, ``order`` and ``limits``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from msgspec.structs import replace

from orchestrator.documents.draft import Draft
from orchestrator.errors import BadInput
from orchestrator.experiment import roles as role_search
from orchestrator.experiment.model import Hosts, Limits, Needs, Order, Repetitions, Role, Until
from orchestrator.sample_size import min_sample_size
from orchestrator.units import parse_duration, parse_share, parse_size, plural

T = TypeVar("T")


def hosts(draft: Draft, min_nodes: int, nodes: tuple[int, ...]) -> Hosts:
    """Read ``hosts``; the benchmark requires ``min_nodes`` NUMA nodes, the factors those with the numbers ``nodes``."""
    provider = draft.value("hosts", "provider", default="local")
    sections = {
        name: node.data()
        for name, node in draft.members("hosts")
        if name not in ("provider", "group", "fleet", "needs")
    }
    needs = Needs(
        cpus=draft.value("hosts", "needs", "cpus", default=1),
        numa_nodes=_nodes(draft, max(min_nodes, len(nodes))),
        memory_per_node=read_quantity(draft, parse_size, 0, "hosts", "needs", "memory_per_node"),
        free_huge_pages_per_node=draft.value("hosts", "needs", "free_huge_pages_per_node", default=0),
        mode=draft.value("hosts", "needs", "mode", default=""),
        nodes=nodes,
    )
    return Hosts(
        provider,
        MappingProxyType(sections.get(provider, {})),
        draft.value("hosts", "group", default=""),
        needs,
        draft.value("hosts", "fleet", default=""),
        MappingProxyType(sections),
    )


def _nodes(draft: Draft, minimum: int) -> int:
    nodes: int = draft.value("hosts", "needs", "numa_nodes", default=minimum)
    if nodes < minimum:
        message = f"too few NUMA nodes: {nodes}; the benchmark and the factors require {minimum}"
        draft.add_fault(draft.node.nearest_position("hosts", "needs", "numa_nodes"), message)
    return nodes


def roles(draft: Draft, role_path: Sequence[Path]) -> list[Role]:
    """Read ``roles``: find each role and set its variables and tags."""
    listed: list[Role] = []
    for index, node in draft.items("roles"):
        name = node.mapping()["role"] if isinstance(node.content, dict) else node
        try:
            role = role_search.find(name.text, role_path)
        except BadInput as error:
            draft.add_error(error, "roles", index)
            continue
        if role.name in [other.name for other in listed]:
            draft.add_fault(node.position, f"duplicate role '{role.name}'")
        variables, tags = node.mapping("vars"), node.items("tags")
        positions = {("vars", name): inner.position for name, inner in variables.items()}
        positions |= {("tags", tag.text): tag.position for tag in tags}
        listed.append(
            replace(
                role,
                variables=MappingProxyType({name: inner.data() for name, inner in variables.items()}),
                tags=tuple(tag.text for tag in tags),
                positions=MappingProxyType(positions),
            )
        )
    return listed


def repetitions(draft: Draft) -> Repetitions:
    """Read ``repetitions``: a count, ``count`` and ``boots``, or ``min`` and ``max`` with a stop rule."""
    section = draft.get("repetitions")
    if section and isinstance(section.content, int):
        return Repetitions(count=section.content)
    if any(draft.get("repetitions", key) for key in ("min", "max", "until")):
        return _repetitions_until(draft)
    defaults = Repetitions()
    count = draft.value("repetitions", "count", default=defaults.count)
    boots = draft.value("repetitions", "boots", default=defaults.boots)
    _check_boots(draft, boots, count)
    return Repetitions(count, boots)


def _repetitions_until(draft: Draft) -> Repetitions:
    def fault(key: str, message: str) -> None:
        draft.add_fault(draft.node.nearest_position("repetitions", key), message)

    if not all(draft.node.get("repetitions", key) for key in ("max", "until")):
        fault("until", "'min', 'max' and 'until' must be used together; use 'max' and 'until', or 'count'")
        return Repetitions()
    maximum: int | None = draft.value("repetitions", "max")
    if maximum is None or draft.get("repetitions", "until") is None:
        return Repetitions()  # the schema has reported the fault
    if draft.get("repetitions", "count"):
        fault("count", "'count' and 'until' are mutually exclusive; use 'min' and 'max'")
    confidence = read_quantity(draft, parse_share, 0.95, "repetitions", "until", "confidence")
    half_width = read_quantity(draft, parse_share, 0.0, "repetitions", "until", "half_width")
    if half_width == 0 and draft.value("repetitions", "until", "half_width") is not None:
        fault("until", "half_width must be > 0%")
        return Repetitions()
    if not confidence >= 0.5:
        fault("until", "confidence must be >= 50%")
        return Repetitions()
    required = min_sample_size(confidence)
    minimum: int = draft.value("repetitions", "min", default=required)
    boots: int = draft.value("repetitions", "boots", default=maximum)
    if minimum < required:
        fault(
            "min", f"min is {minimum}; a {confidence * 100:g}% interval requires at least {required} values"
        )
    if maximum < minimum:
        fault("max", f"max ({maximum}) is less than min ({minimum})")
    _check_boots(draft, boots, maximum)
    return Repetitions(maximum, boots, Until(minimum, half_width, confidence))


def _check_boots(draft: Draft, boots: int, count: int) -> None:
    if boots > count:
        message = f"{boots} boots but {plural(count, 'repetition')}; each boot requires at least one"
        draft.add_fault(draft.node.nearest_position("repetitions", "boots"), message)


def order(draft: Draft) -> Order:
    """Read ``order``."""
    defaults = Order()
    return Order(
        within_block=draft.value("order", "within_block", default=defaults.within_block),
        seed=draft.value("order", "seed", default=defaults.seed),
    )


def limits(draft: Draft) -> Limits:
    """Read ``limits``."""
    defaults = Limits()
    trial = read_quantity(draft, parse_duration, defaults.trial, "limits", "trial")
    boot = read_quantity(draft, parse_duration, defaults.boot, "limits", "boot")
    for name, seconds in (("trial", trial), ("boot", boot)):
        if seconds == 0:
            draft.add_fault(draft.node.nearest_position("limits", name), "limit must be > 0")
    return Limits(
        trial=trial,
        boot=boot,
        settle=read_quantity(draft, parse_duration, defaults.settle, "limits", "settle"),
        crashes=draft.value("limits", "crashes", default=defaults.crashes),
        max_hours=draft.value("limits", "max_hours"),
        max_cost=draft.value("limits", "max_cost"),
    )


def read_quantity(draft: Draft, parse: Callable[[str], T], default: T, *path: str) -> T:
    """Read a value with a unit; ``default`` if it is missing or invalid."""
    text = draft.value(*path)
    if text is None:
        return default
    try:
        return parse(text)
    except BadInput as error:
        draft.add_error(error, *path)
        return default
