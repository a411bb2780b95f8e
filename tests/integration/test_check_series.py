"""tools/check-series, as those who keep a series use it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.series_lab import Keeper

UNUSED = ("int pages = 3;", "int pages = 3;\n\tint spare;")


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return Keeper(tmp_path)


def figures(out: str) -> list[list[str]]:
    """The cells of each patch behind its subject, which ends with the word "end"."""
    return [line.rpartition(" end ")[2].split() for line in out.splitlines() if " end " in line]


def test_a_warning_counts_where_it_comes_in_and_not_where_it_was(keeper: Keeper) -> None:
    keeper.patch("mm: nothing wrong end", "return 0", "return 1")
    keeper.patch("mm: unused end", *UNUSED)
    keeper.patch("mm: swap too end", "return 0", "return 5", "mm/swap.c")
    ended = keeper.run("check-series", "old", "--arch", "x86_64", "--only", "build")
    assert ended.code == 1, ended.err
    assert figures(ended.out) == [["0", "-"], ["1", "-"], ["0", "-"]]
    assert (
        "0002-mm-unused-end.patch: x86_64: off: mm/migrate.c:16: warning: unused variable 'spare'"
        in ended.out
    )
    assert "1 warnings and 0 errors of 2 builds" in ended.out
    again = keeper.run("check-series", "old", "--arch", "x86_64", "--only", "build")
    assert figures(again.out) == figures(ended.out), "what was built before has not lost its warnings"
    last = keeper.run("check-series", "old", "--arch", "x86_64", "--only", "build", "--patches", "3")
    assert last.code == 0
    assert figures(last.out) == [["0", "-"]]
    whole = keeper.run("check-series", "old", "--arch", "x86_64", "--only", "build", "--at-once")
    assert whole.code == 1
    assert re.search(r"^ *1 +patches 1 to 3 at once +1 +-$", whole.out, re.MULTILINE), whole.out


@pytest.mark.slow
def test_the_option_is_on_from_the_patch_that_adds_it(keeper: Keeper) -> None:
    keeper.patch("mm: before end", "return 0", "return 1")
    keeper.patch("mm: add it end", "config PLAIN\n", "config PLAIN\nconfig FASTER\n", "mm/Kconfig")
    keeper.patch("mm: use it end", *UNUSED)
    keeper.change(UNUSED[1], "int pages = 3;\n#ifdef CONFIG_FASTER\n\tint spare = missing;\n#endif")
    keeper.commit("mm: use it end", "--amend")
    (keeper.source / "Documentation").mkdir()
    keeper.patch("Documentation: tell end", "", "told", "Documentation/told.rst")
    ended = keeper.run("check-series", "old", "--arch", "x86_64", "--only", "build")
    assert ended.code == 1, ended.err
    assert figures(ended.out) == [["0", "="], ["0", "0"], ["0", "1+1E"], [".", "."]]


@pytest.mark.slow
def test_checkpatch_and_sparse(keeper: Keeper) -> None:
    keeper.program("sparse", 'sed -n "s|.*__user.*|$1:1:1: warning: dereference of noderef|p" "$1" >&2\n')
    keeper.patch("mm: fine end", "return 0", "return 1")
    keeper.patch("mm: white space end", "int two(void)", "int two(void) ")
    keeper.patch("mm: user end", "int one(void)", "#define __user\nint one(void)")
    ended = keeper.run("check-series", "old", "--arch", "x86_64", "--only", "checkpatch")
    assert ended.code == 1, ended.err
    assert figures(ended.out) == [["0/0/0"], ["1/0/0"], ["0/0/0"]]
    assert "checkpatch: ERROR:TRAILING_WHITESPACE" in ended.out
    ended = keeper.run("check-series", "old", "--arch", "x86_64", "--only", "sparse")
    assert ended.code == 1, ended.err
    assert "old: sparse: mm/migrate.c:1: warning: dereference of noderef" in ended.out
    assert "1 of sparse" in ended.out
    clean = keeper.run("check-series", "old", "--arch", "x86_64", "--patches", "1")
    assert clean.code == 0, clean.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("oldd",), "series 'oldd' not found in"),
        (("new",), "the series has no patches"),
        (("old", "--arch", "x86"), "unknown architecture 'x86'; did you mean 'x86_64'?"),
        (("old", "--patches", "2-1"), "--patches 2-1: expected N or N-M between 1 and 1"),
        (("old", "--patches", "all"), "--patches all: expected N or N-M between 1 and 1"),
    ],
)
def test_bad_input_is_refused_in_one_line(keeper: Keeper, words: tuple[str, ...], message: str) -> None:
    keeper.patch("mm: nothing wrong end", "return 0", "return 1")
    ended = keeper.run("check-series", *words)
    assert ended.code == 2
    assert message in ended.err.splitlines()[-1]
