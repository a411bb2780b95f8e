"""A second controller that wants the same run, or the same host."""

from __future__ import annotations

from tests.chaos.faults.fault import MANY, Fault
from tests.chaos.scene import Scene


def _same_run(scene: Scene) -> None:
    """Somebody repeats the command while it runs, or when it has just ended, which begins another run."""
    scene.random_instant()
    scene.rival()


def _same_host(scene: Scene) -> None:
    """Somebody starts another run on the host."""
    scene.random_instant()
    scene.rival("--new")


FAULTS = (
    Fault("second controller: the same run", _same_run, repeats=MANY),
    Fault("second controller: the same host", _same_host, repeats=MANY),
)
