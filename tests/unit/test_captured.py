"""What programs print is read up to a limit."""

from __future__ import annotations

import subprocess

import pytest

from orchestrator import captured, process_groups


def test_a_program_that_prints_without_end_is_ended_with_what_it_has_started() -> None:
    with pytest.raises(captured.TooMuchOutput, match=r"^more than 1MiB of output$"):
        process_groups.run(("sh", "-c", "yes | cat"), capture_output=True, most=2**20)


def test_errors_without_end_end_at_the_time_limit() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        process_groups.run(("sh", "-c", "yes >&2"), capture_output=True, timeout=1)


def test_input_of_any_size_reaches_a_program_that_prints_meanwhile() -> None:
    content = bytes(range(256)) * 5000
    assert process_groups.run(("cat",), input=content, capture_output=True).stdout == content
    ended = process_groups.run(
        ("sh", "-c", "exec <&-; echo read nothing"), input=content, capture_output=True
    )
    assert ended.stdout == b"read nothing\n"


@pytest.mark.parametrize(
    ("texts", "line"),
    [((" a\nb \n", "c"), "b"), (("\n", "c\n"), "c"), (("", ""), "")],
)
def test_the_last_line_is_of_the_first_text_that_has_one(texts: tuple[str, ...], line: str) -> None:
    assert captured.last_line(*texts) == line
