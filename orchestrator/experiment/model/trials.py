"""How often trials run, in which order, and within which bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Until:
    """A cell needs no more repetitions once the interval of its headline's median is narrow enough.

    :ivar least: ok trials that it must have in any case.
    :ivar half_width: half the interval's width, relative to the median: 0.02 for 2 %.
    """

    least: int
    half_width: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Repetitions:
    """How often each cell is run at most, and over how many boots the repetitions are spread.

    :ivar until: when fewer will do; None: they never do.
    """

    count: int = 3
    boots: int = 1
    until: Until | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Order of the trials inside a block; ``seed`` makes the random order repeatable."""

    within_block: Literal["random", "listed"] = "random"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds, in seconds unless the name says otherwise.

    :ivar trial: one trial; then it is killed and counted as ``timeout``.
    :ivar boot: from power-on to an answering SSH server.
    :ivar settle: longest wait for idle CPUs before a trial; past it the trial is ``disturbed``. 0: do not wait.
    :ivar crashes: a trial that has killed its host this often is set aside as ``crashed``.
    """

    trial: float = 60.0
    boot: float = 300.0
    settle: float = 30.0
    crashes: int = 2
