"""SIGKILL of the controller at seeded instants, then the same command: every trial once, and nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clouds import fake_ec2
from tests.clouds.instants import COUNT, Event, Instant
from tests.clouds.killed import Case

HOSTS = {
    "provider": "ec2",
    "ec2": {
        "region": fake_ec2.REGION,
        "boot": False,
        "user": "root",
        "image": fake_ec2.IMAGE,
        "ssh_from": "127.0.0.0/8",
        "types": ["m5.metal"],
    },
}
SHORT = (
    Instant(Event("call", "RunInstances", 1), "after"),
    Instant(Event("call", "TerminateInstances", 1), "after"),
)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with fake_ec2.serve(tmp_path_factory.mktemp("cloud") / "ec2") as fake:
        fake.regions = (fake_ec2.REGION, "eu-west-1")
        yield Case(fake, fake.environment, HOSTS)


@pytest.fixture(scope="module")
def instants(case: Case, tmp_path_factory: pytest.TempPathFactory) -> list[Instant]:
    return case.instants(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("number", range(COUNT))
def test_killed_at_a_seeded_instant(
    case: Case,
    tmp_path: Path,
    instants: list[Instant],
    number: int,
    record_property: Callable[[str, object], None],
) -> None:
    record_property("killed controllers: EC2", [number + 1, *case.check(tmp_path, instants[number])])


@pytest.mark.short
@pytest.mark.parametrize("instant", SHORT, ids=str)
def test_killed_at_a_known_instant(case: Case, tmp_path: Path, instant: Instant) -> None:
    case.check(tmp_path, instant)
