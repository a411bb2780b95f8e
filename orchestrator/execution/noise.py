"""Whether other activity on its host disturbed a trial, by the noise limits of the experiment.

A reason names the limit, not the measured value, so that trials with the same reason are reported together. The
measured values are in their records.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orchestrator.execution import patterns
from orchestrator.experiment.model import KernelMessages, Noise
from orchestrator.units import format_size

LEAST_STOLEN_S = 0.1
"""Less stolen time than this says nothing: the kernel counts it in hundredths of a second."""

_MESSAGE = re.compile(r"<(\d+)>(?:\[ *[\d.]+\](?:\[ *[TC]\d+\])? ?)?(.*)")
_FACILITIES = 8
"""A message's number is 8 times who said it plus how bad it is; who is 0 for the kernel (syslog(3))."""


def reasons(
    noise: Noise, nodes: int, measured: Mapping[str, Any], kernel_log: Iterable[str] | None
) -> list[str]:
    """Return why a trial was disturbed, in words; nothing if it was not.

    :param nodes: how many NUMA nodes must have the memory that ``noise`` asks for.
    :param measured: see ``noise`` of :class:`~orchestrator.results.records.TrialRecord`; empty: it was not measured.
    :param kernel_log: what the kernel said since the trial before; None: nobody knows.
    """
    found = list(_of_kernel(noise.kernel_log, kernel_log or ())) if noise.kernel_log else []
    if measured:
        found += [*_of_cpus(noise, measured), *_of_memory(noise, nodes, measured["nodes"])]
        if noise.logins is not None and measured["logins"] > noise.logins:
            found.append(f"open terminals > {noise.logins}")
    return found


def _of_kernel(allowed: KernelMessages, kernel_log: Iterable[str]) -> Iterator[str]:
    """The first message that is too bad; those of programs, which may write there too, do not count."""
    for line in kernel_log:
        match = _MESSAGE.fullmatch(line)
        if match is None or int(match[1]) >= _FACILITIES or int(match[1]) > allowed.level:
            continue
        if not any(patterns.occurs(pattern, match[2]) for pattern in allowed.ignore):
            yield f"kernel message: {match[2]}"
            return


def _of_cpus(noise: Noise, measured: Mapping[str, Any]) -> Iterator[str]:
    stolen, wanted = measured["stolen"], measured["stolen"] + measured["worked"]
    if noise.steal is not None and stolen >= LEAST_STOLEN_S and stolen > noise.steal * wanted:
        yield f"steal time > {noise.steal * 100:g}%"
    if noise.throttling and measured["throttled"]:
        yield "CPUs throttled (temperature)"
    if noise.load is not None and measured["load"] > noise.load:
        yield f"load average before the trial > {noise.load:g}"
    if noise.frequency is not None and "frequency" in measured:
        if measured["frequency"] is None:
            yield "CPU frequency not available"
        elif measured["frequency"] < noise.frequency:
            yield f"busiest CPU below {noise.frequency / 1e9:g} GHz"


def _of_memory(noise: Noise, nodes: int, measured: Iterable[Mapping[str, int]]) -> Iterator[str]:
    """As for ``hosts.needs``, as many nodes must have it as the experiment needs."""
    memory, pages = noise.memory_per_node, noise.free_huge_pages_per_node
    states = list(measured)
    if memory is not None and sum(node["free_memory"] >= memory for node in states) < nodes:
        yield f"free memory of a node before the trial < {format_size(memory)}"
    if pages is not None and sum(node["free_huge_pages"] >= pages for node in states) < nodes:
        yield f"free huge pages of a node before the trial < {pages}"
