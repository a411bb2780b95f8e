"""Lines of a runner that come late, twice, torn, or not at all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.activities import current
from orchestrator.errors import HostError
from orchestrator.execution import journal_follower
from orchestrator.execution.coordinator import execute
from orchestrator.experiment.model import Status
from orchestrator.hosts.command import Command
from orchestrator.hosts.testing import ScriptedHost, ScriptedMachine
from orchestrator.results.journal import read
from orchestrator.results.records import TrialRecord
from tests.block_runs import (
    FILE,
    RoundsHost,
    a_run,
    begin,
    ended,
    line,
    script,
    trials_of,
)


def test_lines_that_are_torn_or_come_twice_do_no_harm(tmp_path: Path, answers: str) -> None:
    scripted = ScriptedHost("n1")
    with a_run(tmp_path, ScriptedMachine([scripted])) as run:
        first, second = trials_of(run)
        journal = [
            begin(),
            '{"event":"sta',
            ended(first),
            ended(first, "x=9"),
            ended(second, "nothing"),
            line("end", reason="complete", detail=""),
        ]
        script(scripted, answers, *journal)
        execute(run)
        records = [
            record for record in read(tmp_path / "run" / "journal.jsonl") if isinstance(record, TrialRecord)
        ]
    assert [(record.trial, record.status) for record in records] == [
        (first.id, Status.OK),
        (second.id, Status.FAILED),
    ]
    assert records[0].metrics["x"].value == 1


def test_a_disturbed_trial_is_sent_again_in_the_same_visit(tmp_path: Path, answers: str) -> None:
    """The journal that an earlier runner left is read twice, and its attempt counts once."""
    complete = line("end", reason="complete", detail="")
    rounds: list[list[str]] = []
    scripted = RoundsHost("n1", iter(rounds))
    with a_run(tmp_path, ScriptedMachine([scripted]), FILE + "noise: {retries: 2}") as run:
        first, second = trials_of(run)
        disturbed = [ended(first, start=start, settled=False) for start in (1, 5, 9)]
        rounds += [
            [begin(), disturbed[0], ended(second), complete],
            [begin(), disturbed[1], complete],
            [begin(), disturbed[2], complete],
        ]
        scripted.answer(r"if \[ -e .*journal.jsonl", stdout="\n".join([begin(), disturbed[0]]))
        scripted.answer(r"boot_id|hugepages", stdout=answers)
        execute(run)
        records = [
            record for record in read(tmp_path / "run" / "journal.jsonl") if isinstance(record, TrialRecord)
        ]
    assert [(r.trial, r.status, r.final) for r in records] == [
        (first.id, Status.DISTURBED, False),
        (second.id, Status.OK, True),
        (first.id, Status.DISTURBED, False),
        (first.id, Status.DISTURBED, True),
    ]
    assert sum("runner.sh start" in command for command in scripted.commands) == 3


class LosingHost(RoundsHost):
    """Keeps how many trials the program says there are, each time its journal is followed."""

    def __init__(self, name: str, rounds: Iterator[list[str]]) -> None:
        super().__init__(name, rounds)
        self.totals: list[int] = []

    def batches(self, command: Command) -> Iterator[list[str] | None]:
        self.totals += [shown.total for shown in current()]
        yield from super().batches(command)


def test_lines_that_are_lost_again_and_again_end_the_run(tmp_path: Path, answers: str) -> None:
    complete = line("end", reason="complete", detail="")
    losing = LosingHost("n1", itertools.repeat([begin(), complete], 9))
    losing.answer(r"boot_id|hugepages", stdout=answers)
    with a_run(tmp_path, ScriptedMachine([losing])) as run:
        first, _ = trials_of(run)
        message = (
            f"n1: lost 4 times in a row without completing a trial: .*, and has no line of trial {first.id}"
        )
        with pytest.raises(HostError, match=message):
            execute(run)
    assert losing.totals == [2] * 4


def test_lines_that_are_lost_once_are_written_again(tmp_path: Path, answers: str) -> None:
    complete = line("end", reason="complete", detail="")
    rounds: list[list[str]] = []
    losing = LosingHost("n1", iter(rounds))
    losing.answer(r"boot_id|hugepages", stdout=answers)
    with a_run(tmp_path, ScriptedMachine([losing])) as run:
        first, second = trials_of(run)
        nothing = [begin(), complete]
        rounds += [nothing, nothing, nothing, [begin(), ended(first), complete]]
        rounds += [nothing, nothing, nothing, [begin(), ended(second), complete]]
        execute(run)
        assert run.all_ok
        assert run.finished_count == 2
    assert losing.totals == [2] * 8


def test_lines_of_foreign_trials_and_in_another_order_cost_no_other_line(
    tmp_path: Path, answers: str
) -> None:
    rounds: list[list[str]] = []
    once = RoundsHost("n1", iter(rounds))
    once.answer(r"boot_id|hugepages", stdout=answers)
    with a_run(tmp_path, ScriptedMachine([once])) as run:
        first, second = trials_of(run)
        foreign = [line("start", trial="ffff", uptime=1.0), ended(first).replace(first.id, "ffff")]
        complete = line("end", reason="complete", detail="")
        rounds.append([begin(), *foreign, ended(second), ended(first), complete])
        execute(run)
        assert run.all_ok
        assert run.finished_count == 2


class SilentHost(ScriptedHost):
    """Its runner is always at work, and nothing comes of it."""

    def batches(self, command: Command) -> Iterator[list[str] | None]:
        yield from itertools.repeat(None)


def test_a_trial_that_never_ends_ends_the_run(
    tmp_path: Path, answers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = SilentHost("n1")
    silent.answer("runner.sh status", stdout="running")
    silent.answer(r"boot_id|hugepages", stdout=answers)
    clock = itertools.count(step=50)
    monkeypatch.setattr(journal_follower.time, "monotonic", lambda: next(clock))
    with (
        a_run(tmp_path, ScriptedMachine([silent])) as run,
        pytest.raises(HostError, match="cannot kill trial"),
    ):
        execute(run)
