"""All shell scripts that go to a host are plain POSIX shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import orchestrator
from orchestrator.execution.trial_file import RUNNER_FILES

PACKAGE = Path(orchestrator.__file__).parent
SCRIPTS = [*sorted((PACKAGE / "execution" / "host").glob("*.sh")), PACKAGE / "hosts" / "facts.sh"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    checked = subprocess.run(["shellcheck", "-x", "-s", "sh", script], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_every_file_goes_to_the_host() -> None:
    present = {path.name for path in (PACKAGE / "execution" / "host").iterdir() if path.is_file()}
    assert present == set(RUNNER_FILES)
