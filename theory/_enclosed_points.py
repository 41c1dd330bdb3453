"""What was measured, as points of a figure with their intervals."""

from collections.abc import Iterable, Sequence

from layerpeel.numerics import Bracket, Series


def enclosed_points(
    label: str, x: Iterable[float], brackets: Sequence[Bracket], color: int, *, at: Iterable[float] | None = None
) -> Series:
    """Brackets as points of a figure, with bars from end to end.

    Args:
        label: name of the points.
        x: where they lie.
        brackets: a bracket for each x.
        color: index of a colour.
        at: heights of the points; the middles when left out.

    Example:
        >>> enclosed_points("two", [1, 2], [Bracket(0.0, 1.0), Bracket(1.0, 3.0)], 0).y
        (0.5, 2.0)
    """
    heights = (bracket.middle for bracket in brackets) if at is None else at
    return Series(
        label=label,
        x=tuple(x),
        y=tuple(heights),
        style="points",
        color=color,
        low=tuple(bracket.lower for bracket in brackets),
        high=tuple(bracket.upper for bracket in brackets),
    )
