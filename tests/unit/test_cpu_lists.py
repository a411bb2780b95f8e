"""Lists of CPUs as the kernel writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cpu_lists import format_cpus, parse_cpus
from orchestrator.errors import BadInput


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("", set()), ("0", {0}), ("0-2,8", {0, 1, 2, 8}), ("1023-1025", {1023, 1024, 1025})],
)
def test_lists(text: str, numbers: set[int]) -> None:
    assert parse_cpus(text) == numbers
    assert format_cpus(numbers) == text


@given(st.frozensets(st.integers(0, 2000)))
def test_a_written_list_is_read_back(numbers: frozenset[int]) -> None:
    assert parse_cpus(format_cpus(numbers)) == numbers


@pytest.mark.parametrize("text", ["3-1", "a", "1-", "-1", "1,,2", "0-99999999999"])
def test_other_texts(text: str) -> None:
    with pytest.raises(BadInput, match="invalid list of CPUs"):
        parse_cpus(text)
