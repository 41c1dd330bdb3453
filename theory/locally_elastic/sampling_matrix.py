"""The sampling matrix: what its two readings do, and what a doubly stochastic one keeps and slows down."""

import math
from itertools import product

import numpy as np
import sympy

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.locally_elastic._drift import integrated
from layerpeel.theory.locally_elastic._in_symbols import sampling

COLUMNS_ONLY = "K=3, columns only: equal classes"

SHARE = 0.3
"""Share of samples that act as another class."""
UNIFORM, NEXT, BOTH = "uniform noise, K=4", "next class, K=3", "both neighbours, K=5"
PAIRS, WITHIN = "confused pairs", "confused pairs, within a pair"
"""Four classes in two pairs, each confused with its partner only."""
LATE, EARLY = (150.0, 200.0), (0.0, 5.0)
"""Growth is measured between the first two times, when all but the fastest difference are below 1e-5 of it; between the others for a
difference that is a mode by itself and small beside the rest: that WITHIN a pair."""
STARTS = 10
ACCURACY = 1e-8
"""Square of what is left of slower differences, and the integrator's errors of 1e-12 over a few hundred steps."""

SECOND = {
    UNIFORM: 1 - SHARE * 4 / 3,
    NEXT: 1 - SHARE + SHARE * math.cos(2 * math.pi / 3),
    BOTH: 1 - SHARE + SHARE * math.cos(2 * math.pi / 5),
    PAIRS: 1.0,
    WITHIN: 1 - 2 * SHARE,
}
"""The largest real part of the eigenvalues of P' on vectors that sum to zero; that of the pair's difference."""

ROOM = Room.of(
    Statement(
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
    claim(
        "readings",
        "the literal product weighs features and mixes no classes, the other mixes classes; at P = 11ᵀ/K and P' = I they agree",
        over="",
        predict=lambda: sampling.stated_readings(),
        measure=lambda: sampling.readings(),
        by="blocks and differences of the two products, written out",
        false={
            "the-same": ("the two readings agree for every P", lambda: sampling.THE_SAME),
            # as in the future work, with the same P
            "divided-again": ("with P = 11ᵀ/K the form (E ⊗ P) ∘ H/K is the model of equation (4)", lambda: sampling.DIVIDED_AGAIN),
        },
        evidence=Evidence.PROOF,
    ),
    claim(
        "kept",
        "a doubly stochastic P' keeps the mean over classes and its rate, turns γI into γP', and drifts at all times commute",
        over=instances("K={0}: {1}", *product(sampling.SIZES, sampling.KEPT, (True,))) | {COLUMNS_ONLY: (3, "equal classes", False)},
        predict=lambda _, __, rows: sympy.Integer(0) if rows else None,
        measure=lambda k, what, rows: sampling.residue(what, k, rows=rows),
        by="residues of 1ᵀE P' = (α + (K−1)β)1ᵀ, E P'1 = (α + (K−1)β)1 and so on, for any P' whose columns, and rows, sum to one",
        # every sample acts as some class
        false={"columns-only": ("columns that sum to one are enough", lambda _, __, rows: None if rows else sympy.Integer(0))},
        evidence=Evidence.PROOF,
    ),
    claim(
        "growth",
        "differences grow at the rate γ/K times the second eigenvalue of P'",
        over=instances("{}", *SECOND),
        predict=lambda name: Bracket.around(SECOND[name], ACCURACY / 4),
        measure_all=lambda setting: growth(setting.rng),
        by="K/γ times the late growth rate of differences of integrated class means, I-model, least and largest over random starts",
        false={
            "by-diagonal": ("differences grow at the rate γ(1 − p)/K", 1 - SHARE),
            "unharmed": ("a doubly stochastic P' slows no difference", lambda name: 1.0 if name != PAIRS else None),
            "as-uniform": (
                "differences grow at the rate γ(1 − pK/(K−1))/K for every P'",
                lambda name: 1 - SHARE * 5 / 4 if name == BOTH else None,
            ),
        },
        evidence=Evidence.EMPIRICAL.within(
            10 * ACCURACY, "slower differences and the integrator's errors; twenty times what is allowed for them"
        ),
    ),
)


def circulant(classes: int, *shares: float) -> Float[np.ndarray, "K K"]:
    """Class j acts as class j + m with share m."""
    return sum((share * np.roll(np.eye(classes), shift, axis=0) for shift, share in enumerate(shares)), np.zeros((classes, classes)))


def growth(rng: np.random.Generator) -> list[Bracket]:
    """For each sampling matrix, α = 1 and β = −1/(K−1), so that the mean over classes stays.

    The difference is the root of all squared deviations from that mean, or, within a pair, that of two classes.
    """
    confused, paces = np.kron(np.eye(2), circulant(2, 1 - SHARE, SHARE)), list[Bracket]()
    samplings = {
        UNIFORM: circulant(4, 1 - SHARE, SHARE / 3, SHARE / 3, SHARE / 3),
        NEXT: circulant(3, 1 - SHARE, SHARE),
        BOTH: circulant(5, 1 - SHARE, SHARE / 2, 0.0, 0.0, SHARE / 2),
        PAIRS: confused,
        WITHIN: confused,
    }
    for name, matrix in samplings.items():
        k, (early, late) = len(matrix), EARLY if name == WITHIN else LATE
        intra_numbers, inter_numbers = (np.tile(np.array([[level], [0.0], [1.0], [0.0], [0.0]]), STARTS) for level in (1.0, -1.0 / (k - 1)))
        start = rng.normal(size=(STARTS, k, 1))
        start[:, 0] += 3.0  # the first two classes begin apart
        means = integrated("I", intra_numbers, inter_numbers, start, np.array([early, late]), matrix)[..., 0]
        deviations = np.linalg.norm(means - means.mean(axis=2, keepdims=True), axis=2)
        apart = np.abs(means[..., 0] - means[..., 1]) if name == WITHIN else deviations
        rates = np.log(apart[1] / apart[0]) / (late - early) * (k - 1)
        paces.append(Bracket(float(rates.min()) - ACCURACY / 4, float(rates.max()) + ACCURACY / 4))
    return paces
