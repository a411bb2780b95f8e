"""Locales whose encoding is not UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import User

ASCII = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
EXPERIMENT = """
name: hello
description: Größe — × µs
hosts: {provider: local}
benchmark: {command: [echo, "Größe=1"], metrics: {size: {regex: "Größe=(.+)", unit: us}}}
repetitions: 1
"""


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[User]:
    """Someone with an ASCII locale and an experiment whose texts are not."""
    someone = User(tmp_path, environment=ASCII)
    text = someone.file(EXPERIMENT).read_text()
    (tmp_path / "hello.yaml").write_text(text, encoding="utf-8")
    try:
        yield someone
    finally:
        someone.close()


@pytest.mark.parametrize(
    "words",
    [
        ("hosts", "facts", "local"),
        ("validate", "hello.yaml"),
        ("plan", "hello.yaml"),
        ("review", "hello.yaml"),
        ("run", "hello.yaml", "--dry-run"),
        ("kernel", "list"),
    ],
    ids=" ".join,
)
def test_a_command_works_in_an_ascii_locale(reader: User, words: tuple[str, ...]) -> None:
    ended = reader.orchestrate(*words)
    assert ended.code == 0, ended.err


def test_doctor_works_in_an_ascii_locale(reader: User) -> None:
    ended = reader.orchestrate("doctor")
    assert ended.code in (0, 3), ended.err
    assert "internal error" not in ended.err


def test_a_report_has_in_an_ascii_locale_what_the_file_says(reader: User) -> None:
    ended = reader.run("hello.yaml")
    assert ended.code == 0, ended.err
    for words in ((), ("--format", "json"), ("--format", "html", "--output", "report.html")):
        ended = reader.orchestrate("report", "latest", *words)
        assert ended.code == 0, ended.err
    assert "Größe — × µs" in (reader.folder / "report.html").read_text(encoding="utf-8")
