"""The wall clock of the controller jumps; the time since boot goes on."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.chaos.faults.fault import Fault
from tests.chaos.scene import Scene

SOURCE = Path(__file__).parents[1] / "hosts" / "wall_clock.c"
DAY_S = 86400


def _prepare(scene: Scene) -> None:
    library, clock = scene.folder / "wall_clock.so", scene.folder / "clock"
    subprocess.run(("gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE)), check=True)
    clock.write_text("0\n")
    scene.user.environment |= {"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(clock)}


def _jump(scene: Scene) -> None:
    for _ in range(3):
        scene.random_instant()
        seconds = scene.random.choice((-400 * DAY_S, -3600, -2, 2, 3600, 9000 * DAY_S))
        new = scene.folder / "clock.new"
        new.write_text(f"{seconds}\n")
        new.replace(scene.folder / "clock")
        scene.notes.append(f"{seconds:+d} s")


FAULTS = (Fault("clock of the controller: jumps", _jump, prepare=_prepare),)
