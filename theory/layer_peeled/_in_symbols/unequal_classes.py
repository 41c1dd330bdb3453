"""Two classes of different size cannot have one classifier: what that would leave of the stationarity conditions."""

import sympy

S, MULTIPLIER, WEIGHT = sympy.symbols("s lambda c", positive=True)
FEATURE, WEIGHTS = sympy.symbols("h_1:4", real=True), sympy.symbols("c_1:4", positive=True)
SQUARE = sum((entry**2 for entry in FEATURE), sympy.Integer(0))
MONOTONE = "⟨F(h_l) − F(h_k), h_l − h_k⟩"

STATED = {
    "λ(w_k − w_l)": WEIGHTS[0] * FEATURE[0] - WEIGHTS[1] * FEATURE[1],
    MONOTONE: (S - 1) ** 2 * (S + 1) * MULTIPLIER * SQUARE / WEIGHT,
}
"""What it leaves: differences of features, and a sign that a monotone map does not have."""
FLIPPED = {MONOTONE: (1 - S) * (S + 1) ** 2 * MULTIPLIER * SQUARE / WEIGHT}
"""The sign that it has."""


def contradiction() -> dict[str, sympy.Expr]:
    """What equal classifiers leave of stationarity, for three classes and three coordinates."""
    (b, d, e) = sympy.symbols("p_1:4", positive=True)
    # λ w_k = Σ_i c_i ([i = k] − p_ik) h_i. Equal classifiers k, l tie their probabilities in every row i = k, l, j.
    probability = sympy.Matrix([[b, b, 1 - 2 * b], [d, d, 1 - 2 * d], [e, e, 1 - 2 * e]])
    classifiers = (sympy.eye(3) - probability).T * sympy.diag(*WEIGHTS) * sympy.Matrix(FEATURE)
    # λ h_k = c_k F(h_k) with F(h) = w_k − Σ_j p_j(h) w_j, the same F for l: minus the gradient of a convex function. c_k h_k = c_l h_l.
    h_k = sympy.Matrix(FEATURE)
    h_l = S * h_k
    pull_k, pull_l = MULTIPLIER * h_k / WEIGHT, MULTIPLIER * h_l / (WEIGHT / S)
    return {"λ(w_k − w_l)": sympy.expand(classifiers[0] - classifiers[1]), MONOTONE: sympy.expand((pull_l - pull_k).dot(h_l - h_k))}
