"""Assertions that say both sides, and by how much they miss."""

from typing import TYPE_CHECKING, Any

from layerpeel.numerics import Bracket, Estimate, Proportion, UnusableInput

if TYPE_CHECKING:
    from layerpeel.solvers import Solution
    from layerpeel.theory import Room


def assert_encloses(bracket: Bracket | Estimate | Proportion, value: Any, *, level: float = 1e-6) -> None:
    """That an enclosure holds a number, or meets another enclosure.

    Args:
        bracket: a bracket, or an estimate or proportion, whose confidence interval is meant.
        value: a number, a bracket, or another estimate or proportion.
        level: the probability at which a confidence interval misses.

    Raises:
        AssertionError: with both, the level where it enters, and the distance between them.

    Example:
        >>> assert_encloses(Bracket(1.0, 2.0), 1.5)
        >>> assert_encloses(Bracket(1.0, 2.0), 2.5)
        Traceback (most recent call last):
        ...
        AssertionError: [1.0, 2.0] does not hold 2.5, which lies 0.5 above it.
    """
    outer, inner = _interval(bracket, level), _interval(value, level)
    below, above = outer.lower - inner.upper, inner.lower - outer.upper
    if max(below, above) <= 0.0:
        return
    side = "below" if below > 0.0 else "above"
    verb = "hold" if inner.lower == inner.upper else "meet"
    sampled = f" at level {level:g}" if any(isinstance(each, Estimate | Proportion) for each in (bracket, value)) else ""
    raise AssertionError(f"{_shown(outer)} does not {verb} {_shown(inner)}{sampled}, which lies {max(below, above):.6g} {side} it.")


def assert_near_optimum(solution: "Solution[Any]", *, tolerance: float = 1e-8) -> None:
    """That a solution is certified to be within a relative tolerance of the optimum.

    Args:
        solution: of `layerpeel.solve`.
        tolerance: the largest certified relative gap.

    Raises:
        AssertionError: with the gap, the enclosure of the optimal value, and the route.

    Example:
        >>> from layerpeel.solvers import LayerPeeled, solve
        >>> assert_near_optimum(solve(LayerPeeled(counts=[10, 1], feature_energy=1.0)))
    """
    if not solution.relative_gap <= tolerance:
        raise AssertionError(
            f"the relative gap is {solution.relative_gap:.3g}, {solution.relative_gap / tolerance:.3g} times the tolerance {tolerance:g}: "
            f"route {solution.route!r} encloses the optimal value in {_shown(solution.value)}."
        )


def assert_verdict(room: "str | Room", check: str, verdict: str, *, profile: str = "quick", seed: int = 0) -> None:
    """That a check of a room comes out as said.

    Args:
        room: its name, or a room of your own.
        check: the check's name.
        verdict: "confirmed", "refuted", "inconclusive" or "skipped".
        profile: "quick" or "full".
        seed: every random number derives from it.

    Raises:
        AssertionError: with predictions and measurements of every label.
        UnusableInput: for a room or check that does not exist.

    Example:
        >>> assert_verdict("energy-product", "threshold", "confirmed")
    """
    result = _checked(room, profile, seed).rooms[0]
    by_name = {each.name: each for each in result.checks}
    if check not in by_name:
        raise UnusableInput(f"room {result.name!r} has no check {check!r}: it must be one of {', '.join(by_name)}; choose one of these.")
    if by_name[check].verdict != verdict:
        raise AssertionError(said(by_name[check], expected=verdict))


def assert_theorem(room: "str | Room", *, profile: str = "quick", seed: int = 0) -> None:
    """That every check of a room is as expected and every false variant refuted.

    Args:
        room: its name, or a room of your own.
        profile: "quick" or "full".
        seed: every random number derives from it.

    Raises:
        AssertionError: with every check and false variant that is not.
        UnusableInput: for a room that does not exist.

    Example:
        >>> assert_theorem("half-life")
    """
    result = _checked(room, profile, seed).rooms[0]
    wrong = [said(check, expected=check.expected) for check in result.checks if check.verdict not in (check.expected, "skipped")]
    wrong += [
        f"{result.name}: false variant {control.name} came back {control.verdict}, and must be refuted"
        for control in result.controls
        if control.verdict not in ("refuted", "skipped")
    ]
    if wrong:
        raise AssertionError("\n".join(wrong))


def said(check: Any, *, expected: str) -> str:
    """A check's verdict, with what was predicted and measured at every label.

    Example:
        >>> from layerpeel import check
        >>> said(check("half-life").rooms[0].checks[0], expected="refuted").splitlines()[0]
        'check halving came back confirmed, and refuted was expected'
    """
    lines = [f"check {check.name} came back {check.verdict}, and {expected} was expected" + (f" ({check.note})" if check.note else "")]
    measured = {number.label: number.text for number in check.measurement}
    lines += [f"  {number.label}: predicted {number.text}, measured {measured.get(number.label, 'nothing')}" for number in check.prediction]
    return "\n".join(lines)


def _checked(room: "str | Room", profile: str, seed: int) -> Any:
    from layerpeel.theorems.check import check

    return check(room, profile=profile, seed=seed, workers=1)


def _interval(value: Any, level: float) -> Bracket:
    if isinstance(value, Estimate | Proportion):
        return value.interval(level)
    return value if isinstance(value, Bracket) else Bracket(float(value), float(value))


def _shown(bracket: Bracket) -> str:
    return repr(bracket.lower) if bracket.lower == bracket.upper else f"[{bracket.lower!r}, {bracket.upper!r}]"
