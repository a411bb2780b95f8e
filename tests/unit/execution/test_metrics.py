"""Figures out of what benchmarks print."""

from __future__ import annotations

import re

import pytest

from orchestrator.execution import patterns
from orchestrator.execution.metrics import Output
from orchestrator.execution.streams import stream
from orchestrator.experiment.model import Metric
from tests.unit.execution.readings import one, read, reading


@pytest.mark.parametrize(
    ("stdout", "value"),
    [
        ("x=1", 1),
        (" x = 1.5 \r\n", 1.5),
        ("x=1\nx=2", 2),
        ("y=1\nx=-3e-2\n", -0.03),
        ("x=1 s", None),
        ("x=inf", None),
        ("x", None),
        ("xx=1", None),
        ("", None),
    ],
)
def test_key_value(stdout: str, value: float | None) -> None:
    assert one("key_value", "x", stdout) == value


@pytest.mark.parametrize(
    ("pattern", "stdout", "value"),
    [
        (r"took ([0-9.]+) s", "it took 1.25 s\nand took 2 s", 2),
        (r"(?s)\A.*?took ([0-9.]+) s", "it took 1.25 s\nand took 2 s", 1.25),
        (r"^([0-9]+)$", "a 1\n22\n", 22),
        (r"a(b)?", "a", None),
        (r"(.*) s", "many s", None),
        (r"nothing ([0-9])", "", None),
    ],
)
def test_regex(pattern: str, stdout: str, value: float | None) -> None:
    assert one("regex", pattern, stdout) == value


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_kind_of_line_end_ends_a_line(end: str) -> None:
    output = end.join(["progress: 10%", "bw=1", "bw=2.5", "done", ""])
    assert one("regex", "^bw=([0-9.]+)$", output) == 2.5
    assert one("key_value", "bw", output) == 2.5


@pytest.mark.parametrize(
    ("pattern", "stdout", "whole"),
    [
        (r"bw: ([0-9.]+)", "bw: 1,69 GiB/s", "1,69"),
        (r"bw: ([0-9.]+)", "bw: 12,345,678", "12,345,678"),
        (r"bw: ([0-9.]+).*", "bw: 12,345,678", "12,345,678"),
        (r"bw: ([0-9]+)", "bw: 12.5", "12.5"),
        (r"bw: ([0-9.]+)", "bw: 1.5e-06 s", "1.5e-06"),
        (r"bw: ([0-9.]+)", "bw: 1.5e", "1.5e"),
        (r"bw: ([0-9.]+)", "bw: 1'234'567", "1'234'567"),
        (r"bw: ([0-9.]+)", "bw: 1_000", "1_000"),
        (r"bw: ([0-9.]+)", "bw: 1:02.5", "1:02.5"),
        (r"bw: ([0-9]+)", "bw: 0x1f", "0x1f"),
        (r"bw: ([0-9])", "bw: 34", "34"),
        (r"bw: ([0-9])[0-9]*", "bw: 34", "34"),
        (r"bw: ([0-9.]+)", "bw: 3k", "3k"),
        (r"bw: ([0-9.]+)", "bw: 3Ki", "3Ki"),
        (r"([0-9.]+) ops", "12,345 ops", "12,345"),
        (r".*([0-9.]+) ops", "12345.6 ops", "12345.6"),
        (r".*([0-9]+) ops", "12345.6 ops", "12345.6"),
        (r"([0-9.]+) s", "1.5e-06 s", "1.5e-06"),
        (r"([-+0-9.]+) s", "1.5e-06 s", "1.5e-06"),
        (r"([-+0-9.]+) s", "1.5e06 s", "1.5e06"),
        (r"([0-9.]+) ms", "drift: -5.3 ms", "-5.3"),
        (r"([0-9.]+) ms", "drift: −5.3 ms", "−5.3"),
        (r"bw: ([0-9.]+)", "bw: 12\u2007345", "12\u2007345"),
        (r"bw: ([0-9.]+)", "bw: 12٫5", "12٫5"),
        (r"bw: ([0-9.]+)", "bw: 1\b2", "1\b2"),
        (r"bw: ([0-9.]+)", "bw: 1.5D+03", "1.5D+03"),
        (r"bw: ([0-9.]+)", "bw: 1.5*10^9", "1.5*10^9"),
        (r"([0-9.]+)", "bw: 10⁹", "10⁹"),
    ],
)
def test_a_part_of_a_number_is_no_figure(pattern: str, stdout: str, whole: str) -> None:
    assert reading("regex", pattern, stdout) == f"not the whole number: '{whole}'"


