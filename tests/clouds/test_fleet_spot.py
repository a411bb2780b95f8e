"""Spot instances of a fleet: interruptions of all, at the limit of hours, and together with Ctrl-C."""

from __future__ import annotations

import signal

from tests.clouds.fake_ec2 import FakeEc2
from tests.clouds.test_ec2_killed import HOSTS as EC2
from tests.clouds.test_fleets import TRIALS, experiment, fleet
from tests.running import User


def trials_once(user: User) -> int:
    ids = [trial["trial"] for trial in user.trials if trial["status"] == "ok"]
    assert len(ids) == len(set(ids))
    return len(ids)


def test_all_are_interrupted_and_the_same_command_rents_others(ec2: FakeEc2, user: User) -> None:
    file = experiment(user, fleet(EC2, spot=True), 2)
    process = user.begin_run(file)
    user.wait_for(lambda: len({trial["host"] for trial in user.trials}) == 2, process)
    ec2.interrupted.update(ec2.rented)
    ended = user.end(process)
    assert "Traceback" not in ended.err
    assert ec2.left() == {}
    if ended.code:
        assert ended.code == 3, ended.err
        assert user.run(file).code == 0
    assert trials_once(user) == TRIALS


def test_an_interruption_and_ctrl_c_at_the_same_time(ec2: FakeEc2, user: User) -> None:
    file = experiment(user, fleet(EC2, spot=True), 1)
    process = user.begin_run(file)
    user.wait_for(lambda: len({trial["host"] for trial in user.trials}) == 2, process)
    ec2.interrupted.add(ec2.rented[0])
    process.send_signal(signal.SIGINT)
    ended = user.end(process)
    assert ended.code == 130, ended.err
    assert ec2.left() == {}
    assert user.run(file).code == 0
    assert trials_once(user) == TRIALS


def test_an_interruption_shortly_before_the_limit_of_hours(ec2: FakeEc2, user: User) -> None:
    file = experiment(user, fleet(EC2, spot=True), 3, max_hours=1, trial="59min")
    process = user.begin_run(file)
    user.wait_for(lambda: len(ec2.rented) == 2, process)
    ec2.interrupted.update(ec2.rented)
    ended = user.end(process)
    assert ended.code == 3, ended.err
    assert "Traceback" not in ended.err
    assert ec2.left() == {}
    trials_once(user)
