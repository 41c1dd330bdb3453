"""Symmetric E that is not positive semidefinite: in the I-model local elasticity still separates, but its absence no longer mixes."""

import math
from collections.abc import Callable
from functools import cache
from itertools import combinations

import numpy as np

from layerpeel.numerics import Bracket, separated_probability
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement, Verdict
from layerpeel.theory.locally_elastic._integrated_means import i_model_blocks, integrated_means

# For classes k, l put v = (e_k − e_l) ⊗ ν with a unit vector ν, ‖v‖² = 2. For symmetric M with eigenpairs (λ_m, u_m)
#     vᵀMv/2 = Σ_m λ_m ⟨u_m, v⟩²/2
# is a weighted mean of the λ_m that the pair sees along ν (⟨u_m, v⟩ ≠ 0). So the largest of these is at least vᵀMv/2, and from almost every
# start ν·(X̄^k − X̄^l) grows with it. In the I-model vᵀMv/2 = γ_kl/K with γ_kl = (E_kk + E_ll)/2 − E_kl, whatever the signs of the
# eigenvalues; γ_kl = γ in the two-parameter form. All this holds for E(t) = g(t) E with ∫g in place of t.

SEEN = 1e-9
"""An eigenvector with components closer than this is the same on both classes."""
AGREEMENT = 1e-7
"""Exponents are read between the times FAR; slower modes have less than e^{−20} left at the first."""
FAR, WITH_BLOCKS = (250.0, 500.0), (125.0, 250.0)
"""The latter where exponents are compared with a lower bound, which they exceed by more than slower modes change them."""

MATRICES = {
    "two-parameter": np.full((3, 3), -2.0) + np.eye(3),
    "indefinite": np.array([[1.0, 0.5, -2.0], [0.5, 0.2, -1.0], [-2.0, -1.0, 0.1]]),
    "negative entries": np.array([[-1.0, -2.0, -3.0], [-2.0, -1.5, -2.5], [-3.0, -2.5, -2.0]]),
    "zero diagonal": np.array([[0.0, -1.0, -0.5, -2.0], [-1.0, 0.0, -1.5, -0.7], [-0.5, -1.5, 0.0, -0.2], [-2.0, -0.7, -0.2, 0.0]]),
}
"""Symmetric E with a negative eigenvalue and γ_kl > 0 for every pair."""
ANCHORS = np.array([2.0, 1.0, 0.0])
NO_GAP = 0.5 * (ANCHORS[:, None] + ANCHORS)
"""E_kl = (a_k + a_l)/2: γ_kl = 0 for every pair, eigenvalues (Σa ± √(KΣa²))/2 and 0."""


def _pair_label(name: str, pair: tuple[int, int]) -> str:
    return f"{name}: classes {pair[0] + 1}, {pair[1] + 1}"


def _pairs(matrix: np.ndarray) -> list[tuple[int, int]]:
    return list(combinations(range(len(matrix)), 2))


def _gap(matrix: np.ndarray, pair: tuple[int, int]) -> float:
    """γ_kl."""
    k, j = pair
    return float(0.5 * (matrix[k, k] + matrix[j, j]) - matrix[k, j])


def _exponents(matrix: np.ndarray, blocks: np.ndarray, far: tuple[float, float] = FAR) -> dict[tuple[int, int], Bracket]:
    """Growth rates of ‖X̄^k − X̄^l‖ from a generic start, between two times."""
    classes, features = blocks.shape[1:3]
    start = np.sin(1.0 + np.arange(classes * features) ** 2).reshape(classes, features)
    means, found = integrated_means(lambda time: matrix, blocks, start, far), dict[tuple[int, int], Bracket]()
    for pair in combinations(range(classes), 2):
        gained = means.log_distance(1, *pair) - means.log_distance(0, *pair)
        found[pair] = Bracket(gained.lower / (far[1] - far[0]) - AGREEMENT, gained.upper / (far[1] - far[0]) + AGREEMENT)
    return found


