"""Jobs that end before their block does: nodes that die, time limits, cancelled jobs, jobs that are started again."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm import cluster as clusters
from tests.slurm.conftest import SlurmUser, user_of

SLOW = """
name: slow
benchmark:
  name: slow
  command: [sh, -c, 'echo {n} >> EXECUTIONS; sleep 1; echo speed={n}.5']
  metrics: {speed: {key_value: speed, unit: GiB/s, better: higher}}
factors: {n: [1, 2, 3, 4]}
"""


@pytest.fixture
def own_user(tmp_path: Path) -> Iterator[SlurmUser]:
    """Someone with a cluster of their own, of which nodes may die."""
    with (
        tempfile.TemporaryDirectory(prefix="slurm") as folder,
        clusters.start(Path(folder), nodes=4) as cluster,
    ):
        user = user_of(cluster, tmp_path)
        yield user
        user.close()


def test_a_node_dies_and_others_run_what_is_left(own_user: SlurmUser) -> None:
    user, cluster = own_user, own_user.cluster
    process = user.begin_run(user.slurm_file(SLOW + "repetitions: {count: 4, boots: 4}\n"))
    user.wait_for(lambda: len({trial["host"] for trial in user.trials}) >= 3, process)
    victim = user.trials[-1]["host"]
    cluster.kill_node(victim)
    ended = user.end(process)
    assert ended.code == 0, ended.err
    user.assert_complete(16)
    assert f"on {victim}: its node went down; another job runs what is left" in ended.err
    crashed = [record for record in user.of_type("attempt") if record["status"] == "crashed"]
    assert len(crashed) <= 1
    assert sum(user.counted.values()) <= 16 + 1
    user.assert_nothing_left()


@pytest.mark.slow
def test_a_job_at_its_time_limit_leaves_the_rest_to_another(user: SlurmUser) -> None:
    """The shortest limit is two minutes, of which one is kept for the end: Slurm may send the signal at once."""
    file = user.slurm_file(SLOW.replace("sleep 1", "sleep 15") + "repetitions: 2\n", "time: 2min")
    process = user.begin_run(file)
    ended = user.end(process, 400)
    assert ended.code == 0, ended.err
    user.assert_complete(8)
    assert "another job runs what is left" in ended.err
    user.assert_nothing_left()


@pytest.mark.slow
def test_a_cancelled_job_is_not_submitted_again_by_the_same_command(user: SlurmUser) -> None:
    file = user.slurm_file(SLOW + "repetitions: {count: 2, boots: 2}\n")
    process = user.begin_run(file)
    user.wait_for(lambda: user.trials, process)
    job = next(line.partition("|")[0] for line in user.cluster.jobs() if "|RUNNING|" in line)
    user.cluster.command("scancel", job)
    ended = user.end(process)
    assert ended.code == 3
    assert f"job {job}" in ended.err
    assert "it was cancelled" in ended.err
    assert "run incomplete" in ended.err
    assert user.cluster.jobs() == []
    assert user.run(file).code == 0
    ids = [trial["trial"] for trial in user.trials]
    assert len(ids) == len(set(ids)) == 8
    user.assert_nothing_left()


@pytest.mark.slow
def test_a_job_that_is_lost_again_and_again_ends_the_run(user: SlurmUser) -> None:
    text = SLOW.replace(
        "echo {n} >> EXECUTIONS; sleep 1",
        'kill -9 $(cut -d" " -f1 $(ls -t jobs/*/*/runner | head -n 1) | head -n 1); sleep 9',
    )
    ended = user.run(user.slurm_file(text + "repetitions: 1\n"))
    assert ended.code == 3
    assert "lost 4 times in a row without completing a trial" in ended.err
    assert user.cluster.jobs() == []


@pytest.mark.slow
def test_a_requeued_job_runs_no_trial_twice(user: SlurmUser) -> None:
    """As in snakemake-executor-plugin-slurm #109, where a requeued job was submitted again as well."""
    process = user.begin_run(user.slurm_file(SLOW + "repetitions: {count: 2, boots: 2}\n"))
    user.wait_for(lambda: user.trials, process)
    job = next(line.partition("|")[0] for line in user.cluster.jobs() if "|RUNNING|" in line)
    with contextlib.suppress(subprocess.CalledProcessError):  # --no-requeue: Slurm may refuse
        user.cluster.command("scontrol", "requeue", job)
    ended = user.end(process)
    assert ended.code == 0, ended.err
    user.assert_complete(8)
    assert sum(user.counted.values()) <= 8 + 1  # the trial that was running
    user.assert_nothing_left()


@pytest.mark.slow
def test_another_job_takes_the_node(tmp_path: Path) -> None:
    tiers = {"main": "Default=YES PriorityTier=1", "urgent": "PriorityTier=10"}
    preempting = "PreemptType=preempt/partition_prio\nPreemptMode=REQUEUE"
    with (
        tempfile.TemporaryDirectory(prefix="slurm") as folder,
        clusters.start(Path(folder), nodes=1, remembered=60, partitions=tiers, more=preempting) as cluster,
    ):
        user = user_of(cluster, tmp_path)
        process = user.begin_run(user.slurm_file(SLOW + "repetitions: 1\n"))
        user.wait_for(lambda: user.trials, process)
        cluster.command("sbatch", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=sleep 2")
        ended = user.end(process)
        user.close()
    assert ended.code == 0, ended.err
    user.assert_complete(4)
    assert "another job took its node; another job runs what is left" in ended.err
