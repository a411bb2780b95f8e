"""What a Slurm cluster refuses, and what is wrong with a file: one line that says what to do, and no job is left."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from orchestrator.hosts.slurm.commands import COMMANDS
from tests.slurm.conftest import SlurmUser

SAY = """
name: say
benchmark:
  name: say
  command: [sh, -c, 'echo speed=1.5']
  metrics: {speed: {key_value: speed, unit: GiB/s, better: higher}}
"""


REFUSED = {
    "partition: nope": "srun: Invalid partition name specified; set hosts.slurm.partition; `sinfo -s` lists partitions",
    "partition: down": "the job will never start: PartitionDown: the partition is down; set another",
    "partition: short, time: 2h": "PartitionTimeLimit: the partition does not allow a time limit that long; lower",
    "partition: theirs, account: mine": "AccountNotAllowed: the partition does not accept the account; set hosts.slurm",
    "constraint: nope": "srun: Invalid feature specification; see hosts.slurm.features",
    "nodelist: nope": "srun: Invalid node name specified; set hosts.slurm.nodelist",
    "options: [--mincpus=64]": "srun: Requested node configuration is not available; no node has the requested",
    "options: [--hold]": "JobHeldUser: the job is held; release it with `scontrol release`",
    "reservation: nope": "srun: Requested reservation is invalid; set hosts.slurm.reservation",
    "options: [--nope]": "srun: unrecognized option '--nope'; see hosts.slurm.options",
}
SHORT = ("partition: nope", "partition: down", "constraint: nope")


@pytest.mark.parametrize(
    "more", [pytest.param(more, marks=() if more in SHORT else pytest.mark.slow) for more in REFUSED]
)
def test_one_line_and_nothing_left(user: SlurmUser, more: str) -> None:
    ended = user.run(user.slurm_file(SAY, more))
    assert (ended.code, len(ended.complaints)) == (3, 1), ended.err
    assert REFUSED[more] in ended.complaints[0]
    user.assert_nothing_left()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("time: soon", "hosts.slurm.time"),
        ("partitoin: main", "did you mean 'partition'?"),
        ("max_jobs: 0", "expected an integer >= 1"),
        ("node_directory: SHARED", "hosts.slurm.node_directory: must differ from hosts.slurm.directory"),
    ],
)
def test_faults_of_the_file(user: SlurmUser, more: str, message: str) -> None:
    ended = user.run(user.slurm_file(SAY, more.replace("SHARED", str(user.shared))))
    assert (ended.code, message in ended.err) == (2, True), ended.err


@pytest.mark.parametrize("missing", ["sbatch", "scontrol"])
def test_a_command_of_slurm_is_missing(user: SlurmUser, tmp_path: Path, missing: str) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in {"sh", *COMMANDS} - {missing}:
        (programs / name).symlink_to(str(shutil.which(name)))
    user.environment = {**user.environment, "PATH": str(programs)}
    ended = user.run(user.slurm_file(SAY))
    assert ended.code == 3
    assert ended.complaints == [
        f"{missing}: command not found on this machine; run this on a login node, or name one with hosts.slurm.login"
    ]


def test_no_controller(user: SlurmUser, tmp_path: Path) -> None:
    configuration = tmp_path / "slurm.conf"
    lines = Path(user.environment["SLURM_CONF"]).read_text().splitlines()
    lines = ["SlurmctldPort=1" if line.startswith("SlurmctldPort=") else line for line in lines]
    configuration.write_text("\n".join([*lines, "MessageTimeout=1", ""]))
    user.environment = {"SLURM_CONF": str(configuration)}
    ended = user.run(user.slurm_file(SAY))
    assert (ended.code, len(ended.complaints)) == (3, 1), ended.err
    assert "slurmctld does not answer; check with `scontrol ping`" in ended.complaints[0]


def test_a_role_that_changes_the_node_is_refused(user: SlurmUser, tmp_path: Path) -> None:
    role = tmp_path / "roles" / "installs"
    role.mkdir(parents=True)
    (role / "tasks.yaml").write_text("- name: install stress\n  package: {name: stress-ng}\n")
    ended = user.run(user.slurm_file(SAY + "roles: [installs]\n"))
    assert ended.code == 2
    assert (
        "tasks.yaml:2: role installs: 'install stress' changes the node, which belongs to the cluster"
        in ended.err
    )
    user.assert_nothing_left()


def test_check_asks_slurm_and_submits_nothing(user: SlurmUser) -> None:
    ended = user.run(user.slurm_file(SAY, "time: 5min"), "--check")
    assert ended.code == 0, ended.err
    assert re.fullmatch(
        r"kernel default: a job of 5 minutes would start at \S+ using 2 processors on nodes node\d in partition main\n",
        ended.out,
    )
    assert user.run_folders == []
    user.assert_nothing_left()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("partition: nope", "sbatch: Invalid partition name specified; set hosts.slurm.partition"),
        ("partition: down", "a job would never start: PartitionDown: the partition is down; set another"),
        (
            "partition: short, time: 5min",
            "a job would never start: PartitionTimeLimit: the partition does not",
        ),
        pytest.param(
            "options: [--mincpus=64]",
            "sbatch: Requested node configuration is not available; no node has",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_check_refuses_what_a_run_refuses(user: SlurmUser, more: str, message: str) -> None:
    ended = user.run(user.slurm_file(SAY, more), "--check")
    assert (ended.code, len(ended.complaints)) == (3, 1), ended.err
    assert message in ended.complaints[0]
