"""Spot instances of EC2: interruptions with and without a notice, refusals, and the price."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clouds.fake_ec2 import FakeEc2
from tests.clouds.test_ec2 import EXPERIMENT
from tests.running import User

TRIALS = 9
EXECUTIONS = "/tmp/executions"
"""Each machine has a /tmp of its own."""


def spot_experiment(user: User, types: str = "m5.metal", pause: float = 0.0) -> Path:
    text = EXPERIMENT.replace("TYPES", types).replace("boot: false", "boot: false\n    spot: true")
    text = text.replace("EXECUTIONS", EXECUTIONS)
    return user.file(text.replace("echo value", f"sleep {pause}; echo value"))


def wait_for_trials(user: User, number: int, process: subprocess.Popen[str]) -> None:
    user.wait_for(lambda: len(user.trials) >= number, process)


def executions(ec2: FakeEc2) -> int:
    """How often trials have begun, on all machines."""
    files = [ec2.folder / instance / EXECUTIONS.lstrip("/") for instance in ec2.rented]
    return sum(len(file.read_text().splitlines()) for file in files if file.exists())


def notice(ec2: FakeEc2, instance: str) -> None:
    ec2.interrupted.add(instance)


def end_at_once(ec2: FakeEc2, instance: str) -> None:
    ec2.interrupted.add(instance)
    ec2.end(instance)


@pytest.mark.parametrize("interrupt", [notice, end_at_once])
def test_another_machine_runs_what_an_interrupted_one_has_left(
    ec2: FakeEc2, user: User, interrupt: Callable[[FakeEc2, str], None]
) -> None:
    process = user.begin_run(spot_experiment(user, pause=3))
    wait_for_trials(user, 2, process)
    interrupt(ec2, ec2.rented[0])
    ended = user.end(process)
    assert ended.code == 0, ended.err
    user.assert_complete(TRIALS)
    first, second = ec2.rented
    assert ec2.spot == [first, second]
    assert {trial["host"] for trial in user.trials} == {first, second}
    assert {trial["status"] for trial in user.trials} == {"ok"}
    assert ended.err.count(f"{first}: EC2 interrupts the spot instance: instance-terminated-no-capacity") == 1
    assert ec2.zones()[first] != ec2.zones()[second]


def test_after_a_notice_the_running_trial_ends(ec2: FakeEc2, user: User) -> None:
    process = user.begin_run(spot_experiment(user, pause=3))
    wait_for_trials(user, 2, process)
    notice(ec2, ec2.rented[0])
    assert user.end(process).code == 0
    assert len(ec2.rented) == 2
    assert executions(ec2) == TRIALS  # none of them had to begin again


def test_the_next_type_is_tried_if_no_zone_has_capacity(ec2: FakeEc2, user: User) -> None:
    process = user.begin_run(spot_experiment(user, "m5.metal, m6i.metal", pause=2))
    wait_for_trials(user, 1, process)
    zones = len(ec2.client("ec2").describe_subnets()["Subnets"])
    ec2.refuse["RunInstances"] = [("InsufficientInstanceCapacity", "none left")] * zones
    notice(ec2, ec2.rented[0])
    ended = user.end(process)
    assert ended.code == 0, ended.err
    groups = ec2.client("ec2").describe_instances(InstanceIds=ec2.rented)["Reservations"]
    assert {one["InstanceType"] for group in groups for one in group["Instances"]} == {
        "m5.metal",
        "m6i.metal",
    }


def test_machines_that_are_interrupted_again_and_again(ec2: FakeEc2, user: User) -> None:
    def interrupt(action: str) -> None:
        if action == "DescribeSpotInstanceRequests" and ec2.machines:
            end_at_once(ec2, ec2.rented[-1])

    ec2.before = interrupt
    ended = user.run(spot_experiment(user, pause=60))
    assert ended.code == 3, ended.err
    (line,) = ended.complaints
    assert line.startswith("3 spot instances in a row were interrupted before a trial ended")
    assert len(ec2.rented) == 3


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("InsufficientInstanceCapacity", "no capacity: in the words of AWS"),
        ("SpotMaxPriceTooLow", "spot instances cost more than on-demand ones now: in the words of AWS"),
        ("MaxSpotInstanceCountExceeded", "quota reached: in the words of AWS"),
    ],
)
def test_a_refusal_is_one_line_for_each_zone(ec2: FakeEc2, user: User, code: str, words: str) -> None:
    ec2.refuse["RunInstances"] = [(code, "in the words of AWS")] * 100
    ended = user.run(spot_experiment(user))
    assert ended.code == 3
    *refusals, last = ended.err.partition("orchestrate: ")[2].splitlines()
    assert refusals
    assert all(words in line for line in refusals)
    assert last.endswith("no machine type is left to try")


def test_an_account_without_the_role_of_spot_instances(ec2: FakeEc2, user: User) -> None:
    ec2.refuse["RunInstances"] = [("AuthFailure.ServiceLinkedRoleCreationNotPermitted", "in words of AWS")]
    ended = user.run(spot_experiment(user))
    assert ended.code == 3
    (line,) = ended.complaints
    assert "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com" in line


def test_the_plan_has_the_highest_price(user: User) -> None:
    assert ": spot instance, at most about " in user.orchestrate("plan", spot_experiment(user)).out


def test_a_machine_that_was_terminated_is_not_waited_for(ec2: FakeEc2, user: User) -> None:
    process = user.begin_run(
        user.file(EXPERIMENT.replace("TYPES", "m5.metal").replace("echo v", "sleep 3; echo v"))
    )
    wait_for_trials(user, 1, process)
    ec2.end(ec2.rented[0])
    ended = user.end(process)
    assert ended.code == 3
    (line,) = ended.complaints
    assert line.startswith(f"{ec2.rented[0]}: the machine has ended: ")
    assert len(ec2.rented) == 1
