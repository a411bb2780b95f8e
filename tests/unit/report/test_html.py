"""The HTML report as a document; how it behaves in a browser is in tests/browser."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator.experiment.model import Comparison
from orchestrator.report import text
from orchestrator.report.html import listing
from orchestrator.report.html.charts import distributions, timeline
from orchestrator.report.model import open_report
from orchestrator.results import codec
from orchestrator.results.records import FactorInfo, Record
from orchestrator.results.runs import RunFolder
from tests import eventful_run
from tests.calls import orchestrate
from tests.reports import Reported, render
from tests.run_samples import BLOCK, END, RUN, trial, write

VOID = {"meta", "link", "input", "br", "hr", "img"}


class Outline(HTMLParser):
    """Checks that elements close in order, and keeps what they hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[tuple[str, str]] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append((self.open[-1] if self.open else "", data))

    def texts(self, tag: str) -> list[str]:
        return [" ".join(data.split()) for at, data in self.words if at == tag and data.strip()]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    results = tmp_path_factory.mktemp("results")
    return page_of(results, eventful_run.make(results))


def page_of(results: Path, folder: Path) -> str:
    return render_text(results, folder, "html")


def render_text(results: Path, folder: Path, format_name: str) -> str:
    return render(Reported(results, folder), format_name)


def large(folder: Path, cells: int, trials: int) -> Path:
    """A run of many trials, written without the journal's care for each line."""
    folder.mkdir(parents=True)
    found: list[Record] = [replace(RUN, trials=cells * trials), BLOCK]
    for cell in range(cells):
        for number in range(trials):
            stamp = f"2026-11-23T10:{number // 60 % 60:02}:{number % 60:02}.000Z"
            value = 3.0 + (number * 37 % 101) / 1000
            found.append(trial({"pages": str(cell + 1)}, number, value, start=stamp, end=stamp))
    lines = (json.dumps(codec.encode(record)) + "\n" for record in [*found, END])
    (folder / "journal.jsonl").write_text("".join(lines))
    return folder


def test_the_page_is_well_formed_and_needs_no_network(page: str) -> None:
    outline = Outline(page)
    assert [tag for tag, _ in outline.found].count("script") == 1
    for tag, attributes in outline.found:
        for name in ("src", "href", "xlink:href", "action"):
            target = attributes.get(name)
            assert target is None or target.startswith("#") or target == "data:,", (tag, target)
    assert "@import" not in page
    assert "url(" not in page
    keys = [attributes["id"] for _, attributes in outline.found if "id" in attributes]
    assert len(keys) == len(set(keys))
    assert {target[1:] for target in re.findall('href="(#[^"]+)"', page)} <= set(keys)


def test_untrusted_text_is_escaped(page: str) -> None:
    assert "<script>window" not in page
    assert "\x07" not in page
    assert html.escape("<script>window.hacked = 1</script>") in page


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = eventful_run.make(tmp_path)
    first = page_of(tmp_path, folder)
    (tmp_path / "index.sqlite").unlink()
    assert page_of(tmp_path, folder) == first


def test_every_chart_is_there_and_says_what_it_shows(page: str) -> None:
    outline = Outline(page)
    headings = outline.texts("h2")
    assert [words for words in headings if words in (
        "Figures by threads and mode", "Speed-up against published", "throughput against a plain copy, GiB/s",
        "Every trial: throughput, % from the median of its cell", "Trials over time, in min from the first",
    )] == headings[1:6]  # fmt: skip
    pictures = [
        attributes for tag, attributes in outline.found if tag == "svg" and attributes.get("role") == "img"
    ]
    assert pictures
    assert all(attributes["aria-label"] for attributes in pictures)


def test_every_trial_is_a_point(page: str) -> None:
    assert page.count('class="dot') == 144 - 24


