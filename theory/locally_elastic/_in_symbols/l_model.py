"""The closed form of the L-model in symbols, and what the drift makes of it."""

import sympy

from layerpeel.theory.locally_elastic._drift import exact_drift, exact_similarity

LITERAL = (2, 3)
"""K for which the drift is written out; the commutator up to K = 5."""
K, intra, inter = sympy.symbols("K alpha beta")
own, mean = sympy.symbols("delta s")
"""δ_i(0) and s̄(0)."""
first, second, shared = sympy.symbols("phi1 phi2 I_beta")
"""φ1 = e^{Γ/K}, φ2 = e^{(A + B/(K−1))/K}, I_β = (1/K)∫β φ2: at time 0 they are 1, 1, 0."""
GROWN = 1 + (second - 1 - K / (K - 1) * shared) + shared * (1 + 1 / (K - 1))
"""What δ_i(0) has grown by: d̂_iᵀ Σ_j d̂_j δ_j = δ_i + δ_i/(K−1), since the d̂_j sum to zero and have cosines −1/(K−1)."""


def slope(expression: sympy.Expr, classes: sympy.Expr) -> sympy.Expr:
    """d/dt by the chain rule, from what defines φ1, φ2 and I_β; α and β are the rates at any one time."""
    slopes = {
        first: (intra - inter) * first / classes,
        second: (intra + inter / (classes - 1)) * second / classes,
        shared: inter * second / classes,
    }
    return sympy.Add(*(sympy.diff(expression, function) * change for function, change in slopes.items()))


def own_integral(classes: sympy.Expr) -> sympy.Expr:
    """I_γ = (1/K)∫γ φ2 = φ2 − 1 − (K/(K−1)) I_β."""
    return second - 1 - classes / (classes - 1) * shared


def starts(classes: int) -> sympy.Matrix:
    """X̄(0), free."""
    return sympy.Matrix(classes, classes, lambda k, a: sympy.Symbol(f"x{k}{a}"))


def closed(classes: int) -> sympy.Matrix:
    """X̄^i(0) + d̂_i [s̄(0)(φ1 − 1) + δ_i(0) I_γ] + I_β Σ_j d̂_j δ_j(0), class after class; pairs of d̂ make it rational."""
    offsets = sympy.eye(classes) - sympy.ones(classes) / classes
    along = [(offsets.row(j) * starts(classes).row(j).T)[0] / (1 - sympy.Rational(1, classes)) for j in range(classes)]  # s_j/‖d_j‖
    middle = sympy.Add(*along) / classes
    deviations = sympy.Matrix([each - middle for each in along])
    own_parts = [middle * (first - 1) + each * own_integral(sympy.Integer(classes)) for each in deviations]
    means = starts(classes) + sympy.diag(*own_parts) * offsets + sympy.ones(classes, 1) * shared * deviations.T * offsets
    return means.reshape(classes**2, 1)


def paired(vector: sympy.Matrix) -> sympy.Expr:
    """The product with a covector of free symbols: one equation between such products stands for K² equations."""
    return sympy.expand((sympy.Matrix(1, vector.rows, lambda _, a: sympy.Symbol(f"u{a}")) * vector)[0])


def squared_commutator(classes: int) -> sympy.Expr:
    """‖C‖² for C = [M_α, M_β], where M = α M_α + β M_β."""
    similarity = exact_similarity("L", classes, classes)
    alone, between = (exact_drift(similarity, classes, sympy.Integer(a), sympy.Integer(1 - a)) for a in (1, 0))
    commutator = alone * between - between * alone
    return (commutator * commutator.T).trace()


def stated() -> dict[str, sympy.Expr]:
    """Slopes of the closed form along d̂_i and along Σ d̂_j δ_j, and written out; and its start."""
    return {
        "along d̂_i, any K": sympy.expand(slope(mean * first + own * own_integral(K), K)),
        "along Σ d̂_j δ_j, any K": slope(shared, K),
        **{f"dX̄/dt, K={k}": sympy.expand(slope(paired(closed(k)), sympy.Integer(k))) for k in LITERAL},
        **{f"start, K={k}": paired(closed(k).subs({first: 1, second: 1, shared: 0})) for k in LITERAL},
    }


def driven() -> dict[str, sympy.Expr]:
    """The drift times the closed form: (M X̄)^i = [γ s_i d̂_i + β Σ_j s_j d̂_j]/K with s_i = d̂_iᵀX̄^i, and s̄ drops out of Σ_j s_j d̂_j."""
    return {
        "along d̂_i, any K": (intra - inter) * (mean + mean * (first - 1) + own * GROWN) / K,
        "along Σ d̂_j δ_j, any K": inter * GROWN / K,
        **{f"dX̄/dt, K={k}": paired(exact_drift(exact_similarity("L", k, k), k, intra, inter) * closed(k)) for k in LITERAL},
        **{f"start, K={k}": paired(starts(k).reshape(k * k, 1)) for k in LITERAL},
    }


OWN_DIRECTIONS_ONLY = {"along d̂_i, any K": slope(mean * first + own * second, K), "along Σ d̂_j δ_j, any K": sympy.Integer(0)}
"""If each class moved along its own d̂_i only."""
