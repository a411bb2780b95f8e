"""One cluster for the tests that leave it as it was, and people who use it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import User
from tests.slurm import cluster as clusters
from tests.slurm.cluster import Cluster

PARTITIONS = {
    "main": "Default=YES",
    "down": "State=DOWN",
    "short": "MaxTime=1",
    "theirs": "AllowAccounts=theirs",
}
SECTION = "hosts: {{provider: slurm, slurm: {{directory: {shared}, poll: 0.3s, lost_after: 3s{more}}}}}\n"


class SlurmUser(User):
    """Someone who runs experiments on a cluster; ``shared``: the storage of the nodes."""

    cluster: Cluster
    shared: Path

    def slurm_file(self, text: str, more: str = "", **limits: str | int) -> Path:
        """Write an experiment for this cluster; ``more``: further keys of hosts.slurm."""
        section = SECTION.format(shared=self.shared, more=f", {more}" if more else "")
        return self.file(section + "noise: false\n" + text, **limits)

    def assert_nothing_left(self) -> None:
        """No job in the queue and no directory of a run on the shared storage."""
        assert self.cluster.jobs() == []
        assert not self.shared.exists() or list(self.shared.iterdir()) == []


def user_of(cluster: Cluster, folder: Path) -> SlurmUser:
    user = SlurmUser(folder, environment=cluster.environment)
    user.cluster, user.shared = cluster, folder / "shared"
    return user


@pytest.fixture(scope="session", autouse=True)
def _slurm_is_installed() -> None:
    reason = clusters.missing()
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with (
        tempfile.TemporaryDirectory(prefix="slurm") as folder,
        clusters.start(Path(folder), nodes=3, partitions=PARTITIONS) as cluster,
    ):
        yield cluster


@pytest.fixture
def user(cluster: Cluster, tmp_path: Path) -> Iterator[SlurmUser]:
    user = user_of(cluster, tmp_path)
    yield user
    user.close()
    cluster.command("scancel", "--me")
