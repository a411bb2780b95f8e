"""Runs whose blocks are jobs of a real Slurm."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.integration.sshd import serve
from tests.slurm.conftest import SlurmUser

COUNT = """
name: count
benchmark:
  name: say
  command: [sh, -c, 'echo {n} >> EXECUTIONS; sleep 0.{n}; echo speed={n}.5']
  metrics:
    speed: {key_value: speed, unit: GiB/s, better: higher}
factors: {n: [1, 2]}
"""


def test_a_run_from_file_to_table(user: SlurmUser) -> None:
    ended = user.run(user.slurm_file(COUNT + "repetitions: {count: 4, boots: 4}\n"))
    assert ended.code == 0, ended.err
    user.assert_complete(8)
    assert user.counted == {"1": 4, "2": 4}
    rows = [line.split()[:3] for line in ended.out.splitlines() if line[:1].isdecimal()]
    assert rows == [["1", "4", "1.500"], ["2", "4", "2.500"]]
    blocks = user.of_type("block")
    assert sorted(block["block"] for block in blocks) == [0, 1, 2, 3]
    assert {block["host"] for block in blocks} <= {"node1", "node2", "node3"}
    assert len({block["host"] for block in blocks}) > 1
    user.assert_nothing_left()


def test_the_option_provider_replaces_that_of_the_file(user: SlurmUser) -> None:
    file = user.slurm_file(COUNT + "repetitions: 1\n")
    file.write_text(file.read_text().replace("provider: slurm", "provider: local"))
    assert user.run(file, "--provider", "slurm").code == 0
    user.assert_complete(2)
    assert {trial["host"] for trial in user.trials} <= {"node1", "node2", "node3"}
    assert "slurm" in user.orchestrate("plan", file, "--provider", "slurm").out
    refused = user.orchestrate("validate", file, "--provider", "slrm")
    assert (refused.code, "did you mean 'slurm'?" in refused.err) == (2, True)


def test_slurm_s_commands_run_on_a_login_node(user: SlurmUser, tmp_path: Path) -> None:
    server = tmp_path / "sshd"
    server.mkdir()
    (variable,) = (f"{name}={value}" for name, value in user.environment.items())
    with serve(server, settings=f"SetEnv {variable}\n") as sshd:
        user.environment = {}
        ended = user.run(
            user.slurm_file(COUNT + "repetitions: {count: 2, boots: 2}\n", "login: testhost"),
            *("--ssh-config", sshd.ssh_config),
        )
    assert ended.code == 0, ended.err
    user.assert_complete(4)
    user.assert_nothing_left()


@pytest.mark.slow
def test_jobs_run_one_at_a_time_where_the_file_says_so(user: SlurmUser) -> None:
    text = COUNT.replace(
        "echo {n} >> EXECUTIONS;", "echo begin >> EXECUTIONS; sleep 0.3; echo end >> EXECUTIONS;"
    )
    assert user.run(user.slurm_file(text + "repetitions: {count: 3, boots: 3}\n", "max_jobs: 1")).code == 0
    assert user.executions.read_text() == "begin\nend\n" * 6
    user.assert_nothing_left()


@pytest.mark.slow
def test_a_stop_rule_submits_no_more_boots_than_it_needs(user: SlurmUser) -> None:
    rule = "repetitions: {max: 20, boots: 20, until: {half_width: 5%}}\n"
    assert user.run(user.slurm_file(COUNT + rule)).code == 0
    assert sum(user.counted.values()) < 40
    assert user.statuses["skipped"] > 0
    user.assert_nothing_left()


def test_a_dry_run_prints_the_jobs_that_a_run_submits(user: SlurmUser, tmp_path: Path) -> None:
    file = user.slurm_file(COUNT + "repetitions: {count: 4, boots: 4}\n", "max_jobs: 2")
    printed = user.run(file, "--dry-run")
    assert printed.code == 0, printed.err
    assert user.run_folders == []
    user.assert_nothing_left()
    shown = [line for line in printed.out.splitlines() if " sbatch --parsable " in line]
    trials = [
        line for line in printed.out.splitlines() if line.startswith("    < ") and "echo speed=1.5" in line
    ]
    assert len(trials) == 4

    log, programs = tmp_path / "submitted", tmp_path / "programs"
    programs.mkdir()
    sbatch = programs / "sbatch"
    sbatch.write_text(f'#!/bin/sh\necho "sbatch $*" >>{log}\nexec {shutil.which("sbatch")} "$@"\n')
    sbatch.chmod(0o755)
    user.environment["PATH"] = f"{programs}:{os.environ['PATH']}"
    assert user.run(file).code == 0
    (run,) = (folder.name for folder in user.run_folders)
    submitted = [line.replace(run, "RUN") for line in log.read_text().splitlines()]
    assert [line.partition(" sbatch ")[2] for line in shown] == [line.partition(" ")[2] for line in submitted]
