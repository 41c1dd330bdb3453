"""Eigenvalues of the L-model's drift, their multiplicities, and which of its eigenvectors stay where they are."""

import sympy
from sympy.polys.matrices import DomainMatrix

from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement
from layerpeel.theory.locally_elastic._drift import exact_drift, exact_similarity

SIZES = (2, 3, 4, 5)
"""K for which the drift, of size K², is written out."""

K, intra, inter, own = sympy.symbols("K alpha beta delta")

FIRST, LATER = (sympy.Integer(1), sympy.Rational(-1, 3)), (sympy.Integer(2), sympy.Rational(1, 5))
"""(α, β) at two times, not proportional."""


def _mean_value(classes: sympy.Expr, alpha: sympy.Expr, beta: sympy.Expr) -> sympy.Expr:
    """(α − β)/K."""
    return (alpha - beta) / classes


def _deviation_value(classes: sympy.Expr, alpha: sympy.Expr, beta: sympy.Expr) -> sympy.Expr:
    """(α + β/(K−1))/K."""
    return (alpha + beta / (classes - 1)) / classes


def _nullity(matrix: sympy.Matrix) -> sympy.Integer:
    """Dimension of the kernel, over the rational functions of α and β: for all α, β but finitely many ratios."""
    domain = DomainMatrix.from_Matrix(matrix).to_field()
    return sympy.Integer(matrix.cols - domain.rank())


def predict_multiplicities() -> Quantities:
    """0, (α − β)/K and (α + β/(K−1))/K: K(K−1), 1 and K−1 times, all K² of them."""
    found: dict[str, Quantity] = {}
    for k in SIZES:
        found |= {f"K={k}: 0": sympy.Integer(k * (k - 1)), f"K={k}: (α−β)/K": sympy.Integer(1)}
        found |= {f"K={k}: (α+β/(K−1))/K": sympy.Integer(k - 1)}
    return found


def predict_multiplicities_exchanged() -> Quantities:
    """A false variant: (α − β)/K is the one that appears K − 1 times, as in the I-model."""
    return {f"K={k}: (α−β)/K": sympy.Integer(k - 1) for k in SIZES[1:]}


def predict_multiplicities_full_rank() -> Quantities:
    """A false variant: (α + β/(K−1))/K appears K times, once for every class."""
    return {f"K={k}: (α+β/(K−1))/K": sympy.Integer(k) for k in SIZES}


def measure_multiplicities(setting: Setting) -> Quantities:
    """Dimensions of the kernels of M − λ with α, β as symbols; they sum to K², so there are no others and M is diagonalizable."""
    found: dict[str, Quantity] = {}
    for k in SIZES:
        drift = exact_drift(exact_similarity("L", k, k), k, intra, inter)
        for label, value in (
            ("0", sympy.Integer(0)),
            ("(α−β)/K", _mean_value(sympy.Integer(k), intra, inter)),
            ("(α+β/(K−1))/K", _deviation_value(sympy.Integer(k), intra, inter)),
        ):
            found[f"K={k}: {label}"] = _nullity(drift - value * sympy.eye(k * k))
    return found


def predict_values() -> Quantities:
    """The rates of s̄ and of deviations from it."""
    return {"mean": _mean_value(K, intra, inter), "deviation": _deviation_value(K, intra, inter)}


def predict_values_of_i_model() -> Quantities:
    """A false variant: the I-model's eigenvalues (α + (K−1)β)/K and (α − β)/K."""
    return {"mean": (intra + (K - 1) * inter) / K, "deviation": (intra - inter) / K}


def measure_values(setting: Setting) -> Quantities:
    """What the drift makes of left vectors Σ_i c_i d̂_iᵀX̄^i: c_j ↦ Σ_i c_i E_ij (d̂_i·d̂_j)/K, by the cosines −1/(K−1) of the d̂_i."""
    cosine = -1 / (K - 1)
    other = sympy.Symbol("i", integer=True)
    return {
        "mean": (intra + sympy.Sum(inter * cosine, (other, 1, K - 1)).doit()) / K,
        # the other deviations sum to −δ
        "deviation": (intra * own + inter * cosine * (-own)) / K / own,
    }


