"""Screenshots of the report and of these pages, by headless Chromium where there is one; the page that shows them says so otherwise."""

import shutil
import subprocess
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging
from theorem_pages import report_file

WIDTH = 1200
SHOTS = {  # name: (page, height)
    "report-first": ("report.html", 900),
    "report-room": ("report.html#minority-cosine", 1100),
    "report-explorer": ("report.html#threshold-explorer", 900),
    "gallery": ("theorems/index.html", 1100),
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
    for name, (page, height) in SHOTS.items():
        picture = place / "_images" / f"{name}.png"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={WIDTH},{height}"]
        command = [chromium, *options, f"--screenshot={picture}", f"file://{place / page}"]
        subprocess.run(command, check=False, capture_output=True, timeout=60)  # noqa: S603 - our own pages


def setup(app: Sphinx) -> dict[str, bool]:
    """After the pages are written."""
    app.connect("build-finished", take)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
