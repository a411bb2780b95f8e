"""Nodes that do not share the run's directory with the login node: the jobs carry their files, journals are fetched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm.distant import COUNT, DistantUser, distant_user

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
