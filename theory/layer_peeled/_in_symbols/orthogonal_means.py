"""What orthogonal class means cost a class, in symbols: least where the dual bound is."""

import sympy

OTHERS, ODDS, MARGIN = *sympy.symbols("K_minus_1 o", positive=True), sympy.Symbol("m", real=True)
"""K − 1, the odds (1 − q)/q of the own class, and a margin."""
WRONG = 1 / (1 + ODDS)
"""q."""
COST = sympy.log(1 + OTHERS * sympy.exp(-MARGIN)) + WRONG * MARGIN
"""What orthogonal class means cost a class, over n_k/N; convex in the margin, and least at BEST."""
BEST = sympy.log(OTHERS * ODDS)

STATED = {
    "slope at the margin": sympy.Integer(0),
    "value at the margin": -(1 - WRONG) * sympy.log(ODDS / (1 + ODDS)) + WRONG * sympy.log(OTHERS * (1 + ODDS)),
    "q at margin 0": OTHERS / (OTHERS + 1),
}
"""The bound's terms S(1 − q, q/(K − 1), …); at margin 0 the own class has the probability 1/K of all classes alike."""


def by_derivatives() -> dict[str, sympy.Expr]:
    """The same from the cost as a function of the margin."""
    return {
        "slope at the margin": sympy.simplify(sympy.diff(COST, MARGIN).subs(MARGIN, BEST)),
        "value at the margin": sympy.expand_log(
            sympy.log(sympy.factor((1 + OTHERS * sympy.exp(-MARGIN)).subs(MARGIN, BEST))) + WRONG * BEST
        ),
        "q at margin 0": sympy.simplify(WRONG.subs(ODDS, sympy.solve(sympy.Eq(OTHERS * ODDS, 1), ODDS)[0])),
    }
