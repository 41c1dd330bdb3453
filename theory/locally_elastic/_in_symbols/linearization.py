"""The softmax's Jacobian in symbols: the gradient of its error, its kernel, and the residue at equal logits."""

import sympy

SIZES = (2, 3, 4)
"""K of the symbolic identities."""
c = sympy.Symbol("c", real=True)


def exponentials(classes: int) -> sympy.Matrix:
    """e^{z_i} as symbols, so that everything is rational."""
    return sympy.Matrix(sympy.symbols(f"x1:{classes + 1}", positive=True))


def softmax(exponentials: sympy.Matrix) -> sympy.Matrix:
    """σ."""
    return exponentials / (sympy.ones(1, exponentials.rows) * exponentials)[0]


def jacobian(probabilities: sympy.Matrix) -> sympy.Matrix:
    """J = diag(p) − p pᵀ."""
    return sympy.diag(*probabilities) - probabilities * probabilities.T


def paired(matrix: sympy.Matrix) -> sympy.Expr:
    """uᵀ M v with free symbols u, v: one expression for all entries."""
    left, right = (sympy.Matrix(sympy.symbols(f"{name}1:{size + 1}")) for name, size in zip("uv", matrix.shape, strict=True))
    return (left.T * matrix * right).applyfunc(sympy.factor)[0]


def centred_unit(classes: int) -> sympy.Matrix:
    """e_1 − 1/K."""
    return sympy.Matrix(classes, 1, lambda i, _: int(i == 0) - sympy.Rational(1, classes))


def identities(classes: int) -> dict[str, sympy.Expr]:
    """Gradient, kernel and residue of the first class."""
    logits, own, ones = exponentials(classes), sympy.Matrix(classes, 1, lambda i, _: int(i == 0)), sympy.ones(classes, 1)
    spread = jacobian(softmax(logits))
    return {
        # d/dz = x d/dx for x = e^z
        f"K={classes}: gradient of e_k − σ(z)": paired((own - softmax(logits)).jacobian(logits) * sympy.diag(*logits)),
        f"K={classes}: J 1": paired(spread * ones),
        # with Σ p = 1, a positive minor without the last row and column: the rank is K − 1
        f"K={classes}: a minor of J": sympy.factor(spread.minor(classes - 1, classes - 1)),
        # J is that of the means at any time, not of the point c·1 of expansion
        f"K={classes}: residue at equal logits c": paired(own - softmax(ones) + spread * (c * ones)),
    }


def differentiated() -> dict[str, sympy.Expr]:
    """The identities of every size."""
    return {label: value for k in SIZES for label, value in identities(k).items()}


def stated() -> dict[str, sympy.Expr]:
    """What they are said to be."""
    return {
        **{f"K={k}: gradient of e_k − σ(z)": paired(-1 * jacobian(softmax(exponentials(k)))) for k in SIZES},
        **{f"K={k}: J 1": sympy.Integer(0) for k in SIZES},
        **{f"K={k}: a minor of J": sympy.Mul(*exponentials(k).flat()) / sympy.Add(*exponentials(k).flat()) ** k for k in SIZES},
        **{f"K={k}: residue at equal logits c": paired(centred_unit(k)) for k in SIZES},
    }


def with_plus() -> dict[str, sympy.Expr]:
    """The gradient as the printed equations (12) and (15) have it."""
    return {f"K={k}: gradient of e_k − σ(z)": paired(jacobian(softmax(exponentials(k)))) for k in SIZES}


def drifting_residue() -> dict[str, sympy.Expr]:
    """A residue at equal logits that grows with them."""
    return {"K=3: residue at equal logits c": paired(centred_unit(3) * c)}
