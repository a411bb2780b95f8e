"""Values that tasks leave for later tasks: registered results, and facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from orchestrator.provision.module import TaskResult
from orchestrator.provision.tasks import Task

LONGEST_ITEM = 60
"""Characters of a loop's item that are shown in the name of a step."""


class LazyFacts(Mapping[str, Any]):
    """Facts that are gathered when the first of them is read."""

    def __init__(self, gather: Callable[[], Mapping[str, Any]]) -> None:
        self._gather = gather

    def __getitem__(self, key: str) -> Any:
        return self._gather()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._gather())

    def __len__(self) -> int:
        return len(self._gather())


def skipped_result() -> dict[str, Any]:
    """Return the result of a skipped task."""
    return {
        "changed": False,
        "failed": False,
        "skipped": True,
        "rc": 0,
        "stdout": "",
        "stderr": "",
        "stdout_lines": [],
    }


def registered_value(task: Task, results: Sequence[TaskResult]) -> dict[str, Any]:
    """Return the value of the variable that ``register`` names: one result, or all results of a loop."""
    if task.loop is None:
        return dict(results[0].result)
    items = [dict(result.result) for result in results]
    return {
        "results": items,
        "changed": any(item["changed"] for item in items),
        "failed": any(item["failed"] for item in items),
        "skipped": all(item["skipped"] for item in items),
    }


def shortened(item: Any) -> str:
    """Return an item of a loop as text, cut to :data:`LONGEST_ITEM` characters."""
    text = str(item)
    return text if len(text) <= LONGEST_ITEM else f"{text[:LONGEST_ITEM]}…"
