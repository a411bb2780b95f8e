"""`make licences`: a package whose licence is not accepted, such as the GPL, is an error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def licences(lock: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", ROOT / "tools/licences.sh", lock],
        env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_what_the_program_needs_is_accepted() -> None:
    listed = licences(ROOT / "requirements/run.txt")
    assert listed.returncode == 0, listed.stderr
    assert "\n| paramiko " in listed.stdout


def test_the_gpl_is_not_accepted(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text("click==8.5.1 \\\ndiptest==0.12.0 \\\n")
    refused = licences(tmp_path / "lock.txt")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "GPLv2+ not in allow-only licenses was found for package diptest" in refused.stderr
