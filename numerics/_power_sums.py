"""Extremes of Σ|c_k|^q over a circle, enclosed cell by cell."""

from flint import arb

CELLS = 4000
"""Cells of the circle, each enclosed as one ball: sums of powers are known to about 1e-3."""


def extreme_power_sum(exponent: float, *, largest: bool) -> arb:
    """Over unit vectors c ⊥ 1 in R³: the largest Σ|c_k|^q from above, or the smallest from below.

    c = √(2/3) (cos θ, cos(θ + 2π/3), cos(θ − 2π/3)), and θ ∈ [0, π/6] stands for all of them by symmetry.

    Args:
        exponent: q > 0.
        largest: which of the two.

    Returns:
        A ball with the bound in it.

    Raises:
        UnusableInput: for an exponent that is no number.

    Source: derived; docs/derivations/layer-peeled.md, section 5.

    Example:
        >>> bounds = [float(extreme_power_sum(4.0, largest=largest)) for largest in (False, True)]  # 1/2 everywhere
        >>> bounds[0] < 0.5 < bounds[1], bounds[1] - bounds[0] < 1e-2
        (True, True)
    """
    power, width, ends = arb(exponent), arb.pi() / (6 * CELLS), list[arb]()
    for cell in range(CELLS):
        cosines = [abs((width * (cell + arb(0.5, 0.5)) + arb.pi() * turn / 3).cos()) for turn in (0, 2, -2)]
        sides = [cosine.abs_upper() if largest else cosine.abs_lower() for cosine in cosines]
        ends.append(sum((side**power for side in sides if side > 0), arb(0)))
    pick = max if largest else min
    # Chosen by their midpoints in doubles, so the true extreme may differ from the chosen one in the last digit of a double.
    return pick(ends, key=float) * (arb(2) / 3) ** (power / 2) * (1 + arb(0, 1e-15))
