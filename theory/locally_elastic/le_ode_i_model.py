"""Class means of the I-model: a common mode and deviations from it, each with its own exponent."""

import numpy as np
import sympy

from layerpeel.array_words import Float
from layerpeel.theory._claims import claim, instances
from layerpeel.theory._room import Evidence, Kind, Origin, Room, Source, Statement
from layerpeel.theory.locally_elastic._cases import END, SIZES, Cases, cases_of, means_by_integrator
from layerpeel.theory.locally_elastic._closed_forms import closed_means
from layerpeel.theory.locally_elastic._drift import AGREEMENT, exact_drift, exact_similarity, rate_integral

FEATURES = 2
LITERAL = (2, 3, 4)
"""K for which the drift is written out."""

t = sympy.Symbol("t", positive=True)
K, intra, inter, own, common = sympy.symbols("K alpha beta o c")
A, B = sympy.Function("A")(t), sympy.Function("B")(t)
OTHER = sympy.Symbol("l", integer=True)

ROOM = Room.of(
    Statement(
        name="le-ode-i-model",
        title="Class means of the I-model",
        latex=r"\bar X^k(t)=\check X(0)\,e^{(A+(K-1)B)/K}+(\bar X^k(0)-\check X(0))\,e^{(A-B)/K},\qquad "
        r"\check X=\tfrac1K\textstyle\sum_l\bar X^l,\ A=\int_0^t\alpha,\ B=\int_0^t\beta",
        assumptions=("H_ij = I_p for all i, j", "α on the diagonal of E(t), β off it, both integrable", "P = 11ᵀ/K"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, equation (4) and table 1; for constant rates equation (6)"),
    ),
    claim(
        "equation",
        "the closed form solves dX̄ = M(t) X̄ dt for all α(t), β(t): mode by mode for every K, written out for K = 2 to 4",
        over="",
        predict=lambda: {
            "common mode, any K": pace(sympy.exp((A + (K - 1) * B) / K)),
            "deviation, any K": pace(sympy.exp((A - B) / K)),
            **{f"dX̄/dt, K={k}": paired(slope(closed(k, (A + (k - 1) * B) / k))) for k in LITERAL},
            **{f"start, K={k}": paired(closed(k, (A + (k - 1) * B) / k).subs({A: 0, B: 0})) for k in LITERAL},
        },
        measure=lambda: {
            "common mode, any K": named((intra * common + sympy.Sum(inter * common, (OTHER, 1, K - 1)).doit()) / K / common),
            # deviations sum to zero over all classes, hence to −o over the others
            "deviation, any K": named((intra * own + inter * (-own)) / K / own),
            **{f"dX̄/dt, K={k}": paired(drift(k) * closed(k, (A + (k - 1) * B) / k)) for k in LITERAL},
            **{f"start, K={k}": paired(starts(k).reshape(k * FEATURES, 1)) for k in LITERAL},
        },
        by="what the drift makes of each mode, summed over the classes; and the drift, written out, times the closed form",
        false={
            "wrong-exponent": (
                "the common mode grows by e^{(A + K B)/K}",
                lambda: {
                    "common mode, any K": pace(sympy.exp((A + K * B) / K)),
                    "dX̄/dt, K=2": paired(slope(closed(2, (A + 2 * B) / 2))),
                },
            ),
        },
        evidence=Evidence.PROOF,
    ),
    claim(
        "integrator",
        "it agrees with an integrator on 105 cases whose rates vary in time",
        over=instances("K={}, 15 cases", *SIZES),
        predict=lambda k: (cases := cases_of("I", k)).digest(closed_means(cases)),
        measure=lambda k: (cases := cases_of("I", k)).digest(means_by_integrator(cases)),
        by="an integrator, which takes the class means to t = 2 from the drift's definition",
        false={
            "wrong-exponent-integrated": (
                "the same, against the integrator",
                lambda k: (cases := cases_of("I", k)).digest(means_by_modes(cases, k)),
            ),
        },
        evidence=Evidence.EMPIRICAL.within(
            10 * AGREEMENT,
            "sums over 15 cases of directions and log sizes of the means; the integrator's steps are good to 1e-12, relative",
        ),
    ),
)


def named(expression: sympy.Expr) -> sympy.Expr:
    """A', B' as α, β and A, B as symbols: an identity in these four holds for all functions α(t), β(t)."""
    rates = expression.subs({sympy.diff(A, t): intra, sympy.diff(B, t): inter})
    return sympy.expand(rates.subs({A: sympy.Symbol("A"), B: sympy.Symbol("B")}))


def pace(factor: sympy.Expr) -> sympy.Expr:
    """The rate at which a mode with this factor grows."""
    return named(sympy.diff(factor, t) / factor)


def starts(classes: int) -> sympy.Matrix:
    """X̄(0), free."""
    return sympy.Matrix(classes, FEATURES, lambda k, a: sympy.Symbol(f"x{k}{a}"))


def closed(classes: int, common_exponent: sympy.Expr) -> sympy.Matrix:
    """X̌(0) e^{common exponent} + (X̄^k(0) − X̌(0)) e^{(A − B)/K}, class after class."""
    middle = sympy.ones(classes) * starts(classes) / classes
    means = middle * sympy.exp(common_exponent) + (starts(classes) - middle) * sympy.exp((A - B) / classes)
    return means.reshape(classes * FEATURES, 1)


def slope(means: sympy.Matrix) -> sympy.Matrix:
    """d/dt."""
    return means.applyfunc(lambda entry: sympy.diff(entry, t))


def drift(classes: int) -> sympy.Matrix:
    """M, written out."""
    return exact_drift(exact_similarity("I", classes, FEATURES), classes, intra, inter)


def paired(vector: sympy.Matrix) -> sympy.Expr:
    """The product with a covector of free symbols: one equation between such products stands for Kp equations."""
    return named((sympy.Matrix(1, vector.rows, lambda _, a: sympy.Symbol(f"u{a}")) * vector)[0])


def means_by_modes(cases: Cases, others: int) -> Float[np.ndarray, "cases K p"]:
    """Class means at END if the common mode grew by e^{(A + others · B)/K}."""
    classes = cases.start.shape[1]
    gained, shared = rate_integral(cases.intra, END)[:, None, None], rate_integral(cases.inter, END)[:, None, None]
    middle = cases.start.mean(axis=1, keepdims=True)
    return middle * np.exp((gained + others * shared) / classes) + (cases.start - middle) * np.exp((gained - shared) / classes)
