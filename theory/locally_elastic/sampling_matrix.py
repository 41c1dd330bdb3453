"""The sampling matrix: what its two readings do, and what a doubly stochastic one keeps and slows down."""

import math

import numpy as np
import sympy
from jaxtyping import Float

from layerpeel.numerics import Bracket
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement
from layerpeel.theory.locally_elastic._drift import exact_drift, exact_elasticity, exact_similarity, integrated

SIZES = (2, 3)
"""K of the symbolic identities; p = K, which the literal reading needs."""

intra, inter, later_intra, later_inter = sympy.symbols("alpha beta alpha_2 beta_2")

SHARE = 0.3
"""Share of samples that act as another class."""
STARTS = 10
ACCURACY = 1e-8
"""Square of what is left of slower differences, and the integrator's errors of 1e-12 over a few hundred steps."""

CONFUSED = np.kron(np.eye(2), np.array([[1 - SHARE, SHARE], [SHARE, 1 - SHARE]]))
"""Four classes in two pairs, each confused with its partner only."""


def _circulant(classes: int, *shares: float) -> Float[np.ndarray, "K K"]:
    """Class j acts as class j + m with share m."""
    return sum((share * np.roll(np.eye(classes), shift, axis=0) for shift, share in enumerate(shares)), np.zeros((classes, classes)))


LATE, EARLY = (150.0, 200.0), (0.0, 5.0)
"""Growth is measured between the first two times, when all but the fastest difference are below 1e-5 of it; between the others for a
difference that is a mode by itself and small beside the rest."""

SAMPLINGS = {
    "uniform noise, K=4": (_circulant(4, 1 - SHARE, SHARE / 3, SHARE / 3, SHARE / 3), LATE),
    "next class, K=3": (_circulant(3, 1 - SHARE, SHARE), LATE),
    "both neighbours, K=5": (_circulant(5, 1 - SHARE, SHARE / 2, 0.0, 0.0, SHARE / 2), LATE),
    "confused pairs": (CONFUSED, LATE),
    "confused pairs, within a pair": (CONFUSED, EARLY),
}


