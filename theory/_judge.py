"""One rule turns kind, prediction and measurement into a verdict."""

import sympy
from flint import ctx

from numerics import Bracket, Estimate, Proportion, enclose_expression
from theory._room import Kind, Quantities, Quantity, Verdict

SUITE_LEVEL = 1e-3
"""Probability that an all-true suite shows any false statistical refutation; split evenly (Bonferroni) over all comparisons."""

PROOF_BITS = 256
"""Working precision at which two exact expressions are told apart once simplification has not made them equal."""


def judge(kind: Kind, prediction: Quantities, measurement: Quantities, *, resolution: float, level: float) -> Verdict:
    """Hold predictions against measurements, label by label, and combine.

    Every label of the prediction must be measured. One refuted label refutes; otherwise one inconclusive label
    leaves the whole inconclusive; only when every label is confirmed is the check confirmed.

    * equality: refuted when the intervals are disjoint, confirmed when they overlap and the measurement is no
      wider than `resolution`.
    * upper (lower) bound: confirmed when the whole measured interval is on the allowed side of the prediction,
      refuted when it is wholly on the other side.
    * limit: as equality, and along the labels, in order, the distance to the limit must not grow.
    * probability and observation: as equality, with the sample's interval at `level`.

    Raises:
        KeyError: when a predicted label was not measured.
    """
    verdicts = [_judge_one(kind, prediction[label], measurement[label], resolution, level) for label in prediction]
    if kind is Kind.LIMIT:
        verdicts = [verdicts[-1], _approaches(prediction, measurement, level)]
    if Verdict.REFUTED in verdicts:
        return Verdict.REFUTED
    if not verdicts or Verdict.INCONCLUSIVE in verdicts:
        return Verdict.INCONCLUSIVE
    return Verdict.CONFIRMED


def _judge_one(kind: Kind, predicted: Quantity, measured: Quantity, resolution: float, level: float) -> Verdict:
    if isinstance(predicted, sympy.Basic) or isinstance(measured, sympy.Basic):
        return _judge_expressions(predicted, measured)
    claim, found = as_bracket(predicted, level), as_bracket(measured, level)
    if kind is Kind.UPPER_BOUND:
        return _side(found.upper <= claim.lower, found.lower > claim.upper)
    if kind is Kind.LOWER_BOUND:
        return _side(found.lower >= claim.upper, found.upper < claim.lower)
    return _side(found.width <= resolution and found.overlaps(claim), not found.overlaps(claim))


def _side(confirmed: bool, refuted: bool) -> Verdict:
    if refuted:
        return Verdict.REFUTED
    return Verdict.CONFIRMED if confirmed else Verdict.INCONCLUSIVE


def _approaches(prediction: Quantities, measurement: Quantities, level: float) -> Verdict:
    """Whether the distance to the limit certainly shrinks (or stays) from each label to the next."""
    gaps: list[Bracket] = []
    for label, predicted in prediction.items():
        difference = as_bracket(measurement[label], level) - as_bracket(predicted, level)
        nearest = 0.0 if difference.contains(0.0) else min(abs(difference.lower), abs(difference.upper))
        gaps.append(Bracket(nearest, max(abs(difference.lower), abs(difference.upper))))
    grows = any(later.lower > earlier.upper for earlier, later in zip(gaps, gaps[1:], strict=False))
    return Verdict.REFUTED if grows else Verdict.CONFIRMED


def as_bracket(quantity: Quantity, level: float) -> Bracket:
    """A quantity as an interval; samples at the given level.

    Raises:
        TypeError: for an exact expression, which is judged symbolically.
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
    if not (isinstance(predicted, sympy.Basic) and isinstance(measured, sympy.Basic)):
        raise TypeError(f"an exact expression is held against an exact expression, got {predicted!r} and {measured!r}.")
    if isinstance(predicted, sympy.logic.boolalg.Boolean) or isinstance(measured, sympy.logic.boolalg.Boolean):
        return Verdict.CONFIRMED if predicted == measured else Verdict.REFUTED
    difference = sympy.sympify(predicted) - sympy.sympify(measured)
    if sympy.simplify(difference) == 0:
        return Verdict.CONFIRMED
    with ctx.workprec(PROOF_BITS):
        return Verdict.INCONCLUSIVE if enclose_expression(difference).contains(0) else Verdict.REFUTED
