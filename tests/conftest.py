"""Marks every test by the folder it lives in, so that the tiers cannot drift from the tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests import messages

TIERS = {"unit", "integration", "slurm", "vm", "kernel", "browser", "chaos", "clouds", "fuzz"}

# No limits on absolute time: tests run beside each other. In CI the rest is hypothesis' own profile for CI.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    """Record messages where `make messages` asks for them."""
    if os.environ.get(messages.VARIABLE):
        messages.record_errors()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the name of its top folder under ``tests/``."""
    here = Path(__file__).parent
    for item in items:
        tier = item.path.relative_to(here).parts[0]
        if tier in TIERS:
            item.add_marker(tier)
