"""Which status and reason a trial gets, by what the runner and the benchmark reported."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator.execution.host_journal import TrialEnd
from orchestrator.execution.outcome import TrialContext, crashed, record
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import Experiment, Status
from orchestrator.plan import Plan
from orchestrator.results.records import OUTPUT_KEPT

FILE = """
version: 1
benchmark:
  command: [prog, "{mode}"]
  metrics: {x: {json: x, unit: s}, y: {json: y, unit: s}}
  exit_codes: {0: ok, 3: unsupported, 4: disturbed, 9: ok}
factors: {mode: [serial, parallel]}
allow_unsupported: ["mode == 'parallel'"]
order: {within_block: listed}
"""
SEEN = TrialEnd(
    trial="t", tag={}, boot="b", refused="", exit_code=0, signal=None, timed_out=False, start="s", end="e",
    settled=True, waited=0.0, strays=False, changes=(), counters={"pgmigrate_success": 4}, noise={},
    kernel_log=None, stdout='{"x": 1, "y": 2}', stdout_cut=False, stderr="",
)  # fmt: skip
TIMED_OUT = {"timed_out": True, "exit_code": None, "signal": 15}
PLACE = TrialContext(0, "h", "b", "metal")


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    path = tmp_path / "e.yaml"
    path.write_text(FILE)
    return load(path, provider_options={})


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({}, "ok", ""),
        ({"exit_code": 9}, "ok", ""),
        ({"refused": "setting a: refused", "exit_code": None}, "failed", "setting a: refused"),
        ({**TIMED_OUT}, "timeout", "timed out after 1min (limits.trial)"),
        (
            {**TIMED_OUT, "stdout": "pass 1\n", "stderr": ""},
            "timeout",
            "timed out after 1min (limits.trial); last line of stdout: pass 1",
        ),
        (
            {**TIMED_OUT, "stdout": "pass 1\n", "stderr": "waiting\n for a lock\n\n"},
            "timeout",
            "timed out after 1min (limits.trial); last line of stderr: for a lock",
        ),
        ({"exit_code": None, "signal": 11}, "failed", "killed by SIGSEGV"),
        ({"exit_code": None, "signal": 11, "stdout": ""}, "failed", "killed by SIGSEGV; it printed nothing"),
        (
            {"exit_code": None, "signal": 6, "stdout": "x=1", "stderr": "a.c:3: Assertion failed"},
            "failed",
            "killed by SIGABRT; last line of stderr: a.c:3: Assertion failed",
        ),
        ({"exit_code": None, "signal": 40}, "failed", "killed by signal 40"),
        ({"exit_code": 3, "stdout": '{"reason": "no such mode"}'}, "unsupported", "no such mode"),
        ({"exit_code": 4, "stderr": "one\ntwo\n"}, "disturbed", "two"),
        ({"exit_code": 1, "stdout": ""}, "failed", "exit code 1; it printed nothing"),
        ({"exit_code": 1}, "failed", "exit code 1"),
        (
            {"exit_code": 1, "stdout": "start\nno memory\n"},
            "failed",
            "exit code 1; last line of stdout: no memory",
        ),
        ({"exit_code": 1, "stderr": "e" * 900}, "failed", "e" * 200 + "…"),
        ({"exit_code": 127, "stderr": "prog: not found"}, "failed", "prog: not found"),
        ({"settled": False, "exit_code": 3}, "unsupported", "exit code 3"),
        ({"stdout": ""}, "failed", "metrics x, y: not found: stdout was empty"),
        ({"stdout": '{"y": 2}'}, "failed", "metric x: not found in stdout"),
        ({"stdout": '{"x": 1}'}, "ok", ""),
        ({"stdout": '{"x": "1,5"}'}, "failed", "metric x: found, but '1,5' is not a number"),
        ({"stdout": '[{"x": 1}]'}, "failed", "metrics x, y: not found in stdout"),
    ],
)
def test_status_and_reason(
    experiment: Experiment, changes: dict[str, object], status: str, reason: str
) -> None:
    plan = Plan(experiment)
    trial = next(plan.trials(next(plan.blocks())))
    found = record(experiment, trial, PLACE, replace(SEEN, **changes))  # type: ignore[arg-type]
    assert (found.status, found.reason) == (status, reason)
    assert found.final
    assert found.kernel_log == ()
    assert found.counters == {"pgmigrate_success": 4}


def test_a_limit_on_the_instruction_clock_is_guest_time(experiment: Experiment) -> None:
    trial = next(Plan(experiment).trials(next(Plan(experiment).blocks())))
    guest = replace(PLACE, environment="vm-icount")
    timed_out = replace(SEEN, timed_out=True, exit_code=None)
    assert (
        record(experiment, trial, guest, timed_out).reason
        == "timed out after 1min of guest time (limits.trial)"
    )
    waited = record(experiment, trial, guest, BUSY).reason
    assert waited.startswith("the CPUs were not idle within 30s of guest time (limits.settle")


BUSY = replace(SEEN, settled=False, waited=30.4)
BUSY_CPUS = "the CPUs were not idle within 30s (limits.settle; 0: do not wait)"


def test_a_disturbed_trial_is_run_again_within_its_limit(experiment: Experiment) -> None:
    trial = next(Plan(experiment).trials(next(Plan(experiment).blocks())))
    found = [record(experiment, trial, PLACE, BUSY, disturbed) for disturbed in range(4)]
    assert {(attempt.status, attempt.reason) for attempt in found} == {(Status.DISTURBED, BUSY_CPUS)}
    assert [attempt.final for attempt in found] == [False, False, True, True]
    assert record(experiment, trial, PLACE, SEEN, 1).status is Status.OK


def test_without_the_gate_a_disturbed_trial_is_set_aside_at_once(experiment: Experiment) -> None:
    trial = next(Plan(experiment).trials(next(Plan(experiment).blocks())))
    loud = replace(SEEN, kernel_log=("<3>[ 1.0] oh",))
    assert record(experiment, trial, PLACE, loud).reason == "kernel message: oh"
    experiment = replace(experiment, noise=None)
    assert record(experiment, trial, PLACE, loud).status is Status.OK
    found = record(experiment, trial, PLACE, BUSY)
    assert (found.status, found.reason, found.final) == (Status.DISTURBED, BUSY_CPUS, True)


def test_a_trial_that_is_not_ok_anyway_is_not_called_disturbed(experiment: Experiment) -> None:
    trial = next(Plan(experiment).trials(next(Plan(experiment).blocks())))
    failed = record(experiment, trial, PLACE, replace(BUSY, exit_code=1, kernel_log=("<3>[ 1.0] oh",)))
    assert (failed.status, failed.final) == (Status.FAILED, True)


def test_only_unsupported_trials_that_were_foreseen_are_allowed(experiment: Experiment) -> None:
    plan = Plan(experiment)
    by_mode = {trial.cell.levels["mode"].text: trial for trial in plan.trials(next(plan.blocks()))}
    unsupported, failed = replace(SEEN, exit_code=3), replace(SEEN, exit_code=1)
    assert record(experiment, by_mode["parallel"], PLACE, unsupported).allowed
    assert not record(experiment, by_mode["serial"], PLACE, unsupported).allowed
    assert not record(experiment, by_mode["parallel"], PLACE, failed).allowed


@pytest.mark.parametrize(
    ("stdout", "details", "kept"),
    [
        ("x" * 10000 + "end", "x" * (OUTPUT_KEPT - 3) + "end", ""),
        ('{"x": 1}', {"x": 1}, ""),
        ('text\n{"x": 1}', {"x": 1}, 'text\n{"x": 1}'),
    ],
)
def test_the_end_of_the_output_is_kept(
    experiment: Experiment, stdout: str, details: object, kept: str
) -> None:
    plan = Plan(experiment)
    trial = next(plan.trials(next(plan.blocks())))
    found = record(
        experiment, trial, PLACE, replace(SEEN, stdout=stdout, stderr="e" * 10000, stderr_cut=True)
    )
    assert (found.details, found.stdout, found.stderr) == (details, kept, "e" * OUTPUT_KEPT)
    assert found.cut == ("stderr",)


def test_a_metric_that_is_not_read_is_told_also_of_an_ok_trial(experiment: Experiment) -> None:
    plan = Plan(experiment)
    trial = next(plan.trials(next(plan.blocks())))
    found = record(experiment, trial, PLACE, replace(SEEN, stdout='{"x": 1, "y": "1,5"}'))
    assert (found.status, dict(found.missing)) == (Status.OK, {"y": "found, but '1,5' is not a number"})


def test_a_crash_knows_its_trial(experiment: Experiment) -> None:
    plan = Plan(experiment)
    trial = next(plan.trials(next(plan.blocks())))
    found = crashed(trial, PLACE, "gone", final=False)
    assert (found.status, found.reason, found.final) == (Status.CRASHED, "gone", False)
    assert found.factors == {"kernel": "default", "mode": "serial"}
