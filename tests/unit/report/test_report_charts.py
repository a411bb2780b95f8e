"""Charts as files for papers: `orchestrate report RUN --format svg|pdf`."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from msgspec.structs import replace
from reportlab.pdfbase.pdfmetrics import stringWidth

from orchestrator.experiment.model import Status
from orchestrator.report.figures.words import SIZE, lines, width
from orchestrator.results.records import Record
from tests import eventful_run
from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, trial, write

SVG = "{http://www.w3.org/2000/svg}"
CHARTS = ["by-number", "speed-up", "roofline", "distributions", "timeline"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    eventful_run.make(folder)
    return folder


def report(results: Path, *words: str, run: str = "eventful") -> str:
    done = orchestrate("report", run, "--results", str(results), *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(results: Path, *words: str) -> str:
    done = orchestrate("report", "eventful", "--results", str(results), *words)
    assert done.returncode == 2
    return done.stderr


def chart(results: Path, name: str, *words: str) -> ET.Element:
    return ET.fromstring(report(results, "--format", "svg", "--chart", name, *words))


def test_each_chart_is_a_file_of_the_directory_and_is_listed(results: Path, tmp_path: Path) -> None:
    listed = report(results, "--format", "svg", "--output", f"{tmp_path}/new/charts").splitlines()
    files = sorted(path.name for path in (tmp_path / "new/charts").iterdir())
    assert sorted(Path(line.partition(": ")[0]).name for line in listed) == files
    assert all(any(name.startswith(chart) for name in files) for chart in CHARTS)
    assert "throughput, GiB/s, kernel new, page_size 2MiB" in listed[3]


def test_one_chart_goes_to_a_file_a_directory_or_standard_output(results: Path, tmp_path: Path) -> None:
    words = ("--format", "svg", "--chart", "speed-up")
    printed = report(results, *words)
    report(results, *words, "-o", f"{tmp_path}/a.svg")
    report(results, *words, "-o", str(tmp_path))
    assert (tmp_path / "a.svg").read_text() == (tmp_path / "speed-up.svg").read_text() == printed


def test_the_only_chart_of_a_run_goes_to_a_file_where_the_name_says_so(tmp_path: Path) -> None:
    """The same command must not make a file of one run and a directory of another."""
    found: list[Record] = [
        RUN,
        BLOCK,
        *(trial({"mode": "serial"}, n, 2.0 + n, start="") for n in range(3)),
        END,
    ]
    write(tmp_path / "x" / RUN.run, found)
    listed = report(tmp_path, "--format", "svg", "-o", f"{tmp_path}/figures", run="x")
    assert listed.startswith(f"{tmp_path}/figures/distributions.svg: ")
    assert report(tmp_path, "--format", "svg", "-o", f"{tmp_path}/a.svg", run="x") == ""
    report(tmp_path, "--format", "svg", "-o", f"{tmp_path}/b", "--chart", "distributions", run="x")
    for name in ("a.svg", "b"):
        assert (tmp_path / name).read_text() == (tmp_path / "figures/distributions.svg").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--format", "svg"), "standard output: 12 charts are 12 files; name a directory with --output"),
        (("--format", "svg", "-o", "a.svg"), "--output a.svg: 12 charts are 12 files"),
        (("--format", "svg", "--chart", "speedup"), "no such chart in this run; did you mean 'speed-up'?"),
        (
            ("--format", "pdf", "--width", "89"),
            "orchestrate: --width: length '89' has no unit; known: in, cm, mm, pt",
        ),
        (("--format", "pdf", "--width", "89m"), "orchestrate: --width: unknown unit 'm' in length '89m'"),
        (("--format", "csv", "--log-x"), "--log-x needs one run and --format html, pdf, svg or vega"),
        (("eventful", "--format", "html", "--log-x"), "--log-x needs one run and --format html"),
        (("--format", "pdf", "--width", "1mm"), "--width 1mm: charts are from 1.5in to 20in wide"),
        (("--format", "csv", "--width", "89mm"), "--width needs --format pdf, svg or vega"),
        (("--chart", "speed-up"), "--chart needs --format pdf, svg or vega"),
    ],
)
def test_wrong_use_is_refused(results: Path, words: tuple[str, ...], message: str) -> None:
    assert message in refused(results, *words)


def test_a_run_without_figures_has_no_charts(tmp_path: Path) -> None:
    failed = trial({"mode": "serial"}, status=Status.FAILED, start="", end="")
    write(tmp_path / "x" / RUN.run, [RUN, BLOCK, failed, END])
    done = orchestrate("report", "x", "--results", str(tmp_path), "--format", "svg")
    assert done.returncode == 2
    assert "has no charts: no trial has a figure yet" in done.stderr


@pytest.mark.parametrize(
    ("words", "points"), [((), 252.0), (("--width", "89mm"), 252.28), (("--width", "7in"), 504.0)]
)
def test_a_chart_has_the_width_that_was_asked_for_and_text_of_8_pt(
    results: Path, words: tuple[str, ...], points: float
) -> None:
    root = chart(results, "speed-up", *words)
    assert root.attrib["width"] == f"{points:.2f}pt"
    pixels = float(root.attrib["viewBox"].split()[2])
    sizes = {round(float(text.attrib["font-size"]) * points / pixels, 2) for text in root.iter(f"{SVG}text")}
    assert sizes == {8.0}
    assert [e.attrib["font-family"] for e in root.iter() if "font-family" in e.attrib] == [
        root.attrib["font-family"]
    ]


@pytest.mark.parametrize("name", ["by-number-throughput-2", *CHARTS[1:]])
def test_charts_need_no_style_sheet_and_no_positions_in_percent(results: Path, name: str) -> None:
    root = chart(results, name)
    for each in root.iter():
        assert each.tag.removeprefix(SVG) in (
            *("svg", "title", "desc", "g", "line", "rect", "circle", "path", "text"),
        )
        assert not {"class", "style"} & set(each.attrib)
        assert not any("%" in value or "var(" in value for value in each.attrib.values())
    assert root.findtext(f"{SVG}title") not in [text.text for text in root.iter(f"{SVG}text")]
    assert f"Run {eventful_run.RUN_ID}, content hash c0ffeec0ffee" in (root.findtext(f"{SVG}desc") or "")


def test_checks_that_are_off_are_in_the_chart(tmp_path: Path) -> None:
    off = replace(RUN, unchecked=("noise (noise: false)",))
    found: list[Record] = [off, BLOCK, *(trial({"mode": "serial"}, n, 2.0 + n) for n in range(3)), END]
    write(tmp_path / "x" / RUN.run, found)
    text = report(tmp_path, "--format", "svg", "--chart", "distributions", run="x")
    words = [each.text for each in ET.fromstring(text).iter(f"{SVG}text")]
    assert "Not checked: noise (noise: false)." in words


def test_pdf_has_embedded_fonts_and_the_same_bytes_each_time(results: Path, tmp_path: Path) -> None:
    contents = []
    for name in ("a.pdf", "b.pdf"):
        report(results, "--format", "pdf", "--chart", "timeline", "-o", f"{tmp_path}/{name}")
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    assert contents[0].startswith(b"%PDF")
    assert set(re.findall(rb"/BaseFont /(\S+)", contents[0])) == {b"AAAAAA+BitstreamVeraSans-Roman"}
    assert contents[0].count(b"/FontFile2") >= 1
    (box,) = re.findall(rb"/MediaBox \[ 0 0 (\S+) \S+ \]", contents[0])
    assert float(box) == 252


def test_pdf_without_its_package_names_the_command(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "svglib", None)
    message = refused(results, "--format", "pdf", "--chart", "timeline")
    assert "--format pdf requires svglib; install it with: " in message
    assert "-m pip install 'svglib>=2'" in message


def test_words_are_not_wider_than_estimated(results: Path) -> None:
    report(results, "--format", "pdf", "--chart", "timeline", "-o", "/dev/null")  # registers the font
    for text in ("kernel base, serial, threads 16, page_size 4KiB", "WWW % mm ± 3.01", "abc[x] (l) 'i' f/t"):
        real = stringWidth(text, "DejaVu Sans", SIZE)
        assert real <= width(text) <= real * 1.15
    assert lines("kernel base, serial, threads 16", 130) == ["kernel base, serial,", "threads 16"]
    assert all(width(line) <= 50 for line in lines("exchange+parallel+concurrent", 50))


@pytest.mark.parametrize(
    ("name", "begins"),
    [("r.html", "<!doctype html>"), ("r.md", "#"), ("r.tex", "%"), ("r.txt", "eventful")],
)
def test_the_name_of_a_file_says_its_format_unless_one_is_given(
    results: Path, tmp_path: Path, name: str, begins: str
) -> None:
    for words, expected in (((), begins), (("--format", "csv"), "run,content_hash,")):
        ended = orchestrate("report", "latest", *words, "-o", str(tmp_path / name), "--results", str(results))
        assert ended.returncode == 0, ended.stderr
        assert (tmp_path / name).read_text().lower().startswith(expected)


def test_levels_of_no_trial_that_is_ok_have_no_chart(tmp_path: Path) -> None:
    failed = [trial({"threads": level}, status=Status.FAILED, reason="why") for level in ("1", "2")]
    found: list[Record] = [RUN, BLOCK, *failed, replace(trial({}, 0, 3.0), factors={}), END]
    write(tmp_path / "x" / RUN.run, found)
    assert "by-number" not in report(tmp_path, "--format", "svg", "-o", f"{tmp_path}/figures", run="x")
    assert "<html" in report(tmp_path, "--format", "html", run="x")


@pytest.mark.parametrize("status", [Status.OK, Status.FAILED])
def test_trials_whose_host_set_its_clock_back(tmp_path: Path, status: Status) -> None:
    before = "2001-01-01T00:00:00.000Z"
    found = [trial({"threads": level}, 0, 3.0, status=status, end=before) for level in ("1", "2")]
    write(tmp_path / "x" / RUN.run, [RUN, BLOCK, *found, END])
    for words in (("--format", "html"), ("--format", "svg", "--chart", "timeline")):
        assert report(tmp_path, *words, run="x")
