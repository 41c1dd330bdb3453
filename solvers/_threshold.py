"""The collapse threshold as a measurement: bisection over certified semidefinite solves."""

import math

from numerics import Bracket, UnusableInput
from solvers._problem import LayerPeeled
from solvers._solve import solve

LARGEST_IMBALANCE = 1e9
"""Beyond this ratio conic solvers resolve nothing of the minority."""


def bracket_threshold(
    majority: int, minority: int, *, feature_energy: float, weight_energy: float = 1.0, solver: str = "clarabel", width: float = 1e-3
) -> Bracket:
    """Bracket R0, the imbalance at which the minority classifiers collapse, by bisection over route `sdp`.

    At every R one semidefinite program is solved; the rigorous bracket of its multiplier λ decides whether the optimum is certainly
    distinct (λ < n_B/N) or certainly collapsed (λ > n_B/N). The bisection ends at the relative width asked for, or where neither can
    be certified. Slow, and independent of any closed form.

    Args:
        majority: K_A ≥ 1.
        minority: K_B ≥ 2.
        feature_energy: E_H.
        weight_energy: E_W.
        solver: conic solver.
        width: relative width at which to stop.

    Returns:
        (an R that is certainly distinct, an R that is certainly collapsed).

    Raises:
        UnusableInput: for a minority of one class, or when no collapse is found up to R = 1e9.

    Example:
        >>> bracket_threshold(2, 2, feature_energy=1.0, width=0.2).rigorous
        True
    """
    if minority < 2:
        raise UnusableInput(
            f"a minority of {minority} class cannot collapse: a threshold needs at least 2 minority classes; use minority >= 2."
        )

    def collapsed(log_ratio: float) -> bool | None:
        problem = LayerPeeled.from_imbalance(
            majority, minority, math.exp(log_ratio), feature_energy=feature_energy, weight_energy=weight_energy
        )
        return solve(problem, route="sdp", solver=solver).collapsed[-1]

    # At R = 1 every class of the balanced optimum is distinct.
    distinct, beyond, step = 0.0, 1.0, 1.0
    while collapsed(beyond) is not True:
        distinct, beyond, step = (beyond if collapsed(beyond) is False else distinct), beyond + step, 2.0 * step
        if beyond > math.log(LARGEST_IMBALANCE):
            raise UnusableInput(
                f"no collapse was certified up to R = {LARGEST_IMBALANCE:g} at feature energy {feature_energy!r}: "
                "conic solvers resolve no more; use smaller energies, or the closed form."
            )
    undecided: list[float] = []
    while beyond - distinct > width:
        middle = _middle(distinct, beyond, undecided)
        if middle is None:
            break
        verdict = collapsed(middle)
        if verdict is None:
            undecided.append(middle)
        elif verdict:
            beyond = middle
        else:
            distinct = middle
    return Bracket(math.exp(distinct), math.exp(beyond), rigorous=True)


def _middle(distinct: float, beyond: float, undecided: list[float]) -> float | None:
    """The next point to try: the midpoint, or where that was undecided, the midpoints towards the two ends, a few times."""
    inside = sorted(point for point in undecided if distinct < point < beyond)
    if not inside:
        return 0.5 * (distinct + beyond)
    if len(inside) >= 6:
        return None
    low, high = inside[0] - distinct, beyond - inside[-1]
    return distinct + 0.5 * low if low > high else beyond - 0.5 * high
