"""Guests that run under QEMU: they die, hang, are paused, and outlive nobody."""

from __future__ import annotations

import os
import signal
from random import Random

from tests.chaos.experiment import Experiment
from tests.chaos.faults.fault import MANY, Act, Fault
from tests.chaos.scene import Scene


def _signal_guest(number: int) -> Act:
    """Return what sends a signal to QEMU, once its guest runs trials or while it boots."""

    def strike(scene: Scene) -> None:
        scene.guest_instant()
        for pid in scene.guests():
            os.kill(pid, number)

    return strike


def _signal_controller(*numbers: int) -> Act:
    def strike(scene: Scene) -> None:
        scene.guest_instant()
        for number in numbers:
            if scene.controller is not None and not scene.is_over:
                scene.controller.send_signal(number)
                scene.sleep(1.5)

    return strike


def _pause(scene: Scene) -> None:
    """As when the machine below is suspended for a while."""
    scene.guest_instant()
    guests = scene.guests()
    for pid in guests:
        os.kill(pid, signal.SIGSTOP)
    scene.sleep(5)
    for pid in guests:
        os.kill(pid, signal.SIGCONT)


def _hang(scene: Scene) -> None:
    """A guest that never answers again, and a user who does not wait for it."""
    scene.guest_instant()
    for pid in scene.guests():
        os.kill(pid, signal.SIGSTOP)
    if scene.controller is not None and not scene.is_over:
        scene.controller.send_signal(signal.SIGTERM)


def _panic(random: Random) -> Experiment:
    """The kernel of the guest panics under a trial, each time it runs."""
    return Experiment("echo c > /proc/sysrq-trigger", "crashed", in_guest=True)


def _guest(random: Random) -> Experiment:
    return Experiment(in_guest=True)


FAULTS = (
    Fault("guest: SIGKILL of QEMU", _signal_guest(signal.SIGKILL), experiment=_guest, repeats=MANY),
    Fault("guest: SIGTERM of QEMU", _signal_guest(signal.SIGTERM), experiment=_guest, repeats=MANY),
    Fault("guest: paused", _pause, experiment=_guest),
    Fault("guest: hangs, and SIGTERM of the controller", _hang, experiment=_guest, repeats=MANY),
    Fault("guest: panics", experiment=_panic, repeats=MANY),
    Fault(
        "guest: SIGKILL of the controller",
        _signal_controller(signal.SIGKILL),
        experiment=_guest,
        repeats=MANY,
    ),
    Fault(
        "guest: SIGINT twice of the controller",
        _signal_controller(signal.SIGINT, signal.SIGINT),
        experiment=_guest,
        repeats=MANY,
    ),
)
