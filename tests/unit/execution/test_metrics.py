"""Figures out of what benchmarks print."""

from __future__ import annotations

import pytest

from orchestrator.execution.metrics import parse_document, read
from orchestrator.experiment.model import Metric


def one(source: str, selector: str, stdout: str) -> float | None:
    metric = Metric("m", "s", source, selector)  # type: ignore[arg-type]
    found, missing = read([metric], stdout)
    assert (missing == ["m"]) == (not found)
    return found["m"].value if found else None


@pytest.mark.parametrize(
    ("selector", "stdout", "value"),
    [
        ("a", '{"a": 1.5}', 1.5),
        ("a.b", '{"a": {"b": 2}}', 2),
        ("a.1.b", '{"a": [0, {"b": 3}]}', 3),
        ("0", "[4]", 4),
        ("a", 'human text\n{"a": 5}\n', 5),
        ("a", '{"a": "6e3"}', 6000),
        ("a", '{\n "a": 7\n}', 7),
        ("a", '{"a": true}', None),
        ("a", '{"a": null}', None),
        ("a", '{"a": {}}', None),
        ("a", '{"a": NaN}', None),
        ("a", '{"a": 1e999}', None),
        ("b", '{"a": 1}', None),
        ("a.2", '{"a": [1]}', None),
        ("a.-1", '{"a": [1]}', None),
        ("a", '{"a": 1', None),
        ("a", "", None),
    ],
)
def test_json(selector: str, stdout: str, value: float | None) -> None:
    assert one("json", selector, stdout) == value


@pytest.mark.parametrize(
    ("stdout", "value"),
    [
        ("x=1", 1),
        (" x = 1.5 \r\n", 1.5),
        ("x=1\nx=2", 2),
        ("y=1\nx=-3e-2\n", -0.03),
        ("x=1 s", None),
        ("x=inf", None),
        ("x", None),
        ("xx=1", None),
        ("", None),
    ],
)
def test_key_value(stdout: str, value: float | None) -> None:
    assert one("key_value", "x", stdout) == value


@pytest.mark.parametrize(
    ("pattern", "stdout", "value"),
    [
        (r"took ([0-9.]+) s", "it took 1.25 s\nand took 2 s", 1.25),
        (r"^([0-9]+)$", "a 1\n22\n", 22),
        (r"a(b)?", "a", None),
        (r"(.*) s", "many s", None),
        (r"nothing ([0-9])", "", None),
    ],
)
def test_regex(pattern: str, stdout: str, value: float | None) -> None:
    assert one("regex", pattern, stdout) == value


def test_units_and_order_are_those_of_the_file() -> None:
    metrics = [
        Metric("b", "ms", "key_value", "b"),
        Metric("a", "GiB/s", "key_value", "a"),
        Metric("c", "s", "json", "c"),
    ]
    found, missing = read(metrics, "a=1\nb=2\n")
    assert [(name, value.unit) for name, value in found.items()] == [("b", "ms"), ("a", "GiB/s")]
    assert missing == ["c"]


def test_a_document_is_the_whole_output_or_its_last_line() -> None:
    assert parse_document('{"a": 1}\n{"a": 2}') == {"a": 2}
    assert parse_document('{"a": 1}\ntext') is None
    assert parse_document("12") is None
