"""The L-model's flow in ball arithmetic for α = a and β = b e^{−t}: Taylor steps with a proved remainder, and its limit."""

from collections.abc import Iterable
from fractions import Fraction

from flint import arb, arb_mat, fmpq, fmpq_mat

STEP = Fraction(1, 2)
"""Length of a Taylor step."""
RADIUS = 2
"""Radius of the disc on which the drift is bounded; the remainder falls by STEP/RADIUS = 1/4 with each term."""
TERMS = 56
"""4^{−56} = 2e-34, below the rounding of 128 bits by the time it is multiplied by the growth on the disc."""


def unit_direction(classes: int, index: int) -> arb_mat:
    """d̂_j as a column."""
    scale = (arb(classes) / (classes - 1)).sqrt()
    return arb_mat(classes, 1, [scale * fmpq(int(row == index) * classes - 1, classes) for row in range(classes)])


def _drift(classes: int, intra: Fraction, inter: Fraction) -> tuple[arb_mat, arb_mat]:
    """M0 and M1 of M(t) = M0 + e^{−t} M1, exact rationals."""

    def entry(i: int, a: int, j: int, b: int, rate: Fraction) -> fmpq:
        value = rate * (int(a == j) - Fraction(1, classes)) * (int(b == j) - Fraction(1, classes)) / (classes - 1)
        return fmpq(value.numerator, value.denominator)

    places = [(i, a) for i in range(classes) for a in range(classes)]
    size = classes**2
    intra_part = [entry(i, a, j, b, intra if i == j else Fraction(0)) for i, a in places for j, b in places]
    inter_part = [entry(i, a, j, b, inter if i != j else Fraction(0)) for i, a in places for j, b in places]
    return arb_mat(fmpq_mat(size, size, intra_part)), arb_mat(fmpq_mat(size, size, inter_part))


def largest(values: Iterable[arb]) -> arb:
    """An upper bound of the absolute values; the allowance covers that they are compared as doubles."""
    return max((abs(value).upper() for value in values), key=float) * (1 + arb(2) ** -40)


def _size(matrix: arb_mat) -> arb:
    """An upper bound of the norm ‖·‖_∞: the largest sum of a row's absolute values."""
    return largest(sum(map(abs, row), arb(0)) for row in matrix.tolist())


def flow(start: arb_mat, classes: int, intra: Fraction, inter: Fraction, end: int) -> arb_mat:
    """X̄(end) for each column of starts (features of a class standing together), enclosed.

    On the disc |z − t| ≤ r the drift is at most m = ‖M0‖ + e^{r−t}‖M1‖, so ‖X̄‖ ≤ e^{mr}‖X̄(t)‖ there. By Cauchy the n-th Taylor coefficient
    is at most r^{−n} e^{mr} ‖X̄(t)‖: the remainder of N terms is at most e^{mr} ‖X̄(t)‖ (h/r)^N/(1 − h/r).
    """
    still, fading = _drift(classes, intra, inter)
    state, step = start, arb(fmpq(STEP.numerator, STEP.denominator))
    for number in range(int(end / STEP)):
        begin = number * step
        bound = _size(still) + (RADIUS - begin).exp() * _size(fading)
        coefficients, decay = [state], [(-begin).exp()]
        for n in range(TERMS - 1):
            mixed = sum((coefficients[m] * decay[n - m] for m in range(1, n + 1)), coefficients[0] * decay[n])
            coefficients.append((still * coefficients[n] + fading * mixed) * (arb(1) / (n + 1)))
            decay.append(-decay[n] / (n + 1))
        remainder = (bound * RADIUS).exp() * _size(state) * (step / RADIUS) ** TERMS / (1 - step / RADIUS)
        total = coefficients[-1]
        for coefficient in reversed(coefficients[:-1]):
            total = total * step + coefficient
        state = arb_mat(total.nrows(), total.ncols(), [value + arb(0, remainder.upper()) for value in total.entries()])
    return state
