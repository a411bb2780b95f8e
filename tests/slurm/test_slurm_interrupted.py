"""Controllers that are killed or leave: the jobs go on, and the same command finds them and submits nothing twice."""

from __future__ import annotations

import random
import signal
import time

import pytest

from tests.slurm.cluster import Cluster
from tests.slurm.conftest import SlurmUser, user_of

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


@pytest.fixture(scope="module")
def span(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> float:
    """Wall time of a whole run from its command to its end, in seconds."""
    spans = []
    for _ in range(2):  # the first one on a cluster is slow
        user = user_of(cluster, tmp_path_factory.mktemp("span"))
        begin = time.monotonic()
        assert user.run(str(user.slurm_file(COUNT))).code == 0
        spans.append(time.monotonic() - begin)
    return min(spans)


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
def test_killed_at_some_instant(user: SlurmUser, span: float, instant: int) -> None:
    """Prints a row of the table in docs/places.md."""
    process = user.begin_run(file := user.slurm_file(COUNT))
    time.sleep(seconds := span * (instant + random.Random(instant).random()) / INSTANTS)
    jobs = [line.split("|")[1] for line in user.cluster.jobs()]
    user.kill(process)
    began, ended = bool(user.records), bool(user.of_type("end"))
    trials = len(user.trials)
    if ended:
        user.assert_complete(8)
        user.assert_nothing_left()
    else:
        finish(user, file)
    if any("prepare" in job for job in jobs):
        phase = "prepares"
    elif jobs:
        phase = "follows"
    else:
        phase = "has ended" if ended else "ends" if began else "begins"
    attempts = len(user.of_type("attempt"))
    print(f"| {seconds:.2f} s | {phase} | {len(jobs)} | {trials} | {len(user.trials)} | {attempts} | 0 |")


@pytest.mark.slow
def test_the_jobs_go_on_without_the_controller(user: SlurmUser) -> None:
    process = user.begin_run(file := user.slurm_file(COUNT))
    user.wait_for(lambda: len(user.cluster.jobs()) == 4, process)
    user.kill(process)
    user.wait_for(lambda: user.cluster.jobs() == [])
    assert user.counted == {"1": 4, "2": 4}
    finish(user, file)


def test_how_many_trials_have_ended_is_told(user: SlurmUser) -> None:
    gate = user.folder / "gate"
    waits = COUNT.replace("sleep 0.5", f"[ {{n}} = 1 ] || until [ -e {gate} ]; do sleep 0.1; done")
    once = waits.replace("{count: 4, boots: 4}", "1")
    file = user.slurm_file(f"{once}order: {{within_block: listed}}\n")
    process = user.begin_run(file)
    assert process.stderr is not None
    line = next((line for line in iter(process.stderr.readline, "") if "(1 of 2 trials ended)" in line), "")
    gate.touch()
    assert user.end(process).code == 0
    assert " 1 job running on " in line


def test_the_first_interrupt_leaves_the_jobs(user: SlurmUser) -> None:
    process = user.begin_run(file := user.slurm_file(COUNT))
    user.wait_for(lambda: user.trials, process)
    ended = user.kill(process, signal.SIGINT)
    assert ended.code == 130
    (line,) = ended.complaints
    assert (
        "stopped by SIGINT; the jobs keep running; "
        "follow them by resuming the run, or cancel them with: scancel " in line
    )
    finish(user, file)
