"""A real browser, and the page of an eventful run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from tests import eventful_run
from tests.reports import Reported, render


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The HTML report of the run, as a file."""
    results = tmp_path_factory.mktemp("results")
    path = results / "report.html"
    text = render(Reported(results, eventful_run.make(results)), "html")
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Debian's chromium without a screen; it ends with the tests."""
    driver, browser = shutil.which("chromedriver"), shutil.which("chromium")
    if not driver or not browser:
        pytest.fail(
            "no chromium here; `make browser-test` installs it (packages chromium and chromium-driver)"
        )
    options = Options()
    options.binary_location = browser
    profile = tmp_path_factory.mktemp("chromium")
    for word in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ):
        options.add_argument(word)
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    chrome.set_page_load_timeout(300)
    try:
        yield chrome
    finally:
        chrome.quit()
