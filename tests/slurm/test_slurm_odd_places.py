"""Odd names of directories, and variables of Slurm in the environment of the command."""

from __future__ import annotations

import pytest

from tests.slurm.conftest import SlurmUser

SAY = """
name: say
benchmark: {command: [sh, -c, 'sleep PAUSE; echo value=3'], metrics: {value: {key_value: value, unit: "1"}}}
repetitions: 2
"""


def test_a_directory_with_characters_of_shells_and_of_slurm(user: SlurmUser) -> None:
    user.shared = user.shared.parent / "50%j of $(touch executed) a'b"
    ended = user.run(user.slurm_file(SAY.replace("PAUSE", "0")))
    assert ended.code == 0, ended.err
    user.assert_complete(2)
    user.assert_nothing_left()


@pytest.mark.parametrize(
    "environment",
    [
        {"SQUEUE_STATES": "PENDING", "SQUEUE_PARTITION": "down", "SQUEUE_FORMAT": "%i"},
        {"SLURM_JOB_ID": "1", "SLURM_JOBID": "1", "SLURM_MEM_PER_CPU": "10", "SLURM_NNODES": "3"},
    ],
    ids=["squeue", "allocation"],
)
def test_variables_of_slurm_in_the_environment(user: SlurmUser, environment: dict[str, str]) -> None:
    user.environment = {**user.environment, **environment}
    ended = user.run(user.slurm_file(SAY.replace("PAUSE", "5")))  # longer than lost_after
    assert ended.code == 0, ended.err
    user.assert_complete(2)
    user.assert_nothing_left()
