"""A block on hosts of paper: what no real host does on demand."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrator.environments import Environment
from orchestrator.errors import HostError, HostKeyRefused, HostLost, LoginRefused
from orchestrator.execution import block as block_run
from orchestrator.execution import outcome
from orchestrator.execution.coordinator import execute
from orchestrator.experiment.model import Experiment, Kernel, Status
from orchestrator.hosts import facts
from orchestrator.hosts.base import Host
from orchestrator.hosts.testing import ScriptedHost, ScriptedMachine
from orchestrator.plan.model import Trial
from orchestrator.results.journal import read
from orchestrator.results.records import TrialRecord
from tests.block_runs import (
    FILE,
    Listener,
    a_run,
    begin,
    ended,
    host,
    line,
    script,
    trials_of,
)
from tests.run_samples import BLOCK, RUN
from tests.run_samples import trial as sample


def test_the_host_that_is_lost_for_ever_ends_the_run(tmp_path: Path, answers: str) -> None:
    lost = ScriptedHost("n1")
    lost.answer("runner.sh follow", error=HostLost("n1: connection lost"))
    lost.answer(r"boot_id|hugepages", stdout=answers)
    with (
        a_run(tmp_path, ScriptedMachine([lost])) as run,
        pytest.raises(
            HostError, match="n1: lost 4 times in a row without completing a trial: n1: connection lost"
        ),
    ):
        execute(run)


class Refusing(ScriptedMachine):
    """A machine whose next reconnections fail with these errors."""

    def __init__(self, hosts: Sequence[Host], *refusals: HostError) -> None:
        super().__init__(hosts)
        self._refusals = list(refusals)

    def boot(self, kernel: Kernel) -> Host:
        return super().reconnect()

    def reconnect(self) -> Host:
        if self._refusals:
            raise self._refusals.pop(0)
        return super().reconnect()


DOWN, NO_LOGIN = HostError("n1: Connection refused"), LoginRefused("n1: Permission denied (publickey)")
OTHER_KEY = HostKeyRefused("n1: Host key verification failed.")


@pytest.mark.parametrize(
    ("refusals", "message"),
    [
        ([DOWN, DOWN, NO_LOGIN], ""),  # it boots, and users come late
        ([NO_LOGIN], "n1: Permission denied (publickey)"),
        ([OTHER_KEY], "n1: Host key verification failed."),
        ([DOWN, OTHER_KEY], "n1: Host key verification failed."),
        ([DOWN] * 1000, "n1: connection lost; reconnecting: Connection refused"),
    ],
)
def test_only_what_may_pass_is_waited_for(
    tmp_path: Path, answers: str, monkeypatch: pytest.MonkeyPatch, refusals: list[HostError], message: str
) -> None:
    clock = itertools.count()
    monkeypatch.setattr(block_run.time, "sleep", lambda _: None)
    monkeypatch.setattr(block_run.time, "monotonic", lambda: next(clock))
    lost, back = ScriptedHost("n1"), ScriptedHost("n1")
    lost.answer("runner.sh follow", error=HostLost("n1: connection lost"))
    lost.answer(r"boot_id|hugepages", stdout=answers)
    with a_run(tmp_path, Refusing([lost, back], *refusals)) as run:
        script(back, answers, begin(), *map(ended, trials_of(run)), line("end", reason="complete", detail=""))
        with pytest.raises(HostError, match=re.escape(message)) if message else nullcontext():
            execute(run)
        assert run.finished_count == (0 if message else 2)


class OtherNodes(ScriptedMachine):
    """A machine that did not become what the file asks for."""

    def differences(self, facts: facts.Facts) -> list[str]:
        return ["node 0 has CPUs 1; the file has 0"]


def test_a_machine_that_differs_from_the_file_runs_no_trial(tmp_path: Path, answers: str) -> None:
    scripted = host(answers)
    with (
        a_run(tmp_path, OtherNodes([scripted])) as run,
        pytest.raises(HostError, match="n1: node 0 has CPUs 1; the file has 0"),
    ):
        execute(run)
    assert not any("runner.sh start" in command for command in scripted.commands)


@pytest.mark.parametrize(
    ("placement", "read", "message"),
    [
        ("cpus: 0-3", "0-1\n0-1\n", "tuning.placement.cpus: no CPU 2-3; online CPUs: 0-1"),
        ("cpus: '7'", "0-1\n", "tuning.placement.cpus: no CPU 7; online CPUs: 0-1"),
        ("irqs: '0,1200'", "0-1099\n", "tuning.placement.irqs: no CPU 1200; online CPUs: 0-1099"),
        ("cpus: 0-1", "0-3\n1\n", "tuning.placement.cpus: 0-1, but processes may run only on 1"),
    ],
)
def test_a_host_without_the_cpus_of_the_file_runs_no_trial(
    tmp_path: Path, answers: str, placement: str, read: str, message: str
) -> None:
    scripted = ScriptedHost("n1")
    scripted.answer("cpu/online\n", stdout=read)
    scripted.answer(r"boot_id|hugepages", stdout=answers)
    text = f"{FILE}tuning: {{placement: {{{placement}}}}}\n"
    with (
        a_run(tmp_path, ScriptedMachine([scripted]), text) as run,
        pytest.raises(HostError, match=f"n1: {re.escape(message)}"),
    ):
        execute(run)
    assert not any("runner.sh start" in command for command in scripted.commands)


def test_an_error_that_is_no_loss_is_not_tried_again(tmp_path: Path, answers: str) -> None:
    scripted = host(answers)
    scripted.answer("runner.sh start", exit_code=4, stderr="another run is active on this host")
    machine = ScriptedMachine([scripted])
    with (
        a_run(tmp_path, machine) as run,
        pytest.raises(HostError, match="another run is active on this host"),
    ):
        execute(run)
    assert sum("runner.sh start" in command for command in scripted.commands) == 1


@pytest.mark.parametrize(
    ("environment", "clock"), [(Environment.VM_ICOUNT, "instructions"), (Environment.VM_TCG, "wall")]
)
def test_the_runner_gets_the_clock_of_the_machine(
    tmp_path: Path, answers: str, environment: Environment, clock: str
) -> None:
    scripted = ScriptedHost("n1")
    machine = ScriptedMachine([scripted])
    machine.environment = environment
    with a_run(tmp_path, machine) as run:
        scripted.answer(r"boot_id|hugepages", stdout=answers)
        ends = [ended(trial) for trial in trials_of(run)]
        scripted.answer(
            "runner.sh follow", stdout="\n".join([begin(), *ends, line("end", reason="complete", detail="")])
        )
        execute(run)
    (start,) = (command for command in scripted.commands if "runner.sh start" in command)
    assert start.split()[-1] == clock


def test_a_runner_that_gives_up_is_an_error_with_its_words(tmp_path: Path, answers: str) -> None:
    scripted = host(answers, begin(), line("end", reason="failed", detail="/proc/x: refused"))
    with (
        a_run(tmp_path, ScriptedMachine([scripted])) as run,
        pytest.raises(HostError, match="the runner failed: /proc/x"),
    ):
        execute(run)


def test_one_replay_gives_all_that_a_resumed_run_needs(tmp_path: Path) -> None:
    first, second = sample({"mode": "serial"}), sample({"mode": "copy"})
    crashed = sample({"mode": "copy"}, final=False, status=Status.CRASHED)
    disturbed = sample({"mode": "dma"}, final=False, status=Status.DISTURBED)
    with a_run(tmp_path, ScriptedMachine([ScriptedHost("n1")])) as run:
        run.replay([RUN, BLOCK, first, crashed, disturbed])
        assert (run.finished_count, run.is_finished(second.trial), run.all_ok) == (1, False, True)
        assert run.disturbances(disturbed.trial) == {(disturbed.boot, disturbed.start)}
        assert run.count_crash(crashed.trial) == 2, "one of them before"
        run.record(second)
        assert (run.finished_count, run.is_finished(second.trial), run.all_ok) == (2, True, True)
        run.record(sample({"mode": "dma"}, status=Status.UNSUPPORTED, allowed=True))
        assert run.all_ok, "allowed"
        run.record(sample({"mode": "mbind"}, status=Status.FAILED))
        assert not run.all_ok


def test_what_is_written_at_once_is_finished_also_if_the_user_cannot_be_told(tmp_path: Path) -> None:
    records = [sample({"mode": "serial"}), sample({"mode": "copy"})]
    with a_run(tmp_path, ScriptedMachine([ScriptedHost("n1")])) as run:

        def closed(_: TrialRecord) -> None:
            raise BrokenPipeError

        run.observer.trial_ends = closed  # type: ignore[method-assign]
        with pytest.raises(BrokenPipeError):
            run.record(*records)
        assert run.finished_count == 2
        run.record(records[1])
    assert list(read(tmp_path / "run" / "journal.jsonl")) == records


@pytest.mark.parametrize("is_other", [False, True])
def test_a_run_that_is_resumed_on_a_machine_that_differs_says_so(
    tmp_path: Path, answers: str, is_other: bool
) -> None:
    known = facts.parse(answers).document
    before = {**known, "cpu_part": "0xd0c"} if is_other else known
    with a_run(tmp_path, ScriptedMachine([scripted := ScriptedHost("n1")])) as run:
        run.replay([replace(BLOCK, host="n0", environment="vm-other", facts=before)])
        script(
            scripted, answers, begin(), *map(ended, trials_of(run)), line("end", reason="complete", detail="")
        )
        execute(run)
        assert isinstance(run.observer, Listener)
        told = [note for note in run.observer.notes if "differs" in note]
        cpu = known["cpu_part"] or known["cpu_model"]
        assert told == [f"n1: differs from n0: CPU: {cpu}, not 0xd0c"] * is_other


class Broken(Listener):
    """Fails when it is told of a trial."""

    def trial_ends(self, record: TrialRecord) -> None:
        raise RuntimeError(record.trial)


def test_a_bug_leaves_the_host_as_it_was(tmp_path: Path, answers: str) -> None:
    scripted = ScriptedHost("n1")
    with a_run(tmp_path, ScriptedMachine([scripted])) as run:
        run.observer = Broken()
        script(scripted, answers, begin(), ended(trials_of(run)[0]))
        with pytest.raises(RuntimeError):
            execute(run)
    words = [
        command.rpartition("runner.sh ")[2].split() for command in scripted.commands if "runner.sh" in command
    ]
    after = words[next(n for n, each in enumerate(words) if each[0] == "follow") + 1 :]
    assert [(each[0], each[-1]) if each[0] == "stop" else tuple(each[:2]) for each in after] == [
        ("stop", "now"),
        ("settings", "restore"),
    ]


def test_a_trial_of_which_no_record_can_be_made_has_failed_and_the_run_goes_on(
    tmp_path: Path, answers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = outcome.record
    scripted = ScriptedHost("n1")
    with a_run(tmp_path, ScriptedMachine([scripted])) as run:
        first, second = trials_of(run)

        def broken(experiment: Experiment, trial: Trial, *others: Any) -> TrialRecord:
            if trial.id == first.id:
                raise ZeroDivisionError("division by zero")
            return make(experiment, trial, *others)

        monkeypatch.setattr(outcome, "record", broken)
        ends = (ended(first), ended(second), line("end", reason="complete", detail=""))
        script(scripted, answers, begin(), *ends)
        execute(run)
    records = [one for one in read(tmp_path / "run" / "journal.jsonl") if isinstance(one, TrialRecord)]
    reason = "internal error: ZeroDivisionError: division by zero"
    assert [(one.trial, one.status, one.reason) for one in records] == [
        (first.id, Status.FAILED, reason),
        (second.id, Status.OK, ""),
    ]