@pytest.mark.parametrize(
    ("pattern", "stdout", "refused"),
    [
        (r"bw: ([0-9.]+)", "bw: 3MB/s", "3MB/s"),
        (r"bw: ([0-9.]+)\S*", "bw: 3MB/s", "3MB/s"),
        (r"bw: ([0-9.]+)", "bw: 3Kops", "3Kops"),
        (r"bw: ([0-9.]+)", "bw: 523.00us", "523.00us"),
        (r"bw: ([0-9.]+)", "bw: 308MiB/s, 12 s", "308MiB/s"),
        (r"bw=([0-9.]+)", "READ: bw=308MiB/s (323MB/s)", "308MiB/s"),  # fio
        (r"bw: ([0-9.]+)", "bw: 2.5Gbits/sec", "2.5Gbits/sec"),
    ],
)
def test_a_unit_with_another_prefix_at_the_number_is_named(pattern: str, stdout: str, refused: str) -> None:
    assert reading("regex", pattern, stdout) == f"found, but the unit of '{refused}' is not 'GiB/s'"


def test_a_cut_number_with_a_unit_is_quoted_whole() -> None:
    assert reading("regex", r"bw: ([0-9]+)", "bw: 1,308MiB/s") == "not the whole number: '1,308MiB/s'"


@pytest.mark.parametrize(
    ("pattern", "stdout", "value"),
    [
        (r"took ([0-9.]+)", "it took 5.", 5),
        (r"took ([0-9]+)", "it took 5.", 5),
        (r"took ([0-9]+)", "it took 5, and 6 more", 5),
        (r"bw: ([\d.]+)MB/s", "bw: 12.5MB/s", 12.5),
        (r"bw: ([\d.]+)", "bw: 12.5GiB/s", 12.5),
        (r"bw: ([\d.]+)", "bw: 98%CPU", 98),
        (r"([\d.]+)user", "0.25user 0.01system 0:00.26elapsed 98%CPU", 0.25),
        (r"([\d.]+)pagefaults", "0inputs+0outputs (0major+123minor)3pagefaults 0swaps", 3),
        (r"bw: ([\d.]+)", "bw: 2.5x faster", 2.5),
        (r"bw: ([\d.]+)", "bw: 5min", 5),
        (r"bw: ([\d]+)\.\d+", "bw: 12.5", 12),
        (r"^read,([\d.]+),", "read,12.5,33.1", 12.5),
        (r"^read,[\d.]+,([\d.]+)", "read,12.5,33.1", 33.1),
        (r"(?<=,)([\d.]+)$", "read,12.5,33.1", 33.1),
        (r"bw: (-?[\d.]+)", "bw: -5.5", -5.5),
        (r"bw -([\d.]+)", "bw -5", 5),
        (r"run-([\d.]+)", "run-5", 5),
        (r"bw:( *[\d.]+ *)", "bw:  5  x", 5),
        (r"bw: ([\d.]+)", "bw: 12 345", 12),
    ],
)
def test_what_follows_a_number_may_be_something_else(pattern: str, stdout: str, value: float) -> None:
    assert reading("regex", pattern, stdout) == value


WRK = """\
    Latency   596.15us    6.48ms 117.12ms   99.03%
    Req/Sec    48.39k     1.14k   57.79k    84.65%
  972350 requests in 10.10s, 81.60MB read
Requests/sec:  96274.62
Transfer/sec:      8.08MB
"""
"""wrk scales each unit: wg/wrk#275, the-benchmarker/website#29, denoland/deno#1975."""


@pytest.mark.parametrize(
    ("pattern", "unit", "value"),
    [
        (r"Latency +([\d.]+)", "ms", "found, but the unit of '596.15us' is not 'ms'"),
        (r"Latency +([\d.]+)", "us", 596.15),
        (r"Latency +([\d.]+)ms", "ms", "not found in stdout; last line: Transfer/sec:      8.08MB"),
        (r"Req/Sec +([\d.]+)", "1/s", "not the whole number: '48.39k'"),
        (r"Requests/sec:\s+(\d+)", "1/s", "not the whole number: '96274.62'"),
        (r"Requests/sec:\s+([\d.]+)", "1/s", 96274.62),
        (r"Transfer/sec:\s+([\d.]+)", "MB/s", "found, but the unit of '8.08MB' is not 'MB/s'"),
        (r"Transfer/sec:\s+([\d.]+)MB", "MB/s", 8.08),
        (r"requests in ([\d.]+)", "s", 10.1),
    ],
)
def test_a_tool_that_scales_its_units(pattern: str, unit: str, value: float | str) -> None:
    assert reading("regex", pattern, WRK, unit) == value


