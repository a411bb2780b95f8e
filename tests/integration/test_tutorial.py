"""The parts of docs/tutorial.md that need no guest, done as the page says. tests/vm does the whole page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages import GUEST, ROOT, assert_as_shown, blocks, follow, is_shown

PAGE = ROOT / "docs" / "tutorial.md"


def test_the_commands_without_guests_print_what_the_page_shows(tmp_path: Path) -> None:
    assert_as_shown(follow(PAGE, tmp_path, with_guests=False))


def test_most_of_the_page_is_done() -> None:
    commands = [(GUEST in block.words, command) for block in blocks(PAGE) for command, _ in block.commands]
    assert sum(not guest for guest, _ in commands) >= 15
    assert sum(guest for guest, _ in commands) >= 4


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("base  4  10  2272 [2120, 2844]\n", "base  4   10  7182 [6958, 9086]\n", True),
        ("base  4  10  2272 [2120, 2844]\n", "huge  4  10  2272 [2120, 2844]\n", False),
        ("60 of 60 trials\n", "59 of 60 trials\n", False),
        ("first\n…\nlast\n", "first\nlast\n", True),
        ("first\n…\nlast\n", "first\nbetween\nlast\n", True),
        ("first\n…\nlast\n", "first\nlast\nmore\n", False),
        ("a file of … bytes\n", "a file of many bytes\n", True),
        ("", "a warning\n", False),
        ("x  1.135  faster\n", "x  0.9  too noisy to say: no boots\n", True),
        ("x  1.135  faster\n", "x  0.9  not compared\n", False),
    ],
)
def test_outputs_are_compared_without_figures(expected: str, printed: str, same: bool) -> None:
    assert is_shown(expected, printed) is same
