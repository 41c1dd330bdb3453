"""Class means in ball arithmetic from E, H and the rates alone: Taylor steps with a proved remainder; no closed form is used."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import sympy
from flint import arb, arb_mat, fmpq, fmpq_mat

from layerpeel.theory.locally_elastic._drift import exact_drift

FARTHEST = 2.0
"""Largest radius of a disc on which the drift is bounded."""
BUSIEST = 4.0
"""Discs are made smaller until the drift's bound times the radius is below this: e⁴ costs six of 128 bits."""
RATIO = 4
"""Radius over step; the remainder falls by this factor with each term."""
TERMS = 56
"""4^{−56} = 2e-34, below the rounding of 128 bits by the time it is multiplied by the growth on the disc."""

Exponentials = Mapping[Fraction, Fraction]
"""A rate Σ a e^{cu}, as {c: a}."""
Drift = Sequence[tuple[Fraction, fmpq_mat]]
"""M(u) = Σ e^{cu} M_c, as pairs (c, M_c)."""


def on_logarithms(powers: Mapping[Fraction, Fraction]) -> Exponentials:
    """A rate Σ a (1 + t)^{−r}, given as {r: a}, on the clock u = log(1 + t): dX̄/du = (1 + t) M X̄, so it becomes Σ a e^{(1−r)u}.

    Example:
        >>> on_logarithms({Fraction(1): Fraction(3)})
        {Fraction(0, 1): Fraction(3, 1)}
    """
    return {1 - power: factor for power, factor in powers.items()}


def rational(matrix: sympy.Matrix) -> fmpq_mat:
    """A matrix of rational numbers for the ball library, which keeps it exact whatever the working precision.

    Example:
        >>> rational(sympy.Matrix([[sympy.Rational(1, 2)]]))
        [1/2]
    """
    return fmpq_mat(matrix.rows, matrix.cols, [fmpq(int(entry.p), int(entry.q)) for entry in matrix.flat()])


def two_parameter_drift(similarity: sympy.Matrix, classes: int, intra: Exponentials, inter: Exponentials) -> Drift:
    """M = (E ⊗ 11ᵀ) ∘ H / K with α on the diagonal of E and β off it, one exact matrix for each exponential.

    Args:
        similarity: H, rational, the features of a class standing together.
        classes: K.
        intra: α.
        inter: β.
    """
    exponents = sorted(set(intra) | set(inter))

    def part(exponent: Fraction) -> fmpq_mat:
        rates = (sympy.Rational(rate.get(exponent, Fraction(0))) for rate in (intra, inter))
        return rational(exact_drift(similarity, classes, *rates))

    return [(exponent, part(exponent)) for exponent in exponents]


def unit_direction(classes: int, index: int) -> arb_mat:
    """d̂_j as a column."""
    scale = (arb(classes) / (classes - 1)).sqrt()
    return arb_mat(classes, 1, [scale * fmpq(int(row == index) * classes - 1, classes) for row in range(classes)])


def largest(values: Iterable[arb]) -> arb:
    """An upper bound of the absolute values; the allowance covers that they are compared as doubles."""
    return max((abs(value).upper() for value in values), key=float) * (1 + arb(2) ** -40)


def _size(matrix: arb_mat) -> arb:
    """An upper bound of the norm ‖·‖_∞: the largest sum of a row's absolute values."""
    return largest(sum(map(abs, row), arb(0)) for row in matrix.tolist())


def flow(start: arb_mat, drift: Drift, ends: Sequence[arb]) -> list[arb_mat]:
    """X̄ at increasing clock times, for each column of starts (features of a class standing together), enclosed.

    Raises:
        ArithmeticError: when an end is not certainly beyond the one before.
    """
    sizes = [(exponent, arb_mat(matrix), _size(arb_mat(matrix))) for exponent, matrix in drift]
    state, at, states = start, arb(0), list[arb_mat]()
    for end in ends:
        if not end > at:
            raise ArithmeticError(f"the time {end} is not certainly later than {at}; give increasing times.")
        while not at.overlaps(end):
            radius = FARTHEST
            while radius * float(_bound(sizes, at, radius)) > BUSIEST:
                radius /= 2
            step = arb(radius / RATIO)
            last = not end - at > step
            state = _stepped(state, sizes, at, end - at if last else step, radius)
            at = end if last else at + step
        states.append(state)
    return states


Sized = Sequence[tuple[Fraction, arb_mat, arb]]
"""c, M_c and an upper bound of its norm."""


def _ball(number: Fraction) -> arb:
    return arb(fmpq(number.numerator, number.denominator))


def _bound(sizes: Sized, at: arb, radius: float) -> arb:
    """An upper bound of ‖M‖ on the disc |z − u| ≤ r: Σ ‖M_c‖ e^{cu + |c|r}."""
    total = sum(((_ball(exponent) * at + _ball(abs(exponent)) * radius).exp() * size for exponent, _, size in sizes), arb(0))
    return total.upper()


def _stepped(state: arb_mat, sizes: Sized, at: arb, step: arb, radius: float) -> arb_mat:
    """One Taylor step.

    On the disc |z − u| ≤ r the drift is at most m, so ‖X̄‖ ≤ e^{mr}‖X̄(u)‖ there. By Cauchy the n-th Taylor coefficient is at most
    r^{−n} e^{mr} ‖X̄(u)‖: the remainder of N terms is at most e^{mr} ‖X̄(u)‖ (h/r)^N/(1 − h/r).
    """
    coefficients = [state]
    decays = [[(_ball(exponent) * at).exp()] for exponent, _, _ in sizes]
    for n in range(TERMS - 1):
        pushed = state * 0
        for (exponent, matrix, _), decay in zip(sizes, decays, strict=True):
            mixed = coefficients[n] * decay[0]
            if exponent:
                mixed = sum((coefficients[m] * decay[n - m] for m in range(n)), mixed)
                decay.append(decay[n] * _ball(exponent) / (n + 1))
            pushed += matrix * mixed
        coefficients.append(pushed * (arb(1) / (n + 1)))
    share = (step / radius).upper()
    remainder = (_bound(sizes, at, radius) * radius).exp() * _size(state) * share**TERMS / (1 - share)
    total = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * step + coefficient
    return arb_mat(total.nrows(), total.ncols(), [value + arb(0, remainder.upper()) for value in total.entries()])
