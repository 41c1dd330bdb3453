"""The boundary of collapse where energies count samples: the equalities by which the radius increases along it."""

import sympy

A, B, W = sympy.symbols("K_A K_B w", positive=True)
K, Q = A + B, 1 / W**2
ROOT_B = sympy.sqrt((A + B * W**2) / K)
X = (K * ROOT_B / W - B) / A
"""Everything on the boundary by w = r_B/r_A ≥ 1: r_B, and e^{L_A}."""
SQUARES = "(K r_B)² − (K_A + K_B w)² − K_A K_B (w − 1)²"


def identities(times: int) -> dict[str, sympy.Expr]:
    """What the proof's inequalities stand on; one of them with its right side taken so many times."""
    differences = {
        "1/r_A² − 1/r_B² − (K/K_B)(1 − 1/r_B²)": W**2 / ROOT_B**2 - 1 / ROOT_B**2 - K / B * (1 - 1 / ROOT_B**2),
        "K q − (K_A x² + 2 K_B x − K_B)": K * Q - (A * X**2 + 2 * B * X - B),
        SQUARES: (K * ROOT_B) ** 2 - (A + B * W) ** 2 - times * A * B * (W - 1) ** 2,
        "(K/K_B)(r_B − 1) − (w² − 1)/(r_B + 1)": K / B * (ROOT_B - 1) - (W**2 - 1) / (ROOT_B + 1),
        "(1 − x)(K_A + K_B/x) − K (1 − q/x)": (1 - X) * (A + B / X) - K * (1 - Q / X),
    }
    return {name: sympy.simplify(expression) for name, expression in differences.items()}
