"""The sections of an experiment file that say where and how often, each as its part of the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from orchestrator.documents.draft import Draft
from orchestrator.errors import BadInput
from orchestrator.experiment import roles as role_folders
from orchestrator.experiment.model import Hosts, Limits, Needs, Order, Repetitions, Role, Until
from orchestrator.sample_size import min_sample_size
from orchestrator.units import parse_duration, parse_share, parse_size, plural

T = TypeVar("T")


def hosts(draft: Draft, least_nodes: int) -> Hosts:
    """Read ``hosts``; ``least_nodes`` is how many NUMA nodes benchmark and factors need by themselves."""
    provider = draft.value("hosts", "provider", default="local")
    options = (
        draft.value("hosts", provider, default={}) if provider not in ("group", "fleet", "needs") else {}
    )
    needs = Needs(
        cpus=draft.value("hosts", "needs", "cpus", default=1),
        numa_nodes=_nodes(draft, least_nodes),
        memory_per_node=quantity(draft, parse_size, 0, "hosts", "needs", "memory_per_node"),
        free_huge_pages_per_node=draft.value("hosts", "needs", "free_huge_pages_per_node", default=0),
        mode=draft.value("hosts", "needs", "mode", default=""),
    )
    return Hosts(
        provider,
        MappingProxyType(options),
        draft.value("hosts", "group", default=""),
        needs,
        draft.value("hosts", "fleet", default=""),
    )


def _nodes(draft: Draft, least: int) -> int:
    asked: int | None = draft.value("hosts", "needs", "numa_nodes")
    if asked is not None and asked < least:
        message = f"{asked} NUMA nodes are too few; benchmark and factors use {least}"
        draft.fault(draft.node.nearest_position("hosts", "needs", "numa_nodes"), message)
    return least if asked is None else asked


def roles(draft: Draft, searched: Sequence[Path]) -> list[Role]:
    """Find the roles of the section ``roles``, with what it gives them."""
    found: list[Role] = []
    for index, node in draft.items("roles"):
        given: dict[str, Any] = node.data() if isinstance(node.content, dict) else {"role": node.content}
        try:
            role = role_folders.find(str(given["role"]), searched)
        except BadInput as error:
            draft.blame(error, "roles", index)
            continue
        if role.name in [other.name for other in found]:
            draft.fault(node.position, f"role '{role.name}' is listed twice")
        variables, tags = node.mapping("vars"), node.items("tags")
        positions = {("vars", name): inner.position for name, inner in variables.items()}
        positions |= {("tags", tag.text): tag.position for tag in tags}
        found.append(
            replace(
                role,
                variables=MappingProxyType({name: inner.data() for name, inner in variables.items()}),
                tags=tuple(tag.text for tag in tags),
                positions=MappingProxyType(positions),
            )
        )
    return found


def repetitions(draft: Draft) -> Repetitions:
    """Read ``repetitions``: a count, or count and boots, or most and fewest with a rule when fewer will do."""
    plain = draft.get("repetitions")
    if plain and isinstance(plain.content, int):
        return Repetitions(count=plain.content)
    if any(draft.get("repetitions", key) for key in ("min", "max", "until")):
        return _repetitions_until(draft)
    standard = Repetitions()
    count = draft.value("repetitions", "count", default=standard.count)
    boots = draft.value("repetitions", "boots", default=standard.boots)
    _check_boots(draft, boots, count)
    return Repetitions(count, boots)


def _repetitions_until(draft: Draft) -> Repetitions:
    def fault(key: str, message: str) -> None:
        draft.fault(draft.node.nearest_position("repetitions", key), message)

    if not all(draft.node.get("repetitions", key) for key in ("max", "until")):
        fault("until", "'min', 'max' and 'until' go together; write 'max' and 'until', or 'count'")
        return Repetitions()
    most: int | None = draft.value("repetitions", "max")
    if most is None or draft.get("repetitions", "until") is None:
        return Repetitions()  # the schema has said what is wrong with them
    if draft.get("repetitions", "count"):
        fault("count", "with 'until' the repetitions are 'min' to 'max'; leave 'count' out")
    confidence = quantity(draft, parse_share, 0.95, "repetitions", "until", "confidence")
    half_width = quantity(draft, parse_share, 0.0, "repetitions", "until", "half_width")
    if half_width == 0 and draft.value("repetitions", "until", "half_width") is not None:
        fault("until", "no interval is as narrow as 0%; with a count of repetitions all are run")
        return Repetitions()
    if not confidence >= 0.5:
        fault("until", "a confidence below 50% says nothing")
        return Repetitions()
    needed = min_sample_size(confidence)
    least: int = draft.value("repetitions", "min", default=needed)
    boots: int = draft.value("repetitions", "boots", default=most)
    if least < needed:
        fault("min", f"a min of {least}: an interval of {confidence * 100:g} % needs {needed} values or more")
    if most < least:
        fault("max", f"a max of {most} is less than the min of {least}")
    _check_boots(draft, boots, most)
    return Repetitions(most, boots, Until(least, half_width, confidence))


def _check_boots(draft: Draft, boots: int, count: int) -> None:
    if boots > count:
        message = f"{boots} boots for {plural(count, 'repetition')}: each boot needs one or more"
        draft.fault(draft.node.nearest_position("repetitions", "boots"), message)


def order(draft: Draft) -> Order:
    """Read ``order``."""
    standard = Order()
    return Order(
        within_block=draft.value("order", "within_block", default=standard.within_block),
        seed=draft.value("order", "seed", default=standard.seed),
    )


def limits(draft: Draft) -> Limits:
    """Read ``limits``."""
    standard = Limits()
    trial = quantity(draft, parse_duration, standard.trial, "limits", "trial")
    boot = quantity(draft, parse_duration, standard.boot, "limits", "boot")
    for name, seconds in (("trial", trial), ("boot", boot)):
        if seconds == 0:
            draft.fault(draft.node.nearest_position("limits", name), "a limit of 0 leaves no time at all")
    return Limits(
        trial=trial,
        boot=boot,
        settle=quantity(draft, parse_duration, standard.settle, "limits", "settle"),
        crashes=draft.value("limits", "crashes", default=standard.crashes),
    )


def quantity(draft: Draft, parse: Callable[[str], T], standard: T, *path: str) -> T:
    """Read a value with a unit; ``standard`` where there is none, or one that cannot be read."""
    text = draft.value(*path)
    if text is None:
        return standard
    try:
        return parse(text)
    except BadInput as error:
        draft.blame(error, *path)
        return standard
