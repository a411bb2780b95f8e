"""Which trials are not needed: judged before each block, from the blocks before it alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator.execution import outcome
from orchestrator.execution.stop_rule import StopRule
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import Status
from orchestrator.plan import Plan
from orchestrator.plan.model import Block, Trial
from orchestrator.results.records import MetricValue, TrialRecord

FILE = """
version: 1
benchmark: {command: [prog, "{n}"], metrics: {x: {key_value: x, unit: s}}}
factors: {n: [1, 2]}
repetitions: {max: 20, boots: 10, until: {half_width: 5%}}
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "e.yaml").write_text(FILE)
    return Plan(load(tmp_path / "e.yaml", provider_options={}))


def rule_of(plan: Plan) -> StopRule:
    until = plan.experiment.repetitions.until
    assert until is not None
    return StopRule(plan.experiment, until)


def measured(trial: Trial, block: Block, value: float, boot: str, environment: str = "metal") -> TrialRecord:
    place = outcome.TrialContext(block.index, "host", boot, environment)
    record = replace(outcome.crashed(trial, place, "", True), status=Status.OK)
    return replace(record, metrics={"x": MetricValue(value, "s")})


def boots_until_known(plan: Plan, values: list[float], one_boot: bool = False) -> int | None:
    """Run all blocks on paper, each trial of a block with the block's value; the first block that is saved whole."""
    rule = rule_of(plan)
    for block in plan.blocks():
        trials = list(plan.trials(block))
        saved = [rule.not_needed(trial, block) for trial in trials]
        assert len({record is None for record in saved}) == 1, "both cells have the same values"
        if saved[0] is not None:
            return block.index
        for trial in trials:
            rule.learn(measured(trial, block, values[block.index], "b" if one_boot else f"b{block.index}"))
            assert rule.not_needed(trial, block) is None, "what a block does itself decides nothing in it"
    return None


def test_a_quiet_cell_is_known_after_as_many_boots_as_an_interval_needs(plan: Plan) -> None:
    assert boots_until_known(plan, [100.0 + k % 2 for k in range(10)]) == 6


def test_a_noisy_cell_is_never_known(plan: Plan) -> None:
    assert boots_until_known(plan, [100.0 + 20 * (k % 4) for k in range(10)]) is None


def test_trials_are_the_unit_where_there_is_one_boot(plan: Plan) -> None:
    assert boots_until_known(plan, [100.0] * 10, one_boot=True) == 3, "two trials a block"


def test_environments_are_not_put_together(plan: Plan) -> None:
    rule = rule_of(plan)
    blocks = list(plan.blocks())
    trials = {block.index: list(plan.trials(block)) for block in blocks}
    for block in blocks[:6]:
        for trial in trials[block.index]:
            environment = "vm-kvm" if block.index < 3 else "metal"
            rule.learn(measured(trial, block, 100.0, f"b{block.index}", environment))
    assert all(rule.not_needed(trial, blocks[6]) is None for trial in trials[6])


def test_a_trial_that_is_not_needed_says_why_and_is_allowed(plan: Plan) -> None:
    rule = rule_of(plan)
    blocks = list(plan.blocks())
    for block in blocks[:6]:
        for trial in plan.trials(block):
            rule.learn(measured(trial, block, 100.0, f"b{block.index}"))
    record = rule.not_needed(next(plan.trials(blocks[7])), blocks[7])
    assert record is not None
    assert (record.status, record.allowed, record.final, record.block) == (Status.SKIPPED, True, True, 7)
    assert (record.environment, record.boot) == ("metal", "")
    assert record.reason == "not needed: half the 95 % interval of the median of x is at most 5 % of it"