def test_what_was_not_ok_has_a_mark_and_a_line(page: str) -> None:
    titles = Outline(page).texts("title")
    assert any(words.startswith("disturbed, trial") for words in titles)
    assert any(words.startswith("repeated after crashed, trial") for words in titles)
    assert "1 record not drawn" in page
    assert "timeout (1 trial" in page


def test_figures_are_those_of_the_other_formats(tmp_path: Path) -> None:
    folder = eventful_run.make(tmp_path)
    cells = json.loads(render_text(tmp_path, folder, "json"))["cells"]
    words = Outline(page_of(tmp_path, folder)).texts("td")
    for cell in cells:
        if cell["n"]:
            median = cell["metrics"]["throughput"]["median"]
            assert any(word.startswith(f"{median:.4g}"[:5]) for word in words), median


def test_provenance_goes_down_to_the_last_setting(page: str) -> None:
    outline = Outline(page)
    for name in ("vm.zone_reclaim_mode", "/proc/sys/kernel/numa_balancing", "tasks.yaml", "click", "enabled"):
        assert name in outline.texts("dt"), name
    assert any("/proc/sys/vm/limit_mt_num = 16" in words for words in outline.texts("dd"))
    assert "QEMU 7.2.22 on Host CPU, Linux 6.1.0" in outline.texts("dd")
    assert any("name: eventful" in words for words in outline.texts("pre"))
    assert "aaaaaaaaaaaa (dirty)" in page


def test_other_options_have_their_effective_values(page: str) -> None:
    assert re.findall('<span class="pair">(.*?)</span>', page) == [
        "memory = thp",
        "warmup_pages = 1",
        "latency_probe = false",
    ]


def test_omissions_of_a_large_run_are_noted(tmp_path: Path) -> None:
    folder = large(tmp_path / "large" / RUN.run, cells=62, trials=110)
    page = page_of(tmp_path, folder)
    limit = distributions.POINTS // distributions.ROWS
    assert page.count('class="dot') == distributions.ROWS * limit
    assert f"{distributions.ROWS * limit} of {distributions.ROWS * 110} trials are drawn" in page
    assert f"The first {distributions.ROWS} of 62 cells are drawn" in page
    assert f"{listing.ROWS} of 6820 records are listed" in page
    assert f"in {timeline.BINS} bins" in page
    assert page.count('class="bin"') == 110
    outline = Outline(page)
    assert sum(attributes.get("id") == "trials" for _, attributes in outline.found) == 1


def section(page: str, key: str) -> str:
    return page.partition(f'<section id="{key}">')[2].partition("</section>")[0]


def page_of_cells(results: Path, cells: list[tuple[dict[str, str], list[float]]]) -> str:
    trials = [trial(levels, n, value) for levels, values in cells for n, value in enumerate(values)]
    factors = tuple(
        FactorInfo(name, tuple(dict.fromkeys(levels[name] for levels, _ in cells))) for name in cells[0][0]
    )
    return page_of(
        results, write(results / "x" / RUN.run, [replace(RUN, factors=factors), BLOCK, *trials, END])
    )


@pytest.mark.parametrize(
    ("levels", "joined"),
    [
        ([{"threads": "1"}, {"threads": "2"}, {"threads": "4"}], True),
        ([{"pages": "1"}, {"pages": "16"}], True),
        ([{"page_size": "4KiB"}, {"page_size": "2MiB"}], False),
        ([{"target_node": "1"}, {"target_node": "2"}], False),
        ([{"sysctl.vm.switch": "0"}, {"sysctl.vm.switch": "1"}], False),
        # What follows the number is a kind of thing.
        ([{"pages": "2048", "page_size": "4KiB"}, {"pages": "16", "page_size": "2MiB"}], False),
        ([{"pages": "16", "memory": "base"}, {"pages": "1", "memory": "thp"}], False),
        ([{"pages": "1", "bytes": "4KiB"}, {"pages": "16", "bytes": "64KiB"}], True),
    ],
)
def test_lines_join_amounts_and_not_categories(
    tmp_path: Path, levels: list[dict[str, str]], joined: bool
) -> None:
    cells = [({"mode": mode, **each}, [2.0, 3.0]) for mode in ("serial", "copy") for each in levels]
    figure = section(page_of_cells(tmp_path, cells), "by-number")
    assert figure.count('class="mark s0"') >= len(levels), "there are marks in any case"
    assert ('class="curve' in figure) is joined


