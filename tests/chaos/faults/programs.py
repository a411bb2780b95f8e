"""Benchmarks that do what they should not."""

from __future__ import annotations

from random import Random

from tests.chaos.experiment import Experiment
from tests.chaos.faults.fault import Fault
from tests.chaos.scene import Scene

MIB = 1 << 20


def _stubborn(random: Random) -> Experiment:
    """Ignores SIGTERM, with a child that does, and never ends."""
    act = 'trap "" TERM; (trap "" TERM; sleep 600) & sleep 600; sleep 600'
    return Experiment(act, "timeout", {"trial": 1})


def _daemon(random: Random) -> Experiment:
    """Leaves processes in sessions of their own, which hold its output or not."""
    streams = random.choice(("", "</dev/null >/dev/null 2>&1"))
    return Experiment(f"setsid sh -c 'trap \"\" TERM HUP; sleep 600' {streams} &")


def _flood(random: Random) -> Experiment:
    """Prints much before its figure."""
    stream = random.choice(("", " >&2"))
    size = random.choice((1, 8, 64, 64, 1024)) * MIB
    return Experiment(f"yes | head -c {size}{stream}", limits={"trial": 60})


def _garbage(random: Random) -> Experiment:
    """Prints no figure that can be read, and ends."""
    outputs = (
        "echo x=nan", "echo x=inf", "echo x=1e999", "echo x=", "echo x=0x10", "head -c 3000 /dev/urandom",
        "printf 'x=\\377\\376\\n'", "printf '{{\"x\": [[[[[['; head -c 50000 /dev/zero | tr '\\0' '['",
        "echo '{{\"x\":'", "head -c 5000 /dev/zero", "printf 'x=1\\000 2\\n'",
    )  # fmt: skip
    return Experiment(f"{random.choice(outputs)}; exit 0", "failed")


def _killed(random: Random) -> Experiment:
    """Is killed by a signal, or fails."""
    return Experiment(random.choice(("kill -9 $$", "kill -SEGV $$", "exit 7", "kill -9 0")), "failed")


def _out_of_memory(random: Random) -> Experiment:
    """Takes all memory there is, until the kernel kills it."""
    return Experiment("head -c 4000000000 /dev/zero | tail >/dev/null || exit 9", "failed")


def _little_memory(scene: Scene) -> None:
    scene.host.memory = 128 * MIB


FAULTS = (
    Fault("benchmark: ignores SIGTERM", experiment=_stubborn),
    Fault("benchmark: leaves a daemon", experiment=_daemon),
    Fault("benchmark: floods", experiment=_flood),
    Fault("benchmark: prints garbage", experiment=_garbage),
    Fault("benchmark: is killed", experiment=_killed),
    Fault("benchmark: out of memory", experiment=_out_of_memory, prepare=_little_memory),
)
