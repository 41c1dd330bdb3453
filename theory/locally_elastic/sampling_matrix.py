"""The sampling matrix: what its two readings do, and what a doubly stochastic one keeps and slows down."""

import math
from itertools import product

import sympy

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.locally_elastic._in_symbols import sampling
from layerpeel.theory.locally_elastic._measured.mixed_sampling import ACCURACY, BOTH, NEXT, PAIRS, SHARE, UNIFORM, WITHIN, growth

COLUMNS_ONLY = "K=3, columns only: equal classes"

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
        meaning="Mixing classes evenly when samples are drawn or mislabelled slows the growth of class differences by the second "
        "eigenvalue of the mixing matrix, in the isotropic model. Of the two readings of the printed product only one mixes classes at "
        "all.",
    ),
    claim(
        "readings",
        "the literal product weighs features and mixes no classes, the other mixes classes; at P = 11ᵀ/K and P' = I they agree",
        over="",
        predict=sampling.stated_readings,
        measure=sampling.readings,
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