def test_an_amount_goes_before_page_sizes_on_the_axis(tmp_path: Path) -> None:
    sizes = [{"page_size": size, "pages": pages} for size in ("4KiB", "2MiB", "1GiB") for pages in ("1", "2")]
    assert "Figures by pages" in page_of_cells(tmp_path, [(levels, [2.0]) for levels in sizes])


def marks(figure: str) -> list[float]:
    """Positions of the marks of the first panel's first series, in percent."""
    panel = figure.partition('class="panel"')[2].partition("</svg></div>")[0]
    return [float(x) for x in re.findall(r'<svg x="([\d.]+)%" y="[\d.]+" class="mark s0"', panel)]


def test_amounts_are_in_proportion_on_the_axis_or_logarithmic_if_asked(tmp_path: Path) -> None:
    cells = [({"pages": str(pages)}, [2.0]) for pages in (1, 2, 16)]
    page_of_cells(tmp_path, cells)
    for words, ratio in (((), 15.0), (("--log-x",), 4.0)):
        done = orchestrate("report", "x", "--results", str(tmp_path), "--format", "html", *words)
        first, second, last = marks(section(done.stdout, "by-number"))
        assert (last - first) / (second - first) == pytest.approx(ratio, rel=0.01)


def test_the_factor_that_differs_alone_is_on_the_axis(tmp_path: Path) -> None:
    """Threads change with the mode; pages change within each mode."""
    modes = (("serial", "1"), ("parallel", "8"))
    cells = [
        ({"mode": mode, "threads": threads, "pages": pages}, [2.0])
        for mode, threads in modes
        for pages in ("1", "16")
    ]
    assert "Figures by pages and mode" in page_of_cells(tmp_path, cells)


def test_the_page_begins_with_the_finding_then_tables_then_figures(page: str) -> None:
    wanted = [
        "conclusion",
        "table-1",
        "by-number",
        "timeline",
        "anomalies",
        "trial-list",
        "experiment",
        "hosts",
    ]
    places = [page.index('class="conclusion"'), *(page.index(f'id="{key}"') for key in wanted[1:])]
    assert places == sorted(places)


def test_each_note_is_there_once(page: str) -> None:
    for words in (
        "Verified in every row",
        "Figures are medians",
        "vm-icount</strong>:",
        "published: the same ratio",
    ):
        assert page.count(words) == 1, words


def test_checks_that_are_off_are_beside_the_table_and_each_figure(tmp_path: Path) -> None:
    off = replace(RUN, unchecked=("noise (noise: false)",))
    found = [trial({"pages": pages}, n, 2.0 + n) for pages in ("1", "2") for n in range(3)]
    page = page_of(tmp_path, write(tmp_path / "x" / RUN.run, [off, BLOCK, *found, END]))
    for key in ("tables", "by-number", "distributions", "timeline"):
        assert section(page, key).count("Not checked: noise (noise: false).") == 1, key


@pytest.mark.parametrize(
    "names", [["5.10", "6.1", "6.6", "6.12"], ["v6.11", "v6.12-rc1", "v6.12.117", "v7.3"]]
)
def test_kernels_are_in_the_order_of_the_file(tmp_path: Path, names: list[str]) -> None:
    cells = [({"kernel": name, "mode": mode}, [2.0, 3.0]) for name in names for mode in ("serial", "mbind")]
    figure = section(page_of_cells(tmp_path, cells), "by-number")
    assert "Figures by kernel and mode" in figure
    assert [text for text in re.findall(r">([^<]+)</text>", figure) if text in names] == names
    assert 'class="curve' in figure


