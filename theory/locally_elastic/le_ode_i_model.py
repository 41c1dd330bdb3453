"""Class means of the I-model: a common mode and deviations from it, each with its own exponent."""

import numpy as np
import sympy

from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement
from layerpeel.theory.locally_elastic._cases import END, SIZES, cases_of
from layerpeel.theory.locally_elastic._closed_forms import closed_means
from layerpeel.theory.locally_elastic._drift import AGREEMENT, exact_drift, exact_similarity, integrated, rate_integral

FEATURES = 2
LITERAL = (2, 3, 4)
"""K for which the drift is written out."""

t = sympy.Symbol("t", positive=True)
K, intra, inter, own, common = sympy.symbols("K alpha beta o c")
A, B = sympy.Function("A")(t), sympy.Function("B")(t)


def _named(expression: sympy.Expr) -> sympy.Expr:
    """A', B' as α, β and A, B as symbols: an identity in these four holds for all functions α(t), β(t)."""
    rates = expression.subs({sympy.diff(A, t): intra, sympy.diff(B, t): inter})
    return sympy.expand(rates.subs({A: sympy.Symbol("A"), B: sympy.Symbol("B")}))


def _starts(classes: int) -> sympy.Matrix:
    return sympy.Matrix(classes, FEATURES, lambda k, a: sympy.Symbol(f"x{k}{a}"))


def _closed(classes: int, common_exponent: sympy.Expr) -> sympy.Matrix:
    """X̌(0) e^{common exponent} + (X̄^k(0) − X̌(0)) e^{(A − B)/K}, class after class."""
    starts = _starts(classes)
    middle = sympy.ones(classes) * starts / classes
    means = middle * sympy.exp(common_exponent) + (starts - middle) * sympy.exp((A - B) / classes)
    return means.reshape(classes * FEATURES, 1)


def _covector(classes: int) -> sympy.Matrix:
    """Free symbols: one equation between products with them stands for Kp equations."""
    return sympy.Matrix(1, classes * FEATURES, lambda _, a: sympy.Symbol(f"u{a}"))


def predict_equation() -> Quantities:
    """The rate of each mode's factor, for every K; and dX̄/dt of the closed form."""
    factors = {"common mode, any K": sympy.exp((A + (K - 1) * B) / K) * common, "deviation, any K": sympy.exp((A - B) / K) * own}
    found: dict[str, Quantity] = {label: _named(sympy.diff(mode, t) / mode) for label, mode in factors.items()}
    for k in LITERAL:
        closed = _closed(k, (A + (k - 1) * B) / k)
        found[f"dX̄/dt, K={k}"] = _named((_covector(k) * sympy.diff(closed, t))[0])
        found[f"start, K={k}"] = _named((_covector(k) * closed.subs({A: 0, B: 0}))[0])
    return found


def predict_equation_wrong_exponent() -> Quantities:
    """A false variant: the common mode grows by e^{(A + K B)/K}."""
    return {
        "common mode, any K": (intra + K * inter) / K,
        "dX̄/dt, K=2": _named((_covector(2) * sympy.diff(_closed(2, (A + 2 * B) / 2), t))[0]),
    }


def measure_equation(setting: Setting) -> Quantities:
    """What the drift makes of each mode, summed over the classes; and the drift, written out, times the closed form."""
    others = sympy.Symbol("l", integer=True)
    found: dict[str, Quantity] = {
        "common mode, any K": _named((intra * common + sympy.Sum(inter * common, (others, 1, K - 1)).doit()) / K / common),
        # deviations sum to zero over all classes, hence to −o over the others
        "deviation, any K": _named((intra * own + inter * (-own)) / K / own),
    }
    for k in LITERAL:
        drift = exact_drift(exact_similarity("I", k, FEATURES), k, intra, inter)
        found[f"dX̄/dt, K={k}"] = _named((_covector(k) * drift * _closed(k, (A + (k - 1) * B) / k))[0])
        found[f"start, K={k}"] = _named((_covector(k) * _starts(k).reshape(k * FEATURES, 1))[0])
    return found


def predict_means() -> Quantities:
    """The closed form at t = 2."""
    cases = {k: cases_of("I", k) for k in SIZES}
    return {f"K={k}, 15 cases": each.digest(closed_means(each), AGREEMENT / 4) for k, each in cases.items()}


def predict_means_wrong_exponent() -> Quantities:
    """The common mode with (A + K B)/K in its exponent."""
    found: dict[str, Quantity] = {}
    for k in SIZES:
        cases = cases_of("I", k)
        sums, differences = rate_integral(cases.intra + k * cases.inter, END)[:, None, None], rate_integral(cases.intra - cases.inter, END)
        middle = cases.start.mean(axis=1, keepdims=True)
        means = middle * np.exp(sums / k) + (cases.start - middle) * np.exp(differences / k)[:, None, None]
        found[f"K={k}, 15 cases"] = cases.digest(means, AGREEMENT / 4)
    return found


def measure_means(setting: Setting) -> Quantities:
    """Class means at t = 2 by an integrator, from the drift's definition."""
    found: dict[str, Quantity] = {}
    for k in SIZES:
        cases = cases_of("I", k)
        means = integrated("I", cases.intra, cases.inter, cases.start, np.array([END]))[0]
        found[f"K={k}, 15 cases"] = cases.digest(means, AGREEMENT / 4)
    return found


ROOM = Room(
    statement=Statement(
        name="le-ode-i-model",
        title="Class means of the I-model",
        latex=r"\bar X^k(t)=\check X(0)\,e^{(A+(K-1)B)/K}+(\bar X^k(0)-\check X(0))\,e^{(A-B)/K},\qquad "
        r"\check X=\tfrac1K\textstyle\sum_l\bar X^l,\ A=\int_0^t\alpha,\ B=\int_0^t\beta",
        assumptions=("H_ij = I_p for all i, j", "α on the diagonal of E(t), β off it, both integrable", "P = 11ᵀ/K"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, equation (4) and table 1; for constant rates equation (6)"),
    ),
    checks=(
        Check(
            name="equation",
            claim="the closed form solves dX̄ = M(t) X̄ dt for all α(t), β(t): mode by mode for every K, written out for K = 2 to 4",
            evidence=Evidence.PROOF,
            predict=predict_equation,
            measure=measure_equation,
        ),
        Check(
            name="integrator",
            claim="it agrees with an integrator on 105 cases whose rates vary in time",
            evidence=Evidence.EMPIRICAL,
            predict=predict_means,
            measure=measure_means,
            resolution=10 * AGREEMENT,
            reason="sums over 15 cases of directions and log sizes of the means; the integrator's steps are good to 1e-12, relative",
        ),
    ),
    controls=(
        Control(
            name="wrong-exponent",
            claim="the common mode grows by e^{(A + K B)/K}",
            check="equation",
            predict=predict_equation_wrong_exponent,
        ),
        Control(
            name="wrong-exponent-integrated",
            claim="the same, against the integrator",
            check="integrator",
            predict=predict_means_wrong_exponent,
        ),
    ),
)
