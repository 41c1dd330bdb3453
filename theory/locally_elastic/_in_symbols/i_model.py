"""The closed form of the I-model in symbols, and what the drift makes of it."""

import sympy

from layerpeel.theory.locally_elastic._drift import exact_drift, exact_similarity

FEATURES = 2
LITERAL = (2, 3, 4)
"""K for which the drift is written out."""
t = sympy.Symbol("t", positive=True)
K, intra, inter, own, common = sympy.symbols("K alpha beta o c")
A, B = sympy.Function("A")(t), sympy.Function("B")(t)
OTHER = sympy.Symbol("l", integer=True)


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


def stated() -> dict[str, sympy.Expr]:
    """Paces of both modes, slopes of the closed form written out, and its start."""
    return {
        "common mode, any K": pace(sympy.exp((A + (K - 1) * B) / K)),
        "deviation, any K": pace(sympy.exp((A - B) / K)),
        **{f"dX̄/dt, K={k}": paired(slope(closed(k, (A + (k - 1) * B) / k))) for k in LITERAL},
        **{f"start, K={k}": paired(closed(k, (A + (k - 1) * B) / k).subs({A: 0, B: 0})) for k in LITERAL},
    }


def driven() -> dict[str, sympy.Expr]:
    """What the drift makes of each mode, summed over the classes; and the drift, written out, times the closed form."""
    return {
        "common mode, any K": named((intra * common + sympy.Sum(inter * common, (OTHER, 1, K - 1)).doit()) / K / common),
        # deviations sum to zero over all classes, hence to −o over the others
        "deviation, any K": named((intra * own + inter * (-own)) / K / own),
        **{f"dX̄/dt, K={k}": paired(drift(k) * closed(k, (A + (k - 1) * B) / k)) for k in LITERAL},
        **{f"start, K={k}": paired(starts(k).reshape(k * FEATURES, 1)) for k in LITERAL},
    }


def with_every_class() -> dict[str, sympy.Expr]:
    """If the common mode grew by e^{(A + K B)/K}."""
    return {
        "common mode, any K": pace(sympy.exp((A + K * B) / K)),
        "dX̄/dt, K=2": paired(slope(closed(2, (A + 2 * B) / 2))),
    }
