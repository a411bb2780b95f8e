"""Figures and foreign text as words of a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.analysis.summary import Estimate, Spread
from orchestrator.report import text
from orchestrator.results.store import Verification


def found(median: float, spread: float | None) -> Estimate:
    method = "none" if spread is None else "half range"
    return Estimate("rate", "1/s", 3, median, Spread(spread, method), median, median)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3.30251, "3.303"),
        (658.54, "658.5"),
        (1987.38, "1987"),
        (33554432.0, "33554432"),
        (0.0, "0"),
        (-0.98, "-0.9800"),
        (0.000012345, "0.00001234"),
        (1e-9, "1e-09"),
        (2.5e20, "2.5e+20"),
        (9.99996, "10.000"),
    ],
)
def test_a_figure_has_four_digits(value: float, words: str) -> None:
    assert text.number(value) == words


@pytest.mark.parametrize(
    ("median", "spread", "words"),
    [
        (3.30251, 0.0104, "3.303 ± 0.010"),
        (658.54, 12.0, "658.5 ± 12.0"),
        (1987.38, 0.02, "1987 ± <1"),
        (3.3, 0.00002, "3.300 ± <0.001"),
        (3.3, 0.0, "3.300 ± 0.000"),
        (3.3, None, "3.300"),
        (0.0, 0.25, "0 ± 0.2"),
        (1e-9, 1e-10, "1e-09 ± 1e-10"),
    ],
)
def test_the_spread_has_the_places_of_the_median(median: float, spread: float | None, words: str) -> None:
    assert text.estimate(found(median, spread)) == words


def test_no_figure_is_a_dash() -> None:
    assert text.estimate(None) == "-"


@given(st.floats(-1e300, 1e300), st.none() | st.floats(0, 1e300))
def test_any_figure_can_be_written(median: float, spread: float | None) -> None:
    words = text.estimate(found(median, spread)).split(" ± ")
    assert float(words[0]) == pytest.approx(median, rel=1e-3, abs=1e-300)
    if spread:
        assert float(words[1].removeprefix("<")) > 0, "a spread is never shown as none"


@pytest.mark.parametrize(
    ("verification", "n", "words"),
    [
        (Verification(3, 16, 16, 1 << 20, 0), 3, "16/16 pages, 0 bytes wrong"),
        (Verification(3, 16, 14, 1 << 20, 7), 3, "14/16 pages, 7 bytes wrong"),
        (Verification(2, 16, 16, 1 << 20, 0), 3, "16/16 pages, 0 bytes wrong (2 of 3 trials)"),
        (Verification(3, 16, 16, 0, 0), 3, "16/16 pages, bytes not checked"),
        (Verification(3, 16, None, None, None), 3, "0/16 pages, bytes not checked"),
        (Verification(1, None, None, 4096, 0), 1, "0 bytes wrong"),
        (None, 3, "not checked"),
        (None, 0, "-"),
    ],
)
def test_what_was_checked_is_said_and_what_was_not(
    verification: Verification | None, n: int, words: str
) -> None:
    assert text.verification(verification, n) == words


def test_without_counts_only_what_is_missing_is_counted() -> None:
    assert (
        text.verification(Verification(3, 16, 16, 1 << 20, 0), 3, counts=False)
        == "all pages on target, 0 bytes wrong"
    )
    assert (
        text.verification(Verification(3, 16, 14, 1 << 20, 7), 3, counts=False)
        == "14/16 pages, 7 bytes wrong"
    )


@given(st.text(st.characters(exclude_categories=())))
def test_foreign_text_becomes_one_harmless_line(foreign: str) -> None:
    line = text.plain(foreign)
    assert line.isprintable()
    assert len(line) <= 240
    line.encode()


def test_escape_sequences_lose_their_power() -> None:
    assert text.plain("a\x1b]0;title\x07 b\r\n\tc\u202e") == "a ]0;title b c"


def test_text_is_cut_with_a_sign() -> None:
    assert text.plain("abcdef", 4) == "abc…"


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("utf-8", "3 ± 1… größe"), ("ascii", "3 +- 1... gr\\xf6\\xdfe"), ("latin-1", "3 +- 1... größe")],
)
def test_a_stream_gets_only_characters_it_takes(encoding: str, words: str) -> None:
    assert text.for_encoding("3 ± 1… größe", encoding) == words
