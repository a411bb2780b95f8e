"""Controllers that are killed or leave: the jobs go on, and the same command finds them and submits nothing twice."""

from __future__ import annotations

import random
import signal
import time

import pytest

from tests.slurm.conftest import SlurmUser

COUNT = """
name: count
benchmark:
  name: count
  command: [sh, -c, 'echo {n} >> EXECUTIONS; sleep 0.5; echo speed={n}.5']
  metrics: {speed: {key_value: speed, unit: GiB/s, better: higher}}
factors: {n: [1, 2]}
repetitions: {count: 4, boots: 4}
"""
INSTANTS = 30
SPAN_S = 6.5
"""From the first record of a run to beyond its end, on an idle machine."""


def finish(user: SlurmUser, file: object) -> None:
    """Give the command again: every trial once, and nothing is left."""
    ended = user.run(str(file))
    assert ended.code == 0, ended.err
    ids = [trial["trial"] for trial in user.trials]
    assert len(ids) == len(set(ids)) == 8
    assert sum(user.counted.values()) == 8 + len(user.of_type("attempt"))
    user.assert_nothing_left()


@pytest.mark.parametrize(
    "instant", [pytest.param(n, marks=() if n == 15 else pytest.mark.slow) for n in range(INSTANTS)]
)
def test_killed_at_some_instant(user: SlurmUser, instant: int) -> None:
    """Prints a row of the table in docs/places.md."""
    process = user.begin_run(file := user.slurm_file(COUNT))
    user.wait_for(lambda: user.records, process)  # before that there is no run to resume
    time.sleep(seconds := SPAN_S * (instant + random.Random(instant).random()) / INSTANTS)
    was_running = process.poll() is None
    jobs = [line.split("|")[1] for line in user.cluster.jobs()]
    trials = len(user.trials)
    if was_running:
        user.kill(process)
        finish(user, file)
    else:  # a quick machine
        assert user.end(process).code == 0
        user.assert_complete(8)
        user.assert_nothing_left()
    phase = "ended" if not was_running else "prepares" if any("prepare" in job for job in jobs) else "follows"
    attempts = len(user.of_type("attempt"))
    print(f"| {seconds:.1f} s | {phase} | {len(jobs)} | {trials} | {len(user.trials)} | {attempts} | 0 |")


@pytest.mark.slow
def test_the_jobs_go_on_without_the_controller(user: SlurmUser) -> None:
    process = user.begin_run(file := user.slurm_file(COUNT))
    user.wait_for(lambda: len(user.cluster.jobs()) == 4, process)
    user.kill(process)
    user.wait_for(lambda: user.cluster.jobs() == [])
    assert user.counted == {"1": 4, "2": 4}
    finish(user, file)


def test_the_first_interrupt_leaves_the_jobs(user: SlurmUser) -> None:
    process = user.begin_run(file := user.slurm_file(COUNT))
    user.wait_for(lambda: user.trials, process)
    ended = user.kill(process, signal.SIGINT)
    assert ended.code == 130
    (line,) = ended.complaints
    assert (
        "stopped by SIGINT; the jobs keep running; repeat the command to follow them, "
        "or cancel them with: scancel " in line
    )
    finish(user, file)
