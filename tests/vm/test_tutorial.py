"""All of docs/tutorial.md, done as the page says: two kernels in guests, and a bundle reproduced in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages import ROOT, assert_as_shown, follow


@pytest.mark.slow
def test_all_commands_print_what_the_page_shows(tmp_path: Path) -> None:
    assert_as_shown(follow(ROOT / "docs" / "tutorial.md", tmp_path, with_guests=True))
