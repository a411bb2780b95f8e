"""The rows with which the store answers."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.json import Decoder

from orchestrator.results.records import RunRecord


class RunRow(Struct, frozen=True):
    """A run in the index; ``opening`` is None while the journal has no first record.

    :ivar damage: file, line and fault of each damaged line of the journal; these are left out.
    """

    key: int
    folder: Path
    id: str
    opening: RunRecord | None
    complete: bool
    ended: str
    damage: tuple[str, ...] = ()


class CellRow(Struct, frozen=True):
    """A cell of a run; the keys grow in the order in which the cells first appear in the journal.

    :ivar settings: path to value as read back by the cell's first ok trial.
    :ivar request: the benchmark's options in that trial, defaults included.
    """

    key: int
    id: str
    factors: dict[str, str]
    settings: dict[str, str] = field(default_factory=dict)
    request: dict[str, str] = field(default_factory=dict)


class TrialRow(Struct, frozen=True):
    """One record of a trial, ``final`` or an attempt that was repeated; ``metrics`` are the values by name."""

    metrics: Mapping[str, float]
    id: str
    cell: str
    repetition: int
    status: str
    reason: str
    final: int
    allowed: int
    environment: str
    host: str
    boot: str
    started: str
    ended: str
    pages: int | None
    pages_on_target: int | None
    bytes_checked: int | None
    bytes_wrong: int | None
    label: str


class TrialValue(Struct, frozen=True):
    """One metric of the final record of a trial; ``value`` is None where the trial has no such figure."""

    environment: str
    host: str
    boot: str
    trial: str
    status: str
    reason: str
    label: str
    started: str
    value: float | None


class Verification(Struct, frozen=True):
    """What the benchmark verified in the ok trials of a cell; None: not reported.

    :ivar trials: number of ok trials that report anything.
    :ivar pages: pages of the trial that missed its target with the most of them, of which
    :ivar pages_on_target: were found on their target afterwards.
    :ivar bytes_checked: bytes compared after the move, in all trials, of which
    :ivar bytes_wrong: had changed.
    """

    trials: int
    pages: int | None
    pages_on_target: int | None
    bytes_checked: int | None
    bytes_wrong: int | None


class Outcomes(Struct, frozen=True):
    """What the trials of a cell came to in one environment.

    :ivar statuses: number of trials by status, all of them; the others are of those that are ok:
    :ivar values: values by boot for each metric and unit, in order of the journal.
    :ivar labels: sorted; ``""`` stands for trials without one.
    :ivar verification: None if no trial reports anything.
    """

    environment: str
    statuses: dict[str, int]
    values: dict[tuple[str, str], dict[str, array[float]]]
    labels: list[str]
    verification: Verification | None


class Reason(Struct, frozen=True):
    """Why trials were not ok: those of a run that share status, reason and whether it was allowed."""

    status: str
    reason: str
    allowed: bool
    trials: int
    example: str


read_figures = Decoder(dict[str, tuple[str, float]]).decode
"""Return unit and value by metric of a trial, from the column ``metrics``."""


def read_figure(figures: str, metric: str, unit: str) -> float | None:
    """Return a metric of a trial if it has it in this unit."""
    found = read_figures(figures).get(metric)
    return found[1] if found and found[0] == unit else None
