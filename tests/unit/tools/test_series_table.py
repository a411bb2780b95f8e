"""The tables that the tools of the series print."""

from __future__ import annotations

from collections import Counter

from tests.unit.tools.test_series_plan import commit
from tools.series.figures import Figures, numbers
from tools.series.table import rows, text


def test_each_patch_has_its_kind() -> None:
    origin = [commit("a", "a"), commit("b", "b"), commit("c", "c"), commit("d", "d")]
    target = [commit("a", "a"), commit("b", "other", message="b\n\nadapted"), commit("x", "x")]
    table = rows(origin, target, {"d": "7.3 has it"}, {"a": "of older lines"}, "new")
    assert [(row.subject, row.kind, row.differing, row.remark) for row in table] == [
        ("a", "same", 0, "changed since it was ported"),
        ("b", "adapted", 1, "another message"),
        ("c", "missing", 0, ""),
        ("d", "upstream", 0, "7.3 has it"),
        ("x", "only in new", 0, ""),
    ]
    lines = text(table, "old", "new").splitlines()
    assert lines[0].split() == ["patch", "of", "old", "new", "hunks"]
    assert lines[2].split() == ["2", "b", "adapted", "1", "another", "message"]
    assert lines[-1] == "1 same, 1 adapted, 1 missing, 1 upstream, 1 only in new; hunks that differ: 1"


def test_figures_have_a_row_for_each_patch_and_a_total() -> None:
    figures = Figures(5, ["first", "a subject of many words that say what a patch does, and of some more"])
    figures.complaints = [Counter(), Counter(WARNING=2, CHECK=1)]
    figures.builds = {"x86_64": [("0", "="), ("1", "2+1E")], "m68k": [("0", "="), (".", "=")]}
    lines = figures.text().splitlines()
    assert lines[0].split() == ["patch", "checkpatch", "x86_64", "m68k"]
    assert lines[1].split() == ["off", "on", "off", "on"]
    assert lines[2].split() == ["5", "first", "0/0/0", "0", "=", "0", "-"]
    assert lines[3].split()[-5:] == ["0/2/1", "1", "2+1E", ".", "-"]
    assert lines[-1] == (
        "total: 2 patches; 0 errors, 2 warnings, 1 checks of checkpatch; 3 warnings and 1 errors of 4 builds"
    )
    assert figures.adds


def test_options_that_cannot_be_set_are_named() -> None:
    figures = Figures(1, ["first"], builds={"x86_64": [("0", "0")], "m68k": [("0", "0")]})
    figures.unset = {"x86_64": [], "m68k": ["CONFIG_A", "CONFIG_B"]}
    assert "m68k: not set: CONFIG_A, CONFIG_B" in figures.text().splitlines()
    assert "x86_64: not set" not in figures.text()


def test_checks_alone_add_nothing() -> None:
    figures = Figures(1, ["first"], [Counter(CHECK=3)], {"x86_64": [("0", ".")]}, sparse=0)
    assert not figures.adds
    assert figures.text().endswith("0 of sparse")
    figures.sparse = 1
    assert figures.adds


def test_numbers_of_a_cell() -> None:
    assert [numbers(cell) for cell in ("=", ".", "0", "3", "2+1E")] == [
        (0, 0),
        (0, 0),
        (0, 0),
        (3, 0),
        (2, 1),
    ]