@cache
def _constant(name: str) -> dict[tuple[int, int], Bracket]:
    return _exponents(MATRICES[name], i_model_blocks(len(MATRICES[name]), 2))


def measure_exponents(setting: Setting) -> Quantities:
    """I-model with constant E."""
    return {_pair_label(name, pair): value for name in MATRICES for pair, value in _constant(name).items()}


def predict_exponents() -> Quantities:
    """The largest eigenvalue of E with an eigenvector that differs on the pair, over K."""
    found: dict[str, Bracket] = {}
    for name, matrix in MATRICES.items():
        values, vectors = np.linalg.eigh(matrix)
        for pair in _pairs(matrix):
            seen = np.abs(vectors[pair[0]] - vectors[pair[1]]) > SEEN
            rate = float(values[seen].max()) / len(matrix)
            found[_pair_label(name, pair)] = Bracket(rate - ROUNDING, rate + ROUNDING)
    return found


ROUNDING = 1e-12
"""Of eigenvalues of order one."""


def predict_gaps() -> Quantities:
    """γ_kl/K, less what a measured exponent may be off; some cases attain it."""
    return {
        _pair_label(name, pair): Bracket.exactly(_gap(matrix, pair) / len(matrix) - 3 * AGREEMENT)
        for name, matrix in MATRICES.items()
        for pair in _pairs(matrix)
    }


def predict_twice_gaps() -> Quantities:
    """A false variant: γ_kl, without 1/K."""
    return {_pair_label(name, pair): Bracket.exactly(_gap(matrix, pair)) for name, matrix in MATRICES.items() for pair in _pairs(matrix)}


END = 6.0


def predict_two_parameter() -> Quantities:
    """Γ/K with α(t) + (K−1)β(t) < 0, K = 3: Γ = t + sin t."""
    value = (END + math.sin(END)) / 3
    return {_pair_label("α + 2β < 0", pair): Bracket(value - AGREEMENT, value + AGREEMENT) for pair in combinations(range(3), 2)}


def predict_common_mode() -> Quantities:
    """A false variant: (A + (K−1)B)/K, the eigenvalue that makes E fail to be semidefinite; α = β + 1 + cos t, β = −2 − t/5."""
    value = (END + math.sin(END) - 3 * (2 * END + END**2 / 10)) / 3
    return {_pair_label("α + 2β < 0", pair): Bracket.exactly(value) for pair in combinations(range(3), 2)}


def measure_two_parameter(setting: Setting) -> Quantities:
    """log growth of class differences from a normal start, E(t) given as a matrix."""

    def elasticity(time: float) -> np.ndarray:
        return (1.0 + math.cos(time)) * np.eye(3) - 2.0 - time / 5

    start = setting.rng.standard_normal((3, 2))
    means = integrated_means(elasticity, i_model_blocks(3, 2), start, (END,))
    found: dict[str, Bracket] = {}
    for k, j in combinations(range(3), 2):
        begun = float(np.log(np.linalg.norm(start[k] - start[j])))
        found[_pair_label("α + 2β < 0", (k, j))] = means.log_distance(0, k, j) - Bracket.exactly(begun)
    return found


TIMES = (1.0, 10.0, 30.0, 100.0)
"""Times at which separation is looked at."""
SAMPLES = 5
"""Samples per class."""


def _by_time(value: Callable[[float], Bracket]) -> Quantities:
    return {f"t = {time:g}": value(time) for time in TIMES}


def predict_separated() -> Quantities:
    """One in the limit."""
    return _by_time(lambda time: Bracket.exactly(1.0))


def predict_by_chance() -> Quantities:
    """2/C(2n, n), as if classes mixed."""
    return _by_time(lambda time: Bracket.exactly(2 / math.comb(2 * SAMPLES, SAMPLES)))


