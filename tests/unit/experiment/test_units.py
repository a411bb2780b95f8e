from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import BadInput
from orchestrator.units import (
    format_duration,
    format_size,
    parse_duration,
    parse_frequency,
    parse_quantity,
    parse_share,
    parse_size,
)


def test_a_long_text_is_quoted_in_part() -> None:
    for text, parse in (
        ("9" * 5000 + "s", parse_duration),
        ("9" + "s" * 5000, parse_duration),
        ("9" * 5000, parse_size),
        ("9" * 5000 + "%", parse_share),
    ):
        with pytest.raises(BadInput) as caught:
            parse(text)
        assert len(str(caught.value)) < 300
        assert "…'" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4KiB", 4096),
        ("2MiB", 2**21),
        ("1GiB", 2**30),
        ("1TiB", 2**40),
        ("1.5KiB", 1536),
        ("1kB", 1000),
        ("2 MB", 2_000_000),
        ("512", 512),
        (512, 512),
        ("0B", 0),
    ],
)
def test_sizes_are_bytes(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("60s", 60), ("5min", 300), ("2h", 7200), ("0", 0), (1.5, 1.5), (3, 3), ("20us", 2e-5)],
)
def test_durations_are_seconds(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2MIB", "unknown unit 'MIB' in size '2MIB'; did you mean '2MiB'?"),
        ("2KB", "unknown unit 'KB' in size '2KB'; did you mean '2KiB'?"),
        ("1.3K", "unknown unit 'K' in size '1.3K'; known units: B, KiB"),
        ("2 pages", "unknown unit 'pages' in size '2 pages'; known units: B, KiB"),
        ("-1KiB", "invalid size '-1KiB'; expected a number with a unit, such as '2MiB'"),
        ("", "invalid size ''"),
        ("0.5B", "'0.5B' is not an integer number of bytes"),
        ("9999999999TiB", "is too large (limit 2^63"),
        ("1e3", "invalid size '1e3'; did you mean '1000'?"),
        ("٣KiB", "invalid size"),
    ],
)
def test_an_invalid_size_gives_a_suggestion(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_size(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("parse", "text", "meant"),
    [
        *((parse_duration, *words) for words in [
            ("5m", "5min"), ("5 mins", "5min"), ("5sec", "5s"), ("2 secs", "2s"), ("1 hour", "1h"),
            ("1 hr", "1h"), ("3 days", "3d"), ("2 weeks", "14d"), ("10 msec", "10ms"), ("10 usecs", "10us"),
            ("10 micros", "10us"), ("10 MS", "10ms"), ("100 µs", "100us"), ("100μs", "100us"), (".5s", "0.5s"),
            ("5,5s", "5.5s"), ("1h30m", "90min"), ("5 min 3s", "303s"), ("00:05:00", "5min"), ("1-00:00:00", "24h"),
        ]),
        *((parse_size, *words) for words in [
            ("4K", "4KiB"), ("64k", "64KiB"), ("2M", "2MiB"), ("1g", "1GiB"), ("2Mi", "2MiB"), ("4 KBytes", "4KiB"),
            ("2 megabytes", "2MiB"), ("512 bytes", "512B"), ("+4K", "4KiB"), ("1,024", "1024"), ("4_096", "4096"),
            ("0x1000", "4096"), ("1e6", "1000000"), (".5G", "0.5GiB"),
        ]),
        *((parse_frequency, *words) for words in [
            ("2.4G", "2.4GHz"), ("2400mhz", "2400MHz"), ("2,4 GHz", "2.4GHz"), ("100k", "100kHz"),
        ]),
        *((parse_share, *words) for words in [("5 percent", "5%"), ("5 pct", "5%"), (".5%", "0.5%"), ("0,05", "5%")]),
    ],
)  # fmt: skip
def test_the_value_that_is_meant_is_suggested_and_accepted(
    parse: Callable[[str], float], text: str, meant: str
) -> None:
    with pytest.raises(BadInput, match=f"{re.escape(text)}'; did you mean '{re.escape(meant)}'"):
        parse(text)
    parse(meant)


@pytest.mark.parametrize("parse", [parse_size, parse_duration, parse_frequency, parse_share])
@given(
    text=st.from_regex(
        r"[-+]?[0-9.,_xe:-]{0,8} ?[kKmMgGiIbBsSnuµhd%]{0,3} ?[0-9.]{0,3}[smhK]?", fullmatch=True
    )
)
def test_whatever_is_suggested_is_accepted(parse: Callable[[str], float], text: str) -> None:
    try:
        parse(text)
    except BadInput as error:
        suggested = re.search(r"did you mean '(.*)'\?$", str(error))
        if suggested:
            parse(suggested[1])


@pytest.mark.parametrize("parse", [parse_size, parse_duration, parse_frequency, parse_share])
@pytest.mark.parametrize(
    "text",
    ["1e40", "1" * 50, "1e40s 1s", f"{'1' * 35}s 1s", f"{'1' * 20}.{'1' * 25} tb", "1e-99s 1s", "1e20tb"],
)
def test_a_number_of_many_digits_is_refused(parse: Callable[[str], float], text: str) -> None:
    with pytest.raises(BadInput, match=r"^(invalid|unknown unit)"):
        parse(text)


def test_the_meaning_of_a_long_share_is_not_looked_for() -> None:
    with pytest.raises(BadInput, match="; expected a percentage below 100"):
        parse_share("0" * 100 + ".05")


@pytest.mark.parametrize("text", ["5 mins", "1m", "-1s", "s", "nan", -1, float("nan"), float("inf")])
def test_an_invalid_duration_is_refused(text: str | float) -> None:
    with pytest.raises(BadInput):
        parse_duration(text)


@given(st.integers(0, 2**62))
def test_a_formatted_size_parses_to_the_same_value(size: int) -> None:
    assert parse_size(format_size(size)) == size


def test_sizes_are_formatted_with_the_largest_unit_that_divides_them() -> None:
    written = [format_size(size) for size in (0, 1, 1023, 1024, 1536, 2**21, 1_000_000, 3 * 2**30)]
    assert written == ["0B", "1B", "1023B", "1KiB", "1536B", "2MiB", "1MB", "3GiB"]


def test_durations_are_formatted() -> None:
    written = [format_duration(seconds) for seconds in (0, 0.25, 1.234, 59.6, 90, 300, 7500)]
    assert written == ["0s", "250ms", "1.23s", "1min", "1min 30s", "5min", "2h 5min"]


def test_only_text_with_a_known_unit_is_a_quantity() -> None:
    assert [parse_quantity(text) for text in ("2MiB", "500ms", "16", "serial", "2mib", "0-3", "4k")] == [
        2**21, 0.5, None, None, None, None, None,
    ]  # fmt: skip
