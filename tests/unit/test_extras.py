"""The command that installs optional packages."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from orchestrator.extras import installation

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("extra", ["ansible", "aws", "b4", "openstack", "parquet"])
def test_the_command_names_the_interpreter_and_the_packages(extra: str) -> None:
    words = shlex.split(installation(extra))
    assert words[:4] == [sys.executable, "-m", "pip", "install"]
    assert sorted(words[4:]) == sorted(PROJECT["optional-dependencies"][extra])
    assert all(re.fullmatch(r"[\w-]+>=[\d.]+", word) for word in words[4:])
