"""The site of the documentation as `make site` builds it: links, anchors, search, nothing from other servers."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.pages import ROOT
from tests.running import PATIENCE_S

LOADING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """What a page links to, what it loads, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if LOADING.get(tag, "-") in values:
            self.loaded.append(values[LOADING[tag]])


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as the Makefile does."""
    folder = tmp_path_factory.mktemp("site")
    words = ["--fail-on-warning", "--keep-going", "--conf-dir", "docs", "--doctree-dir", folder / "doctrees"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "--quiet", *words, ".", folder / "site"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""
    handler = functools.partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_every_page_of_the_documentation_is_there(site: Path) -> None:
    sources = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for source in sources:
        assert (site / source.relative_to(ROOT)).with_suffix(".html").is_file(), source
    assert (site / "index.html").read_bytes() == (site / "README.html").read_bytes()


def test_every_link_and_anchor_leads_somewhere(pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links:
            target, anchor = urldefrag(link)
            if urlsplit(link).scheme:
                continue
            file = (path.parent / unquote(target)).resolve() if target else path
            if not file.is_file() or (anchor and file in pages and anchor not in pages[file].anchors):
                broken.append((path.name, link))
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Page]) -> None:
    outside = {word for page in pages.values() for word in page.loaded if urlsplit(word).netloc}
    assert outside == set()


@pytest.mark.parametrize("width", [1400, 420])
def test_a_page_fits_and_loads_from_its_server_only(chromium: Chrome, address: str, width: int) -> None:
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    for page in ("index", "docs/tutorial", "docs/experiment-file", "docs/errors"):
        chromium.get(f"{address}/{page}.html")
        assert chromium.execute_script("return document.documentElement.scrollWidth") <= width, page
        names = chromium.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
        assert [name for name in names if not name.startswith((address, "data:"))] == []
        assert [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_search_finds_a_key_of_the_experiment_file(chromium: Chrome, address: str) -> None:
    chromium.get(f"{address}/search.html?q=zone_reclaim_mode")
    found = WebDriverWait(chromium, PATIENCE_S).until(
        lambda browser: browser.find_elements(By.CSS_SELECTOR, "#search-results li a")
    )
    assert any("experiment-file" in str(link.get_attribute("href")) for link in found)
