"""Clusters whose nodes have directories of their own, and someone who runs experiments there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

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