def measure_separated(setting: Setting) -> Quantities:
    """The least likely pair's exact probability of separation on a line: E(t) = E/√(1 + t), all entries of E negative, variances 1 + t."""
    matrix, start = MATRICES["negative entries"], np.array([[0.5], [0.0], [-1.0]])
    means = integrated_means(lambda time: matrix / math.sqrt(1.0 + time), i_model_blocks(3, 1), start, TIMES)
    found = list[list[Bracket]]()
    for k, j in combinations(range(3), 2):
        deviation = np.sqrt(1.0 + np.array(TIMES))
        gaps = np.exp(means.logs) * (means.states[:, k, 0] - means.states[:, j, 0])
        law = separated_probability(gaps, deviations=(deviation, deviation), counts=(SAMPLES, SAMPLES))
        found.append([law.bracket(index) for index in range(len(TIMES))])
    least = [min(column, key=lambda value: value.lower) for column in zip(*found, strict=True)]
    return {f"t = {time:g}": value for time, value in zip(TIMES, least, strict=True)}


FACTOR = np.cos(np.arange(36.0).reshape(6, 6) ** 2)
SIMILARITIES = {
    "full rank": FACTOR @ FACTOR.T,
    "rank two": FACTOR[:, :2] @ FACTOR[:, :2].T,
    "uncoupled": np.eye(6),
}
"""H: positive semidefinite 6×6, three classes with two features."""


@cache
def _with_blocks(similarity: str, elasticity: str) -> dict[tuple[int, int], Bracket]:
    blocks = SIMILARITIES[similarity].reshape(3, 2, 3, 2).transpose(0, 2, 1, 3)
    return _exponents(MATRICES[elasticity], blocks, WITH_BLOCKS)


CASES = (
    *((similarity, name) for similarity in ("full rank", "rank two") for name in ("two-parameter", "indefinite", "negative entries")),
    ("uncoupled", "two-parameter"),
)


def predict_rayleigh() -> Quantities:
    """λ_max(½(E_kk H_kk + E_ll H_ll − E_kl(H_kl + H_lk)))/K, less what a measured exponent may be off."""
    found: dict[str, Bracket] = {}
    for similarity, name in CASES:
        matrix, blocks = MATRICES[name], SIMILARITIES[similarity].reshape(3, 2, 3, 2).transpose(0, 2, 1, 3)
        for k, j in _pairs(matrix):
            own = matrix[k, k] * blocks[k, k] + matrix[j, j] * blocks[j, j]
            rate = float(np.linalg.eigvalsh(own - matrix[k, j] * (blocks[k, j] + blocks[j, k]))[-1]) / 6
            found[_pair_label(f"{similarity}, {name}", (k, j))] = Bracket.exactly(rate - 3 * AGREEMENT)
    return found


def predict_gaps_for_all_blocks() -> Quantities:
    """γ_kl/K for every H."""
    return {_pair_label(f"{similarity}, {name}", pair): gap for similarity, name, pair, gap in _gaps_with_blocks()}


def _gaps_with_blocks() -> list[tuple[str, str, tuple[int, int], Bracket]]:
    return [
        (similarity, name, pair, Bracket.exactly(_gap(MATRICES[name], pair) / 3))
        for similarity, name in CASES
        for pair in _pairs(MATRICES[name])
    ]


def measure_rayleigh(setting: Setting) -> Quantities:
    """Growth of differences for M = (E ⊗ 11ᵀ) ∘ H / K."""
    return {
        _pair_label(f"{similarity}, {name}", pair): value
        for similarity, name in CASES
        for pair, value in _with_blocks(similarity, name).items()
    }


def predict_growth_without_semidefinite() -> Quantities:
    """Not below zero: γ = 1 and H = I would make differences grow."""
    return {_pair_label("uncoupled", pair): Bracket.exactly(0.0) for pair in combinations(range(3), 2)}


def measure_uncoupled(setting: Setting) -> Quantities:
    """H_ij = 0 between classes, α = −1, β = −2."""
    return {_pair_label("uncoupled", pair): value for pair, value in _with_blocks("uncoupled", "two-parameter").items()}


