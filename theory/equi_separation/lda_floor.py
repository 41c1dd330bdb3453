"""No linear map that keeps the rank of SSB takes D below Σ 1/λ_i(SSW⁻¹SSB): a linear net cannot follow a geometric law for long.

Proof. Whiten, so that SSW = I, and let SSB = MᵀM with M of full row rank r. Row vectors x become xA; with N = MA of the same rank,
D(XA) = Tr(AᵀA (NᵀN)⁺) = ‖A N⁺‖². Since M (A N⁺) = N N⁺ = I_r, the matrix A N⁺ is a right inverse of M, and the smallest one is M⁺:
D(XA) ≥ ‖M⁺‖² = Σ 1/σ_i(M)², with equality for A = I. A map that lowers the rank has N N⁺ ≠ I, and escapes.
"""

import numpy as np
from scipy import optimize

from layerpeel.numerics import Bracket, ClassMoments, ClassStatistics, lda_floor, separation
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement

CASES = ((3, 2), (3, 5), (5, 8), (10, 12))
"""(K, p)."""

SAMPLES = 12
"""Samples per class."""

ROUNDING = 1e-8
"""Relative rounding of D and of the floor on these data, whose scatter has condition numbers of at most 1e3."""

DESCENT_ACCURACY = 1e-4
"""How close, relatively, descent over linear maps comes to the floor before it stops."""

NONE_MERGED = ", none merged"


def _label(case: tuple[int, int]) -> str:
    return f"K={case[0]}, p={case[1]}"


