"""The HTML report in Debian's chromium: two widths, dark mode, without scripts, printed."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

TABLE = "#table-1"


@pytest.fixture
def opened(chromium: Chrome, page: Path) -> Iterator[Chrome]:
    """The page, just opened on a wide screen."""
    look(chromium, page, 1400)
    yield chromium
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def look(chromium: Chrome, page: Path, width: int, scheme: str = "light") -> None:
    """Open the page in a window of this width."""
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    chromium.get(page.as_uri())


def column(chromium: Chrome, number: int, table: str = TABLE) -> list[str]:
    """The words of a column, of the rows that are shown, from top to bottom."""
    script = (
        "return Array.from(document.querySelectorAll(arguments[0] + ' tbody tr'))"
        ".filter(row => row.offsetParent !== null).map(row => row.cells[arguments[1]].textContent)"
    )
    found: list[str] = chromium.execute_script(script, table, number)
    return found


def heading(chromium: Chrome, words: str) -> tuple[int, WebElement]:
    """A heading of the first table by how it begins: its number and its button."""
    buttons = chromium.find_elements(By.CSS_SELECTOR, f"{TABLE} th button")
    number = next(n for n, button in enumerate(buttons) if button.text.startswith(words))
    return number, buttons[number]


def test_it_opens_without_console_messages_and_fetches_nothing(opened: Chrome) -> None:
    assert opened.get_log("browser") == []
    assert opened.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert opened.execute_script("return window.hacked") is None
    assert opened.title.startswith("eventful <script>")


def test_a_column_sorts_by_number_up_and_down(opened: Chrome) -> None:
    number, button = heading(opened, "threads")
    before = column(opened, number)
    button.click()
    assert column(opened, number) == sorted(before, key=int)
    button.click()
    assert column(opened, number) == sorted(before, key=int, reverse=True)


def test_figures_sort_by_value_with_missing_ones_last(opened: Chrome) -> None:
    number, button = heading(opened, "throughput")
    button.click()
    words = column(opened, number)
    known = [float(word.split()[0]) for word in words if word != "-"]
    assert known == sorted(known)
    assert words[len(known) :] == ["-"] * (len(words) - len(known)) != []


def test_sizes_sort_by_size(opened: Chrome) -> None:
    number, button = heading(opened, "page_size")
    button.click()
    words = column(opened, number)
    assert words == sorted(words, key=["4KiB", "2MiB"].index)


def test_a_keyboard_is_enough_to_sort(opened: Chrome) -> None:
    number, button = heading(opened, "threads")
    opened.execute_script("arguments[0].focus()", button)
    button.send_keys(Keys.ENTER)
    assert column(opened, number) == sorted(column(opened, number), key=int)
    assert opened.find_element(By.CSS_SELECTOR, f"{TABLE} [aria-sort=ascending]").text.startswith("threads")


def test_rows_are_filtered_with_and_without_words(opened: Chrome) -> None:
    total = len(column(opened, 0))
    field = opened.find_element(By.CSS_SELECTOR, "#tables input")
    field.send_keys("parallel -4kib")
    number, _ = heading(opened, "mode")
    assert set(column(opened, number)) == {"parallel"}
    assert len(column(opened, 0)) == 6
    assert f"6 of {total} rows" in opened.find_element(By.CSS_SELECTOR, "#tables [role=status]").text
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(Keys.DELETE)
    assert len(column(opened, 0)) == total


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 420])
def test_nothing_overflows_the_page(chromium: Chrome, page: Path, width: int, scheme: str) -> None:
    look(chromium, page, width, scheme)
    size = chromium.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert size == [width, width]
    cut = (
        "return Array.from(document.querySelectorAll('svg text')).map(e => [e.textContent, e.getBoundingClientRect()])"
        ".filter(([, box]) => box.left < 0 || box.right > window.innerWidth).map(([words]) => words)"
    )
    assert chromium.execute_script(cut) == []


@pytest.mark.parametrize(("width", "wide"), [(1400, False), (420, True)])
def test_a_table_that_is_cut_off_says_that_it_scrolls(
    chromium: Chrome, page: Path, width: int, wide: bool
) -> None:
    look(chromium, page, width)
    note = chromium.find_element(By.CSS_SELECTOR, "#tables .scrolls")
    WebDriverWait(chromium, 60).until(lambda _: note.is_displayed() is wide)
    assert not wide or "scroll it to the side" in note.text


@pytest.mark.parametrize("width", [1400, 420])
def test_labels_do_not_overlap(chromium: Chrome, page: Path, width: int) -> None:
    look(chromium, page, width)
    overlapping = """
        const found = [];
        const meet = (p, q) => p.left < q.right && q.left < p.right && p.top + 2 < q.bottom && q.top + 2 < p.bottom;
        for (const drawing of document.querySelectorAll('svg')) {
          const labels = Array.from(drawing.querySelectorAll(':scope > text'));
          const boxes = labels.map(label => [label.textContent, label.getBoundingClientRect()]);
          for (const [n, [a, p]] of boxes.entries())
            for (const [b, q] of boxes.slice(n + 1))
              if (meet(p, q)) found.push(a + '/' + b);
        }
        return found;"""
    assert chromium.execute_script(overlapping) == []


def test_dark_is_dark(chromium: Chrome, page: Path) -> None:
    brightness = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    found = {}
    for scheme in ("light", "dark"):
        look(chromium, page, 1400, scheme)
        found[scheme] = chromium.execute_script(brightness)
    assert min(found["light"]) > 200 > 60 > max(found["dark"])


def test_everything_can_be_read_without_scripts(opened: Chrome, page: Path) -> None:
    opened.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    opened.get(page.as_uri())
    text = opened.find_element(By.TAG_NAME, "body").text
    assert "Show rows with" not in text
    for words in ("All cells", "parallel", "Speed-up against published", "Provenance"):
        assert words in text


def test_it_prints_light_with_its_tables_and_what_was_opened(opened: Chrome, tmp_path: Path) -> None:
    opened.execute_script("document.querySelector('#provenance details').open = true")
    printed = opened.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})["data"]
    path = tmp_path / "report.pdf"
    path.write_bytes(base64.b64decode(printed))
    words = subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True
    ).stdout
    for wanted in ("Every trial", "parallel", "GiB/s", "name: eventful", "Groups that were closed"):
        assert wanted in words
    assert "Show rows with" not in words
    assert "python packages" not in words.lower()
