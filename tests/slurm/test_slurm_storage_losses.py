"""Nodes that share no storage, when something ends too early: controllers, login nodes, jobs, nodes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sshd import serve
from tests.slurm import cluster as clusters
from tests.slurm.distant import COUNT, DistantUser, distant_user

pytestmark = pytest.mark.slow

LOGIN_NODE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Runs a command as on a machine of its own: all its processes end with it."""


@pytest.fixture
def user(tmp_path: Path) -> Iterator[DistantUser]:
    with distant_user(tmp_path) as user:
        yield user


@pytest.mark.parametrize("delay", [n / 2 for n in range(14)])
def test_a_killed_controller_and_another_one(user: DistantUser, delay: float) -> None:
    process = user.begin_run(file := user.slurm_file(COUNT + "repetitions: {count: 4, boots: 4}\n"))
    user.wait_for(lambda: user.records, process)
    time.sleep(delay)
    was_running = process.poll() is None
    jobs, trials = len(user.cluster.jobs()), len(user.trials)
    if was_running:
        user.kill(process)
        ended = user.run(file)
    else:
        ended = user.end(process)
    assert ended.code == 0, ended.err
    user.assert_complete(8)
    assert user.counted == {"1": 4, "2": 4}
    user.assert_nothing_left()
    print(f"| {delay} s | {'killed' if was_running else 'ended'} | {jobs} | {trials} | {len(user.trials)} |")


def test_journals_are_fetched_from_nodes_whose_jobs_have_ended(user: DistantUser) -> None:
    """The login node went down: jobs do not wait for it for ever, and their nodes keep the files."""
    user.prefix = LOGIN_NODE
    process = user.begin_run(file := user.slurm_file(COUNT + "repetitions: {count: 3, boots: 3}\n"))
    user.wait_for(lambda: user.trials, process)
    user.kill(process)
    user.wait_for(lambda: user.cluster.jobs() == [])
    kept = [
        path
        for name in user.cluster.nodes
        for path in user.cluster.of_node(name, user.own).glob("*/jobs/*/*")
    ]
    assert kept
    ended = user.run(file)
    assert ended.code == 0, ended.err
    assert "fetching its journal from the node" in ended.err
    user.assert_complete(6)
    assert user.counted == {"1": 3, "2": 3}
    user.assert_nothing_left()


def test_slurm_s_commands_run_on_a_login_node(user: DistantUser, tmp_path: Path) -> None:
    server = tmp_path / "sshd"
    server.mkdir()
    (variable,) = (f"{name}={value}" for name, value in user.environment.items())
    with serve(server, settings=f"SetEnv {variable}\n") as sshd:
        user.environment = {}
        file = user.slurm_file(COUNT + "repetitions: {count: 4, boots: 4}\n", "login: testhost")
        user.options = ("--ssh-config", str(sshd.ssh_config))
        process = user.begin_run(file)
        user.wait_for(lambda: user.trials, process)
        user.kill(process)
        ended = user.run(file)
    assert ended.code == 0, ended.err
    user.assert_complete(8)
    assert user.counted == {"1": 4, "2": 4}
    user.environment = user.cluster.environment
    user.assert_nothing_left()


def test_a_node_dies_and_others_run_what_is_left(tmp_path: Path) -> None:
    with distant_user(tmp_path, nodes=3) as user:
        process = user.begin_run(
            user.slurm_file(COUNT.replace("sleep 0.5", "sleep 1") + "repetitions: {count: 12, boots: 6}\n")
        )
        user.wait_for(lambda: len({trial["host"] for trial in user.trials}) >= 3, process)
        victim = user.trials[-1]["host"]
        user.cluster.kill_node(victim)
        ended = user.end(process)
        assert ended.code == 0, ended.err
        user.assert_complete(24)
        assert f"on {victim}: its node went down; another job runs what is left" in ended.err
        assert sum(user.counted.values()) <= 24 + 1
        assert f"{victim}: cannot remove {user.own}" in ended.err
        user.assert_nothing_left()


def test_a_node_comes_back_with_its_journal(tmp_path: Path) -> None:
    """The controller was away as well: what the node has kept is not run again."""
    with distant_user(tmp_path, nodes=1) as user:
        user.prefix = LOGIN_NODE
        process = user.begin_run(file := user.slurm_file(COUNT + "repetitions: 8\n"))
        user.wait_for(lambda: user.trials, process)
        user.kill(process)
        user.wait_for(lambda: user.counted.total() >= 6)
        user.cluster.kill_node("node1")
        user.wait_for(lambda: "down" in user.cluster.command("sinfo", "-h", "-N", "-o", "%T"))
        user.cluster.start_node("node1", boot=clusters.new_boot())
        ended = user.run(file)
        assert ended.code == 0, ended.err
        user.assert_complete(16)
        assert user.counted.total() <= 16 + 1
        user.assert_nothing_left()


def test_a_job_at_its_time_limit_leaves_the_rest_to_another(user: DistantUser) -> None:
    """The shortest limit is two minutes, of which one is kept for the end: Slurm may send the signal at once."""
    file = user.slurm_file(COUNT.replace("sleep 0.5", "sleep 15") + "repetitions: 4\n", "time: 2min")
    ended = user.end(user.begin_run(file), 400)
    assert ended.code == 0, ended.err
    user.assert_complete(8)
    assert "another job runs what is left" in ended.err
    assert sum(user.counted.values()) <= 8 + len(user.of_type("attempt")) + 2
    user.assert_nothing_left()


def test_a_cancelled_job_leaves_its_files_to_the_next_command(user: DistantUser) -> None:
    file = user.slurm_file(COUNT + "repetitions: {count: 8, boots: 2}\n")
    process = user.begin_run(file)
    user.wait_for(lambda: user.trials, process)
    job = next(line.partition("|")[0] for line in user.cluster.jobs() if "|RUNNING|" in line)
    user.cluster.command("scancel", job)
    ended = user.end(process)
    assert ended.code == 3
    assert "it was cancelled" in ended.err
    ended = user.run(file)
    assert ended.code == 0, ended.err
    user.assert_complete(16)
    assert user.counted.total() <= 16 + 1  # the trial that was running
    user.assert_nothing_left()


def test_another_job_takes_the_node(tmp_path: Path) -> None:
    """What the job has not sent is fetched when the other job has ended."""
    tiers = {"main": "Default=YES PriorityTier=1", "urgent": "PriorityTier=10"}
    preempting = "PreemptType=preempt/partition_prio\nPreemptMode=REQUEUE"
    with distant_user(tmp_path, nodes=1, partitions=tiers, more=preempting) as user:
        process = user.begin_run(user.slurm_file(COUNT + "repetitions: 8\n"))
        user.wait_for(lambda: user.trials, process)
        words = ("--partition=urgent", "--exclusive", "--output=/dev/null", "--chdir=/", "--wrap=sleep 2")
        user.cluster.command("sbatch", *words)
        ended = user.end(process)
        assert ended.code == 0, ended.err
        user.assert_complete(16)
        assert "another job took its node; another job runs what is left" in ended.err
        assert user.counted.total() <= 16 + 1
        user.assert_nothing_left()
