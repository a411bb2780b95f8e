"""Disks that are full, or read-only after an error."""

from __future__ import annotations

from tests.chaos.faults.fault import MANY, Fault
from tests.chaos.scene import Scene


def _give_host(scene: Scene) -> None:
    scene.give_host_a_disk()


def _give_user(scene: Scene) -> None:
    scene.give_user_a_disk()


def _fill_host(scene: Scene) -> None:
    scene.random_instant()
    assert scene.host_disk is not None
    scene.host_disk.fill()


def _fill_host_for_a_while(scene: Scene) -> None:
    _fill_host(scene)
    scene.sleep(scene.random.uniform(0, 1))
    _free_host(scene)


def _free_host(scene: Scene) -> None:
    assert scene.host_disk is not None
    scene.host_disk.free()


def _fail_host(scene: Scene) -> None:
    scene.random_instant()
    assert scene.host_disk is not None
    scene.host_disk.fail()


def _repair_host(scene: Scene) -> None:
    """Boot it with the disk checked, as everybody must who has had such an error."""
    assert scene.host_disk is not None
    scene.host.turn_off()
    scene.host_disk.repair()
    scene.host.start()


def _fill_user(scene: Scene) -> None:
    scene.random_instant()
    assert scene.user_disk is not None
    scene.user_disk.fill()


def _free_user(scene: Scene) -> None:
    assert scene.user_disk is not None
    scene.user_disk.free()


def _fail_user(scene: Scene) -> None:
    scene.random_instant()
    assert scene.user_disk is not None
    scene.user_disk.fail()


def _repair_user(scene: Scene) -> None:
    assert scene.user_disk is not None
    scene.user_disk.repair()


FAULTS = (
    Fault("disk of the host: full", _fill_host, prepare=_give_host, mend=_free_host, repeats=MANY),
    Fault("disk of the host: full for a while", _fill_host_for_a_while, prepare=_give_host, repeats=MANY),
    Fault("disk of the host: read-only", _fail_host, prepare=_give_host, mend=_repair_host, repeats=MANY),
    Fault("disk of the controller: full", _fill_user, prepare=_give_user, mend=_free_user, repeats=1),
    Fault("disk of the controller: read-only", _fail_user, prepare=_give_user, mend=_repair_user, repeats=1),
)
