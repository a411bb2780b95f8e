"""The controller is killed, or its user stops it."""

from __future__ import annotations

import signal
from contextlib import suppress
from random import Random

from tests.chaos.experiment import Experiment, RecordedExperiment
from tests.chaos.faults.fault import Act, Fault
from tests.chaos.scene import Scene


def _send(*numbers: int) -> Act:
    """Return what sends signals, the first at a random instant, the others soon after."""

    def strike(scene: Scene) -> None:
        scene.random_instant()
        for number in numbers:
            if scene.controller is not None:
                with suppress(ProcessLookupError):
                    scene.controller.send_signal(number)
            scene.sleep(scene.random.choice((0.0, 0.3, 1.3)))

    return strike


def _kill_after_the_last_trial(scene: Scene) -> None:
    """All records are written; the host is not restored yet, or only in part."""
    trials = len(scene.experiment.keys)
    scene.wait(lambda: any(len(journal.trials) == trials for journal in scene.journals))
    scene.sleep(scene.random.choice((0.0, 0.01)) * scene.world.duration * scene.random.random())
    if scene.controller is not None:
        scene.controller.kill()


def _local(random: Random) -> Experiment:
    return Experiment(is_local=True)


def _recorded(random: Random) -> Experiment:
    return RecordedExperiment()


KILL, TERM, INT, HUP = signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP
FAULTS = (
    Fault("controller: SIGKILL", _send(KILL)),
    Fault("controller: SIGKILL, three times", _send(KILL), strikes=3),
    Fault("controller: SIGTERM", _send(TERM), repeats=1),
    Fault("controller: SIGINT", _send(INT)),
    Fault("controller: SIGINT twice", _send(INT, INT), repeats=1),
    Fault("controller: SIGINT, then SIGKILL", _send(INT, KILL), strikes=2),
    Fault("controller: SIGHUP", _send(HUP), repeats=1),
    Fault("controller: SIGTERM, then SIGKILL", _send(TERM, KILL), strikes=2, repeats=2),
    Fault("controller: SIGKILL after the last trial", _kill_after_the_last_trial),
    Fault("controller that is the host: SIGKILL", _send(KILL), strikes=2, experiment=_local),
    Fault("controller that is the host: SIGTERM", _send(TERM), experiment=_local, repeats=1),
    Fault("results of version 0.1.0: SIGKILL", _send(KILL), strikes=2, experiment=_recorded),
)