def predict_decay() -> Quantities:
    """α/K = −1/3."""
    return {label: Bracket(-1 / 3 - ROUNDING, -1 / 3 + ROUNDING) for label in predict_growth_without_semidefinite()}


def predict_decay_of_inter() -> Quantities:
    """A false variant: β/K."""
    return {label: Bracket.exactly(-2 / 3) for label in predict_growth_without_semidefinite()}


def predict_growth_of_i_model() -> Quantities:
    """A false variant: at least γ/K, as in the I-model."""
    return {label: Bracket.exactly(1 / 3) for label in predict_growth_without_semidefinite()}


def predict_no_growth() -> Quantities:
    """At most zero: γ_kl = 0."""
    return {_pair_label("γ = 0", pair): Bracket.exactly(0.0) for pair in combinations(range(3), 2)}


def predict_growth_without_gap() -> Quantities:
    """(Σa + √(KΣa²))/(2K)."""
    rate = (float(ANCHORS.sum()) + math.sqrt(3 * float(ANCHORS @ ANCHORS))) / 6
    return {_pair_label("γ = 0", pair): Bracket(rate - ROUNDING, rate + ROUNDING) for pair in combinations(range(3), 2)}


def predict_growth_of_mean() -> Quantities:
    """A false variant: at most the mean eigenvalue of E over K, Σa/K²."""
    return {_pair_label("γ = 0", pair): Bracket.exactly(float(ANCHORS.sum()) / 9) for pair in combinations(range(3), 2)}


def predict_growth_without_root_of_k() -> Quantities:
    """A false variant: (Σa + √Σa²)/(2K)."""
    rate = (float(ANCHORS.sum()) + math.sqrt(float(ANCHORS @ ANCHORS))) / 6
    return {_pair_label("γ = 0", pair): Bracket.exactly(rate) for pair in combinations(range(3), 2)}


def measure_no_gap(setting: Setting) -> Quantities:
    """I-model with E_kl = (a_k + a_l)/2."""
    return {_pair_label("γ = 0", pair): value for pair, value in _exponents(NO_GAP, i_model_blocks(3, 2)).items()}


READ = "exponents are read over 250 units of time, after slower modes have vanished, with an allowance of 1e-7"

