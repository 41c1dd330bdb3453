"""Where a prediction lies in the measured interval, and where the false variants would lie, drawn to scale."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from markupsafe import Markup

from layerpeel.pages.text import one_line
from layerpeel.theorems.report.model import CheckResult, ControlResult, Number
from layerpeel.theory import Kind

WIDTH, MIDDLE = 240.0, 120.0
"""Units of a drawing, and where the middle of the measured interval stands."""
HALF, REACH = 36.0, 80.0
"""Half the measured interval, drawn to scale; and the length of each of the two scales beyond it, which are logarithmic."""
MOST_DECADES = 18
"""Beyond so many powers of ten all is at the edge."""
TOGETHER = 9.0
"""Marks nearer than this share one label."""
FINEST = 2.0**-50
"""Half-width, relative, by which an exact number is drawn whose check asks for no resolution."""

EXACT = '<path class="m" d="M118.5 10h3"/>'
"""A measured number without a width."""


def interval_plots(check: CheckResult, controls: Sequence[ControlResult]) -> dict[str, Markup]:
    """A drawing for each label that has a measured interval and a prediction.

    The measured interval is drawn to scale, and what lies in it. Beyond its ends distances from its middle are powers of ten of its
    half-width, as many for all labels of a check, so that a variant a million half-widths away is on the same drawing.

    Args:
        check: with predictions and measurements.
        controls: the false variants of this check, in the order of their numbers.
    """
    predicted = {number.label: number for number in check.prediction}
    false = [{number.label: number for number in control.prediction} for control in controls]
    drawn = {
        number.label: _relative(number, predicted[number.label], [of.get(number.label) for of in false], check)
        for number in check.measurement
        if _whole(number) and number.label in predicted and _whole(predicted[number.label])
    }
    farthest = max((abs(place) for places in drawn.values() for pair in places if pair for place in pair), default=1.0)
    decades = max(1, math.ceil(math.log10(min(max(farthest, 1.0), 10.0**MOST_DECADES))))
    exact = {number.label: number.lower == number.upper for number in check.measurement}
    return {label: _drawing(check.kind, places, controls, false, label, decades, exact[label]) for label, places in drawn.items()}


def scales() -> Markup:
    """The powers of ten beyond the interval, once for each number of them, as an element that shows nothing."""

    def ticks(decades: int) -> str:
        ends = (side * _beyond(10.0**n, decades) for n in range(1, decades + 1) for side in (-1, 1))
        return "".join(f"M{_text(MIDDLE + end)} 8v4" for end in ends)

    measured = '<path class="m" d="M84 10h72"/>'
    drawn = {str(decades): f'<path class="tens" d="{ticks(decades)}"/>' for decades in range(1, MOST_DECADES + 1)}
    paths = "".join(f'<g id="ten{name}">{measured}{path}</g><g id="exact{name}">{EXACT}{path}</g>' for name, path in drawn.items())
    return Markup(f'<svg width="0" height="0" class="glyphs" aria-hidden="true"><defs>{paths}</defs></svg>')  # noqa: S704 - numbers


Places = tuple[float, float]


def _whole(number: Number) -> bool:
    return number.lower is not None and number.upper is not None


def _relative(measured: Number, predicted: Number, false: Sequence[Number | None], check: CheckResult) -> list[Places | None]:
    """Ends of the prediction and of each false variant in half-widths of the measured interval, from its middle."""
    low, high = _ends(measured)
    middle, half = 0.5 * low + 0.5 * high, 0.5 * (high - low)
    if half <= 0.0:
        half = 0.5 * (check.resolution or 0.0) or max(abs(middle), 1e-300) * FINEST
    return [
        None if number is None or not _whole(number) else ((_ends(number)[0] - middle) / half, (_ends(number)[1] - middle) / half)
        for number in (predicted, *false)
    ]


def _ends(number: Number) -> Places:
    return number.lower or 0.0, number.upper or 0.0


def _beyond(place: float, decades: int) -> float:
    return HALF + min(math.log10(place) / decades, 1.0) * REACH  # infinity is at the edge


def _x(place: float, decades: int) -> float:
    return MIDDLE + (HALF * place if abs(place) <= 1.0 else math.copysign(_beyond(abs(place), decades), place))


def _text(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _drawing(
    kind: Kind,
    places: Sequence[Places | None],
    controls: Sequence[ControlResult],
    false: Sequence[Mapping[str, Number]],
    label: str,
    decades: int,
    exact: bool,
) -> Markup:
    predicted, *variants = places
    parts = [f'<use href="#{"exact" if exact else "ten"}{decades}"/>']
    if predicted is not None:
        low, high = (_x(end, decades) for end in predicted)
        arm = {Kind.UPPER_BOUND: f"M{_text(low)} 4h-6", Kind.LOWER_BOUND: f"M{_text(high)} 4h6"}.get(kind, "")
        ends = f"M{_text(low)} 4v12" + (f"M{_text(high)} 4v12M{_text(low)} 10H{_text(high)}" if high - low > 0.5 else "")
        parts.append(f'<path class="p" d="{ends}{arm}"/>')
    marks = sorted(
        (_x(0.5 * (pair[0] + pair[1]), decades), number)
        for number, pair in enumerate(variants)
        if pair is not None and math.isfinite(pair[0] + pair[1])
    )
    groups: list[list[tuple[float, int]]] = []
    for mark in marks:
        if groups and mark[0] - groups[-1][0][0] < TOGETHER:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    for group in groups:
        title = "; ".join(f"{controls[number].name}: {one_line(false[number][label].text)}" for _, number in group)
        ticks = "".join(f"M{_text(x)} 12l-2.5 5h5z" for x, _ in group)
        numbers = " ".join(str(number + 1) for _, number in group)
        named = "" if len(controls) < 2 else f'<text x="{_text(group[0][0])}" y="10">{numbers}</text>'
        parts.append(f'<g class="c"><title>{escape(title)}</title><path d="{ticks}"/>{named}</g>')
    return Markup(f'<svg viewBox="0 0 240 20" class="lie" aria-hidden="true">{"".join(parts)}</svg>')  # noqa: S704 - escaped above