def test_kernels_that_are_no_versions_are_not_on_the_axis(tmp_path: Path) -> None:
    names = ["stock", "6.12", "accel"]
    cells = [({"kernel": name, "mode": mode}, [2.0, 3.0]) for name in names for mode in ("serial", "mbind")]
    assert "Figures by" not in page_of_cells(tmp_path, cells)


@pytest.mark.parametrize(
    ("values", "box"),
    [([9.0, 10.0, 10.1], (9.0, 10.1)), ([5.0, 9.0, 10.0, 10.1, 10.2], (9.0, 10.1))],
)
def test_the_box_ends_where_trials_are(tmp_path: Path, values: list[float], box: tuple[float, float]) -> None:
    """The median is 10 both times; below five values the box is their range, else the quartiles."""
    figure = section(page_of_cells(tmp_path, [({"mode": "serial"}, values)]), "distributions")
    left, width = map(float, re.findall(r'<rect x="([\d.]+)%" y="3" width="([\d.]+)%"', figure)[0])
    places = dict(zip(values, map(float, re.findall(r'<circle cx="([\d.]+)%"', figure)), strict=True))
    assert (left, left + width) == pytest.approx((places[box[0]], places[box[1]]), abs=0.01)


def test_both_sides_of_the_median_have_figures_on_the_axis(tmp_path: Path) -> None:
    values = [9.99, 9.995, 10.0, 10.002, 10.003]
    figure = section(page_of_cells(tmp_path, [({"mode": "serial"}, values)]), "distributions")
    ticks = [float(tick) for tick in re.findall(r">([-+][\d.]+) %</text>", figure)]
    assert min(ticks) < 0 < max(ticks)


def test_a_thinned_row_keeps_its_extremes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributions, "POINTS", 50)
    values = [float(value) for value in range(100, 300)]
    figure = section(page_of_cells(tmp_path, [({"mode": "serial"}, values)]), "distributions")
    drawn = [float(value) for value in re.findall(r"<title>trial \w+: ([\d.]+)</title>", figure)]
    assert len(drawn) == 50
    assert (min(drawn), max(drawn)) == (100.0, 299.0)


@pytest.mark.parametrize(
    "records", [[RUN], [RUN, BLOCK], [RUN, BLOCK, trial({"mode": "serial"}, throughput=0.0)]]
)
def test_a_run_that_just_started_has_a_page(tmp_path: Path, records: list[Record]) -> None:
    folder = tmp_path / "early" / RUN.run
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_text("".join(json.dumps(codec.encode(r)) + "\n" for r in records))
    page = page_of(tmp_path, folder)
    Outline(page)
    assert "not complete" in page


def test_intervals_are_drawn_and_written_where_there_are_boots_enough(tmp_path: Path) -> None:
    opening = replace(RUN, compare=Comparison("throughput", {"mode": "serial"}))
    records: list[Record] = [opening]
    for boot in range(6):
        records.append(replace(BLOCK, boot=f"boot-{boot}"))
        for mode, value in (("serial", 3.0), ("parallel", 6.0)):
            for threads in ("1", "2"):
                levels = {"mode": mode, "threads": threads}
                records.append(trial(levels, boot, value + boot / 100, boot=f"boot-{boot}"))
    folder = tmp_path / "six" / RUN.run
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_text(
        "".join(json.dumps(codec.encode(r)) + "\n" for r in [*records, END])
    )
    page = page_of(tmp_path, folder)
    with open_report(tmp_path, RunFolder(folder)) as report:
        speedups = report.speedups
    speedup = next(found for found in speedups if found.interval and found.ratio and found.ratio > 1.5)
    assert f"{text.ratio(speedup.ratio, speedup.interval)} measured" in Outline(page).texts("span")
    assert page.count('class="spread s0"') == 2 + 2
