"""Markdown as a forge renders it: tables of GitHub, and nothing that names, reasons or addresses could add."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from orchestrator.experiment.model import Status
from orchestrator.report.formats.markdown import escape, line
from orchestrator.results.records import FactorInfo, Record
from tests.calls import orchestrate
from tests.reports import Reported, render
from tests.run_samples import BLOCK, END, RUN, trial, write

NAMES = (
    *(
        "a|b",
        "<b>",
        "*bold*",
        "_x_",
        "__y__",
        "`code`",
        "~~gone~~",
        "![p](q)",
        "[a](b)",
        "&amp;",
        "\\|",
        "# 1",
    ),
    *(
        "$x$",
        "https://example.org/a_b_c?x=1&y=*2*",
        "see (https://example.org/a_b), then",
        "{{x}}",
        "-",
        "1. a",
    ),
)
REASONS = (
    "- no list",
    "1. no number",
    "=== no heading",
    "> no quote",
    "| no | table |",
    "<script>x</script>",
)
PLAIN = {"h2", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "a"}


class Rendered(HTMLParser):
    """The elements of a page, and the text of each row and item."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(source))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in ("td", "th", "li", "p"):
            self.texts.append((tag, ""))

    def handle_data(self, data: str) -> None:
        if self.texts:
            tag, text = self.texts[-1]
            self.texts[-1] = (tag, text + data)

    def of(self, tag: str) -> list[str]:
        return [text.strip() for at, text in self.texts if at == tag]


@pytest.fixture
def source(tmp_path: Path) -> str:
    opening = replace(RUN, trials=30, factors=(FactorInfo("<some>_*name*", NAMES),))
    found: list[Record] = [opening, BLOCK]
    found += [trial({"<some>_*name*": name}, 0, 2.0) for name in NAMES]
    found += [
        trial({"<some>_*name*": "-"}, n, status=Status.FAILED, reason=reason)
        for n, reason in enumerate(REASONS, 1)
    ]
    text: str = render(
        Reported(tmp_path, write(tmp_path / "x" / RUN.run, [*found, END]), ("throughput",)), "markdown"
    )
    return text


def test_each_cell_of_the_table_says_what_it_is(source: str) -> None:
    page = Rendered(source)
    headings = page.of("th")
    assert headings[:3] == ["<some>_*name*", "n", "throughput, GiB/s"]
    cells = page.of("td")
    assert len(cells) == len(NAMES) * len(headings)
    assert cells[:: len(headings)] == list(NAMES)


def test_nothing_but_tables_paragraphs_and_lists_comes_out(source: str) -> None:
    page = Rendered(source)
    assert set(page.tags) <= PLAIN
    assert page.tags.count("table") == page.tags.count("h2") == 1
    items = page.of("li")
    for reason in REASONS:
        assert any(item.endswith(f": {reason}") for item in items), reason


@pytest.mark.parametrize("text", [*NAMES, *REASONS, "+ a", "12) a", "2.5 GiB/s", "---", "a - b"])
def test_a_line_is_one_paragraph(text: str) -> None:
    page = Rendered(f"before\n\n{line(text)}\n\n- {line(text)}")
    assert page.of("p")[1:] == [text]
    assert page.of("li") == [text]
    assert set(page.tags) <= {"p", "ul", "li", "a"}


def test_an_address_is_a_link_and_a_dollar_sign_no_formula() -> None:
    assert escape("at https://example.org/a_b.") == "at <https://example.org/a_b>."
    assert escape("$x$") == r"\$x\$"


@pytest.mark.parametrize("command", ["report", "compare"])
@pytest.mark.parametrize("environment", ["- dash", "1. number", "=== heading", "$x$"])
def test_a_name_at_the_start_of_a_note_makes_no_list_where_runs_are_compared(
    tmp_path: Path, command: str, environment: str
) -> None:
    names = ("20261123T101500000Z-0a1b", "20261124T101500000Z-0a1b")
    for name in names:
        trials = [
            trial({"mode": "serial"}, n, 2.0 + n, boot=f"{name}-{n}", environment=environment)
            for n in range(6)
        ]
        write(tmp_path / "x" / name, [replace(RUN, run=name), BLOCK, *trials, END])
    done = orchestrate(command, *names, "--format", "markdown", "--results", str(tmp_path))
    assert done.returncode == 0, done.stderr
    page = Rendered(done.stdout)
    assert any(text.startswith(f"{environment}: ") for text in page.of("p"))
    assert "ol" not in page.tags
    assert "h1" not in page.tags
