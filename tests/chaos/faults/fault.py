"""What a fault is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.chaos.experiment import Experiment
from tests.chaos.scene import Scene

MANY = 1000
Act = Callable[[Scene], None]


def nothing(scene: Scene) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong during a run.

    :ivar strike: is called when a controller has begun; returns when the fault is over or lasts.
    :ivar strikes: so many controllers of a run are struck, one after another.
    :ivar prepare: before the host is turned on and the first controller begins.
    :ivar mend: after a controller has ended and before the next one begins: what a user would do.
    :ivar experiment: made with the random numbers of the run.
    :ivar repeats: so many trials may run again: those that a stop has ended, or of which the host has lost the end.
    """

    name: str
    strike: Act = nothing
    strikes: int = 1
    prepare: Act = nothing
    mend: Act = nothing
    experiment: Callable[[Random], Experiment] = field(default=lambda random: Experiment())
    repeats: int = 0