ROOM = Room(
    statement=Statement(
        name="symmetric-non-psd",
        title="Symmetric E that is not positive semidefinite",
        latex=r"\gamma_{kl}=\tfrac12(E_{kk}+E_{ll})-E_{kl}>0\ \Rightarrow\ \lim\tfrac1t\log\|\bar X^k-\bar X^l\|\geq\frac{\gamma_{kl}}K"
        r"\quad(\text{I-model},\ E=E^\top)",
        assumptions=(
            "E constant and symmetric, or g(t) times such a matrix; the two-parameter form with any α(t), β(t)",
            "almost every start; each sample driven by the class means",
            "as conjectured, for every positive semidefinite H and in both parts, it is false: see the checks expected to be refuted",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.CONJECTURE,
        source=Source("zhang2021", "slides, Future Works: General LE Matrix"),
    ),
    checks=(
        Check(
            name="two-parameter",
            claim="in the I-model class differences grow as e^{Γ/K} also where α + (K−1)β < 0",
            evidence=Evidence.EMPIRICAL,
            predict=predict_two_parameter,
            measure=measure_two_parameter,
            resolution=1e-6,
            reason="integrated to 1e-12; the common mode decays by e^{−17} and takes no digits",
        ),
        Check(
            name="exponents",
            claim="in the I-model a pair's difference grows with the largest eigenvalue whose eigenvector differs on it, over K",
            evidence=Evidence.EMPIRICAL,
            predict=predict_exponents,
            measure=measure_exponents,
            resolution=3e-6,
            reason=READ,
        ),
        Check(
            name="local-elasticity-suffices",
            claim="that exponent is at least γ_kl/K, whatever the signs of the other eigenvalues",
            evidence=Evidence.EMPIRICAL,
            predict=predict_gaps,
            measure=measure_exponents,
            kind=Kind.LOWER_BOUND,
            reason=READ,
        ),
        Check(
            name="separates",
            claim="part (i): with all entries of E negative and γ_kl ∝ (1 + t)^{−1/2} every pair is separated in the limit",
            evidence=Evidence.EMPIRICAL,
            predict=predict_separated,
            measure=measure_separated,
            kind=Kind.LIMIT,
            resolution=1e-6,
            reason="the exact integral in doubles; at t = 100 the means are over a hundred deviations apart",
        ),
        Check(
            name="any-blocks",
            claim="for symmetric M a pair's exponent is at least λ_max(½(E_kk H_kk + E_ll H_ll − E_kl(H_kl + H_lk)))/K",
            evidence=Evidence.EMPIRICAL,
            predict=predict_rayleigh,
            measure=measure_rayleigh,
            kind=Kind.LOWER_BOUND,
            reason=READ,
        ),
        Check(
            name="as-conjectured-for-all-blocks",
            claim="part (i) holds for every positive semidefinite H: H = I, α = −1, β = −2, so γ = 1, does not let differences shrink",
            evidence=Evidence.EMPIRICAL,
            predict=predict_growth_without_semidefinite,
            measure=measure_uncoupled,
            kind=Kind.LOWER_BOUND,
            reason=READ,
            expected=Verdict.REFUTED,
        ),
        Check(
            name="uncoupled",
            claim="there they shrink as e^{αt/K}",
            evidence=Evidence.EMPIRICAL,
            predict=predict_decay,
            measure=measure_uncoupled,
            resolution=3e-6,
            reason=READ,
        ),
        Check(
            name="as-conjectured-without-gap",
            claim="part (ii) holds in the I-model: with γ_kl = 0 for all pairs differences do not grow exponentially",
            evidence=Evidence.EMPIRICAL,
            predict=predict_no_growth,
            measure=measure_no_gap,
            kind=Kind.UPPER_BOUND,
            reason=READ,
            expected=Verdict.REFUTED,
        ),
        Check(
            name="growth-without-gap",
            claim="for E_kl = (a_k + a_l)/2, where γ_kl = 0 for all pairs, they grow with the exponent (Σa + √(KΣa²))/(2K)",
            evidence=Evidence.EMPIRICAL,
            predict=predict_growth_without_gap,
            measure=measure_no_gap,
            resolution=3e-6,
            reason=READ,
        ),
    ),
    controls=(
        Control(name="common-mode", claim="they grow as the common mode", check="two-parameter", predict=predict_common_mode),
        Control(name="by-gap", claim="the exponent is γ_kl/K for every E", check="exponents", predict=predict_gaps),
        Control(name="without-k", claim="it is at least γ_kl", check="local-elasticity-suffices", predict=predict_twice_gaps),
        Control(name="mixes", claim="negative entries mix the classes", check="separates", predict=predict_by_chance),
        Control(
            name="gap-for-all-blocks", claim="it is at least γ_kl/K for every H", check="any-blocks", predict=predict_gaps_for_all_blocks
        ),
        Control(
            name="as-in-i-model",
            claim="differences grow at least as e^{γt/K}",
            check="as-conjectured-for-all-blocks",
            predict=predict_growth_of_i_model,
        ),
        Control(name="by-inter", claim="they shrink as e^{βt/K}", check="uncoupled", predict=predict_decay_of_inter),
        Control(
            name="by-mean",
            claim="they grow no faster than by the mean eigenvalue of E over K",
            check="as-conjectured-without-gap",
            predict=predict_growth_of_mean,
        ),
        Control(
            name="without-root-of-k",
            claim="the exponent is (Σa + √Σa²)/(2K)",
            check="growth-without-gap",
            predict=predict_growth_without_root_of_k,
        ),
    ),
)
