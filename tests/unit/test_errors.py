"""The text of an error: lines that a terminal can show, whatever they quote."""

from __future__ import annotations

import pytest

from orchestrator.errors import LONGEST_LINE, BadInput, Fault, HostError, Position

ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def test_a_fault_is_one_line_whatever_it_quotes() -> None:
    fault = Position("a.yaml", 3, 1).fault(f"unknown key 'a{ENDS}b'")
    assert str(fault) == r"a.yaml:3:1: unknown key 'a\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029b'"


@pytest.mark.parametrize("fault", ["x" * 5000, Fault("a", 0, 0, "x" * 5000)])
def test_a_long_fault_keeps_its_start_and_its_end(fault: str | Fault) -> None:
    error = BadInput(fault, "another")
    first, second = str(error).splitlines()
    assert second == "another"
    assert len(first) < LONGEST_LINE
    assert first.endswith("x")
    assert "x…x" in first


def test_each_message_is_one_line_whatever_a_host_says() -> None:
    error = HostError("n1: lost\nresume with: evil", "n2: " + "y" * 5000, "n3: \u2028")
    assert [len(line) > 1000 for line in error.lines] == [False, True, False]
    assert error.lines[0] == r"n1: lost\nresume with: evil"
    assert str(error).splitlines() == error.lines
