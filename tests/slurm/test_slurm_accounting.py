"""A cluster with accounting: slurmdbd and MariaDB. Accounts and QOS are enforced, and ``sacct`` knows jobs that have left the queue."""

from __future__ import annotations

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
        ("account: brief, time: 2h", "the job will never start: AssocMaxWallDurationPerJobLimit: the account does"),
        ("qos: quick, time: 2h", "the job will never start: QOSMaxWallDurationPerJobLimit: the QOS does not allow"),
    ],
)
def test_one_line_and_nothing_left(member: SlurmUser, more: str, message: str) -> None:
    ended = member.run(member.slurm_file(SAY, more))
    assert (ended.code, len(ended.complaints)) == (3, 1), ended.err
    assert message in ended.complaints[0]
    member.assert_nothing_left()
