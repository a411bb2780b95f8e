"""What ``make setup`` says before apt and pip are busy for minutes; the programs only say that they were called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PYTHON = '#!/bin/sh\necho "python $*"\n[ "$2" != venv ] || { mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; }\n'


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    programs = {"python3": PYTHON, "dpkg-query": "", "id": "echo 0", "apt-get": "echo apt-get $* >&2"}
    for name, text in programs.items():
        (tmp_path / name).write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}


def printed(*words: str | Path, environment: dict[str, str]) -> list[str]:
    done = subprocess.run(
        words, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
    )  # fmt: skip
    return done.stdout.splitlines()


def test_packages_of_debian_are_announced(environment: dict[str, str]) -> None:
    first, *_, last = printed("sh", "tools/install-packages.sh", "gcc", "make", environment=environment)
    assert first == "installing Debian packages with apt, which may take some minutes: gcc make"
    assert last.startswith("apt-get install")


def test_packages_of_python_are_announced(environment: dict[str, str], tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    lines = printed("make", f"VENV={venv}", f"{venv}/.ready", environment=environment)
    said = f"installing Python packages into {venv} with pip, which may take some minutes"
    assert lines.index(said) < next(n for n, line in enumerate(lines) if line.startswith("python -m pip"))
