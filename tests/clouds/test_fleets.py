"""Several rented machines share the cells of a run; one that is lost leaves its cells to the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clouds import fake_ec2, fake_openstack
from tests.clouds.fake_ec2 import FakeEc2
from tests.clouds.fake_openstack import FakeOpenStack
from tests.clouds.instants import COUNT, Event, Instant
from tests.clouds.killed import Case
from tests.clouds.test_ec2_killed import HOSTS as EC2
from tests.clouds.test_openstack_killed import HOSTS as OPENSTACK
from tests.running import User

CELLS = 8
TRIALS = 3 * CELLS
BENCHMARK = {
    "command": ["sh", "-c", "echo {n} >> /run/executions; sleep PAUSE; echo value={n}"],
    "metrics": {"value": {"key_value": "value", "unit": "1"}},
}


def fleet(hosts: dict[str, Any], count: int = 2, **options: Any) -> dict[str, Any]:
    """The ``hosts`` section of a fleet."""
    name = hosts["provider"]
    return {"provider": name, "fleet": "shard", name: hosts[name] | {"count": count} | options}


def experiment(user: User, hosts: dict[str, Any], pause: float = 0.0, **limits: Any) -> Path:
    text = yaml.safe_dump(
        {
            "name": "fleet",
            "hosts": hosts,
            "benchmark": BENCHMARK,
            "factors": {"n": list(range(CELLS))},
            "repetitions": 3,
        }
    )
    return user.file(text.replace("PAUSE", str(pause)), **limits)


def executions(api: FakeEc2 | FakeOpenStack, machine: str) -> int:
    path = api.folder / machine / "run/executions"
    return len(path.read_text().split()) if path.exists() else 0


@pytest.mark.short
def test_two_machines_share_the_cells(ec2: FakeEc2, user: User) -> None:
    ended = user.run(experiment(user, fleet(EC2), 0.2))
    assert ended.code == 0, ended.err
    user.assert_complete(TRIALS)
    assert ec2.actions.count("RunInstances") == 1
    first, second = ec2.rented
    counted = Counter(trial["host"] for trial in user.trials)
    assert set(counted) == {first, second}
    assert {machine: executions(ec2, machine) for machine in ec2.rented} == counted
    hosts = {(trial["cell"], trial["host"]) for trial in user.trials}
    assert len(hosts) == CELLS  # all repetitions of a cell on one machine
    assert {one["host"]: one["outcome"] for one in user.of_type("host")} == {first: "done", second: "done"}


def terminate(ec2: FakeEc2, instance: str) -> None:
    ec2.end(instance)


def interrupt(ec2: FakeEc2, instance: str) -> None:
    ec2.interrupted.add(instance)


@pytest.mark.parametrize(("lose", "spot"), [(terminate, False), (interrupt, True)])
def test_the_cells_of_a_lost_machine_move_to_the_other(
    ec2: FakeEc2, user: User, lose: Callable[[FakeEc2, str], None], spot: bool
) -> None:
    process = user.begin_run(experiment(user, fleet(EC2, spot=spot), 2))
    user.wait_for(lambda: len({trial["host"] for trial in user.trials}) == 2, process)
    first, second = ec2.rented
    lose(ec2, first)
    ended = user.end(process)
    assert ended.code == 0, ended.err
    user.assert_complete(TRIALS)
    assert {trial["status"] for trial in user.trials} == {"ok"}
    outcomes = {one["host"]: one for one in user.of_type("host")}
    assert (outcomes[first]["outcome"], outcomes[second]["outcome"]) == ("lost", "done")
    reason = "EC2 interrupts the spot instance" if spot else "the machine has ended"
    assert reason in outcomes[first]["reason"]
    assert len(ec2.rented) == 2


def test_all_machines_are_lost_and_the_same_command_rents_others(ec2: FakeEc2, user: User) -> None:
    file = experiment(user, fleet(EC2), 1)
    process = user.begin_run(file)
    user.wait_for(lambda: len({trial["host"] for trial in user.trials}) == 2, process)
    for instance in list(ec2.rented):
        ec2.end(instance)
    ended = user.end(process)
    assert ended.code == 3
    assert "trials are missing" in ended.complaints[0]
    assert ec2.left() == {}
    assert user.run(file).code == 0
    user_trials = [trial["trial"] for trial in user.trials]
    assert len(user_trials) == len(set(user_trials)) == TRIALS
    assert len(ec2.rented) == 4


def test_without_capacity_for_all_the_next_type_is_tried(ec2: FakeEc2, user: User) -> None:
    zones = len(ec2.client("ec2").describe_subnets()["Subnets"])
    ec2.refuse["RunInstances"] = [("InsufficientInstanceCapacity", "one is left")] * zones
    ended = user.run(experiment(user, fleet(EC2, types=["m5.metal", "m6i.metal"])))
    assert ended.code == 0, ended.err
    assert "no capacity: one is left" in ended.err
    groups = ec2.client("ec2").describe_instances(InstanceIds=ec2.rented)["Reservations"]
    assert [one["InstanceType"] for group in groups for one in group["Instances"]] == ["m6i.metal"] * 2


def test_the_deadline_of_each_machine(ec2: FakeEc2, user: User) -> None:
    schedules: list[str] = []

    def look(action: str) -> None:
        if action == "TerminateInstances":
            client = ec2.client("scheduler")
            names = [one["Name"] for one in client.list_schedules()["Schedules"]]
            schedules.extend(client.get_schedule(Name=name)["Target"]["Input"] for name in names)

    ec2.before = look
    assert user.run(experiment(user, fleet(EC2))).code == 0
    assert sorted(yaml.safe_load(one)["InstanceIds"][0] for one in schedules) == sorted(ec2.rented)


def test_the_limit_of_hours_stops_all_machines(ec2: FakeEc2, user: User) -> None:
    file = experiment(user, fleet(EC2), 3, max_hours=1, trial="59min")
    ended = user.run(file)
    assert ended.code == 3, ended.err
    assert ended.complaints[0] == "stopped by limits.max_hours"
    assert ec2.left() == {}


@pytest.mark.parametrize(
    ("hosts", "words"),
    [
        (fleet(EC2, 0), "expected an integer >= 1; found the number 0"),
        (fleet(EC2, 1), "hosts.ec2.count is 1; set it to the number of machines to rent"),
        (fleet(EC2) | {"fleet": "replicate"}, "hosts.fleet: replicate: machines of the ec2 provider"),
        ({**fleet(EC2), "fleet": ""}, "hosts.ec2.count is 2; set hosts.fleet: shard"),
    ],
)
def test_what_is_wrong_in_the_file(ec2: FakeEc2, user: User, hosts: dict[str, Any], words: str) -> None:
    if not hosts["fleet"]:
        del hosts["fleet"]
    ended = user.run(experiment(user, hosts))
    assert ended.code == 2
    (line,) = ended.complaints
    assert words in line
    assert ec2.actions == []


def test_the_price_is_that_of_all_machines(user: User) -> None:
    def cost(hosts: dict[str, Any]) -> tuple[float, float]:
        printed = user.orchestrate("plan", experiment(user, hosts)).out
        (line,) = [line for line in printed.splitlines() if "USD" in line]
        return float(line.split("about ")[1].split(" h")[0]), float(line.split("about ")[2].split(" USD")[0])

    (hours_of_one, cost_of_one), (hours, cost_of_four) = cost(EC2), cost(fleet(EC2, 4))
    assert hours <= hours_of_one
    assert cost_of_one < cost_of_four <= 4 * cost_of_one + 0.04
    four = user.run(experiment(user, fleet(EC2, 4), max_cost=1.1 * cost_of_one))
    assert four.code == 2
    assert "limits.max_cost is" in four.err
    assert "4 machines: m5.metal for about" in four.err


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeOpenStack]:
    with fake_openstack.serve(tmp_path_factory.mktemp("cloud") / "openstack") as fake:
        yield fake


@pytest.fixture
def member(site: FakeOpenStack, tmp_path: Path) -> Iterator[User]:
    user = User(tmp_path, environment={**site.environment, "XDG_CACHE_HOME": str(tmp_path / "cache")})
    yield user
    user.close()
    site.reset()
    assert site.left() == {}


def test_two_servers_of_openstack_by_one_request(site: FakeOpenStack, member: User) -> None:
    ended = member.run(experiment(member, fleet(OPENSTACK), 0.2))
    assert ended.code == 0, ended.err
    member.assert_complete(TRIALS)
    assert site.actions.count("POST compute/servers") == 1
    assert {trial["host"] for trial in member.trials} == set(site.rented)
    (lease,) = [body for name, body in site.bodies if name == "POST reservation/leases"]
    assert lease["reservations"][0]["amount"] == 2


def test_a_request_for_two_servers_is_delivered_twice(site: FakeOpenStack, member: User) -> None:
    site.twice = {"POST compute/servers", "POST network/floatingips"}
    ended = member.run(experiment(member, fleet(OPENSTACK)))
    assert ended.code == 0, ended.err
    member.assert_complete(TRIALS)
    assert len(site.rented) == 4


def test_one_of_two_servers_finds_no_host(site: FakeOpenStack, member: User) -> None:
    site.room = {"m1.small": 1}
    ended = member.run(experiment(member, fleet(OPENSTACK, flavors=["m1.small", "numa.large"])))
    assert ended.code == 0, ended.err
    assert "m1.small in here: no capacity" in ended.err
    assert len(site.rented) == 4
    member.assert_complete(TRIALS)


SHORT = (
    Instant(Event("call", "RunInstances", 1), "after"),
    Instant(Event("call", "POST /schedules", 1), "after"),
)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with fake_ec2.serve(tmp_path_factory.mktemp("fleet") / "ec2") as fake:
        fake.regions = (fake_ec2.REGION,)
        yield Case(fake, fake.environment, fleet(EC2), machines=2)


@pytest.fixture(scope="module")
def instants(case: Case, tmp_path_factory: pytest.TempPathFactory) -> list[Instant]:
    return case.instants(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("instant", SHORT, ids=str)
def test_killed_at_a_known_instant(case: Case, tmp_path: Path, instant: Instant) -> None:
    case.check(tmp_path, instant)


@pytest.mark.parametrize("number", range(COUNT))
def test_killed_at_a_seeded_instant(
    case: Case,
    tmp_path: Path,
    instants: list[Instant],
    number: int,
    record_property: Callable[[str, object], None],
) -> None:
    row = [number + 1, *case.check(tmp_path, instants[number])]
    record_property("killed controllers: EC2, two machines", row)


@pytest.fixture(scope="module")
def openstack_case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with fake_openstack.serve(tmp_path_factory.mktemp("fleet") / "openstack") as fake:
        yield Case(fake, fake.environment, fleet(OPENSTACK), machines=2)


@pytest.fixture(scope="module")
def openstack_instants(openstack_case: Case, tmp_path_factory: pytest.TempPathFactory) -> list[Instant]:
    return openstack_case.instants(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("number", range(COUNT))
def test_openstack_killed_at_a_seeded_instant(
    openstack_case: Case,
    tmp_path: Path,
    openstack_instants: list[Instant],
    number: int,
    record_property: Callable[[str, object], None],
) -> None:
    row = [number + 1, *openstack_case.check(tmp_path, openstack_instants[number])]
    record_property("killed controllers: OpenStack, two machines", row)