@pytest.mark.parametrize(
    ("pattern", "stdout", "unit", "value"),
    [
        (r"rate ([\d.]+)", "rate 12 k", "1/s", "12 k"),
        (r"rate ([\d.]+)", "rate 12\tkops/s", "ops/s", "12\tkops/s"),
        (r"rate ([\d.]+)", "rate 12 kops/s", "Kops/s", 12),
        (r"# +([\d.]+)", "branches  #  348.123 M/sec", "1/s", "348.123 M/sec"),  # perf stat
        (r"# +([\d.]+)", "branches  #  348.123 M/sec", "M/sec", 348.123),
        (r"Bytes +([\d.]+)", "1.10 GBytes   943 Mbits/sec", "Gbit/s", "943 Mbits/sec"),  # iperf3
        (r"Bytes +([\d.]+)", "1.10 GBytes   943 Mbits/sec", "Mbit/s", 943),
        (r"Bytes +([\d.]+) Mbit", "1.10 GBytes   943 Mbits/sec", "Gbit/s", 943),
        (r"Bytes +([\d.]+)", "0.00 Bytes  0.00 bits/sec", "Gbit/s", 0),
        (r"Bytes +([\d.]+)", "5.00 Bytes  4.00 bits/sec", "Gbit/s", "4.00 bits/sec"),
        (r": +([\d.]+)", "Time:  1.234 s ±  0.005 s", "ms", "1.234 s"),  # hyperfine
        (r": +([\d.]+)", "Time:  12.5 msec", "ms", 12.5),
        (r": +([\d.]+)", "Time:  12.5 μs", "us", 12.5),
        (r": +([\d.]+)", "MemFree: 123456 kB", "KiB", 123456),
        (r"Elapsed: ([\d.]+)", "Elapsed: 0.25\tMiB: 64.0", "s", 0.25),  # mbw
        (r"at ([\d.]+)", "started at 12 pm", "h", 12),
        (r"bw ([\d.]+)", "bw 12 GB/s", "GiB/s", 12),
        (r"read ([\d.]+)", "read 12 Mails", "mails", 12),
    ],
)
def test_a_unit_behind_a_space(pattern: str, stdout: str, unit: str, value: float | str) -> None:
    refused = f"found, but the unit of '{value}' is not '{unit}'"
    assert reading("regex", pattern, stdout, unit) == (refused if isinstance(value, str) else value)


@pytest.mark.parametrize(
    ("source", "selector", "stdout", "value"),
    [
        ("regex", r"^bw: ([\d.]+)$", "\x1b[1mbw: \x1b[32m12.5\x1b[0m", 12.5),
        ("regex", r"^bw\s+([\d.]+)$", "bw\x1b[20G12\x1b[5C34", 12),
        ("key_value", "bw", "\x1b]0;title\x07\x1b[?25l50%\x1b[2K\rbw=3\x1b[?25h", 3),
        ("json", "bw", '\x1b[32m{"bw": 3}\x1b[0m', 3),
        ("json", "bw", '\ufeff{"bw": 3}', 3),
        ("key_value", "bw", "\ufeffbw=3", 3),
    ],
)
def test_colours_and_byte_order_marks_are_no_text(
    source: str, selector: str, stdout: str, value: float
) -> None:
    assert one(source, selector, stdout) == value


@pytest.mark.parametrize(
    ("stdout", "shown"),
    [
        ("a=1_0", "'1_0' is not a number"),
        ("a=1.0 s", "'1.0 s' is not a number"),
        ("a=1,5", "'1,5' is not a number"),
        ("a=inf", "'inf' is not a finite number"),
        ("a=6.95e-310", "'6.95e-310' is not between 1e-150 and 1e+150"),
        ("a=-1e200", "'-1e200' is not between 1e-150 and 1e+150"),
        ("a=" + "x" * 100, f"'{'x' * 60}…' is not a number"),
    ],
)
def test_a_value_that_is_no_number_is_quoted(stdout: str, shown: str) -> None:
    assert reading("key_value", "a", stdout) == f"found, but {shown}"
    assert reading("regex", "a=(.*)", stdout) == f"found, but {shown}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("null", "null is not a number"),
        ("true", "true is not a number"),
        ("{}", "a JSON object is not a number"),
        ('"1,5"', "'1,5' is not a number"),
        ("NaN", "NaN is not a finite number"),
        ("1" + "0" * 400, "Infinity is not a finite number"),
        ("1" + "0" * 5000, "Infinity is not a finite number"),
    ],
)
def test_a_json_value_that_is_no_number_is_quoted(value: str, shown: str) -> None:
    assert reading("json", "a", f'{{"a": {value}}}') == f"found, but {shown}"


