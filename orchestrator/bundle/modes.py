"""The three ways to do a run again: a smoke test in minutes, a short run, the full one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from orchestrator.analysis.points import THREADS
from orchestrator.documents.expressions import Expression
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Axis, Experiment, Factor, Level
from orchestrator.plan import Plan

Mode = Literal["smoke", "short", "full"]
MODES: tuple[Mode, ...] = get_args(Mode)

REPETITIONS: dict[Mode, int] = {"smoke": 2, "short": 3}
"""At most so many of each cell: two show whether a figure repeats, three have a median."""

SHOWS: dict[Mode, str] = {
    "smoke": "all modes and numbers of threads, of other numbers the first, the last and the baseline's level; "
    f"{REPETITIONS['smoke']} repetitions, in a guest that is made for it",
    "short": f"all cells, {REPETITIONS['short']} repetitions, one boot",
    "full": "all cells, repetitions and boots, as it was",
}


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a mode makes of an experiment: further overrides (``--set``) and predicates (``--where``)."""

    overrides: tuple[str, ...] = ()
    where: tuple[str, ...] = ()


def narrowed(experiment: Experiment, mode: Mode, in_guest: bool) -> Narrowed:
    """Return what a mode changes of an experiment.

    :param in_guest: whether a smoke test goes into a guest, wherever the experiment itself runs.
    """
    if mode == "full":
        return Narrowed()
    overrides = [f"repetitions={min(experiment.repetitions.count, REPETITIONS[mode])}"]
    if mode == "short":
        return Narrowed(tuple(overrides))
    if in_guest and experiment.hosts.provider != "qemu":
        overrides += ["hosts.provider=qemu", "hosts.group=", "hosts.fleet="]
    where = [_ends(axis, _baseline(experiment)) for axis in experiment.sweep.axes]
    return Narrowed(tuple(overrides), tuple(text for text in where if text))


def plan(
    experiment: Experiment, where: Sequence[str], ends: Sequence[str], limit: int, hosts: Sequence[str]
) -> Plan:
    """Plan an experiment narrowed by ``where``, and by ``ends`` too if that leaves cells to run.

    :param limit: keep so many cells; 0: all. ``hosts``: those that each run every cell.
    """

    def planned(texts: Sequence[str]) -> Plan:
        return Plan(experiment, tuple(Expression(text) for text in texts), limit or None, hosts)

    try:
        return planned([*where, *ends])
    except BadInput:
        return planned(where)


def _baseline(experiment: Experiment) -> dict[str, str]:
    return dict(experiment.compare.baseline) if experiment.compare else {}


def _ends(axis: Axis, baseline: dict[str, str]) -> str:
    """A predicate for the first, the last and the baseline's level of an axis of numbers; empty: all are kept.

    Numbers of threads are kept, as where scaling ends is seen only with all of them.
    """
    if THREADS in [factor.name for factor in axis.factors]:
        return ""
    factor = max(axis.factors, key=lambda factor: len({level.value for level in factor.levels}))
    if len(factor.levels) < 3 or not all(_is_number(level) for level in factor.levels):
        return ""
    kept = {0, len(factor.levels) - 1}
    kept |= {at for at in range(len(axis)) if _is_baseline(axis, at, baseline)}
    return " or ".join(f"{factor.name} == {_literal(factor, at)}" for at in sorted(kept))


def _is_baseline(axis: Axis, at: int, baseline: dict[str, str]) -> bool:
    named = [factor for factor in axis.factors if factor.name in baseline]
    return bool(named) and all(factor.levels[at].text == baseline[factor.name] for factor in named)


def _is_number(level: Level) -> bool:
    return not isinstance(level.value, str | bool)


def _literal(factor: Factor, at: int) -> str:
    text = factor.levels[at].text
    try:
        float(text)
    except ValueError:
        return f"'{text}'"  # a size with its unit
    return text
