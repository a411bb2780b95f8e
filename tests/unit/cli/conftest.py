"""What tests of commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.foreign import Foreign


@pytest.fixture
def foreign(tmp_path: Path) -> Foreign:
    return Foreign(tmp_path)
