"""What tasks leave for later ones: results under registered names, and facts that are gathered when looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from orchestrator.provision.module import TaskResult
from orchestrator.provision.tasks import Task


class LazyFacts(Mapping[str, Any]):
    """Facts that are gathered when the first of them is looked at."""

    def __init__(self, gather: Callable[[], Mapping[str, Any]]) -> None:
        self._gather = gather

    def __getitem__(self, key: str) -> Any:
        return self._gather()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._gather())

    def __len__(self) -> int:
        return len(self._gather())


def nothing_done() -> dict[str, Any]:
    """The result of a task that was skipped."""
    return {
        "changed": False,
        "failed": False,
        "skipped": True,
        "rc": 0,
        "stdout": "",
        "stderr": "",
        "stdout_lines": [],
    }


def registered(task: Task, outcomes: Sequence[TaskResult]) -> dict[str, Any]:
    """What a later task finds under the registered name: a result, or of a loop all of them."""
    if task.loop is None:
        return dict(outcomes[0].result)
    results = [dict(outcome.result) for outcome in outcomes]
    return {
        "results": results,
        "changed": any(result["changed"] for result in results),
        "failed": any(result["failed"] for result in results),
        "skipped": all(result["skipped"] for result in results),
    }


def short(item: Any) -> str:
    """An item of a loop, as a line has room for it."""
    text = str(item)
    return text if len(text) <= 60 else f"{text[:60]}…"
