"""The scripts of a host."""

from __future__ import annotations

from pathlib import Path

import orchestrator
from orchestrator.hosts.remote.folder import SCRIPTS as REMOTE

PACKAGE = Path(orchestrator.__file__).parent


def test_every_file_goes_to_the_host() -> None:
    present = {path.name for path in (PACKAGE / "hosts/remote").iterdir() if path.suffix == ".sh"}
    assert present == set(REMOTE.files)
