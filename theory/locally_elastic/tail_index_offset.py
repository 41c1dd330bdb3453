"""The tail index by its definition, and three formulas that go by the same name: as printed, as released, and with the poster's sign."""

import math
from itertools import product

import numpy as np
import sympy
from flint import arb, ctx

from layerpeel.numerics import PRECISION, Bracket, printed_tail_index, tail_index, to_bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Verdict, claim, instances
from layerpeel.theory.locally_elastic._in_symbols.tail_index import BEYOND, CUMULATIVE, FINITE, POSTER, PRINTED, constant, t, whose_limit

DECAYS: tuple[sympy.Expr, ...] = (sympy.Rational(1, 2), sympy.Integer(1), sympy.Rational(3, 2), sympy.Integer(2))
"""a of α = C(1 + t)^{−a}."""
UNIT = 3.0
"""C where it is not one."""
DEFINITION, PRINTED_UNIT = "definition", f"printed, C={UNIT:g}"
ESTIMATES = instances("a={}: {}", *product(DECAYS, (DEFINITION, PRINTED, PRINTED_UNIT)))

TIMES = np.arange(1.0, 10_001.0)
"""Iterations on which the library's estimators are evaluated."""
LIFT = float(np.mean(1 / np.log1p(TIMES[-1001:])))
"""The average 1/log(1 + t) by which the printed formula is less for log C = 1."""
ROUNDING = 1e-9
"""A regression over 9000 points, or an average over 1000, of logarithms good to 1e-15."""
PACE = 1e-3
"""log 2/log T at T = 10^1000 is 3e-4."""

ROOM = Room.of(
    Statement(
        name="tail-index-offset",
        title="The tail index and its three estimators",
        latex=r"\alpha\sim Ct^{-a}:\quad r=\sup\{s:\lim_{t\to\infty}\alpha t^s<\infty\}=a,\qquad "
        r"1-\operatorname{avg}\frac{\log\alpha}{\log(1+t)}\to1+a,\qquad 1-\frac{\log A}{\log(1+t)}\to\min(a,1),\ A=\int_0^t\alpha",
        assumptions=("α > 0 decays like a power of t", "averages over the last thousand iterations"),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("zhang2021", "slides, LE Coefficients Estimation, after equation (19); poster, Visualizing Phase Transition"),
        meaning="The printed estimate of how fast a strength decays is one too large by its own definition, the formula applied to totals "
        "never exceeds one, and the poster's sign is reversed. Compare decay exponents only after you know which formula gave them.",
    ),
    claim(
        "limits",
        "r = a; the printed formula tends to 1 + a, on the cumulative to min(a, 1); −ln α ≈ C + r ln t",
        over=instances("a={}: {}", *product(DECAYS, (FINITE, BEYOND, PRINTED, CUMULATIVE, POSTER))),
        predict=lambda a, what: {FINITE: constant, BEYOND: sympy.Integer(0), PRINTED: 1 + a, CUMULATIVE: sympy.Min(a, 1), POSTER: -a}[what],
        measure=lambda a, what: sympy.limit(whose_limit(constant * (1 + t) ** (-a), a, what), t, sympy.oo),
        by="limits by sympy, for every C > 0 and η > 0; an average over the last thousand iterations has the limit of what it averages",
        false={
            "no-offset": ("the printed formula tends to a", lambda a, what: a if what == PRINTED else None),
            "poster-sign": ("−ln α ≈ C − r ln t", lambda a, what: a if what == POSTER else None),
        },
        evidence=Evidence.PROOF,
        origin=Origin.DERIVED,
    ),
    claim(
        "printed",
        "as printed, 1 − avg log α/log(1+t) estimates r",
        over=ESTIMATES,
        predict=lambda a, what: float(a) if what == PRINTED else None,
        measure=lambda a, what: Bracket.around(estimated(float(a), what), ROUNDING / 2),
        by="the library's estimators on rates without noise: C t^{−a} for the definition, C(1 + t)^{−a} for the printed formula",
        # as it does for a = 1
        false={"twice": ("the printed formula estimates 2r", lambda a, what: 2 * float(a) if what == PRINTED and a != 1 else None)},
        rounding=ROUNDING / 2,
        evidence=Evidence.EMPIRICAL.within(20 * ROUNDING, "rates without noise, and twenty times the rounding of regressions and averages"),
        expected=Verdict.REFUTED,
    ),
    claim(
        "library",
        "on rates without noise the definition's slope is a, and the printed formula 1 + a, less log C/log t for a factor C",
        over=ESTIMATES,
        predict=lambda a, what: {DEFINITION: float(a), PRINTED: 1 + float(a), PRINTED_UNIT: 1 + float(a) - math.log(UNIT) * LIFT}[what],
        measure=lambda a, what: Bracket.around(estimated(float(a), what), ROUNDING / 2),
        by="the library's estimators on rates without noise: C t^{−a} for the definition, C(1 + t)^{−a} for the printed formula",
        false={
            "definition-offset": ("the definition is 1 + a", lambda a, what: 1 + float(a) if what == DEFINITION else None),
            "last-time-only": (
                "the printed formula is less by log C/log(1 + t) at the last iteration",
                lambda a, what: 1 + float(a) - math.log(UNIT) / math.log1p(TIMES[-1]) if what == PRINTED_UNIT else None,
            ),
        },
        rounding=ROUNDING / 2,
        evidence=Evidence.EMPIRICAL.within(20 * ROUNDING, "rates without noise, and twenty times the rounding of regressions and averages"),
        origin=Origin.DERIVED,
    ),
    claim(
        "saturation",
        "on the cumulative the formula tends to one for a = 3/2, as for every integrable rate",
        # the cumulative variant approaches its limit no faster than 1/log T
        over=instances("T = 10^{}", 2, 10, 100, 1000),
        predict=1.0,
        measure=lambda n: cumulative_formula(n),
        by="1 − log A(T)/log(1 + T) for α = (1 + t)^{−3/2}, in ball arithmetic",
        # the index of the rate
        false={"no-saturation": ("on the cumulative it tends to 3/2", 1.5)},
        evidence=Evidence.CERTIFIED.within(PACE, "log 2/log T is what is left at T"),
        kind=Kind.LIMIT,
        origin=Origin.DERIVED,
    ),
)


def estimated(exponent: float, what: str) -> float:
    """By the library."""
    if what == DEFINITION:
        return tail_index(TIMES, UNIT * TIMES**-exponent).mean
    return printed_tail_index(TIMES, (UNIT if what == PRINTED_UNIT else 1.0) * (1 + TIMES) ** -exponent)


def cumulative_formula(digits: int) -> Bracket:
    """At T = 10^digits."""
    with ctx.workprec(PRECISION + 4 * digits):
        last = arb(10) ** digits
        # ∫(1 + t)^{−3/2}
        cumulative = 2 - 2 / (1 + last).sqrt()
        return to_bracket(1 - cumulative.log() / (1 + last).log())
