"""One rule turns kind, prediction and measurement into a verdict."""

from itertools import pairwise

import sympy
from flint import ctx

from layerpeel.numerics import Bracket, Estimate, Proportion, enclose_expression
from layerpeel.theory._room import Kind, Quantities, Quantity, Verdict

SUITE_LEVEL = 1e-3
"""Probability that an all-true suite shows any false statistical refutation; split evenly (Bonferroni) over all comparisons."""

PROOF_BITS = 256
"""Working precision at which two exact expressions are told apart once simplification has not made them equal."""


def judge(kind: Kind, prediction: Quantities, measurement: Quantities, *, resolution: float, level: float) -> Verdict:
    """Hold predictions against measurements, label by label, and combine.

    Every label of the prediction must be measured. One refuted label refutes; otherwise one inconclusive label
    leaves the whole inconclusive; only when every label is confirmed is the check confirmed.

    * equality: refuted when the intervals are disjoint, confirmed when they overlap and neither is wider than `resolution`.
    * upper (lower) bound: confirmed when the whole measured interval is on the allowed side of the prediction,
      refuted when it is wholly on the other side.
    * limit: along the labels, in order, the distance to the limit must not grow (until it is within `resolution`), and at the
      last one it must be at most `resolution`; refuted where it certainly grows, or certainly ends farther away.
    * probability and observation: as equality, with the sample's interval at `level`.

    Args:
        kind: how prediction and measurement relate.
        prediction: quantities by label.
        measurement: quantities by label; others than the predicted ones are not looked at.
        resolution: the widest interval, absolute, that still confirms; for a limit the distance from it that still does.
        level: each sample's interval misses with this probability.

    Returns:
        The verdict; inconclusive where nothing is predicted.

    Raises:
        KeyError: when a predicted label was not measured.
        TypeError: for an exact expression against an interval.

    Example:
        >>> measured = {"x": Bracket(1.9, 2.1)}
        >>> judge(Kind.EQUALITY, {"x": Bracket.exactly(2.0)}, measured, resolution=0.5, level=0.01).value
        'confirmed'
        >>> judge(Kind.EQUALITY, {"x": Bracket.exactly(3.0)}, measured, resolution=0.5, level=0.01).value
        'refuted'
    """
    if not prediction:
        return Verdict.INCONCLUSIVE
    if kind is Kind.LIMIT:
        verdicts = _judge_limit(prediction, measurement, resolution, level)
    else:
        verdicts = [_judge_one(kind, prediction[label], measurement[label], resolution, level) for label in prediction]
    if Verdict.REFUTED in verdicts:
        return Verdict.REFUTED
    if Verdict.INCONCLUSIVE in verdicts:
        return Verdict.INCONCLUSIVE
    return Verdict.CONFIRMED


def _judge_one(kind: Kind, predicted: Quantity, measured: Quantity, resolution: float, level: float) -> Verdict:
    if isinstance(predicted, sympy.Expr) or isinstance(measured, sympy.Expr):
        return _judge_expressions(predicted, measured)
    claim, value = as_bracket(predicted, level), as_bracket(measured, level)
    if kind is Kind.UPPER_BOUND:
        return _side(value.upper <= claim.lower, value.lower > claim.upper)
    if kind is Kind.LOWER_BOUND:
        return _side(value.lower >= claim.upper, value.upper < claim.lower)
    sharp = value.width <= resolution and claim.width <= resolution
    return _side(sharp and value.overlaps(claim), not value.overlaps(claim))


def _side(confirmed: bool, refuted: bool) -> Verdict:
    if refuted:
        return Verdict.REFUTED
    return Verdict.CONFIRMED if confirmed else Verdict.INCONCLUSIVE


def _judge_limit(prediction: Quantities, measurement: Quantities, resolution: float, level: float) -> list[Verdict]:
    """One verdict for the end of the sequence and one for each step towards it."""
    distances: list[Bracket] = []
    for label, predicted in prediction.items():
        difference = as_bracket(measurement[label], level) - as_bracket(predicted, level)
        nearest = 0.0 if difference.contains(0.0) else min(abs(difference.lower), abs(difference.upper))
        distances.append(Bracket(nearest, max(abs(difference.lower), abs(difference.upper))))
    verdicts = [_side(len(distances) > 1 and distances[-1].upper <= resolution, distances[-1].lower > resolution)]
    for earlier, later in pairwise(distances):
        verdicts.append(_side(later.upper <= max(earlier.lower, resolution), later.lower > max(earlier.upper, resolution)))
    return verdicts


def as_bracket(quantity: Quantity, level: float) -> Bracket:
    """A quantity as an interval; samples at the given level.

    Args:
        quantity: a bracket, an estimate or a proportion.
        level: a sample's interval misses with this probability, in (0, 1).

    Raises:
        TypeError: for an exact expression, which is judged symbolically.

    Example:
        >>> round(as_bracket(Proportion(successes=0, n=10), 0.05).upper, 4)
        0.3085
    """
    match quantity:
        case Bracket():
            return quantity
        case Estimate() | Proportion():
            return quantity.interval(level)
        case _:
            raise TypeError(f"{quantity!r} is an exact expression; hold it against another exact expression, not against an interval.")


def _judge_expressions(predicted: Quantity, measured: Quantity) -> Verdict:
    """Equal when sympy reduces the difference to zero; different when a ball at a sample point excludes zero."""
    if not (isinstance(predicted, sympy.Expr) and isinstance(measured, sympy.Expr)):
        raise TypeError(f"an exact expression is held against an exact expression, got {predicted!r} and {measured!r}.")
    difference = sympy.Add(predicted, sympy.Mul(-1, measured))
    if sympy.simplify(difference) == 0:
        return Verdict.CONFIRMED
    with ctx.workprec(PROOF_BITS):
        return Verdict.INCONCLUSIVE if enclose_expression(difference).contains(0) else Verdict.REFUTED
