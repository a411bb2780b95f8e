"""Nodes that do not share the run's directory with the login node: the jobs carry their files, journals are fetched."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.sshd import serve
from tests.slurm import cluster as clusters
from tests.slurm.conftest import SlurmUser

COUNT = """
name: count
benchmark:
  name: count
  command: [sh, -c, 'echo {n} >> EXECUTIONS; sleep 0.5; echo speed={n}.5']
  metrics: {speed: {key_value: speed, unit: GiB/s, better: higher}}
factors: {n: [1, 2]}
"""
TASKS = """
- name: a program
  copy: {content: "#!/bin/sh\\nsleep 0.3; echo speed=7.5\\n", dest: speed, mode: "0755"}
"""
BENCHMARK = """
description: Prints a speed.
command: [./speed]
metrics: {speed: {key_value: speed, unit: GiB/s, better: higher}}
"""
SYSCTL = Path("/proc/sys/vm/stat_interval")
SHOW = """
name: show
benchmark:
  name: show
  command: [sh, -c, 'echo interval=$(cat /proc/sys/vm/stat_interval)']
  metrics: {interval: {regex: 'interval=([0-9]+)', unit: count}}
tuning: {sysctl: {vm.stat_interval: 7}}
repetitions: {count: 2, boots: 2}
"""
LOGIN_NODE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Runs a command as on a machine of its own: all its processes end with it."""


class DistantUser(SlurmUser):
    """Someone on a cluster whose nodes have directories of their own: ``own``, and another as ``shared``."""

    own: Path

    def slurm_file(self, text: str, more: str = "", **limits: str | int) -> Path:
        return super().slurm_file(
            text, f"node_directory: {self.own}" + (f", {more}" if more else ""), **limits
        )

    def assert_nothing_left(self) -> None:
        super().assert_nothing_left()
        for name in self.cluster.nodes:
            assert list(self.cluster.of_node(name, self.own).iterdir()) == []
            assert list(self.cluster.of_node(name, self.shared).iterdir()) == []


@contextmanager
def distant_user(
    tmp_path: Path, nodes: int = 3, more: str = "", partitions: Mapping[str, str] | None = None
) -> Iterator[DistantUser]:
    places = tmp_path / "own", tmp_path / "shared"
    for place in places:
        place.mkdir()
    with (
        tempfile.TemporaryDirectory(prefix="slurm") as folder,
        clusters.start(
            Path(folder), nodes=nodes, remembered=60, partitions=partitions, more=more, own=places
        ) as cluster,
    ):
        user = DistantUser(tmp_path, environment=cluster.environment)
        user.cluster, (user.own, user.shared) = cluster, places
        yield user
        user.close()


@pytest.fixture
def user(tmp_path: Path) -> Iterator[DistantUser]:
    with distant_user(tmp_path) as user:
        yield user


@pytest.mark.slow
def test_a_run_from_file_to_table(user: DistantUser) -> None:
    ended = user.run(user.slurm_file(COUNT + "repetitions: {count: 4, boots: 4}\n"))
    assert ended.code == 0, ended.err
    user.assert_complete(8)
    assert user.counted == {"1": 4, "2": 4}
    assert f"does not share {user.shared}" in ended.err
    rows = [line.split()[:3] for line in ended.out.splitlines() if line[:1].isdecimal()]
    assert rows == [["1", "4", "1.500"], ["2", "4", "2.500"]]
    assert len({block["host"] for block in user.of_type("block")}) > 1
    user.assert_nothing_left()


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_what_a_role_puts_in_place_reaches_the_nodes_and_journals_come_back(
    user: DistantUser, tmp_path: Path
) -> None:
    role = tmp_path / "roles" / "fast"
    role.mkdir(parents=True)
    (role / "tasks.yaml").write_text(TASKS)
    (role / "benchmark.yaml").write_text(BENCHMARK)
    file = user.slurm_file("name: built\nbenchmark: {role: fast}\nrepetitions: {count: 6, boots: 2}\n")
    process = user.begin_run(file)
    user.wait_for(lambda: user.trials, process)
    user.kill(process)
    ended = user.run(file)
    assert ended.code == 0, ended.err
    user.assert_complete(6)
    assert {trial["metrics"]["speed"]["value"] for trial in user.trials} == {7.5}
    user.assert_nothing_left()


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_job_at_its_time_limit_leaves_the_rest_to_another(user: DistantUser) -> None:
    """The shortest limit is two minutes, of which one is kept for the end: Slurm may send the signal at once."""
    file = user.slurm_file(COUNT.replace("sleep 0.5", "sleep 15") + "repetitions: 4\n", "time: 2min")
    ended = user.end(user.begin_run(file), 400)
    assert ended.code == 0, ended.err
    user.assert_complete(8)
    assert "another job runs what is left" in ended.err
    assert sum(user.counted.values()) <= 8 + len(user.of_type("attempt")) + 2
    user.assert_nothing_left()


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_settings_of_nodes(user: DistantUser) -> None:
    before = SYSCTL.read_text()
    ended = user.run(user.slurm_file(SHOW, "max_jobs: 1"))
    assert ended.code == 0, ended.err
    user.assert_complete(2)
    assert {trial["metrics"]["interval"]["value"] for trial in user.trials} == {7}
    assert {block["settings"].get(str(SYSCTL)) for block in user.of_type("block")} == {"7"}
    assert SYSCTL.read_text() == before
    user.assert_nothing_left()


def test_the_file_may_say_that_nodes_share_the_directory(user: DistantUser) -> None:
    file = user.slurm_file(COUNT + "repetitions: 1\n", "shared: true")
    ended = user.run(file)
    assert (ended.code, len(ended.complaints)) == (3, 1), ended.err
    assert f"{user.shared}/" in ended.complaints[0]
    assert (
        "No such file or directory, but it exists on this machine; set hosts.slurm.directory"
        in ended.complaints[0]
    )
    user.assert_nothing_left()
    check = ("hosts", "check", "--provider", "slurm")
    assert "storage: shared with the nodes (hosts.slurm.shared)\n" in user.orchestrate(*check, file).out
    file = user.slurm_file(COUNT + "repetitions: 1\n")
    assert f"storage: {user.shared} is on " in user.orchestrate(*check, file).out


def sized(size: int) -> str:
    return f"SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,max_script_size={size}"


@pytest.mark.slow
def test_blocks_that_do_not_fit_into_one_batch_script_are_more_job_arrays(tmp_path: Path) -> None:
    with distant_user(tmp_path, more=sized(110_000)) as user:
        text = COUNT.replace("sleep 0.5", ": " + "long " * 1000)
        process = user.begin_run(user.slurm_file(text + "repetitions: {count: 8, boots: 8}\n"))
        arrays = set()
        while process.poll() is None:
            arrays |= {line.split("|")[1] for line in user.cluster.jobs() if "prepare" not in line}
        ended = user.end(process)
        assert ended.code == 0, ended.err
        user.assert_complete(16)
        assert len(arrays) > 1
        user.assert_nothing_left()


@pytest.mark.slow
def test_a_benchmark_that_does_not_fit_into_a_batch_script(tmp_path: Path) -> None:
    with distant_user(tmp_path, nodes=1, more=sized(70_000)) as user:
        ended = user.run(user.slurm_file(COUNT + "repetitions: 1\n"))
        assert (ended.code, len(ended.complaints)) == (3, 1), ended.err
        assert "the benchmark is too large for a batch script" in ended.complaints[0]
        assert "set hosts.slurm.directory to a directory that the nodes share" in ended.complaints[0]
        user.assert_nothing_left()
