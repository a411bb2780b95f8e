"""Blocks on several machines at once: errors are told when they happen, and the first of a machine is raised."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.errors import HostError, Interrupted, KernelError
from orchestrator.execution import side_by_side
from orchestrator.execution.side_by_side import execute_side_by_side
from orchestrator.plan.model import Block

PATIENCE_S = 60.0


class Runs:
    """A run whose blocks do what the test says, and what its user is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, actions: list[Callable[[], None]]) -> None:
        self.notes: list[str] = []
        self.begun: list[int] = []
        self.stops: list[int] = []
        self.told = threading.Event()
        self.provider = SimpleNamespace(machine=self.machine)
        self.observer = SimpleNamespace(
            note=self.note, block_begins=lambda block, _: self.begun.append(block.index)
        )
        self.stop = SimpleNamespace(request=self.stops.append)
        self.folder = Path("nowhere")
        self.let_go = self.pending = lambda _: ()
        monkeypatch.setattr(
            side_by_side,
            "BlockRun",
            lambda _run, _machine, block: SimpleNamespace(execute=actions[block.index]),
        )

    @contextmanager
    def machine(self, folder: Path) -> Iterator[None]:
        yield

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.told.set()

    def execute(self, blocks: int) -> None:
        execute_side_by_side(self, [Block(n, "k", n) for n in range(blocks)], 2)  # type: ignore[arg-type]


def failing(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_an_error_is_told_while_another_machine_is_at_work_and_no_block_begins_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[bool] = []
    runs: Any = None
    actions = [
        lambda: waited.append(runs.told.wait(PATIENCE_S)),
        failing(KernelError("does not boot")),
        failing(HostError("x")),
    ]
    runs = Runs(monkeypatch, actions)
    with pytest.raises(KernelError, match="does not boot"):
        runs.execute(3)
    assert waited == [True]
    assert runs.notes == ["does not boot; no further block begins"]
    assert sorted(runs.begun) == [0, 1]
    assert not runs.stops


def test_an_interruption_does_not_hide_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2)

    def interrupted() -> None:
        both.wait(PATIENCE_S)
        raise Interrupted("stopped by SIGINT")

    def failed() -> None:
        both.wait(PATIENCE_S)
        raise HostError("gone")

    runs = Runs(monkeypatch, [interrupted, failed])
    with pytest.raises(HostError, match="gone"):
        runs.execute(2)


def test_a_defect_lets_the_other_machines_end_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(monkeypatch, [failing(ZeroDivisionError()), lambda: None])
    with pytest.raises(ZeroDivisionError):
        runs.execute(2)
    assert len(runs.stops) == 1


def test_each_block_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(monkeypatch, [lambda: None] * 9)
    runs.execute(9)
    assert sorted(runs.begun) == list(range(9))
