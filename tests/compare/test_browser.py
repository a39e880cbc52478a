"""The page of a comparison in a real browser: Chromium, without a window."""

import shutil
from pathlib import Path

import pytest

from plastic_rl.compare.command import main
from plastic_rl.extras import missing

pytestmark = pytest.mark.slow

NAMES = ("chromium", "chromium-browser", "google-chrome")
"""The commands of a browser of the machine; where there is none, the one that playwright installs is taken."""


def browser_of(driver) -> str:
    """The file of Chromium; without one the test is skipped, which says how to get it."""
    file = next(filter(None, map(shutil.which, NAMES)), driver.chromium.executable_path)
    if not Path(file).is_file():
        pytest.skip("needs Chromium: apt-get install chromium, or .venv/bin/playwright install chromium")
    return file


@pytest.fixture
def page(filmed, tmp_path):
    reason = missing("playwright", "the test of the page")
    playwright = pytest.importorskip("playwright.sync_api", reason=reason)
    with playwright.sync_playwright() as driver:
        file = browser_of(driver)
        assert main([str(filmed), "--html", str(tmp_path / "page.html")]) == 0
        browser = driver.chromium.launch(executable_path=file, args=["--no-sandbox"])
        page = browser.new_page()
        page.complaints, page.requests = [], []
        page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(f"file://{tmp_path / 'page.html'}")
        yield page
        browser.close()


def test_curves_are_drawn_names_hide_them_and_nothing_leaves_the_machine(page):
    page.wait_for_selector(".scatterlayer .trace path.js-line")
    panels = page.locator(".subplot.xy, .subplot.x2y2, .subplot.x3y3").count()
    assert panels == 3  # returns, returns after a change, dormancy
    drawn = page.locator(".scatterlayer .trace").count()
    page.locator(".legendtoggle").first.click()
    page.wait_for_function(f"document.querySelectorAll('.scatterlayer .trace').length < {drawn}")
    page.locator(".legendtoggle").first.click()
    page.wait_for_function(f"document.querySelectorAll('.scatterlayer .trace').length == {drawn}")
    assert page.locator("h1").count() == 1
    assert "P(better than bad)" in page.locator("table").first.inner_text()
    assert page.locator("figure img").evaluate_all("images => images.map(image => image.naturalWidth)") == [1]
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))] == []
