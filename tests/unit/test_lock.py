"""The locks that `make` installs from: what pyproject.toml asks for, each file with its hash, from any index."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
NAME = PROJECT["project"]["name"]
EXTRAS = {"run": (), "site": ("site",), "test": ("test",), "dev": ("dev",)}
"""Extras by lock file."""


def asked(extras: tuple[str, ...]) -> Iterator[Requirement]:
    """Yield what pyproject.toml asks for: the program, its build backend, and extras, also those that extras name."""
    for text in (*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["build"]):
        yield Requirement(text)
    pending = list(extras)
    while pending:
        for text in PROJECT["project"]["optional-dependencies"][pending.pop()]:
            requirement = Requirement(text)
            if requirement.name == NAME:
                pending += requirement.extras
            else:
                yield requirement


def text_of(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text()


def locked(name: str) -> list[tuple[Requirement, str]]:
    """Return the entries of a lock file: the requirement, and the lines that belong to it."""
    _, *entries = re.split(r"^(?=\w)", text_of(name), flags=re.MULTILINE)
    return [(Requirement(entry.partition(" \\")[0]), entry) for entry in entries]


@pytest.mark.parametrize("name", EXTRAS)
def test_the_lock_has_what_pyproject_asks_for(name: str) -> None:
    direct: dict[str, set[str]] = {}
    for requirement, entry in locked(name):
        if f"{NAME} (pyproject.toml" in entry:
            (version,) = requirement.specifier
            direct.setdefault(requirement.name, set()).add(version.version)
    wanted = list(asked(EXTRAS[name]))
    assert {canonicalize_name(one.name) for one in wanted} == set(direct), "run `make lock`"
    for one in wanted:
        versions = direct[canonicalize_name(one.name)]
        assert all(one.specifier.contains(version) for version in versions), f"{one}: run `make lock`"


@pytest.mark.parametrize("name", EXTRAS)
def test_every_file_has_a_hash_and_no_address(name: str) -> None:
    for requirement, entry in locked(name):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), requirement
    assert not re.search(r"://|--(extra-)?index|--find-links", text_of(name))


def test_one_version_of_a_package_is_in_all_locks() -> None:
    run, site, test, dev = (
        {(requirement.name, str(requirement.specifier)) for requirement, _ in locked(name)} for name in EXTRAS
    )
    assert run <= test <= dev
    assert run <= site <= dev


def test_the_licences_are_those_of_the_packages_that_the_program_needs() -> None:
    rows = (ROOT / "docs/licences.md").read_text().splitlines()
    named = {canonicalize_name(row.split()[1]) for row in rows if row.startswith("| ")} - {"name"}
    needed = {one.name: one.marker for one, _ in locked("run")}
    assert named <= set(needed), "run `make licences`"
    # What only another Python or machine needs is not installed here.
    assert {name for name, marker in needed.items() if marker is None} <= named, "run `make licences`"


def test_the_build_backend_is_the_one_of_a_release() -> None:
    assert set(PROJECT["build-system"]["requires"]) <= set(PROJECT["dependency-groups"]["build"])
