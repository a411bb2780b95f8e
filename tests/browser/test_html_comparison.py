"""The HTML page of a comparison in Debian's chromium: two widths, light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests import eventful_run
from tests.browser.test_html_report import look
from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, trial, write


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernels of the eventful run, compared."""
    results = tmp_path_factory.mktemp("results")
    eventful_run.make(results)
    path = results / "comparison.html"
    words = ("--by", "kernel", "--metric", "throughput", "--metric", "call_latency", "--format", "html")
    done = orchestrate("compare", eventful_run.RUN_ID, *words, "-o", str(path), "--results", str(results))
    assert done.returncode == 0, done.stderr
    return path


def test_its_own_policy_blocks_nothing_of_it(chromium: Chrome, comparison: Path) -> None:
    look(chromium, comparison, 1400)
    assert chromium.get_log("browser") == []
    assert chromium.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert chromium.execute_script("return window.hacked") is None
    chromium.find_element(By.CSS_SELECTOR, "#table input").send_keys("call_latency")
    rows = chromium.find_elements(By.CSS_SELECTOR, "#table-1 tbody tr")
    shown = [row.text for row in rows if row.is_displayed()]
    assert 0 < len(shown) < len(rows)
    assert all("call_latency" in row for row in shown)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 420])
def test_nothing_overflows_the_page(chromium: Chrome, comparison: Path, width: int, scheme: str) -> None:
    look(chromium, comparison, width, scheme)
    size = chromium.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert size == [width, width]
    cut = (
        "return Array.from(document.querySelectorAll('svg text')).map(e => [e.textContent, e.getBoundingClientRect()])"
        ".filter(([, box]) => box.left < 0 || box.right > window.innerWidth).map(([words]) => words)"
    )
    assert chromium.execute_script(cut) == []


def test_figures_are_beside_the_names_on_a_phone(chromium: Chrome, comparison: Path) -> None:
    """The column of names stays in view when the table is scrolled; it must not fill the screen."""
    look(chromium, comparison, 420)
    first = chromium.find_element(By.CSS_SELECTOR, "#table-1 tbody td")
    assert first.rect["width"] < 0.5 * 420


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs side by side."""
    results = tmp_path_factory.mktemp("results")
    cells = [{"mode": "serial"}, {"mode": "parallel"}]
    names = ("20261124T101500000Z-0a1b", "20261125T101500000Z-0a1b")
    for name in names:
        trials = [trial(levels, n, 3.0 + n / 1e4, 600.0) for n in range(6) for levels in cells]
        write(results / "sample" / name, [replace(RUN, run=name), BLOCK, *trials, END])
    path = results / "together.html"
    done = orchestrate("report", *names, "--format", "html", "-o", str(path), "--results", str(results))
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.parametrize("page_name", ["comparison", "together"])
@pytest.mark.parametrize(("width", "is_cut"), [(1400, False), (300, True)])
def test_the_caption_of_a_table_is_shown_and_that_it_scrolls_where_it_does(
    chromium: Chrome, request: pytest.FixtureRequest, page_name: str, width: int, is_cut: bool
) -> None:
    look(chromium, request.getfixturevalue(page_name), width)
    note = chromium.find_element(By.CSS_SELECTOR, ".scrolls")
    WebDriverWait(chromium, 60).until(lambda _: note.is_displayed() is is_cut)
    captions = chromium.find_elements(By.CSS_SELECTOR, "h3[id$=-caption]")
    assert captions
    assert all(caption.is_displayed() for caption in captions)
