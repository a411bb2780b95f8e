"""What Slurm's commands print, as data: states, reasons, job ids, errors."""

from __future__ import annotations

import pytest

from orchestrator.errors import HostError
from orchestrator.hosts.batch import Task
from orchestrator.hosts.slurm import commands
from orchestrator.hosts.slurm.check import time_limit_minutes, try_jobs
from orchestrator.hosts.slurm.options import read_options
from orchestrator.hosts.slurm.states import STATES, next_step, state
from orchestrator.hosts.testing import ScriptedHost

DEFINED = {
    "BOOT_FAIL",
    "NODE_FAIL",
    "PREEMPTED",
    "TIMEOUT",
    "OUT_OF_MEMORY",
    "DEADLINE",
    "CANCELLED",
    "REQUEUED",
    "COMPLETING",
    "PENDING",
    "RUNNING",
    "COMPLETED",
    "FAILED",
    "SUSPENDED",
    "CONFIGURING",
    "RESIZING",
    "REVOKED",
    "SIGNALING",
    "SPECIAL_EXIT",
    "STAGE_OUT",
    "STOPPED",
    "REQUEUE_HOLD",
    "REQUEUE_FED",
    "RESV_DEL_HOLD",
}


def test_every_state_of_slurm_has_an_outcome_and_words() -> None:
    assert set(STATES) == DEFINED
    assert all(words.startswith(("it ", "its ", "another ")) for _, words in STATES.values())


@pytest.mark.parametrize(
    ("word", "reason", "outcome", "said"),
    [
        ("RUNNING", "None", "running", "it is running"),
        ("CANCELLED by 1000", "", "stop", "it was cancelled by user 1000"),
        ("CANCELLED+", "", "stop", "it was cancelled"),
        ("NODE_FAIL", "", "blame", "its node went down"),
        ("PREEMPTED", "", "retry", "another job took its node"),
        ("WHATEVER", "", "running", "its state is WHATEVER"),
    ],
)
def test_states(word: str, reason: str, outcome: str, said: str) -> None:
    seen = state(word, reason)
    assert (seen.outcome, seen.words) == (outcome, said)


@pytest.mark.parametrize(
    ("reason", "key"),
    [
        ("PartitionDown", "PartitionDown"),
        ("JobHeldUser", "JobHeldUser"),
        ("Job's account not known, so it can't use this partition (a allows a)", "AccountNotAllowed"),
        ("launch failed requeued held", "launch_failed_requeued_held"),
    ],
)
def test_reasons_that_never_end(reason: str, key: str) -> None:
    assert state("PENDING", reason).obstacle.startswith(f"{key}: ")


@pytest.mark.parametrize(
    "reason", ["Priority", "Resources", "ReqNodeNotAvail, UnavailableNodes:n1", "Dependency"]
)
def test_reasons_that_end(reason: str) -> None:
    assert state("PENDING", reason).obstacle == ""


def test_a_running_job_has_no_obstacle() -> None:
    assert state("RUNNING", "PartitionDown").obstacle == ""


@pytest.mark.parametrize(
    ("job", "indices"),
    [
        ("12", []),
        ("12_7", [7]),
        ("12_[2,4-5%3]", [2, 4, 5]),
        ("12_[0-2]", [0, 1, 2]),
        ("9_[0-8:4]", [0, 4, 8]),
    ],
)
def test_tasks_of_an_array(job: str, indices: list[int]) -> None:
    assert list(commands.task_indices(job)) == indices


def test_only_the_run_s_own_jobs_count() -> None:
    login = ScriptedHost("login")
    lines = [
        "5_[1-2%1]|orchestrate-R-0|PENDING||JobArrayTaskLimit",
        "6_0|orchestrate-R-0|RUNNING|n1|None",
        "7|orchestrate-R-prepare|RUNNING|n2|None",
        "8_0|orchestrate-R2-0|RUNNING|n2|None",
        "9|a|b|c|d",
        "10|a name",
        "of two lines|RUNNING|n2|None",
    ]
    login.answer("squeue", stdout="\n".join(lines))
    found = commands.queue(login, "R")
    assert {task: seen.outcome for task, seen in found.items()} == {
        Task(0, 1): "waiting",
        Task(0, 2): "waiting",
        Task(0, 0): "running",
    }
    assert found[Task(0, 0)].node == "n1"


def test_accounting_that_is_not_there_tells_nothing() -> None:
    login = ScriptedHost("login")
    login.answer("sacct", exit_code=1, stderr="Slurm accounting storage is disabled\n")
    assert commands.accounting(login, "R", ["5"]) == {}


def test_accounting_tells_what_became_of_jobs() -> None:
    login = ScriptedHost("login")
    login.answer("sacct", stdout="5_0|orchestrate-R-0|NODE_FAIL|n1\n5_1|orchestrate-R-0|CANCELLED by 7|n2\n")
    found = commands.accounting(login, "R", ["5"])
    assert {task.index: seen.outcome for task, seen in found.items()} == {0: "blame", 1: "stop"}


@pytest.mark.parametrize(
    ("printed", "error"),
    [
        (
            "sbatch: error: Batch job submission failed: Invalid qos specification\n",
            "Invalid qos specification",
        ),
        (
            "sbatch: error: invalid partition: x\nsbatch: error: Batch job submission failed: Invalid partition name\n",
            "Invalid partition name",
        ),
        (
            "srun: unrecognized option '--x'\nTry \"srun --help\" for more information\n",
            "unrecognized option '--x'",
        ),
        ("slurm_load_jobs error: Unable to contact slurm controller\n", "Unable to contact slurm controller"),
        ("", "unknown error"),
    ],
)
def test_errors_of_commands(printed: str, error: str) -> None:
    found = commands.error_of(printed).removeprefix("srun: ")
    assert found == error


def test_an_error_names_the_next_step() -> None:
    login = ScriptedHost("login")
    login.answer(
        "sbatch",
        exit_code=1,
        stderr="sbatch: error: Batch job submission failed: Invalid qos specification\n",
    )
    with pytest.raises(HostError, match=r"^login: sbatch: Invalid qos specification; set hosts\.slurm\.qos"):
        commands.call(login, "sbatch", "x")
    assert next_step("something else") == "something else"


def test_a_login_shell_that_prints_a_greeting() -> None:
    login = ScriptedHost("login")
    login.answer("command -v", stdout="Welcome to the cluster\n")
    with pytest.raises(
        HostError, match=r"^login: the login shell prints 'Welcome to the cluster' before each"
    ):
        commands.check_commands(login)


def test_a_command_that_the_login_host_does_not_have() -> None:
    login = ScriptedHost("login")
    login.answer("command -v", stdout="sbatch\nsrun\n")
    with pytest.raises(HostError, match=r"^sbatch: command not found on login"):
        commands.check_commands(login)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("00:01:30", 1.5), ("2-12:00:00", 3600.0), ("UNLIMITED", None), ("NONE", None), ("(null)", None)],
)
def test_time_limits_of_partitions(text: str, minutes: float | None) -> None:
    assert time_limit_minutes(text) == minutes


@pytest.mark.parametrize("printed", ["", "no idea"])
def test_an_answer_of_sbatch_that_says_no_time_of_start(printed: str) -> None:
    login = ScriptedHost("login")
    login.answer("test-only", stderr=printed)
    with pytest.raises(HostError, match="cannot read what sbatch --test-only says: '" + printed):
        try_jobs(login, read_options({}), ["stock"], 10)
