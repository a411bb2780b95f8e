"""Figures out of JSON that benchmarks print, between other lines or not."""

from __future__ import annotations

import pytest

from orchestrator.execution.metrics import Output
from orchestrator.execution.streams import stream
from tests.unit.execution.readings import one, reading


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
        ("9" * 5000, "[1]", None),
        ("a", '{"a": 1}{"a": 2} {"a": 3}', 3),
        ("a.-1", '{"a": [1]}', None),
        ("a", '{"a": 1', None),
        ("a", "", None),
    ],
)
def test_json(selector: str, stdout: str, value: float | None) -> None:
    assert one("json", selector, stdout) == value


FIO = '{\n  "jobs" : [\n    {"p" : { "99.000000" : 4321 }}\n  ]\n}\n'


def test_a_key_with_dots_is_named_in_a_list() -> None:
    assert one("json", ("jobs", "0", "p", "99.000000"), FIO) == 4321
    assert one("json", "jobs.0.p.99.000000", FIO) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("fio: file hash not empty on exit\n", ""),
        # redhat-cip/hardware#201
        (
            "fio: file /dev/sda exceeds 32-bit tausworthe random generator.\nfio: Switching to tausworthe64.\n",
            "",
        ),
        ("[INFO] begins\n{ no JSON\n", "Run status: done\n"),
        ('{"jobs": [{"p": {"99.000000": 1}}]}\n', '[1]\n{"other": 2}\n'),
        ("", "}"),
    ],
)
def test_a_json_document_between_lines(before: str, after: str) -> None:
    assert one("json", ("jobs", "0", "p", "99.000000"), before + FIO + after) == 4321


@pytest.mark.parametrize(
    "stdout",
    [
        '{"jobs": [\n{"x": 1}\n',
        '{"jobs": [\n{"x": 1},\n{"x": 2}\n',
        '{"jobs": [\n{"x": 1}\nKilled',
        '{"x": 1}\n{"x": 2',
        '{"x": 1}\n{"x": \n{"y": 2}\n',
        '{"x": 1}\n{"y": "',
        '{"jobs": [{"x": 1}], "x": "',
    ],
)
def test_parts_of_an_incomplete_document_are_not_read(stdout: str) -> None:
    assert "not found in stdout: invalid JSON in line" in str(reading("json", "x", stdout))


@pytest.mark.parametrize(
    "deep", ["[" * 40000, "[" * 500 + "NaN" + "]" * 500, '{"x":' * 200 + "1" + "}" * 200]
)
def test_a_deep_document_is_not_read(deep: str) -> None:
    assert str(reading("json", "x", deep)).endswith("nested more than 100 levels deep")


@pytest.mark.parametrize(
    ("stdout", "document", "is_all"),
    [
        ('{"a": 1}\n{"a": 2}', {"a": 2}, False),
        ('{"a": 1}\ntext', {"a": 1}, False),
        (' {"a": 1}\n', {"a": 1}, True),
        ('[ERR]\n{"a": 1}\n', {"a": 1}, False),
        ('[ERR]\n  {"a": 1}\n', None, False),
        ('{\n"a": 1}\n\n', {"a": 1}, True),
        ('{"a": 1}\n[2]', {"a": 1}, False),
        ("[2]", [2], True),
        ("12", None, False),
        ("", None, False),
    ],
)
def test_the_document_is_the_last_object(stdout: str, document: object, is_all: bool) -> None:
    output = Output(stream("stdout", stdout), stream("stderr", ""))
    assert (output.document, output.is_document) == (document, is_all)
