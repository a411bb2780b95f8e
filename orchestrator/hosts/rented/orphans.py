"""Machines that no controller needs any more: its process was killed before it could give them back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestrator.hosts.rented.access import Keys
from orchestrator.hosts.rented.cloud import Cloud
from orchestrator.hosts.waiting import waiting


def remove_orphans(cloud: Cloud, note: Callable[[str], None], *, others: bool) -> Iterator[str]:
    """Remove what runs have left in one region; yield one line for each removed or kept resource.

    :param note: takes lines of progress.
    :param others: also remove what controllers on other machines have rented; they may still be running.
    """
    with waiting(note, cloud.location, "looking for machines"):
        runs = cloud.runs()
    for run in runs:
        keys = Keys(run)
        if not (keys.exist or others):
            yield f"{cloud.location}: {run}: kept: rented by another machine; --all removes it"
            continue
        with keys.held() as held:
            if not held:
                yield f"{cloud.location}: {run}: kept: the run is active"
                continue
            with waiting(note, f"{cloud.location}: {run}", "being removed"):
                removed = cloud.destroy(run)
            yield from (f"{cloud.location}: {run}: removed {one}" for one in removed)
            keys.remove()
