"""The scripts of a host."""

from __future__ import annotations

from pathlib import Path

import orchestrator
from orchestrator.execution.trial_file import RUNNER_FILES

PACKAGE = Path(orchestrator.__file__).parent


def test_every_file_goes_to_the_host() -> None:
    present = {path.name for path in (PACKAGE / "execution" / "host").iterdir() if path.is_file()}
    assert present == set(RUNNER_FILES)
