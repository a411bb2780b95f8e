"""The scripts of a host."""

from __future__ import annotations

from pathlib import Path

import orchestrator
from orchestrator.execution.trial_file import RUNNER
from orchestrator.hosts.remote.folder import SCRIPTS as REMOTE

PACKAGE = Path(orchestrator.__file__).parent


def test_every_file_goes_to_the_host() -> None:
    for folder, sent in (("hosts/remote", REMOTE), ("execution/runner", RUNNER)):
        present = {path.name for path in (PACKAGE / folder).iterdir() if path.suffix in (".sh", ".awk")}
        assert present == set(sent.files)