def predict_spans() -> Quantities:
    """Left eigenvectors: the same K − 1 directions at all times. Right ones turn with β/γ: 2(K − 1) directions at two times (K ≥ 3)."""
    found: dict[str, Quantity] = {}
    for k in SIZES:
        found |= {f"K={k}, left, mean": sympy.Integer(1), f"K={k}, left, deviations": sympy.Integer(k - 1)}
        found |= {f"K={k}, right, mean": sympy.Integer(1)}
        found |= {f"K={k}, right, deviations": sympy.Integer(2 * (k - 1) if k > 2 else 1)}
    return found


def predict_spans_all_constant() -> Quantities:
    """A false variant: right eigenvectors are constant in time, as Σ c_i u_i e^{μ_i t} would need for rates that vary."""
    return {f"K={k}, right, deviations": sympy.Integer(k - 1) for k in SIZES[1:]}


def measure_spans(setting: Setting) -> Quantities:
    """Dimension of what the eigenvectors of one eigenvalue span at two times together."""
    found: dict[str, Quantity] = {}
    for k in SIZES:
        drifts = [exact_drift(exact_similarity("L", k, k), k, *rates) for rates in (FIRST, LATER)]
        for name, value in (("mean", _mean_value), ("deviations", _deviation_value)):
            shifted = [
                drift - value(sympy.Integer(k), *rates) * sympy.eye(k * k) for drift, rates in zip(drifts, (FIRST, LATER), strict=True)
            ]
            found[f"K={k}, left, {name}"] = _joint_dimension([matrix.T for matrix in shifted])
            found[f"K={k}, right, {name}"] = _joint_dimension(shifted)
    return found


def _joint_dimension(matrices: list[sympy.Matrix]) -> sympy.Integer:
    kernels = [DomainMatrix.from_Matrix(matrix).to_field().nullspace() for matrix in matrices]
    return sympy.Integer(kernels[0].vstack(*kernels[1:]).rank())


ROOM = Room(
    statement=Statement(
        name="le-spectrum",
        title="The spectrum of the L-model's drift",
        latex=r"\operatorname{spec}\,M(t)=\left\{0^{\,K(p-1)},\ \Bigl(\tfrac{\alpha-\beta}{K}\Bigr)^{1},\ "
        r"\Bigl(\tfrac{1}{K}\bigl(\alpha+\tfrac{\beta}{K-1}\bigr)\Bigr)^{K-1}\right\},\qquad "
        r"\textstyle\sum_i c_i\,(e_i\otimes\hat d_i)^{\top}M(t)=\lambda(t)\sum_i c_i\,(e_i\otimes\hat d_i)^{\top}",
        assumptions=(
            "p = K and H_ij = d̂_j d̂_jᵀ, d̂_j ∝ e_j − 1/K",
            "P = 11ᵀ/K",
            "c = 1 for the first of the two eigenvalues, Σ c_i = 0 for the second",
            "multiplicities: for all α, β at which the three values differ",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, equation (6), which leaves u_i and μ_i open, and the vectors v_1, v_2 of equation (19)"),
    ),
    checks=(
        Check(
            name="multiplicities",
            claim="the eigenvalues 0, (α−β)/K and (α+β/(K−1))/K appear K(p−1), 1 and K−1 times, for K = 2 to 5",
            evidence=Evidence.PROOF,
            predict=predict_multiplicities,
            measure=measure_multiplicities,
        ),
        Check(
            name="left-vectors",
            claim="Σ c_i d̂_iᵀX̄^i is an eigenvector from the left at all times, for every K: constant c and centred c",
            evidence=Evidence.PROOF,
            predict=predict_values,
            measure=measure_values,
        ),
        Check(
            name="constant-in-time",
            claim="left eigenvectors stay where they are; for K ≥ 3 the right ones of (α+β/(K−1))/K do not",
            evidence=Evidence.PROOF,
            predict=predict_spans,
            measure=measure_spans,
        ),
    ),
    controls=(
        Control(name="exchanged", claim="(α−β)/K appears K−1 times", check="multiplicities", predict=predict_multiplicities_exchanged),
        Control(
            name="one-per-class",
            claim="(α+β/(K−1))/K appears K times",
            check="multiplicities",
            predict=predict_multiplicities_full_rank,
        ),
        Control(name="as-i-model", claim="the rates are those of the I-model", check="left-vectors", predict=predict_values_of_i_model),
        Control(
            name="right-constant",
            claim="right eigenvectors are constant in time",
            check="constant-in-time",
            predict=predict_spans_all_constant,
        ),
    ),
)
