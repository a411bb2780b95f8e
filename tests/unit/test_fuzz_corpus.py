"""Inputs that once failed, found by fuzzing: tests/fuzz."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.fuzz.properties import check
from tests.fuzz.target import find

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus"


@pytest.mark.parametrize(
    "file", sorted(CORPUS.glob("*/*")), ids=lambda file: f"{file.parent.name}-{file.name}"
)
def test_it_is_read_or_refused(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(logging.root, "disabled", True)
    check(find(file.parent.name), file.read_bytes(), patience=10)
