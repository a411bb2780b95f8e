"""All shell scripts that go to a host are plain POSIX shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import orchestrator
from orchestrator.execution.trial_file import RUNNER
from orchestrator.hosts.remote.folder import SCRIPTS as REMOTE

PACKAGE = Path(orchestrator.__file__).parent
SCRIPTS = sorted((PACKAGE / "execution").rglob("*.sh")) + sorted((PACKAGE / "hosts").rglob("*.sh"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    checked = subprocess.run(["shellcheck", "-x", "-s", "sh", script], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_every_file_goes_to_the_host() -> None:
    for folder, sent in (("hosts/remote", REMOTE), ("execution/runner", RUNNER)):
        present = {path.name for path in (PACKAGE / folder).iterdir() if path.suffix in (".sh", ".awk")}
        assert present == set(sent.files)
