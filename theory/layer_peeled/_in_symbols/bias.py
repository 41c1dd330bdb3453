"""The boundary of collapse beside a free bias in symbols: that it solves the conditions, and that it lies above the one without."""

import sympy

KA, KB, A, T = sympy.symbols("K_A K_B a T", positive=True)
"""Class numbers, the margin inside the majority, and tan θ."""
ALL = KA + KB
ROWS, COLUMNS, OWN, NORM = "slopes", "how often each class is predicted", "margin of the majority over a", "radius over a"
LW, LR = sympy.symbols("W P", positive=True)
"""−log of e^{−margin} of a minority class over the majority, and of the ratio of odds in a majority row."""
EXCESS, ORDER = "s − a K_B/K", "(1 − P)(1 − Q) − PQ"
P = sympy.sqrt(KB / ALL) / sympy.sqrt(1 + T**2)
"""cos φ cos θ, tan²φ = K_A/K_B."""
Q = sympy.sqrt(KA / ALL) * T / sympy.sqrt(1 + T**2)
"""sin φ sin θ."""

STATED_CONDITIONS = {
    **{f"{ROWS}, {k}": sympy.Integer(1) for k in ("inside the majority", "of the majority", "of the minority")},
    COLUMNS: sympy.Integer(1),
    OWN: sympy.Integer(1),
    NORM: KA - 1 + KB / ALL,
}
WITHOUT_INNER_SHARE, MAJORITY_FOR_ALL = {NORM: KA - 1}, {NORM: KA - 1 + KB / KA}
"""Radii without the minority's share of a, and with K_A for K in it."""
STATED_EXCESS = {EXCESS: KB * sympy.sqrt(KA / ALL) * sympy.sqrt(1 + T**2) / T * ((1 - P) * LW - Q * LR), ORDER: 1 - P - Q}
OTHER_WAY = {EXCESS: -STATED_EXCESS[EXCESS]}
"""The excess with the other sign."""


def conditions() -> dict[str, sympy.Expr]:
    """Each condition as a quotient of its two sides, with μ = 1."""
    odds, ratio = sympy.exp(-A), (sympy.exp(A) + ALL - 1) / ALL
    total = 1 + (ALL - 1) * odds
    cosine, sine = sympy.sqrt(KB / ALL), sympy.sqrt(KA / ALL)
    t_b = A * KB * sympy.sqrt(KA) / ALL ** sympy.Rational(3, 2)
    t_a = t_b * cosine / sine
    q_a, q_b = sympy.sqrt(ALL) / (KA * sympy.sqrt(KB)), sympy.sqrt(ALL) / (KB * sympy.sqrt(KA))
    shift = q_b * t_b  # the margin of a minority class over the majority is zero
    quotients = {
        f"{ROWS}, inside the majority": ratio * (KA * odds + KB * odds) / total,
        f"{ROWS}, of the majority": ratio * sympy.sqrt(ALL * KB) * odds / total / cosine,
        f"{ROWS}, of the minority": sympy.sqrt(ALL * KA) / ALL / sine,
        COLUMNS: ratio * odds / total * ALL,
        OWN: ((KA - 1) / KA * A + q_a * t_a + shift) / A,
        NORM: ((KA - 1) * A + sympy.sqrt(t_a**2 + t_b**2)) / A,
    }
    return {name: sympy.simplify(each) for name, each in quotients.items()}


def excess() -> dict[str, sympy.Expr]:
    """s − a K_B/K on the boundary without a bias, s = W/(q_B sin θ), a = K_A (q_A s cos θ + log 1/ρ); and the order of the odds."""
    cosine, root = 1 / sympy.sqrt(1 + T**2), T / sympy.sqrt(1 + T**2)
    first, second = sympy.sqrt(KB) * cosine / sympy.sqrt(ALL), sympy.sqrt(KA) * root / sympy.sqrt(ALL)
    s = LW * KB * sympy.sqrt(KA) / sympy.sqrt(ALL) / root
    a = KA * (sympy.sqrt(ALL) / (KA * sympy.sqrt(KB)) * s * cosine + LR)
    return {EXCESS: sympy.simplify(s - a * KB / ALL), ORDER: sympy.expand((1 - first) * (1 - second) - first * second)}
