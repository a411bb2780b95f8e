"""Several things at once, as misfortunes come."""

from __future__ import annotations

from tests.chaos.faults import controller, host, network
from tests.chaos.faults.fault import MANY, Fault
from tests.chaos.scene import Scene

OTHERS = [fault for module in (controller, network, host) for fault in module.FAULTS if fault.strikes == 1]
STRIKES = [fault.strike for fault in OTHERS if "missing" not in fault.name]


def _strike(scene: Scene) -> None:
    for strike in scene.random.sample(STRIKES, 2):
        if not scene.is_over:
            scene.notes.append(next(fault.name for fault in OTHERS if fault.strike is strike))
            strike(scene)


def _strike_with_full_disk(scene: Scene) -> None:
    disk = scene.host_disk
    assert disk is not None
    scene.random_instant()
    disk.fill()
    _strike(scene)
    disk.free()


def _prepare(scene: Scene) -> None:
    scene.give_host_a_disk()


FAULTS = (
    Fault("two at once", _strike, strikes=2, repeats=MANY),
    Fault("two at once, and a full disk", _strike_with_full_disk, strikes=2, prepare=_prepare, repeats=MANY),
)
