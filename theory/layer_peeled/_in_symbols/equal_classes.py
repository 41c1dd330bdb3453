"""The certificate of the simplex ETF for classes with equally many samples, with K and τ as symbols."""

import sympy

K, TAU = sympy.symbols("K tau", positive=True)


def gap_of_etf(spread: sympy.Expr) -> sympy.Expr:
    """⟨G, Z⟩ + τ‖G‖ at Z = a (I − 11ᵀ/K), from the entries of the softmax and of Z.

    Row k of Z holds a (1 − 1/K) and K − 1 times −a/K; row k of G = (P − I)/K holds (p_own − 1)/K and K − 1 times p_other/K. G vanishes on
    1 and equals (p_own − 1 − p_other)/K across it.
    """
    own, other = spread * (1 - 1 / K), -spread / K
    total = sympy.exp(own) + (K - 1) * sympy.exp(other)
    slope_own, slope_other = (sympy.exp(own) / total - 1) / K, sympy.exp(other) / total / K
    inner_product = K * (slope_own * own + (K - 1) * slope_other * other)
    return inner_product + TAU * (slope_other - slope_own)
