"""What tests of blocks share."""

from __future__ import annotations

import pytest

from orchestrator.hosts import facts
from orchestrator.hosts.local import LocalHost


@pytest.fixture(scope="package")
def answers() -> str:
    """What a real host answers to the question for its facts."""
    return LocalHost("here").run(facts.command()).stdout
