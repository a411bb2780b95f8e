"""Hosts that tests run on, and the people who use them; servers end with the test session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import machine as machines
from tests.integration.administrator import admin_of
from tests.integration.bundle_maker import author, moved
from tests.integration.kernel_builder import Kernels
from tests.integration.machine import Machine
from tests.integration.sshd import Sshd, serve
from tests.private_host import own_host_folder
from tests.running import User


def pytest_configure() -> None:
    """Give a worker of pytest-xdist a host of its own."""
    if os.environ.get("PYTEST_XDIST_WORKER"):
        own_host_folder()


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with serve(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def user(sshd: Sshd, tmp_path: Path) -> Iterator[User]:
    """Someone who runs experiments on the host behind the server."""
    user = User(tmp_path, ("--host", "testhost", "--ssh-config", str(sshd.ssh_config)))
    yield user
    user.close()


@pytest.fixture
def local_user(tmp_path: Path) -> Iterator[User]:
    """Someone who runs experiments on this machine."""
    user = User(tmp_path)
    yield user
    user.close()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    root = tmp_path / "machine"
    root.mkdir()
    with machines.start(root) as machine:
        yield machine


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """One machine for all the tests that leave it as it was."""
    with machines.start(tmp_path_factory.mktemp("unchanged")) as machine:
        yield machine


@pytest.fixture
def admin(machine: Machine, tmp_path: Path) -> Iterator[User]:
    user = admin_of(machine, tmp_path / "project")
    yield user
    user.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """An author with a finished run, of which a bundle can be made."""
    with author(tmp_path_factory.mktemp("maker")) as maker:
        yield maker


@pytest.fixture
def maker(made: User, tmp_path: Path) -> Iterator[User]:
    """The same author, in a directory that a test may change."""
    maker = moved(made, tmp_path / "maker")
    yield maker
    maker.close()


@pytest.fixture
def kernels(tmp_path: Path) -> Iterator[Kernels]:
    """Someone who builds kernels."""
    kernels = Kernels(tmp_path)
    yield kernels
    kernels.user.close()
