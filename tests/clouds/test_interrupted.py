"""Ctrl-C at each stage of a run, and two controllers with the same run."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clouds import fake_ec2, fake_openstack
from tests.clouds.instants import Event, Instant
from tests.clouds.killed import Case
from tests.clouds.test_ec2_killed import HOSTS as EC2
from tests.clouds.test_openstack_killed import HOSTS as OPENSTACK

BEFORE_THE_END = [
    ("ec2", "GetCallerIdentity"),
    ("ec2", "ImportKeyPair"),
    ("ec2", "RunInstances"),
    ("ec2", "POST /schedules"),
    ("openstack", "GET compute/flavors/detail"),
    ("openstack", "POST reservation/leases"),
    ("openstack", "POST compute/servers"),
    ("openstack", "POST network/floatingips"),
]
AT_THE_END = [
    ("ec2", "TerminateInstances"),
    ("ec2", "DescribeSecurityGroups"),
    ("openstack", "DELETE compute/servers/*"),
    ("openstack", "DELETE reservation/leases/*"),
]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Case]]:
    folder = tmp_path_factory.mktemp("cloud")
    with fake_ec2.serve(folder / "ec2") as ec2, fake_openstack.serve(folder / "openstack") as openstack:
        ec2.regions = (fake_ec2.REGION,)
        yield {
            "ec2": Case(ec2, ec2.environment, EC2),
            "openstack": Case(openstack, openstack.environment, OPENSTACK),
        }


@pytest.mark.parametrize(("cloud", "call"), BEFORE_THE_END)
def test_ctrl_c_before_the_first_trial(cases: dict[str, Case], tmp_path: Path, cloud: str, call: str) -> None:
    ended = cases[cloud].interrupt(tmp_path, Instant(Event("call", call, 1), "after"))
    assert ended.code == 130, ended.err
    assert ended.complaints[0].startswith("stopped by SIGINT")


@pytest.mark.parametrize("cloud", ["ec2", "openstack"])
def test_ctrl_c_during_trials(cases: dict[str, Case], tmp_path: Path, cloud: str) -> None:
    ended = cases[cloud].interrupt(tmp_path, Instant(Event("record", "trial", 2), "after"))
    assert ended.code == 130, ended.err


@pytest.mark.parametrize(("cloud", "call"), AT_THE_END)
def test_ctrl_c_while_the_machine_is_removed(
    cases: dict[str, Case], tmp_path: Path, cloud: str, call: str
) -> None:
    number = 2 if call == "DescribeSecurityGroups" else 1
    ended = cases[cloud].interrupt(tmp_path, Instant(Event("call", call, number), "after"))
    assert ended.code == 0, ended.err


@pytest.mark.parametrize("cloud", ["ec2", "openstack"])
def test_two_controllers_with_the_same_run(cases: dict[str, Case], tmp_path: Path, cloud: str) -> None:
    case = cases[cloud]
    user = case.user(tmp_path)
    file = case.file(user)
    file.write_text(file.read_text().replace("sleep 0.1", "sleep 600"))
    first = user.begin_run(file)
    user.wait_for(lambda: user.of_type("block"), first)
    second = user.run(file)
    assert second.code == 2, second.err
    (line,) = second.complaints
    assert "the run is locked by process" in line
    assert "kept: the run is active" in user.orchestrate("hosts", "down", "--orphans").out
    assert "stopped by SIGTERM" in user.kill(first, signal.SIGTERM).err
    assert case.api.left() == {}
