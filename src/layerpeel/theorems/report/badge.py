"""A badge of the report: JSON as shields.io's endpoint reads it, and an SVG that needs no service."""

import json
from html import escape

from layerpeel.theorems.report.report import Report

LABEL = "theorems"
COLORS = {"brightgreen": "#2a7d2e", "red": "#b3261e", "lightgrey": "#5f646c"}
"""By the name that the endpoint knows; white is read on each."""
CHARACTER, PADDING = 6.6, 6.0
"""Widths in the drawing; the text is fitted to them."""


def badge(report: Report) -> tuple[str, str]:
    """What it says, and the name of its colour.

    Example:
        >>> from layerpeel.theorems.check import report_of
        >>> badge(report_of([], seed=0, profile="quick"))
        ('nothing ran', 'lightgrey')
    """
    summary, ran = report.summary, [room for room in report.rooms if not room.skipped]
    if not ran:
        return "nothing ran", "lightgrey"
    wrong = [room for room in ran if not room.green]
    if not summary.green:
        return f"{len(wrong)} of {len(ran)} not as expected", "red"
    return f"{len(ran)} as expected, {summary.controls} mistakes refuted", "brightgreen"


def render_badge_json(report: Report) -> str:
    """The badge as an endpoint's JSON."""
    message, color = badge(report)
    return json.dumps({"schemaVersion": 1, "label": LABEL, "message": message, "color": color}, indent=2) + "\n"


def render_badge_svg(report: Report) -> str:
    """The badge as SVG."""
    message, color = badge(report)
    left, right = (CHARACTER * len(text) + 2 * PADDING for text in (LABEL, message))

    def text(words: str, start: float, width: float) -> str:
        inside = width - 2 * PADDING
        return f'<text x="{start + width / 2:.1f}" y="14" textLength="{inside:.1f}">{escape(words)}</text>'

    whole, said = f"{left + right:.1f}", escape(f"{LABEL}: {message}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label="{said}">'
        f'<clipPath id="round"><rect width="{whole}" height="20" rx="3"/></clipPath><g clip-path="url(#round)">'
        f'<rect width="{left:.1f}" height="20" fill="#444"/>'
        f'<rect x="{left:.1f}" width="{right:.1f}" height="20" fill="{COLORS[color]}"/></g>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{text(LABEL, 0.0, left)}{text(message, left, right)}</g></svg>\n"
    )
