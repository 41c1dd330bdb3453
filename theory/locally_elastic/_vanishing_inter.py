"""The L-model with α = a and β = b e^{−t}, enclosed up to its limit: flow in ball arithmetic, and a bound of what is left of β."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from layerpeel.numerics import PRECISION, Bracket, to_bracket
from layerpeel.theory.locally_elastic._drift import exact_similarity
from layerpeel.theory.locally_elastic._enclosed_flow import flow, largest, two_parameter_drift, unit_direction

END, SOON = 20, 10
"""The flow is enclosed up to these times; beyond, what is left of β = b e^{−t} is bounded. Shares of starts need the earlier one only."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """α = a, β = b e^{−t}, and class means at time 0."""

    intra: Fraction
    inter: Fraction
    start: tuple[tuple[Fraction, ...], ...]

    @property
    def classes(self) -> int:
        """K."""
        return len(self.start)


def case_of(intra: str, inter: str, *, last: tuple[str, ...]) -> Case:
    """From e_1, …, e_{K−1} and one other vector."""
    classes = len(last)
    units = tuple(tuple(Fraction(int(i == j)) for j in range(classes)) for i in range(classes - 1))
    return Case(intra=Fraction(intra), inter=Fraction(inter), start=(*units, tuple(map(Fraction, last))))


@cache
def limit_projections(case: Case) -> tuple[arb, ...]:
    """lim d̂_jᵀX̄^j e^{−at/K}, enclosed."""
    return tuple(projections_from(_column(case), case.classes, case.intra, case.inter, END).entries())


def limit_cosine(case: Case, j: int, i: int) -> Bracket:
    """Cosine of the limits X̄^j e^{−at/K} → d̂_j lim d̂_jᵀX̄^j e^{−at/K} of two classes, counted from one.

    What is orthogonal to d̂_j is driven by β Σ s alone, β = b e^{−t}, and vanishes against e^{at/K}, a > 0.
    """
    with ctx.workprec(PRECISION):
        along = limit_projections(case)
        return _cosine(*(unit_direction(case.classes, k - 1) * along[k - 1] for k in (j, i)))


def projections_from(start: arb_mat, classes: int, intra: Fraction, inter: Fraction, end: int) -> arb_mat:
    """lim d̂_jᵀX̄^j e^{−at/K} for each column of starts: K rows.

    y_j = d̂_jᵀX̄^j e^{−at/K} solves y_j' = −β/(K(K−1)) Σ_{i≠j} y_i: beyond T it moves by at most max|y(T)| (exp(|b|e^{−T}/K) − 1).
    """
    with ctx.workprec(PRECISION):
        state = _means(start, classes, intra, inter, end).tolist()
        shrink = (-arb(end) * _ball(intra) / classes).exp()
        rows = []
        for j in range(classes):
            rows += (unit_direction(classes, j).transpose() * arb_mat(state[classes * j : classes * (j + 1)]) * shrink).tolist()
        moved = (2 * _ball(abs(inter)) * (-arb(end)).exp() / classes).exp() - 1  # twice the bound, which equal y_j attain
        tails = [largest(row[column] for row in rows) * moved for column in range(start.ncols())]
        return arb_mat([[value + arb(0, tail.upper()) for value, tail in zip(row, tails, strict=True)] for row in rows])


def stopped_cosine(case: Case, j: int, i: int) -> Bracket:
    """Cosine of two classes at the limit for α = 0: beyond T the means move by at most ‖X̄(T)‖ (exp(|b|e^{−T}) − 1).

    The sum of a row of M1 is |b|/K Σ_{j≠i} 2|δ_aj − 1/K| ≤ 4|b|(K−1)/K² ≤ |b|.
    """
    with ctx.workprec(PRECISION):
        state = _means_at_end(case)
        tail = largest(state.entries()) * ((_ball(abs(case.inter)) * (-arb(END)).exp()).exp() - 1)
        entries, classes = [value + arb(0, tail.upper()) for value in state.entries()], case.classes
        return _cosine(*(arb_mat(classes, 1, entries[classes * (k - 1) : classes * k]) for k in (j, i)))


@cache
def _means_at_end(case: Case) -> arb_mat:
    with ctx.workprec(PRECISION):
        return _means(_column(case), case.classes, case.intra, case.inter, END)


def _means(start: arb_mat, classes: int, intra: Fraction, inter: Fraction, end: int) -> arb_mat:
    """X̄(end) for α = a and β = b e^{−t}."""
    drift = two_parameter_drift(exact_similarity("L", classes, classes), classes, {Fraction(0): intra}, {Fraction(-1): inter})
    return flow(start, drift, [arb(end)])[0]


def _ball(number: Fraction) -> arb:
    return arb(fmpq(number.numerator, number.denominator))


def _column(case: Case) -> arb_mat:
    entries = [fmpq(entry.numerator, entry.denominator) for row in case.start for entry in row]
    return arb_mat(fmpq_mat(len(entries), 1, entries))


def _cosine(first: arb_mat, second: arb_mat) -> Bracket:
    product, sizes = (first.transpose() * second).entries()[0], [(v.transpose() * v).entries()[0] for v in (first, second)]
    return to_bracket(product / (sizes[0] * sizes[1]).sqrt())
