"""The two readings of the sampling matrix in symbols, and what a doubly stochastic one keeps."""

from functools import cache

import sympy
from sympy.polys.matrices import DomainMatrix

from layerpeel.theory.locally_elastic._drift import exact_drift, exact_elasticity, exact_similarity

SIZES = (2, 3)
"""K of the symbolic identities; p = K, which the literal reading needs."""
intra, inter, later_intra, later_inter = sympy.symbols("alpha beta alpha_2 beta_2")
KEPT = ("mean over classes", "equal classes", "E P' − γP' − β11ᵀ", "commutator at two times")
NOISE, DIVIDED = "K=3: P = P' of uniform noise", "K=3: P = 11ᵀ/K, divided by K"
"""Where the two readings are not the same."""

THE_SAME, DIVIDED_AGAIN = {NOISE: sympy.Integer(0)}, {DIVIDED: sympy.Integer(0)}
"""If the readings agreed for every P, and if both forms with 11ᵀ/K were the model."""


def stated_readings() -> dict[str, sympy.Expr]:
    """Literal: E_ij diag(P) is the block (i, j). Sampling: (E P')_ij I/K is."""
    return {
        **{f"K={k}: literal, block (1, 2)": inter * (probe(k).T * sympy.diag(*symbols(k).diagonal())).trace() for k in SIZES},
        **{
            f"K={k}: sampling, block (1, 2)": (exact_elasticity(k, intra, inter).row(0) * symbols(k).col(1))[0] * probe(k).trace() / k
            for k in SIZES
        },
        **{f"K={k}: P = 11ᵀ/K against P' = I, {kind}-model": sympy.Integer(0) for k in SIZES for kind in "IL"},
    }


def readings() -> dict[str, sympy.Expr]:
    """The same blocks of the two products, written out, and differences between the products."""
    return {
        **{f"K={k}: literal, block (1, 2)": (probe(k).T * literal("I", symbols(k))[:k, k : 2 * k]).trace() for k in SIZES},
        **{f"K={k}: sampling, block (1, 2)": (probe(k).T * sampled("I", symbols(k))[:k, k : 2 * k]).trace() for k in SIZES},
        **{
            f"K={k}: P = 11ᵀ/K against P' = I, {kind}-model": squares(literal(kind, sympy.ones(k) / k) - sampled(kind, sympy.eye(k)))
            for k in SIZES
            for kind in "IL"
        },
        NOISE: squares(literal("I", (sympy.ones(3) + sympy.eye(3)) / 4) - sampled("I", (sympy.ones(3) + sympy.eye(3)) / 4)),
        DIVIDED: squares(literal("I", sympy.ones(3) / 3) / 3 - exact_drift(exact_similarity("I", 3, 3), 3, intra, inter)),
    }


def symbols(classes: int) -> sympy.Matrix:
    """P or P', free."""
    return sympy.Matrix(classes, classes, lambda i, j: sympy.Symbol(f"p{i}{j}"))


def probe(size: int) -> sympy.Matrix:
    """Free symbols: an equation of products with them stands for one in every entry."""
    return sympy.Matrix(size, size, lambda i, j: sympy.Symbol(f"u{i}{j}"))


def literal(kind: str, mask: sympy.Matrix) -> sympy.Matrix:
    """(E ⊗ P) ∘ H."""
    k = mask.rows
    elasticity = exact_elasticity(k, intra, inter)
    spread = sympy.Matrix(k * k, k * k, lambda row, column: elasticity[row // k, column // k])
    masks = sympy.Matrix(k * k, k * k, lambda row, column: mask[row % k, column % k])
    return spread.multiply_elementwise(masks).multiply_elementwise(exact_similarity(kind, k, k))


def sampled(kind: str, sampling: sympy.Matrix) -> sympy.Matrix:
    """((E P') ⊗ 11ᵀ) ∘ H / K."""
    k = sampling.rows
    mixed = exact_elasticity(k, intra, inter) * sampling
    spread = sympy.Matrix(k * k, k * k, lambda row, column: mixed[row // k, column // k])
    return spread.multiply_elementwise(exact_similarity(kind, k, k)) / k


def squares(matrix: sympy.Matrix) -> sympy.Expr:
    """Sum of squared entries: zero for a zero matrix only."""
    entries = matrix.applyfunc(sympy.expand)
    return (entries.T * entries).trace()


def with_sums(classes: int, *, rows: bool) -> sympy.Matrix:
    """Symbols with columns, and rows if asked for, that sum to one."""
    free, ones = symbols(classes), sympy.ones(classes, 1)
    if rows:
        free[:, classes - 1] = ones - free[:, : classes - 1] * ones[: classes - 1, :]
    free[classes - 1, :] = ones.T - ones[: classes - 1, :].T * free[: classes - 1, :]
    return free


def residues(sampling: sympy.Matrix) -> dict[str, sympy.Matrix]:
    """What a doubly stochastic P' leaves of nothing."""
    k = sampling.rows
    ones, total = sympy.ones(k, 1), intra + (k - 1) * inter
    mixed, later = (exact_elasticity(k, *rates) * sampling for rates in ((intra, inter), (later_intra, later_inter)))
    left = (
        ones.T * mixed - total * ones.T,
        mixed * ones - total * ones,
        mixed - (intra - inter) * sampling - inter * ones * ones.T,
        mixed * later - later * mixed,
    )
    return dict(zip(KEPT, left, strict=True))


def residue(what: str, classes: int, *, rows: bool) -> sympy.Expr:
    """One of them, its entries squared and added, for any P' whose columns, and rows if asked for, sum to one."""
    return squares(residues(with_sums(classes, rows=rows))[what])


PI = sympy.symbols("pi_1:4", positive=True)


@cache
def sampling_of_shares() -> sympy.Matrix:
    """P'."""
    elasticity = exact_elasticity(3, *sympy.symbols("alpha beta"))
    inverse = DomainMatrix.from_Matrix(elasticity).to_field().inv()
    return (inverse * DomainMatrix.from_Matrix(3 * elasticity * sympy.diag(*PI)).to_field()).to_Matrix()