def _literal(kind: str, mask: sympy.Matrix) -> sympy.Matrix:
    """(E ⊗ P) ∘ H."""
    k = mask.rows
    elasticity = exact_elasticity(k, intra, inter)
    spread = sympy.Matrix(k * k, k * k, lambda row, column: elasticity[row // k, column // k])
    masks = sympy.Matrix(k * k, k * k, lambda row, column: mask[row % k, column % k])
    return spread.multiply_elementwise(masks).multiply_elementwise(exact_similarity(kind, k, k))


def _sampled(kind: str, sampling: sympy.Matrix) -> sympy.Matrix:
    """((E P') ⊗ 11ᵀ) ∘ H / K."""
    k = sampling.rows
    mixed = exact_elasticity(k, intra, inter) * sampling
    spread = sympy.Matrix(k * k, k * k, lambda row, column: mixed[row // k, column // k])
    return spread.multiply_elementwise(exact_similarity(kind, k, k)) / k


def _symbols(classes: int) -> sympy.Matrix:
    return sympy.Matrix(classes, classes, lambda i, j: sympy.Symbol(f"p{i}{j}"))


def _squares(matrix: sympy.Matrix) -> sympy.Expr:
    """Sum of squared entries: zero for a zero matrix only."""
    entries = matrix.applyfunc(sympy.expand)
    return (entries.T * entries).trace()


def predict_readings() -> Quantities:
    """Literal: E_ij diag(P), features weighed and no class mixed. Sampling: (E P')_ij I/K. One model at P = 11ᵀ/K and P' = I."""
    found: dict[str, Quantity] = {}
    for k in SIZES:
        probe, column = _probe(k), _symbols(k).col(1)
        weighed = _symbols(k).multiply_elementwise(sympy.eye(k))
        found[f"K={k}: literal, block (1, 2)"] = inter * (probe.T * weighed).trace()
        found[f"K={k}: sampling, block (1, 2)"] = (exact_elasticity(k, intra, inter).row(0) * column)[0] * probe.trace() / k
        for kind in "IL":
            found[f"K={k}: P = 11ᵀ/K against P' = I, {kind}-model"] = sympy.Integer(0)
    return found


def predict_readings_the_same() -> Quantities:
    """A false variant: the two readings agree for every P, for instance for uniform noise."""
    return {"K=3: P = P' of uniform noise": sympy.Integer(0)}


def predict_readings_divided_again() -> Quantities:
    """A false variant, (E ⊗ P) ∘ H/K of the future work with the same P = 11ᵀ/K: it is the model of equation (4)."""
    return {"K=3: P = 11ᵀ/K, divided by K": sympy.Integer(0)}


def measure_readings(setting: Setting) -> Quantities:
    """Blocks and differences of the two products, written out."""
    found: dict[str, Quantity] = {}
    for k in SIZES:
        for reading, matrix in (("literal", _literal("I", _symbols(k))), ("sampling", _sampled("I", _symbols(k)))):
            block = sympy.Matrix(k, k, lambda a, b, matrix=matrix, k=k: matrix[a, k + b])
            found[f"K={k}: {reading}, block (1, 2)"] = (_probe(k).T * block).trace()
        for kind in "IL":
            uniform = _literal(kind, sympy.ones(k) / k)
            found[f"K={k}: P = 11ᵀ/K against P' = I, {kind}-model"] = _squares(uniform - _sampled(kind, sympy.eye(k)))
    noise = sympy.Matrix(3, 3, lambda i, j: sympy.Rational(1, 2) if i == j else sympy.Rational(1, 4))
    found["K=3: P = P' of uniform noise"] = _squares(_literal("I", noise) - _sampled("I", noise))
    found["K=3: P = 11ᵀ/K, divided by K"] = _squares(
        _literal("I", sympy.ones(3) / 3) / 3 - exact_drift(exact_similarity("I", 3, 3), 3, intra, inter)
    )
    return found


def _probe(size: int) -> sympy.Matrix:
    """Free symbols: an equation of products with them stands for one in every entry."""
    return sympy.Matrix(size, size, lambda i, j: sympy.Symbol(f"u{i}{j}"))


KEPT = ("mean over classes", "equal classes", "E P' − γP' − β11ᵀ", "commutator at two times")


def predict_kept() -> Quantities:
    """All of it."""
    return {f"K={k}: {what}": sympy.Integer(0) for k in SIZES for what in KEPT}


def predict_kept_by_columns() -> Quantities:
    """A false variant: it is enough that every sample acts as some class (columns of P' sum to one)."""
    return {"K=3, columns only: equal classes": sympy.Integer(0)}


def measure_kept(setting: Setting) -> Quantities:
    """Residues of 1ᵀE P' = (α + (K−1)β)1ᵀ, E P'1 = (α + (K−1)β)1 and so on, for any P' with these sums."""
    found: dict[str, Quantity] = {}
    for k in SIZES:
        for what, residue in zip(KEPT, _residues(_with_sums(k, rows=True)), strict=True):
            found[f"K={k}: {what}"] = _squares(residue)
    found["K=3, columns only: equal classes"] = _squares(_residues(_with_sums(3, rows=False))[1])
    return found


def _with_sums(classes: int, *, rows: bool) -> sympy.Matrix:
    """Symbols with columns, and rows if asked for, that sum to one."""
    free, ones = _symbols(classes), sympy.ones(classes, 1)
    if rows:
        free[:, classes - 1] = ones - free[:, : classes - 1] * ones[: classes - 1, :]
    free[classes - 1, :] = ones.T - ones[: classes - 1, :].T * free[: classes - 1, :]
    return free


def _residues(sampling: sympy.Matrix) -> tuple[sympy.Matrix, ...]:
    """In the order of KEPT."""
    k = sampling.rows
    ones, total = sympy.ones(k, 1), intra + (k - 1) * inter
    mixed, later = (exact_elasticity(k, *rates) * sampling for rates in ((intra, inter), (later_intra, later_inter)))
    return (
        ones.T * mixed - total * ones.T,
        mixed * ones - total * ones,
        mixed - (intra - inter) * sampling - inter * ones * ones.T,
        mixed * later - later * mixed,
    )


def predict_growth() -> Quantities:
    """The largest real part of the eigenvalues of P' on vectors that sum to zero: differences grow by e^{that · Γ/K}."""
    values = {
        "uniform noise, K=4": 1 - SHARE * 4 / 3,
        "next class, K=3": 1 - SHARE + SHARE * math.cos(2 * math.pi / 3),
        "both neighbours, K=5": 1 - SHARE + SHARE * math.cos(2 * math.pi / 5),
        "confused pairs": 1.0,
        "confused pairs, within a pair": 1 - 2 * SHARE,
    }
    return {label: Bracket(value - ACCURACY / 4, value + ACCURACY / 4) for label, value in values.items()}


def predict_growth_by_diagonal() -> Quantities:
    """A false variant: the share 1 − p of samples that act as their own class."""
    return {label: Bracket.exactly(1 - SHARE) for label in SAMPLINGS}


def predict_growth_unharmed() -> Quantities:
    """A false variant: sampling that keeps the classes' shares keeps the growth of all differences."""
    return {label: Bracket.exactly(1.0) for label in SAMPLINGS if label != "confused pairs"}


def measure_growth(setting: Setting) -> Quantities:
    """K/γ times the late growth rate of differences along integrated class means of the I-model, least and largest over random starts.

    α = 1 and β = −1/(K−1), so that the mean over classes stays. The difference is the root of all squared deviations from that mean, or,
    within a pair, that of two classes.
    """
    found: dict[str, Quantity] = {}
    for label, (sampling, (early, late)) in SAMPLINGS.items():
        k = len(sampling)
        intra_numbers, inter_numbers = (np.tile(np.array([[level], [0.0], [1.0], [0.0], [0.0]]), STARTS) for level in (1.0, -1.0 / (k - 1)))
        start = setting.rng.normal(size=(STARTS, k, 1))
        start[:, 0] += 3.0  # the first two classes begin apart
        means = integrated("I", intra_numbers, inter_numbers, start, np.array([early, late]), sampling)[..., 0]
        within = label.endswith("within a pair")
        apart = np.abs(means[..., 0] - means[..., 1]) if within else np.linalg.norm(means - means.mean(axis=2, keepdims=True), axis=2)
        rates = np.log(apart[1] / apart[0]) / (late - early) * (k - 1)
        found[label] = Bracket(float(rates.min()) - ACCURACY / 4, float(rates.max()) + ACCURACY / 4)
    return found


ROOM = Room(
    statement=Statement(
        name="sampling-matrix",
        title="What the sampling matrix does",
        latex=r"M=\frac1K\bigl((EP')\otimes\mathbf 1\mathbf 1^{\top}\bigr)\circ H:\quad EP'=\gamma P'+\beta\mathbf 1\mathbf 1^{\top},\quad "
        r"\mathbf 1^{\top}EP'=(\alpha+(K-1)\beta)\mathbf 1^{\top},\quad "
        r"\|X-\check X\|\asymp e^{\mu\Gamma/K},\ \mu=\max_{v\perp\mathbf 1}\operatorname{Re}\,\operatorname{spec}\,P'",
        assumptions=(
            "P' doubly stochastic; P'_lj is the share of class-j samples that act as class l",
            "for the growth of differences: I-model, P' diagonalizable, a start that has a part in every mode",
            "literal reading (E ⊗ P) ∘ H: p = K, no further division by K",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, equation (3), and the future work on mini-batches, imbalance and label corruption"),
    ),
    checks=(
        Check(
            name="readings",
            claim="the literal product weighs features and mixes no classes, the other mixes classes; at P = 11ᵀ/K and P' = I they agree",
            evidence=Evidence.PROOF,
            predict=predict_readings,
            measure=measure_readings,
        ),
        Check(
            name="kept",
            claim="a doubly stochastic P' keeps the mean over classes and its rate, turns γI into γP', and drifts at all times commute",
            evidence=Evidence.PROOF,
            predict=predict_kept,
            measure=measure_kept,
        ),
        Check(
            name="growth",
            claim="differences grow at the rate γ/K times the second eigenvalue of P'",
            evidence=Evidence.EMPIRICAL,
            predict=predict_growth,
            measure=measure_growth,
            resolution=10 * ACCURACY,
            reason="slower differences and the integrator's errors; twenty times what is allowed for them",
        ),
    ),
    controls=(
        Control(name="the-same", claim="the two readings agree for every P", check="readings", predict=predict_readings_the_same),
        Control(
            name="divided-again",
            claim="with P = 11ᵀ/K the form (E ⊗ P) ∘ H/K is the model of equation (4)",
            check="readings",
            predict=predict_readings_divided_again,
        ),
        Control(name="columns-only", claim="columns that sum to one are enough", check="kept", predict=predict_kept_by_columns),
        Control(name="by-diagonal", claim="differences grow at the rate γ(1 − p)/K", check="growth", predict=predict_growth_by_diagonal),
        Control(name="unharmed", claim="a doubly stochastic P' slows no difference", check="growth", predict=predict_growth_unharmed),
    ),
)
