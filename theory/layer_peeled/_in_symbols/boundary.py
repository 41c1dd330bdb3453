"""The boundary of collapse in symbols: its closed form belongs together and solves the stationarity conditions."""

import sympy

A, B = sympy.symbols("K_A K_B", positive=True)
TOTAL = A + B
X, ROOT_A, ROOT_B = sympy.symbols("x r_A r_B", positive=True)
SPREAD, MARGIN_A, MARGIN_B = sympy.symbols("a L_A L_B", positive=True)
MARGIN_SHARE, OTHER_SHARE = (TOTAL * ROOT_A - B) / A, (A * ROOT_A - B) / A
"""e^{L_A} on the boundary, and with K_A in place of K."""
COSINE, SINE = sympy.sqrt(B / TOTAL) / ROOT_A, sympy.sqrt(A / TOTAL) / ROOT_B
TWICE, ANGLE = "R0 in θ over R0 in ζ", "cos²θ + sin²θ − 1"


def stationarity(margin_share: sympy.Expr) -> dict[str, sympy.Expr]:
    """Left sides over right sides of the stationarity conditions at b = 0 and Nλ = 1, for x = e^{−a} and e^{L_A} = margin_share."""
    y = X / margin_share  # e^{−m_A}
    d_a = 1 + (A - 1) * X + B * y
    ratio = 1 + (1 / X - 1) * margin_share / (TOTAL * ROOT_A)
    odds_b = B / (TOTAL * ROOT_B - A)  # e^{−m_B} = e^{−L_B}
    return {
        "a: R(K_A x + K_B y)/D_A": ratio * (A * X + B * y) / d_a,
        "t_A: R√(K K_B) y/(D_A cos θ)": ratio * sympy.sqrt(TOTAL * B) * y / (d_a * COSINE),
        "t_B: √(K K_A) e^{−m_B}/(D_B sin θ)": sympy.sqrt(TOTAL * A) * odds_b / ((B + A * odds_b) * SINE),
        TWICE: (1 + (A - 1) * X + B * y) / (A * X + B * y) / ratio,
    }


def consistency(power: int) -> dict[str, sympy.Expr]:
    """The relations between a, s, θ and the margins that the conditions above take for granted; all vanish for power = 1."""
    q_a, q_b = sympy.sqrt(TOTAL) / (A * sympy.sqrt(B)), sympy.sqrt(TOTAL) / (B * sympy.sqrt(A))
    lift = (TOTAL / B) * (ROOT_B**2 - 1)
    root_a_squared = ROOT_B**2 / (1 + lift) ** power
    s_a, m_a = ROOT_A * (SPREAD + A * MARGIN_A), SPREAD + MARGIN_A
    return {
        "m_A − (a + L_A), with s = r_A (a + K_A L_A)": SPREAD * (A - 1) / A + q_a * s_a * COSINE - m_a,
        "m_B − L_B, with s = r_B K_B L_B": q_b * ROOT_B * B * MARGIN_B * SINE - MARGIN_B,
        ANGLE: (B / TOTAL) / root_a_squared + SINE**2 - 1,
    }
