"""The probability that two Gaussian samples are separated along a direction, enclosed in ball arithmetic."""

import math

import numpy as np
from flint import acb, arb, ctx

from layerpeel.numerics._ball import PRECISION
from layerpeel.numerics._inputs import double
from layerpeel.numerics._validated import validated
from layerpeel.numerics.separability._ordered_integrand import DEPTH, Integrand
from layerpeel.numerics.separability._ordered_law import ordered_probability

EVALUATIONS = 20_000
"""Evaluations of the integrand before giving up: a hundred times what a probability above 1e-1000 takes with 200 samples per class."""


@validated
def enclose_ordered_probability(lead: float, *, deviations: tuple[float, float], counts: tuple[int, int], bits: int = PRECISION) -> arb:
    """A ball around the probability that every sample of one Gaussian class lies below every sample of another.

    The integral of `ordered_probability` by quadrature with proved error bounds over a window, and the two tails by concavity: where the
    exponent L falls outward at an end b of the window, the tail beyond holds at most e^{L(b)}/|L'(b)|. Doubles choose the window,
    its validity does not rest on them.

    Args:
        lead: mean of the upper class minus mean of the lower one.
        deviations: standard deviations (lower class, upper class) ≥ 0.
        counts: numbers of samples (lower class, upper class), ≥ 1.
        bits: working precision, ≥ 2; the ball's relative radius is a few dozen times 2^{−bits}.

    Raises:
        UnusableInput: as `ordered_probability`.
        ArithmeticError: when the quadrature gives up, for probabilities far below 1e-1000.

    Source: derived; docs/derivations/locally-elastic.md, "Exact Gaussian criterion".

    Example:
        >>> law = enclose_ordered_probability(3.0, deviations=(0.0, 1.0), counts=(1, 1))
        >>> law.overlaps((-3 / arb(2).sqrt()).erfc() / 2)
        True
    """
    ordered_probability(lead, deviations=deviations, counts=(double(counts[0]), double(counts[1])))  # refuses what cannot be used
    (narrow, least), (wide, others) = sorted(zip(deviations, map(int, counts), strict=True))
    if wide == 0.0:
        return arb(int(lead > 0.0))
    case = Integrand(
        standard=np.array([lead / wide]),
        ratio=np.array([narrow / wide]),
        least=np.array([float(least)]),
        others=np.array([float(others)]),
        complement=False,
    )
    with np.errstate(all="ignore"):
        peak = case.peak()
        top = case.value(peak)
        deeper = 1.1 * bits * math.log(2.0) / DEPTH  # a concave exponent falls at least in proportion
        window = [float((peak + side * deeper * case.reach(peak, top, side))[0]) for side in (-1.0, 0.0, 1.0)]
    with ctx.workprec(bits):
        root, lift = arb(2).sqrt(), arb(-float(top[0]))
        factor = least / (2 * arb.pi()).sqrt()

        def place(z: acb) -> acb:
            return (arb(lead) + arb(narrow) * z) / arb(wide)

        def integrand(z: acb, _: bool) -> acb:
            """n φ(z) Φ(−z)^{n−1} Φ(w)^{n'} in units of its peak; an entire function."""
            return factor * (lift - z * z / 2).exp() * ((z / root).erfc() / 2) ** (least - 1) * ((-place(z) / root).erfc() / 2) ** others

        def slope(z: acb) -> acb:
            """Its logarithmic derivative."""
            return -z - (least - 1) * _hazard(z) + others * arb(narrow) / arb(wide) * _hazard(-place(z))

        parts = [acb.integral(integrand, acb(window[i]), acb(window[i + 1]), eval_limit=EVALUATIONS) for i in (0, 1)]
        tails = [integrand(acb(end), True).real / (-side * slope(acb(end)).real) for end, side in ((window[0], -1), (window[2], 1))]
        ball = parts[0].real + parts[1].real + (tails[0] + tails[1]).union(arb(0))
        if not (ball > 0 and all(tail >= 0 for tail in tails)):
            raise ArithmeticError(
                f"no enclosure at lead = {lead!r}, deviations {deviations!r}, counts {counts!r}: the quadrature gave up; "
                "use ordered_probability, whose error is an estimate, or a lead with a larger probability."
            )
        return ball * (-lift).exp()


def _hazard(z: acb) -> acb:
    """φ(z)/Φ(−z)."""
    return (-z * z / 2).exp() / (2 * arb.pi()).sqrt() / ((z / arb(2).sqrt()).erfc() / 2)
