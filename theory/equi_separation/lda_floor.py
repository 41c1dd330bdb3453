"""No linear map that keeps the rank of SSB takes D below Σ 1/λ_i(SSW⁻¹SSB): a linear net cannot follow a geometric law for long.

Proof. Whiten, so that SSW = I, and let SSB = MᵀM with M of full row rank r. Row vectors x become xA; with N = MA of the same rank,
D(XA) = Tr(AᵀA (NᵀN)⁺) = ‖A N⁺‖². Since M (A N⁺) = N N⁺ = I_r, the matrix A N⁺ is a right inverse of M, and the smallest one is M⁺:
D(XA) ≥ ‖M⁺‖² = Σ 1/σ_i(M)², with equality for A = I. A map that lowers the rank has N N⁺ ≠ I, and escapes.
"""

import numpy as np

from layerpeel.numerics import Bracket, ClassMoments, ClassStatistics, lda_floor, separation
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.equi_separation._measured.linear_maps import NONE_MERGED, RANK, descended, merged, whitened
from layerpeel.theory.equi_separation._samples import ROUNDING, normal_classes, to_rounding

SIZES = instances("K={}, p={}", (3, 2), (3, 5), (5, 8), (10, 12))
SMALL = dict(list(SIZES.items())[:3])
WIDE = dict(list(SIZES.items())[1:])
"""Wider than K − 1: a direction can be taken out."""

RANKS = {label + RANK: size for label, size in WIDE.items()}

DESCENT_ACCURACY = 1e-4
"""How close, relatively, descent over linear maps comes to the floor before it stops."""

ROOM = Room.of(
    Statement(
        name="lda-floor",
        title="The floor that linear maps cannot pass",
        latex=r"D(XA)\ \ge\ \sum_i\frac1{\lambda_i(\mathrm{SSW}^{-1}\mathrm{SSB})}\quad\text{whenever }"
        r"\operatorname{rank}\mathrm{SSB}(XA)=\operatorname{rank}\mathrm{SSB}(X),\qquad\text{with equality for } A=\mathrm{SSW}^{-1/2}",
        assumptions=("SSW of full rank", "a linear map that keeps the rank of SSB: merged class means are invisible to SSB⁺"),
        kind=Kind.LOWER_BOUND,
        origin=Origin.DERIVED,
        source=Source("he2023", "separation fuzziness, equation (1); the floor is derived"),
        meaning="No linear map takes separation fuzziness below a floor fixed by the data, unless it merges class means. So a linear "
        "network cannot go on gaining layer by layer, and a value below the floor is a sign of merged class means: report their rank "
        "beside it.",
    ),
    claim(
        "whitening-attains",
        "whitening SSW reaches the floor",
        over=SIZES,
        predict=lambda *size: to_rounding(lda_floor(statistics(*size))),
        measure=lambda *size: to_rounding(separation(*whitened(*size)[:2]).fuzziness),
        by="D after whitening the within-class scatter",
        false={
            "higher-floor": ("the floor is one percent higher", lambda *size: to_rounding(1.01 * lda_floor(statistics(*size)))),
            "linear-maps-do-nothing": ("whitening cannot lower D", lambda *size: to_rounding(separation(*normal_classes(*size)).fuzziness)),
        },
        evidence=Evidence.EMPIRICAL.within(1e-4, "D is of order one to a thousand here, and its rounding one part in 1e8"),
        kind=Kind.EQUALITY,
    ),
    claim(
        "descent-stays-above",
        "descent over linear maps ends at the floor and not below it",
        over=SMALL,
        predict=lambda *size: reached(lda_floor(statistics(*size))),
        measure=lambda *size: to_rounding(descended(*normal_classes(*size))),
        by="the least D that quasi-Newton descent over square matrices A finds for D(XA), from the identity",
        false={"eigenvalues-averaged": ("descent ends at (K − 1)²/Σ λ_i", lambda *size: reached(averaged(statistics(*size))))},
        evidence=Evidence.EMPIRICAL.within(1e-2, "descent may stop that far above the floor, which is of order one to ten here"),
        kind=Kind.EQUALITY,
    ),
    claim(
        "merging-passes-below",
        "a map that merges two class means takes D below the floor and the rank of SSB to K − 2: it must be read beside D",
        over={label: (*size, False) for label, size in WIDE.items()} | {label: (*size, True) for label, size in RANKS.items()},
        predict=lambda classes, width, rank: classes - 2 if rank else to_rounding(lda_floor(statistics(classes, width))),
        measure_all=lambda setting: merged(setting.rng, WIDE),
        by="D, and the rank of SSB, after a projection that merges two class means, and after one along a random direction, which merges "
        "none; both take one direction out of the whitened space and leave room for K − 1",
        false={
            "none-merged": Variant(
                "a projection that merges no class means passes below the floor too",
                lambda *size: to_rounding(lda_floor(statistics(*size))),
                over={label + NONE_MERGED: size for label, size in WIDE.items()},
            ),
            "two-directions": Variant(
                "merged means cost SSB both of their directions: a rank of K − 3", lambda classes, _: classes - 3, over=RANKS
            ),
        },
        evidence=Evidence.EMPIRICAL,
        kind=Kind.UPPER_BOUND,
    ),
)


def statistics(classes: int, width: int) -> ClassStatistics:
    """Class means and scatter of the samples."""
    moments = ClassMoments(classes, width)
    moments.update(*normal_classes(classes, width))
    return moments.compute()


def reached(floor: float) -> Bracket:
    """From a floor to where descent may stop."""
    return Bracket(floor * (1 - ROUNDING), floor * (1 + DESCENT_ACCURACY))


def averaged(of: ClassStatistics) -> float:
    """The floor with the eigenvalues averaged before they are inverted."""
    factor = of.between_factor
    rank = min(len(factor) - 1, factor.shape[1])
    return rank**2 / float(np.trace(np.linalg.solve(of.within, factor.T @ factor)))
