"""The HTML form of ``orchestrate compare``: findings first, the figures of the other forms, nothing hostile."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests import eventful_run
from tests.calls import orchestrate


class Outline(HTMLParser):
    """Every start tag with its attributes, and all words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    eventful_run.make(folder)
    return folder


def compared(results: Path, format_name: str, *words: str) -> str:
    options = ("--by", "kernel", "--format", format_name, "--results", str(results))
    done = orchestrate("compare", eventful_run.RUN_ID, *options, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_findings_come_first_and_metadata_last(results: Path) -> None:
    page = compared(results, "html")
    order = [page.index(words) for words in ('id="findings"', 'id="table"', 'id="ratios"', 'id="metadata"')]
    assert order == sorted(order)
    first = page.partition('id="findings"')[2].partition("</ul>")[0]
    assert re.search(r"ratio \d\.\d+, (95 % interval \d\.\d+ to \d\.\d+|no interval)", first)
    assert "Baseline: run" in page.partition('id="metadata"')[2]


def test_the_page_needs_no_network_and_allows_none(results: Path) -> None:
    page = compared(results, "html")
    outline = Outline(page)
    assert [tag for tag, _ in outline.found].count("script") == 1
    policies = [
        attributes["content"]
        for tag, attributes in outline.found
        if tag == "meta" and "http-equiv" in attributes
    ]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
    ]
    for tag, attributes in outline.found:
        for name in ("src", "href", "action"):
            target = attributes.get(name)
            assert target is None or target.startswith("#") or target == "data:,", (tag, target)
    keys = [attributes["id"] for _, attributes in outline.found if "id" in attributes]
    assert len(keys) == len(set(keys))
    assert {target[1:] for target in re.findall('href="(#[^"]+)"', page)} <= set(keys)


def test_untrusted_text_is_escaped(results: Path) -> None:
    page = compared(results, "html", "--metric", "throughput")
    assert "<script>window" not in page
    assert "\x07" not in page
    assert html.escape("<script>window.hacked = 1</script>") in page


def test_figures_are_those_of_the_other_forms(results: Path) -> None:
    words = set(Outline(compared(results, "html")).words)
    table = compared(results, "markdown").splitlines()
    rows = [line.strip("| ").split("|") for line in table if line.startswith("| ")][1:]
    assert rows
    for row in rows:
        for cell in (row[2], row[3], row[4], row[5]):
            assert cell.strip() in words


def test_each_row_with_a_ratio_is_drawn(results: Path) -> None:
    page = compared(results, "html", "--metric", "throughput", "--metric", "call_latency")
    drawn = page.partition('class="rows"')[2].partition("</ul>")[0]
    ratios = re.findall(
        r'"ratio": \d', compared(results, "json", "--metric", "throughput", "--metric", "call_latency")
    )
    assert drawn.count('class="track"') - 1 == len(ratios) > 0
    assert compared(results, "html") == compared(results, "html")