def test_a_metric_of_stderr() -> None:
    metric = Metric("m", "MB/s", "regex", r"^[0-9.]+ ([0-9.]+)", stream="stderr")
    assert read(metric, "", "209.72 424.38\n").found["m"].value == 424.38
    assert read(metric, "1 2", "").missing["m"] == "not found: stderr was empty"


def test_a_missing_metric_quotes_stderr() -> None:
    metric = Metric("m", "MB/s", "key_value", "m")
    assert read(metric, "", "one\n209.72 424.38\n").missing["m"] == (
        "not found: stdout was empty; last line of stderr: 209.72 424.38"
    )
    assert read(metric, "text", "x" * 500).missing["m"] == (
        f"not found in stdout; last line: text; last line of stderr: {'x' * 200}…"
    )
    assert read(metric, "y" * 500, "").missing["m"] == f"not found in stdout; last line: {'y' * 200}…"


CUT = "not found in the last 0 KiB of stdout; earlier output is not kept"


@pytest.mark.parametrize(
    ("source", "selector", "stdout", "value"),
    [
        ("key_value", "x", "x=2\nx=34\n", 34),
        ("key_value", "x", "x=2\ny=34\n", CUT),
        ("key_value", "x", "x=2", CUT),
        ("regex", "x=([0-9]+)", "x=2\nx=34\n", 34),
        ("regex", "([0-9]+) ops", "345 ops\n", CUT),
        ("regex", r"(?s)\A.*?x=([0-9]+)", "x=2\nx=34\n", CUT),
        ("json", "x", '{"x": 1}\n{"x": 2}\n', 2),
        ("json", "x", '{"x": 1}\n', CUT),
        ("json", "x", '"a": 1,\n{"x": 1}\n]\n}\n', CUT),
    ],
)
def test_nothing_beside_a_cut_is_read(source: str, selector: str, stdout: str, value: float | str) -> None:
    readings = read(Metric("m", "s", source, selector), stdout, cut=True)  # type: ignore[arg-type]
    assert (readings.found["m"].value if readings.found else readings.missing["m"]) == value


ENDLESS = r"((?:\d|\d\d)+)[^,]*,$"


def test_a_pattern_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "TIME_LIMIT_S", 0.1)
    assert reading("regex", ENDLESS, "1" * 60 + " KiB/s, x") == "the regular expression took more than 0.1 s"


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\s*rate[:=]\s*([-+]?\d+(?:\.\d+)?)\s*$",
        r"(?i)RATE: (\d+)",
        r"(?m)^rate: (?P<figure>\d+)$",
        r"(?<=rate: )(\d+)(?=$)",
        r"(?s)first.*rate: (\d+)",
        r"(?x) rate: \s+ (\d+)  # the rate",
        r"rate: (\d+)\b(?! MB)",
    ],
)
def test_the_patterns_are_those_of_python(pattern: str) -> None:
    output = "first\nrate: 10\n rate= 2\nrate: 30\n"
    matches = list(re.finditer(pattern, output, re.MULTILINE))
    expected = float(matches[-1][1]) if matches and matches[-1][1] else None
    assert one("regex", pattern, output) == expected


def test_units_and_order_are_those_of_the_file() -> None:
    metrics = [
        Metric("b", "ms", "key_value", "b"),
        Metric("a", "GiB/s", "key_value", "a"),
        Metric("c", "s", "json", "c"),
    ]
    readings = Output(stream("stdout", "a=1\nb=2\n"), stream("stderr", "")).read(metrics)
    assert [(name, value.unit) for name, value in readings.found.items()] == [("b", "ms"), ("a", "GiB/s")]
    assert list(readings.missing) == ["c"]


USAGE = {"of": "waited", "user": 1.5, "system": 0.25, "memory_peak": 4096, "processes_peak": None}


def test_what_the_host_tells() -> None:
    names = ("cpu", "user", "system", "memory_peak", "processes_peak")
    metrics = [Metric(name, "", "usage", name) for name in names]
    readings = Output(stream("stdout", ""), stream("stderr", ""), USAGE).read(metrics)
    assert {name: value.value for name, value in readings.found.items()} == {
        "cpu": 1.75,
        "user": 1.5,
        "system": 0.25,
        "memory_peak": 4096,
    }
    assert readings.missing == {"processes_peak": "the host does not tell processes_peak of a trial"}
    assert not Output(stream("stdout", ""), stream("stderr", "")).read(metrics).found
