"""Repetitions, order and limits of trials."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Until(Struct, frozen=True):
    """The stop rule: a cell is complete once the confidence interval of its median is narrow enough.

    :ivar least: minimum number of ok trials.
    :ivar half_width: half the width of the interval, relative to the median: 0.02 for 2 %.
    :ivar confidence: confidence level of the interval: 0.95 for 95 %.
    """

    least: int
    half_width: float
    confidence: float


class Repetitions(Struct, frozen=True):
    """The number of trials of each cell, and the boots they are spread over.

    :ivar count: maximum number of trials of a cell; without ``until`` the exact number.
    :ivar until: the stop rule; None: run all.
    """

    count: int = 3
    boots: int = 1
    until: Until | None = None


class Order(Struct, frozen=True):
    """Order of the trials in a block; ``seed`` makes the random order reproducible."""

    within_block: Literal["random", "listed"] = "random"
    seed: int = 0


class Limits(Struct, frozen=True):
    """Limits; times are in seconds.

    :ivar trial: maximum time of a trial; after it the trial is killed and its status is ``timeout``.
    :ivar boot: maximum time from power-on until the SSH server answers.
    :ivar settle: maximum wait for idle CPUs before a trial; after it the trial is ``disturbed``. 0: do not wait.
    :ivar crashes: number of host crashes after which a trial is no longer retried and its status is ``crashed``.
    :ivar max_hours: maximum duration of the run, and of a rented machine; None: no limit of the experiment.
    :ivar max_cost: maximum cost of rented machines by their list prices, in USD; None: no limit.
    """

    trial: float = 60.0
    boot: float = 300.0
    settle: float = 30.0
    crashes: int = 2
    max_hours: float | None = None
    max_cost: float | None = None
