"""The estimated time of a run on the hosts of a provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.execution.provider_checks import estimate, seconds_left
from orchestrator.hosts.provider_choice import HostOptions, choose_provider
from orchestrator.plan import Plan
from orchestrator.provision.experiments import load_experiment

BENCHMARK = """
benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}
repetitions: 40
limits: {trial: 100ms}
"""
GUEST = "provider: qemu, qemu: {clock: instructions}"


@pytest.mark.parametrize(
    ("hosts", "seconds"),
    [
        (GUEST, 40 * 0.5),  # 100 ms of guest time are 500 ms
        ("provider: ssh, group: both, fleet: shard", 40 * 0.1 / 2),
        ("provider: ssh, group: both, fleet: replicate", 80 * 0.1),
    ],
)
def test_what_is_left_is_a_part_of_the_estimate(tmp_path: Path, hosts: str, seconds: float) -> None:
    (tmp_path / "hosts.ini").write_text("[both]\nh1\nh2\n")
    (tmp_path / "sweep.yaml").write_text(f"version: 1\nhosts: {{{hosts}}}{BENCHMARK}")
    experiment = load_experiment(tmp_path / "sweep.yaml", ())
    inventory = None if hosts == GUEST else tmp_path / "hosts.ini"
    provider = choose_provider(experiment, HostOptions(inventory=inventory))
    plan = Plan(experiment, hosts=provider.hosts)
    whole = estimate(plan, provider).seconds
    assert whole == pytest.approx(seconds + plan.block_count * provider.boot_estimate)
    assert seconds_left(plan, provider, 0) == whole
    assert seconds_left(plan, provider, plan.trial_count // 4) == pytest.approx(whole * 3 / 4)
