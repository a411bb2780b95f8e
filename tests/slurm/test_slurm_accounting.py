"""A cluster with accounting, by slurmdbd and MariaDB.

Accounts and QOS are enforced, and ``sacct`` knows jobs that have left the queue.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.hosts.batch import Task
from orchestrator.hosts.local import LocalHost
from orchestrator.hosts.slurm.commands import accounting
from tests.slurm import cluster as clusters
from tests.slurm.accounting import Accounting, missing
from tests.slurm.cluster import Cluster
from tests.slurm.conftest import SlurmUser, user_of
from tests.slurm.test_slurm_losses import SLOW
from tests.slurm.test_slurm_refusals import SAY

PARTITIONS = {"main": "Default=YES PriorityTier=1", "urgent": "PriorityTier=10"}
PREEMPTING = "PreemptType=preempt/partition_prio\nPreemptMode=CANCEL\n"


@pytest.fixture(scope="module")
def accounted() -> Iterator[Cluster]:
    if reason := missing():
        pytest.skip(reason)
    with (
        tempfile.TemporaryDirectory(prefix="slurm") as folder,
        clusters.start(
            Path(folder), nodes=2, partitions=PARTITIONS, more=PREEMPTING, accounts=["mine", "brief"]
        ) as cluster,
    ):
        database(cluster).change("modify", "account", "brief", "set", "MaxWall=1")
        database(cluster).change("add", "qos", "quick", "MaxWall=1")
        database(cluster).change("modify", "user", "root", "set", "qos+=quick")
        yield cluster


@pytest.fixture
def member(accounted: Cluster, tmp_path: Path) -> Iterator[SlurmUser]:
    """Someone with the accounts mine and brief."""
    user = user_of(accounted, tmp_path)
    yield user
    user.close()
    accounted.command("scancel", "--me")


def database(cluster: Cluster) -> Accounting:
    assert cluster.accounting is not None
    return cluster.accounting


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "account: theirs",
            "srun: Invalid account or account/partition combination specified; set hosts.slurm.account; "
            "`sacctmgr show associations` lists accounts",
        ),
        ("qos: nope", "srun: Invalid qos specification; set hosts.slurm.qos; `sacctmgr show qos` lists them"),
        pytest.param(
            "account: brief, time: 2h",
            "the job will never start: AssocMaxWallDurationPerJobLimit: the account does",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "qos: quick, time: 2h",
            "the job will never start: QOSMaxWallDurationPerJobLimit: the QOS does not allow",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_one_line_and_nothing_left(member: SlurmUser, more: str, message: str) -> None:
    ended = member.run(member.slurm_file(SAY, more))
    assert (ended.code, len(ended.complaints)) == (3, 1), ended.err
    assert message in ended.complaints[0]
    member.assert_nothing_left()


@pytest.mark.slow
def test_the_database_is_away_while_jobs_run(member: SlurmUser) -> None:
    """Then ``sacct`` fails; the journals say what is done, and the jobs are in the accounts when it is back."""
    accounts = database(member.cluster)
    text = SLOW.replace("[1, 2, 3, 4]", "[1, 2]") + "repetitions: {count: 2, boots: 2}\n"
    process = member.begin_run(member.slurm_file(text, "account: mine"))
    member.wait_for(lambda: member.trials, process)
    jobs = [line.partition("_")[0] for line in member.cluster.jobs()]
    accounts.stop_slurmdbd()
    with pytest.raises(subprocess.CalledProcessError, match="sacct"):
        member.cluster.command("sacct")
    ended = member.end(process)
    accounts.start_slurmdbd()
    assert ended.code == 0, ended.err
    member.assert_complete(4)
    member.assert_nothing_left()
    shown = ("sacct", "-nPX", f"--jobs={jobs[0]}", "--format=Account,State")
    member.cluster.wait_for(
        "states in sacct", lambda: member.cluster.command(*shown).split() == ["mine|COMPLETED"] * 2
    )


@pytest.mark.slow
def test_the_database_is_away_when_a_job_dies(member: SlurmUser) -> None:
    """The queue still knows the job for a while; else it is a job that is unknown, and another one runs the rest."""
    cluster = member.cluster
    process = member.begin_run(member.slurm_file(SLOW + "repetitions: 1\n", "account: mine"))
    member.wait_for(lambda: member.trials, process)
    database(cluster).stop_slurmdbd()
    node = member.trials[0]["host"]
    cluster.kill_node(node)
    ended = member.end(process)
    database(cluster).start_slurmdbd()
    cluster.start_node(node)
    cluster.wait_until_idle(2)
    assert ended.code == 0, ended.err
    member.assert_complete(4)
    assert "another job runs what is left" in ended.err


@pytest.mark.slow
def test_what_sacct_says_of_each_end(accounted: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that really end so; out of memory is written into the database, for that needs cgroups of slurmd's own."""
    monkeypatch.setenv("SLURM_CONF", accounted.environment["SLURM_CONF"])
    jobs = {}

    def submit(what: str, *options: str) -> None:
        words = ("sbatch", "--parsable", "--job-name=orchestrate-ends-0", "--array=0", "--output=/dev/null")
        line = ("--account=mine", "--no-requeue", *options, "--wrap=exec sleep 600")
        jobs[what] = accounted.command(*words, *line).strip()

    def states(what: str) -> str:
        shown = ("sacct", "-nPX", f"--jobs={jobs[what]}", "--format=State")
        return accounted.command(*shown).strip()

    def wait(what: str, state: str) -> None:
        accounted.wait_for(f"{what}: {state}", lambda: states(what).startswith(state))

    submit("time limit", "--time=1", "--nodelist=node2", "--ntasks=1", "--mem=10")
    submit("deadline", "--time=1", "--deadline=now+70seconds", "--nodelist=node2", "--exclusive")
    submit("cancelled", "--ntasks=1", "--mem=10")
    wait("cancelled", "RUNNING")
    accounted.command("scancel", jobs["cancelled"])
    submit("memory", "--ntasks=1", "--mem=10")
    wait("memory", "RUNNING")
    accounted.command("scancel", jobs["memory"])
    wait("memory", "CANCELLED")
    database(accounted).sql(f"update test_job_table set state=11 where id_array_job={jobs['memory']}")
    submit("preempted", "--exclusive", "--nodelist=node1")
    wait("preempted", "RUNNING")
    submit("urgent", "--partition=urgent", "--exclusive", "--nodelist=node1")
    wait("preempted", "PREEMPTED")
    wait("urgent", "RUNNING")
    accounted.kill_node("node1")
    wait("urgent", "NODE_FAIL")
    accounted.start_node("node1")
    wait("cancelled", "CANCELLED")
    accounted.wait_for("deadline", lambda: states("deadline") == "DEADLINE")
    accounted.wait_for("time limit", lambda: states("time limit") == "TIMEOUT")
    accounted.wait_until_idle(2)

    def seen(what: str) -> tuple[str, str]:
        state = accounting(LocalHost("this machine"), "ends", [jobs[what]])[Task(0, 0)]
        return state.outcome, state.words

    assert {what: seen(what) for what in jobs} == {
        "time limit": ("retry", "it reached its time limit"),
        "deadline": ("stop", "it could not end before its deadline"),
        "cancelled": ("stop", "it was cancelled by user 0"),
        "memory": ("blame", "it ran out of memory"),
        "preempted": ("retry", "another job took its node"),
        "urgent": ("blame", "its node went down"),
    }
    database(accounted).sql("delete from test_job_table")  # as slurmdbd purges jobs that are old
    assert accounting(LocalHost("this machine"), "ends", list(jobs.values())) == {}


@pytest.mark.slow
def test_a_job_that_accounting_has_forgotten(member: SlurmUser) -> None:
    """Nobody knows it any longer when the same command is given again: another job runs what is left."""
    cluster = member.cluster
    process = member.begin_run(file := member.slurm_file(SLOW + "repetitions: 1\n", "account: mine"))
    member.wait_for(lambda: member.trials, process)
    member.kill(process)
    job = cluster.jobs()[0].partition("_")[0]
    cluster.command("scancel", job)
    listed = ("squeue", "--noheader", "--states=all", "--format=%F")
    member.wait_for(lambda: job not in cluster.command(*listed).split())
    database(cluster).sql("delete from test_job_table")
    ended = member.run(file)
    assert ended.code == 0, ended.err
    member.assert_complete(4)
    member.assert_nothing_left()
