"""Machines that no controller needs any more: its process was killed before it could give them back."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.hosts.rented.access import Keys
from orchestrator.hosts.rented.cloud import Cloud


def remove_orphans(cloud: Cloud, *, others: bool) -> Iterator[str]:
    """Remove what runs have left in one region; yield one line for each removed or kept resource.

    :param others: also remove what controllers on other machines have rented; they may still be running.
    """
    for run in cloud.runs():
        keys = Keys(run)
        if not (keys.exist or others):
            yield f"{cloud.location}: {run}: kept: rented by another machine; --all removes it"
            continue
        with keys.held() as held:
            if not held:
                yield f"{cloud.location}: {run}: kept: the run is active"
                continue
            for removed in cloud.destroy(run):
                yield f"{cloud.location}: {run}: removed {removed}"
            keys.remove()
