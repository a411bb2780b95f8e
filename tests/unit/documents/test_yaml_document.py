from __future__ import annotations

import pytest

from orchestrator.documents.document import read_text
from orchestrator.errors import Position


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("010", 10),
        ("0x10", 16),
        ("0o10", 8),
        ("+7", 7),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("2017-02-17", "2017-02-17"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("~", None),
        ("", None),
        ("'7'", "7"),
        ("!!str 7", "7"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = read_text(f"key: {text}\n", "file").data()["key"]
    assert found == value
    assert type(found) is type(value)


def test_nodes_have_a_position_and_a_text() -> None:
    node = read_text("a:\n  - 1\n  - b: 2.50\n", "file")
    inner = node.get("a", 1, "b")
    assert inner
    assert (inner.position, inner.text, inner.content) == (Position("file", 3, 8), "2.50", 2.5)
    assert node.key_position("a", 1, "b") == Position("file", 3, 5)
    assert node.nearest_position("a", 7, "x") == Position("file", 2, 3)
    assert node.get("a", "b") is None


def test_aliases_and_numeric_keys_are_read() -> None:
    assert read_text("a: &x {0: 1}\nb: *x\n", "file").data() == {"a": {"0": 1}, "b": {"0": 1}}