def data(case: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Normal samples around normal means, with within-class scatter that differs by direction; fixed, so that both sides see the same."""
    classes, width = case
    rng = np.random.default_rng([classes, width])
    labels = np.repeat(np.arange(classes), SAMPLES)
    spread = np.geomspace(0.3, 3.0, width)
    return 2.0 * rng.normal(size=(classes, width))[labels] + spread * rng.normal(size=(len(labels), width)), labels


def _statistics(case: tuple[int, int]) -> ClassStatistics:
    moments = ClassMoments(*case)
    moments.update(*data(case))
    return moments.compute()


def _around(value: float) -> Bracket:
    return Bracket(value * (1 - ROUNDING), value * (1 + ROUNDING))


def predict_floor() -> Quantities:
    """Σ_i 1/λ_i(SSW⁻¹ SSB)."""
    return {_label(case): _around(lda_floor(_statistics(case))) for case in CASES}


def predict_higher() -> Quantities:
    """A floor that is one percent too high."""
    return {_label(case): _around(1.01 * lda_floor(_statistics(case))) for case in CASES}


def predict_trace() -> Quantities:
    """A false variant: D cannot fall at all."""
    return {_label(case): _around(separation(*data(case)).fuzziness) for case in CASES}


def measure_whitened(setting: Setting) -> Quantities:
    """D after whitening the within-class scatter."""
    found: dict[str, Quantity] = {}
    for case in CASES:
        x, y = data(case)
        residuals = x - np.array([x[y == k].mean(axis=0) for k in range(case[0])])[y]
        _, values, axes = np.linalg.svd(residuals, full_matrices=False)
        found[_label(case)] = _around(separation(x @ (axes.T / values), y).fuzziness)
    return found


def measure_descent(setting: Setting) -> Quantities:
    """The least D that quasi-Newton descent over square matrices A finds for D(XA), from the identity."""
    return {_label(case): _around(_descended(*data(case))) for case in CASES[:3]}


def _descended(x: np.ndarray, y: np.ndarray) -> float:
    width = x.shape[1]

    def fuzziness(flat: np.ndarray) -> float:
        found = separation(x @ flat.reshape(width, width), y)
        return np.log(found.fuzziness)

    ended = optimize.minimize(fuzziness, np.eye(width).ravel(), method="L-BFGS-B", options={"maxfun": 60_000, "ftol": 1e-13, "gtol": 1e-8})
    return float(np.exp(ended.fun))


def predict_reached() -> Quantities:
    """From the floor to where descent may stop."""
    floors = {case: lda_floor(_statistics(case)) for case in CASES[:3]}
    return {_label(case): Bracket(floor * (1 - ROUNDING), floor * (1 + DESCENT_ACCURACY)) for case, floor in floors.items()}


def predict_reached_by_mean() -> Quantities:
    """False: (K − 1)²/Σ λ_i, the eigenvalues averaged before they are inverted."""
    found: dict[str, Bracket] = {}
    for case in CASES[:3]:
        x, y = data(case)
        means = np.array([x[y == k].mean(axis=0) for k in range(case[0])])[y]
        between, within = (part.T @ part for part in (means - x.mean(axis=0), x - means))
        rank = min(case[0] - 1, case[1])
        floor = rank**2 / float(np.trace(np.linalg.solve(within, between)))
        found[_label(case)] = Bracket(floor * (1 - ROUNDING), floor * (1 + DESCENT_ACCURACY))
    return found


def measure_merged(setting: Setting) -> Quantities:
    """D, and the rank of SSB, after a projection that merges two class means; and after one along a random direction, which merges none.

    Both take one direction out of the whitened space, which is wider than K − 1, so both leave room for K − 1 directions.
    """
    found: dict[str, Quantity] = {}
    for case in CASES[1:]:
        x, y = data(case)
        means = np.array([x[y == k].mean(axis=0) for k in range(case[0])])
        _, values, axes = np.linalg.svd(x - means[y], full_matrices=False)
        white, centres = x @ (axes.T / values), means @ (axes.T / values)
        for suffix, direction in (("", centres[0] - centres[1]), (NONE_MERGED, setting.rng.normal(size=case[1]))):
            unit = direction / np.linalg.norm(direction)
            left = separation(white - np.outer(white @ unit, unit), y)
            found[_label(case) + suffix] = _around(left.fuzziness)
            found[f"{_label(case)}{suffix}: rank of SSB"] = Bracket(left.rank_between, left.rank_between)
    return found


def predict_below() -> Quantities:
    """The floor, for the cases whose means are merged, and a rank of K − 2."""
    floors = {_label(case): _around(lda_floor(_statistics(case))) for case in CASES[1:]}
    return floors | {f"{_label(case)}: rank of SSB": Bracket.exactly(case[0] - 2) for case in CASES[1:]}


def predict_below_unmerged() -> Quantities:
    """The floor as an upper bound where no class means are merged."""
    return {f"{_label(case)}{NONE_MERGED}": _around(lda_floor(_statistics(case))) for case in CASES[1:]}


ROOM = Room(
    statement=Statement(
        name="lda-floor",
        title="The floor that linear maps cannot pass",
        latex=r"D(XA)\ \ge\ \sum_i\frac1{\lambda_i(\mathrm{SSW}^{-1}\mathrm{SSB})}\quad\text{whenever }"
        r"\operatorname{rank}\mathrm{SSB}(XA)=\operatorname{rank}\mathrm{SSB}(X),\qquad\text{with equality for } A=\mathrm{SSW}^{-1/2}",
        assumptions=("SSW of full rank", "a linear map that keeps the rank of SSB: merged class means are invisible to SSB⁺"),
        kind=Kind.LOWER_BOUND,
        origin=Origin.DERIVED,
        source=Source("he2023", "separation fuzziness, equation (1); the floor is derived"),
    ),
    checks=(
        Check(
            name="whitening-attains",
            claim="whitening SSW reaches the floor",
            evidence=Evidence.EMPIRICAL,
            predict=predict_floor,
            measure=measure_whitened,
            kind=Kind.EQUALITY,
            resolution=1e-4,
            reason="D is of order one to a thousand here, and its rounding one part in 1e8",
        ),
        Check(
            name="descent-stays-above",
            claim="descent over linear maps ends at the floor and not below it",
            evidence=Evidence.EMPIRICAL,
            predict=predict_reached,
            measure=measure_descent,
            kind=Kind.EQUALITY,
            resolution=1e-2,
            reason="descent may stop that far above the floor, which is of order one to ten here",
        ),
        Check(
            name="merging-passes-below",
            claim="a map that merges two class means takes D below the floor and the rank of SSB to K − 2: it must be read beside D",
            evidence=Evidence.EMPIRICAL,
            predict=predict_below,
            measure=measure_merged,
            kind=Kind.UPPER_BOUND,
        ),
    ),
    controls=(
        Control(name="higher-floor", claim="the floor is one percent higher", check="whitening-attains", predict=predict_higher),
        Control(name="linear-maps-do-nothing", claim="whitening cannot lower D", check="whitening-attains", predict=predict_trace),
        Control(
            name="eigenvalues-averaged",
            claim="descent ends at (K − 1)²/Σ λ_i",
            check="descent-stays-above",
            predict=predict_reached_by_mean,
        ),
        Control(
            name="none-merged",
            claim="a projection that merges no class means passes below the floor too",
            check="merging-passes-below",
            predict=predict_below_unmerged,
        ),
    ),
)
