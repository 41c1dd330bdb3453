"""The report as one HTML page that needs nothing else, from the JSON model only."""

import json
import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from layerpeel.numerics import Figure
from layerpeel.pages.formula import Glyphs
from layerpeel.pages.page import figure_element, page
from layerpeel.pages.text import one_line
from layerpeel.pages.typography import typeset
from layerpeel.theorems.report.findings import evidence_counts, failing_as_stated, least_sharp, proofs, unexpected
from layerpeel.theorems.report.intervals import interval_plots, scales
from layerpeel.theorems.report.model import CheckResult, RoomResult
from layerpeel.theorems.report.reading import headline, how_measured, origin_of, own_origin, pair_numbers, relation, sharpness, summary_line
from layerpeel.theorems.report.report import Report
from layerpeel.theory import FAMILIES, headings

LONGEST_OPEN_TABLE = 6
"""Tables of more rows than this are folded."""

FEW = 5
"""So many findings of a kind stand on the first screen; the others are folded."""

HERE = Path(__file__).parent
FILTERED = ("family", "verdict", "evidence", "origin", "kind")


def render_html(report: Report) -> str:
    """A self-contained page: formulas and figures are inline SVG, style and script are inline, nothing is loaded.

    The page's content-security policy forbids all but this style and this script. Without the script everything is there to read.
    """
    glyphs = Glyphs()
    formulas = [Markup(glyphs.formula(room.statement)) for room in report.rooms]  # noqa: S704 - glyph paths, or escaped source
    families = {room.family for room in report.rooms}
    return page(
        HERE / "report.html.j2",
        styles=[HERE / "report.css"],
        scripts=[HERE / "explorer.js", HERE / "report.js"],
        report=report,
        headline=headline(report.summary, report.rooms),
        summary_line=summary_line(report.summary, report.rooms),
        wrong=unexpected(report.rooms),
        failing=failing_as_stated(report.rooms),
        evidence_counts=evidence_counts(report.rooms),
        proofs=proofs(report.rooms),
        dull=least_sharp(report.rooms),
        few=FEW,
        choices=_choices(report.rooms),
        traits=_traits,
        power=_power,
        command=lambda rooms: command(report, rooms),
        explored={"thresholds": "layer-peeled" in families, "separation": "locally-elastic" in families},
        origin_of=origin_of,
        own_origin=own_origin,
        how_measured=how_measured,
        sharpness=sharpness,
        pair_numbers=pair_numbers,
        relation=relation,
        plots=_plots,
        scales=scales(),
        formulas=formulas,
        glyphs=Markup(glyphs.definitions()),  # noqa: S704 - glyph paths
        figure=figure_element,
        figure_data=figure_data,
        typeset=typeset,
        longest_open_table=LONGEST_OPEN_TABLE,
    )


def command(report: Report, rooms: Sequence[RoomResult]) -> str:
    """What runs these rooms of the report again; empty where no command finds them: rooms in somebody's own module.

    Args:
        report: for the profile and the seed.
        rooms: one of its rooms, or all of them.
    """
    packages = {room.package for room in rooms}
    if len(packages) != 1 or (packages == {""} and any(room.family not in FAMILIES for room in rooms)):
        return ""
    names = [room.name for room in rooms]
    families = {room.family for room in rooms}
    whole = len(rooms) > 1 and (packages != {""} or set(names) == {heading.name for heading in headings()})
    of_family = packages == {""} and len(families) == 1 and set(names) == {heading.name for heading in headings(rooms[0].family)}
    chosen = [] if whole else ["--family", *families] if of_family and len(rooms) > 1 else names
    origin = [] if packages == {""} else ["--from", *packages]
    words = ["layerpeel", "check", *chosen, *origin, "--profile", report.profile, "--seed", str(report.seed)]
    return " ".join(shlex.quote(one_line(word)) for word in words)


def figure_data(figure: Figure) -> Markup:
    r"""The numbers behind a figure as JSON that may stand in a page: axes' names and, of each series, its label and columns.

    Example:
        >>> from layerpeel.numerics import Figure, Series
        >>> line = Series(label="</script>", x=(0.5,), y=(float("nan"),), style="line", color=0)
        >>> print(figure_data(Figure(title="t", caption="", x_label="x", y_label="y", series=(line,))))
        {"x":"x","y":"y","series":[{"label":"\u003c/script>","x":[0.5],"y":[null],"low":[],"high":[]}]}
    """

    def plain(values: tuple[float, ...]) -> list[float | None]:
        return [float(f"{value:.7g}") if math.isfinite(value) else None for value in values]

    series = [
        {"label": each.label, "x": plain(each.x), "y": plain(each.y), "low": plain(each.low), "high": plain(each.high)}
        for each in figure.series
    ]
    text = json.dumps({"x": figure.x_label, "y": figure.y_label, "series": series}, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", r"\u003c"))  # noqa: S704 - no tag can begin in it


def _traits(room: RoomResult, check: CheckResult) -> dict[str, str]:
    return {
        "family": room.family,
        "verdict": check.verdict.value,
        "evidence": check.evidence.value,
        "origin": check.origin.value,
        "kind": check.kind.value,
    }


def _choices(rooms: list[RoomResult]) -> dict[str, list[str]]:
    """What there is to choose from, by filter, in the order of the rooms."""
    traits = [_traits(room, check) for room in rooms for check in room.checks]
    return {name: list(dict.fromkeys(each[name] for each in traits)) for name in FILTERED}


def _power(room: RoomResult) -> float:
    """The weakest resolving power among a room's checks, or -1 where none has one."""
    return max((check.resolving_power for check in room.checks if check.resolving_power is not None), default=-1.0)


def _plots(room: RoomResult, check: CheckResult) -> dict[str, Any]:
    controls = [control for control in room.controls if control.check == check.name]
    return interval_plots(check, controls)
