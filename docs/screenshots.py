"""Screenshots of the report and of these pages, by headless Chromium where there is one; without one the page has its words alone."""

import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging
from theorem_pages import report_file

SIZE = {"width": 1200, "height": 900}
SHOTS = {  # name: page, and the element, if not the first screen
    "report-first": ("report.html", None),
    "report-room": ("report.html#minority-cosine", "#minority-cosine"),
    "report-explorer": ("report.html#threshold-explorer", "#threshold-explorer"),
    "gallery": ("theorems/index.html", None),
}


def take(app: Sphinx, exception: Exception | None) -> None:
    """Copy the report beside the pages, and take the pictures."""
    if exception is not None or app.builder.format != "html":
        return
    place = Path(app.outdir)
    report = report_file().with_name("report.html")
    if report.exists():
        shutil.copyfile(report, place / "report.html")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        logging.getLogger(__name__).info("no Chromium, so no screenshots")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        for name, (address, element) in SHOTS.items():
            picture = place / "_images" / f"{name}.png"
            page.goto(f"file://{place / address}")
            if element is None:
                page.screenshot(path=picture)
            else:
                page.locator(element).screenshot(path=picture)
        browser.close()


def setup(app: Sphinx) -> dict[str, bool]:
    """After the pages are written."""
    app.connect("build-finished", take)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
