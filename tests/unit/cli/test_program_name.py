"""Commands in messages begin with the word that started the program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the program in ``my venv/bin``."""
    program = tmp_path / "my venv" / "bin" / "orchestrate"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!{sys.executable}\nfrom orchestrator.cli import main\nmain()\n")
    program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("started", "on_path", "printed"),
    [
        ("my venv/bin/orchestrate", False, "'my venv/bin/orchestrate'"),
        ("my venv/bin/orchestrate", True, "orchestrate"),
        ("orchestrate", True, "orchestrate"),
    ],
)
def test_a_command_can_be_copied(folder: Path, started: str, on_path: bool, printed: str) -> None:
    def output(*words: str) -> str:
        path = f"{folder}/my venv/bin:/usr/bin:/bin" if on_path else "/usr/bin:/bin"
        environment = {**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = ["/bin/sh", "-c", 'exec "$0" "$@"', started, *words]
        done = subprocess.run(
            command, cwd=folder, env=environment, text=True, capture_output=True, check=False
        )
        return done.stdout + done.stderr

    assert f"start one with `{printed} run EXPERIMENT.yaml`" in output("results", "list")
    refused = output("report", "latest")
    assert refused.startswith("orchestrate: no runs in results; ")
    assert f"`{printed} run EXPERIMENT.yaml`" in refused
    assert f"next: {printed} plan experiment.yaml; {printed} run experiment.yaml\n" in output("init")
