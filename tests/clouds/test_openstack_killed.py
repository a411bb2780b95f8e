"""SIGKILL of the controller on OpenStack, at seeded instants and after each request; then nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clouds import fake_openstack
from tests.clouds.instants import COUNT, Event, Instant, Watch
from tests.clouds.killed import TRIALS, Case, Killer
from tests.clouds.openstack_services import IMAGE

HOSTS = {
    "provider": "openstack",
    "openstack": {
        "boot": False,
        "user": "root",
        "image": IMAGE,
        "ssh_from": "127.0.0.0/8",
        "network": "private",
        "flavors": ["m1.small"],
    },
}
REQUESTS = 37
"""Requests of a run; a test counts them."""


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with fake_openstack.serve(tmp_path_factory.mktemp("cloud") / "openstack") as fake:
        yield Case(fake, fake.environment, HOSTS)


@pytest.fixture(scope="module")
def calls(case: Case, tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """The requests of a run that nobody kills."""
    user = case.user(tmp_path_factory.mktemp("whole"))
    watch = Watch(case.api, user)
    with watch.watching():
        ended = user.run(case.file(user))
    assert ended.code == 0, ended.err
    return [event for _, event in watch.seen if event.kind == "call"]


@pytest.fixture(scope="module")
def instants(case: Case, tmp_path_factory: pytest.TempPathFactory) -> list[Instant]:
    return case.instants(tmp_path_factory.mktemp("watched"))


def test_the_number_of_requests_of_a_run(calls: list[Event]) -> None:
    assert len(calls) == REQUESTS, calls


@pytest.mark.parametrize("number", range(COUNT))
def test_killed_at_a_seeded_instant(
    case: Case,
    tmp_path: Path,
    instants: list[Instant],
    number: int,
    record_property: Callable[[str, object], None],
) -> None:
    record_property("killed controllers: OpenStack", [number + 1, *case.check(tmp_path, instants[number])])


@pytest.mark.parametrize("number", range(REQUESTS))
def test_killed_after_a_request(
    case: Case,
    tmp_path: Path,
    calls: list[Event],
    number: int,
    record_property: Callable[[str, object], None],
) -> None:
    instant = Instant(calls[number], "after")
    resumed = tmp_path / "resumed"
    resumed.mkdir()
    _, _, left, trials, rented, _ = case.check(resumed, instant)
    assert trials == TRIALS
    removed = orphans(case, tmp_path, instant)
    row = [number + 1, str(calls[number]).removeprefix("call "), left, trials, rented, removed]
    record_property("killed controllers: OpenStack, each request", row)


def orphans(case: Case, folder: Path, instant: Instant) -> str:
    """Kill a run, then remove orphans: everything is gone. Return the number of removed resources."""
    user = case.user(folder)
    killer = Killer(case.api, instant)
    with Watch(case.api, user, killer.see).watching():
        killer.victim = user.begin_run(case.file(user))
        user.end(killer.victim)
    killer.require_killed()
    left = case.api.left()
    removed = user.orchestrate("hosts", "down", "--orphans")
    assert removed.code == 0, removed.err
    assert case.api.left() == {}
    lines = [line for line in removed.out.splitlines() if ": removed " in line]
    assert bool(lines) == bool(left)
    assert user.orchestrate("hosts", "down", "--orphans").out == "no orphans\n"
    return f"{len(lines)} removed" if lines else "no orphans"
