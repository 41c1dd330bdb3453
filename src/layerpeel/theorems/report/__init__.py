"""The theorem-check report: its schema, and renderers that read the JSON model and nothing else."""

from typing import TYPE_CHECKING

from layerpeel.exports import on_demand
from layerpeel.theorems.report.badge import badge as badge
from layerpeel.theorems.report.badge import render_badge_json as render_badge_json
from layerpeel.theorems.report.badge import render_badge_svg as render_badge_svg
from layerpeel.theorems.report.bibliography import Bibliography as Bibliography
from layerpeel.theorems.report.bibliography import bibtex_entries as bibtex_entries
from layerpeel.theorems.report.bibliography import format_reference as format_reference
from layerpeel.theorems.report.bibliography import parse_bibtex as parse_bibtex
from layerpeel.theorems.report.junit import render_junit as render_junit
from layerpeel.theorems.report.latex import render_bibliography as render_bibliography
from layerpeel.theorems.report.latex import render_latex as render_latex
from layerpeel.theorems.report.markdown import render_markdown as render_markdown
from layerpeel.theorems.report.model import CheckResult as CheckResult
from layerpeel.theorems.report.model import ControlResult as ControlResult
from layerpeel.theorems.report.model import Environment as Environment
from layerpeel.theorems.report.model import Number as Number
from layerpeel.theorems.report.model import Reference as Reference
from layerpeel.theorems.report.model import RoomResult as RoomResult
from layerpeel.theorems.report.model import Summary as Summary
from layerpeel.theorems.report.reading import headline as headline
from layerpeel.theorems.report.reading import summary_line as summary_line
from layerpeel.theorems.report.report import Report as Report

if TYPE_CHECKING:  # draws, and so imports what draws, which processes that run rooms do without
    from layerpeel.theorems.report.html import render_html as render_html
else:
    __getattr__, __dir__ = on_demand(__name__)
