"""The modes of `orchestrate reproduce`: smoke, short and full. Each runs more of the experiment than the one before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from msgspec import Struct

from orchestrator.analysis.points import THREADS
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Axis, Experiment, Factor, Level
from orchestrator.plan import Plan

Mode = Literal["smoke", "short", "full"]
MODES: tuple[Mode, ...] = get_args(Mode)

REPETITIONS: dict[Mode, int] = {"smoke": 2, "short": 3}
"""The most repetitions of a cell. Two show whether a figure repeats; three have a median."""

DESCRIPTIONS: dict[Mode, str] = {
    "smoke": "all migration modes and thread counts; of other numeric factors the first, the last and the baseline's "
    f"level; {REPETITIONS['smoke']} repetitions",
    "short": f"all cells, {REPETITIONS['short']} repetitions, one boot",
    "full": "all cells, repetitions and boots of the original run",
}


class Reduction(Struct, frozen=True):
    """The options with which a mode runs less of an experiment: ``--set`` overrides and ``--where`` predicates."""

    overrides: tuple[str, ...] = ()
    where: tuple[str, ...] = ()


def reduction(experiment: Experiment, mode: Mode, in_guest: bool) -> Reduction:
    """Return the options that a mode adds to those of the bundle's run.

    :param in_guest: whether a smoke test runs in a QEMU guest, whichever provider the experiment names.
    """
    if mode == "full":
        return Reduction()
    overrides = [f"repetitions={min(experiment.repetitions.count, REPETITIONS[mode])}"]
    if mode == "short":
        return Reduction(tuple(overrides))
    if in_guest and experiment.hosts.provider != "qemu":
        overrides += ["hosts.provider=qemu", "hosts.group=", "hosts.fleet="]
    where = [_ends(axis, _baseline(experiment)) for axis in experiment.sweep.axes]
    return Reduction(tuple(overrides), tuple(text for text in where if text))


def plan(
    experiment: Experiment, where: Sequence[str], reduced: Sequence[str], limit: int, hosts: Sequence[str]
) -> Plan:
    """Plan the cells of an experiment that match the predicates.

    :param where: predicates of the bundle's run; ``reduced``: of the mode, ignored if no cell would be left.
    :param limit: the most cells; 0: all. ``hosts``: hosts that each run every cell.
    """

    def planned(texts: Sequence[str]) -> Plan:
        return Plan(experiment, texts, limit or None, hosts)

    try:
        return planned([*where, *reduced])
    except BadInput:
        return planned(where)


def _baseline(experiment: Experiment) -> dict[str, str]:
    return dict(experiment.compare.baseline) if experiment.compare else {}


def _ends(axis: Axis, baseline: dict[str, str]) -> str:
    """Return a predicate for the first, the last and the baseline's level of a numeric axis; empty to keep all levels.

    Every thread count is kept: the claim on scaling needs them.
    """
    if THREADS in [factor.name for factor in axis.factors]:
        return ""
    factor = max(axis.factors, key=lambda factor: len({level.value for level in factor.levels}))
    if len(factor.levels) < 3 or not all(_is_number(level) for level in factor.levels):
        return ""
    kept = {0, len(factor.levels) - 1}
    kept |= {index for index in range(len(axis)) if _is_baseline(axis, index, baseline)}
    return " or ".join(f"{factor.name} == {_literal(factor, index)}" for index in sorted(kept))


def _is_baseline(axis: Axis, index: int, baseline: dict[str, str]) -> bool:
    named = [factor for factor in axis.factors if factor.name in baseline]
    return bool(named) and all(factor.levels[index].text == baseline[factor.name] for factor in named)


def _is_number(level: Level) -> bool:
    return not isinstance(level.value, str | bool)


def _literal(factor: Factor, index: int) -> str:
    text = factor.levels[index].text
    try:
        float(text)
    except ValueError:
        return f"'{text}'"  # a size with its unit
    return text
