"""The gradient off the head where nothing else has a classifier, entry by entry, and its singular values, for three groups."""

import sympy

SIZES = sympy.symbols("K_A K_1 K_2", positive=True)
WEIGHTS = sympy.symbols("c_A c_1 c_2", positive=True)
KAPPAS = sympy.symbols("kappa_A kappa_1 kappa_2", positive=True)
X, OMEGA, SIGMA = sympy.symbols("x omega sigma", positive=True)
"""x = e^{−a}, ω = e^{−a/K_A}; σ a singular value."""
TOTAL = sum(SIZES, sympy.Integer(0))
DENOMINATOR = 1 + (SIZES[0] - 1) * X + (TOTAL - SIZES[0]) * X / OMEGA

SINGULAR = "det(σ² − MMᵀ)"


def structure(head: sympy.Expr = SIZES[0]) -> dict[str, sympy.Expr]:
    """−⟨1_g, ∇f 1_h⟩/K_g = κ_g (δ_gh − K_h/K), and σ² Π_g (κ_g² − σ²) Σ_g (K_g/K)/(κ_g² − σ²) for the determinant.

    Args:
        head: K_A as it counts in the sum.
    """
    kappas = (WEIGHTS[0] * TOTAL * X / OMEGA / DENOMINATOR, *WEIGHTS[1:])
    rooms = [kappa**2 - SIGMA**2 for kappa in KAPPAS]
    others = [sympy.prod(rooms[:g] + rooms[g + 1 :]) for g in range(3)]
    counted = (head, *SIZES[1:])
    return {entry(g, h): kappas[g] * (int(g == h) - SIZES[h] / TOTAL) for g in range(3) for h in range(3)} | {
        SINGULAR: SIGMA**2 * sum((size * other for size, other in zip(counted, others, strict=True)), sympy.Integer(0)) / TOTAL
    }


def gradient() -> dict[str, sympy.Expr]:
    """The same from the softmax at Z = a(I − 11ᵀ/K_A) on the head and zero elsewhere, and by expanding the determinant.

    The singular values are those between the unit vectors 1_g/√K_g. In the vectors themselves MMᵀ reads M diag(1/K) Mᵀ diag(K).
    """
    own, other, outside = 1 / DENOMINATOR, X / DENOMINATOR, X / OMEGA / DENOMINATOR
    # What a class of a row group gives to each group as a whole.
    head = [own + (SIZES[0] - 1) * other, SIZES[1] * outside, SIZES[2] * outside]
    tail = [size / TOTAL for size in SIZES]
    entries = {
        entry(g, h): WEIGHTS[g] * (int(g == h) - share) for g, shares in enumerate((head, tail, tail)) for h, share in enumerate(shares)
    }
    block = sympy.Matrix(3, 3, lambda g, h: KAPPAS[g] * (int(g == h) - SIZES[h] / TOTAL))
    turned = SIGMA**2 * sympy.eye(3) - block * sympy.diag(*(1 / size for size in SIZES)) * block.T * sympy.diag(*SIZES)
    return entries | {SINGULAR: permutations(turned)}


def permutations(matrix: sympy.Matrix) -> sympy.Expr:
    """The determinant of three rows by its six products, unexpanded."""
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def entry(g: int, h: int) -> str:
    """How an entry of the gradient is called."""
    return f"−∇f from group {g + 1} to group {h + 1}"
