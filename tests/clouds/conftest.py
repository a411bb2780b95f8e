"""Clouds need root here: their machines have mount namespaces. Fixtures: moto's EC2 and its user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tabulate import tabulate

from tests.clouds import fake_ec2
from tests.clouds.fake_ec2 import FakeEc2
from tests.running import User

if os.geteuid() != 0:
    pytest.skip("requires root", allow_module_level=True)

INSTANTS = ("", "killed", "trials then", "left then", "trials", "machines rented", "hosts down --orphans")
REQUESTS = ("", "killed after", "left then", "trials", "machines rented", "instead: hosts down --orphans")
TABLES = {
    "killed controllers: EC2": INSTANTS,
    "killed controllers: OpenStack": INSTANTS,
    "killed controllers: OpenStack, each request": REQUESTS,
    "killed controllers: EC2, two machines": INSTANTS,
    "killed controllers: OpenStack, two machines": INSTANTS,
}
"""Titles and heads. A property of a test with the name of a title is a row of that table."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables of killed controllers; the rows may come from several processes."""
    properties = [
        one for report in terminalreporter.stats.get("passed", []) for one in report.user_properties
    ]
    for title, head in TABLES.items():
        rows = sorted(row for name, row in properties if name == title)
        if rows:
            terminalreporter.section(title)
            terminalreporter.write_line(tabulate(rows, head, tablefmt="github"))


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeEc2]:
    with fake_ec2.serve(tmp_path_factory.mktemp("cloud") / "ec2") as fake:
        yield fake


@pytest.fixture
def ec2(api: FakeEc2) -> Iterator[FakeEc2]:
    api.actions.clear()
    api.rented.clear()
    yield api
    api.boot_time = 0.0
    api.spot.clear()
    api.interrupted.clear()
    api.refuse.clear()
    api.before = api.after = lambda action: None
    assert api.left() == {}


@pytest.fixture
def user(ec2: FakeEc2, tmp_path: Path) -> Iterator[User]:
    user = User(tmp_path, environment={**ec2.environment, "XDG_CACHE_HOME": str(tmp_path / "cache")})
    yield user
    user.close()
