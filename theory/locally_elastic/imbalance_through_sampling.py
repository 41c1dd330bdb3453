"""Shares of the classes in the samples: minority classes separate later, or never, and the L-model loses its ETF."""

from collections.abc import Callable

import numpy as np
import sympy
from jaxtyping import Float
from sympy.polys.matrices import DomainMatrix

from layerpeel.numerics import (
    Bracket,
    Proportion,
    logit_directions,
    separated_probability,
)
from layerpeel.theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Room, Series, Setting, Source, Statement
from layerpeel.theory.locally_elastic._integrated_means import (
    IntegratedMeans,
    i_model_blocks,
    integrated_means,
    l_model_blocks,
    two_parameter,
)
from layerpeel.theory.locally_elastic._paths import SHARP, SIZED, constant_noise, ends_of_paths, isotropic, paths_needed, separated_share

# Class j is drawn with share π_j, so its drive carries the weight π_j in place of 1/K: dX̄^i = Σ_j E_ij π_j H_ij X̄^j.
# I-model: X̄^i' = γ π_i X̄^i + β Σ_j π_j X̄^j. The sum is common to all classes, so for classes k, l of equal share the difference grows as
# e^{π_k Γ}, whatever α and β. Between two groups it grows with the larger root of the 2×2 quotient, when rates are constant.
# L-model: s_i' = (α + β/(K−1)) π_i s_i − β/(K−1) Σ_j π_j s_j. For constant β < 0 the matrix has positive entries off the diagonal: its top
# eigenvector w is positive (Perron), all differences grow with its eigenvalue, and X̄^i tends to the direction of
# γ π_i w_i d̂_i + β Σ_j π_j w_j d̂_j. The last sum is zero iff shares are equal; it does not depend on i and takes over in minority classes
# as their share vanishes.

MAJORITY, MINORITY = 2, 2
CLASSES = MAJORITY + MINORITY

Rate = Callable[[float], float]


def shares(ratio: float) -> Float[np.ndarray, " K"]:
    """π with majority over minority = ratio."""
    weights = np.array([ratio] * MAJORITY + [1.0] * MINORITY)
    return weights / weights.sum()


def shared(intra: Rate, inter: Rate, ratio: float) -> Callable[[float], Float[np.ndarray, "K K"]]:
    """E diag(Kπ) in place of E: weights E_ij π_j."""
    scale = CLASSES * shares(ratio)
    return lambda time: two_parameter(intra(time), inter(time), CLASSES) * scale


def _growth(means: IntegratedMeans, first: int, second: int) -> Bracket:
    """Exponent of ‖X̄^k − X̄^l‖ between the times FAR."""
    gained = means.log_distance(1, first, second) - means.log_distance(0, first, second)
    return Bracket(gained.lower / (FAR[1] - FAR[0]) - AGREEMENT, gained.upper / (FAR[1] - FAR[0]) + AGREEMENT)


RATIOS = (2.0, 5.0)
SOON = 3.0
"""Time at which differences within groups are compared: later they drown in the rounding of the common growth."""
AGREEMENT = 1e-9
"""Relative error of integrated differences."""


def _within_label(ratio: float, group: str) -> str:
    return f"R = {ratio:g}, {group}"


def predict_within() -> Quantities:
    """π_k Γ with Γ = t + sin t for α = 1 + cos t + β."""
    return _within(lambda share: share)


def predict_within_balanced() -> Quantities:
    """Γ/K, as if shares did not matter."""
    return _within(lambda share: 1 / CLASSES)


def _within(exponent: Callable[[float], float]) -> Quantities:
    found: dict[str, Bracket] = {}
    for ratio in RATIOS:
        for group, index in (("majority", 0), ("minority", CLASSES - 1)):
            value = exponent(float(shares(ratio)[index])) * (SOON + float(np.sin(SOON)))
            found[_within_label(ratio, group)] = Bracket(value - AGREEMENT, value + AGREEMENT)
    return found


def measure_within(setting: Setting) -> Quantities:
    """log of the growth of ‖X̄^k − X̄^l‖ within each group, β = −½ + ⅓ sin 2t, from a normal start."""
    found: dict[str, Bracket] = {}

    def inter(time: float) -> float:
        return -0.5 + float(np.sin(2 * time)) / 3

    for ratio in RATIOS:
        start = setting.rng.standard_normal((CLASSES, 3))
        elasticity = shared(lambda time: 1.0 + float(np.cos(time)) + inter(time), inter, ratio)
        means = integrated_means(elasticity, i_model_blocks(CLASSES, 3), start, (SOON,))
        for group, (k, j) in (("majority", (0, 1)), ("minority", (CLASSES - 2, CLASSES - 1))):
            found[_within_label(ratio, group)] = means.log_distance(0, k, j) - Bracket.exactly(
                float(np.log(np.linalg.norm(start[k] - start[j])))
            )
    return found


CONSTANTS = ((1.0, -0.3), (1.0, 0.3), (1.0, 0.9))
"""(α, β)."""
FAR = (300.0, 600.0)
"""Times between which the exponent across groups is read off."""


def _roots(intra: float, inter: float, ratio: float) -> Float[np.ndarray, " 2"]:
    """Growth exponents of the modes that are equal within groups, I-model."""
    share = shares(ratio)[[0, -1]]
    pull = inter * share * np.array([MAJORITY, MINORITY])
    return np.sort(np.linalg.eigvals((intra - inter) * np.diag(share) + np.array([pull, pull])).real)


def _across_label(rates: tuple[float, float], ratio: float) -> str:
    return f"α = {rates[0]:g}, β = {rates[1]:g}, R = {ratio:g}"


def predict_across() -> Quantities:
    """The largest exponent of a mode in which the groups differ: the larger root, or π_A γ within the majority."""
    found: dict[str, Bracket] = {}
    for rates in CONSTANTS:
        for ratio in RATIOS:
            value = max(float(_roots(*rates, ratio)[-1]), (rates[0] - rates[1]) * float(shares(ratio)[0]))
            found[_across_label(rates, ratio)] = Bracket(value - AGREEMENT, value + AGREEMENT)
    return found


def predict_across_by_gap() -> Quantities:
    """A false variant: π_A γ for every β, as if differences knew of γ only."""
    return {
        _across_label(rates, ratio): Bracket.exactly((rates[0] - rates[1]) * float(shares(ratio)[0]))
        for rates in CONSTANTS
        for ratio in RATIOS
    }


def measure_across(setting: Setting) -> Quantities:
    """Growth of the difference between a majority and a minority class over the second half of a long time."""
    found: dict[str, Bracket] = {}
    for intra, inter in CONSTANTS:
        for ratio in RATIOS:
            elasticity = shared(lambda time, a=intra: a, lambda time, b=inter: b, ratio)
            start = setting.rng.standard_normal((CLASSES, 2))
            means = integrated_means(elasticity, i_model_blocks(CLASSES, 2), start, FAR)
            found[_across_label((intra, inter), ratio)] = _growth(means, 0, CLASSES - 1)
    return found


STRENGTH, SAMPLES = 3.0, 3
"""γ = c/(1 + t), and samples per class."""
RATIO = 4.0
"""π = 0.4 and 0.1: c lies between 1/(2π_A) = 1.25 and 1/(2π_B) = 5."""
APART = {"majority": 0.5, "minority": 2.0}
"""Distances of the class means within a group at time 0."""
MEANS = np.array([[0.75], [0.25], [-0.25], [-2.25]])
"""One feature; features have variance 1 + t."""
PAIRS = {"majority": (0, 1), "minority": (2, 3)}
WATCHED = (1.0, 7.0)
"""Times at which all probabilities lie between .2 and .8: the majority's rises, the minority's falls."""


def _exact(exponent: float, group: str, times: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
    """Probability that n samples of each class are separated; means grow apart as d (1 + t)^e, variances as 1 + t."""
    deviation = np.sqrt(1 + times)
    found = separated_probability(APART[group] * (1 + times) ** exponent, deviations=(deviation, deviation), counts=(SAMPLES, SAMPLES))
    return np.exp(found.log)


def _by_time(exponent: Callable[[str], float]) -> Quantities:
    found: dict[str, Bracket] = {}
    for group in PAIRS:
        for time in WATCHED:
            value = float(_exact(exponent(group), group, np.array([time]))[0])
            found[f"{group}, t = {time:g}"] = Bracket(max(0.0, value - ROUNDING), min(1.0, value + ROUNDING))
    return found


def predict_separated() -> Quantities:
    """The exact integral with growth (1 + t)^{cπ}: above √t for the majority, below for the minority."""
    return _by_time(lambda group: STRENGTH * float(shares(RATIO)[PAIRS[group][0]]))


ROUNDING = 1e-10
"""Of exact integrals and of cosines in doubles."""


def predict_all_alike() -> Quantities:
    """A false variant: (1 + t)^{c/K} for all, as in balanced classes; c exceeds 2 = K/2."""
    return _by_time(lambda group: STRENGTH / CLASSES)


def predict_by_own_samples() -> Quantities:
    """A false variant: shares within the group, π_k/(π_k + π_l) = ½ in place of π_k."""
    return _by_time(lambda group: 0.5 * STRENGTH)


def _counted(setting: Setting, time: float, paths: int) -> dict[str, Proportion]:
    """How often both pairs are separated at one time, by paths around integrated means."""
    elasticity = shared(lambda now: 0.9 * STRENGTH / (1 + now), lambda now: -0.1 * STRENGTH / (1 + now), RATIO)
    means = integrated_means(elasticity, i_model_blocks(CLASSES, 1), MEANS, (time,)).means(0)
    found: dict[str, Proportion] = {}
    for group, pair in PAIRS.items():
        ends = ends_of_paths(
            means,
            constant_noise(1.0, time, CLASSES, 1),
            spread=isotropic(1.0, CLASSES, 1),
            rng=setting.rng,
            paths=paths,
            samples=SAMPLES,
        )
        found[group] = separated_share(ends, pair, np.ones(1))
    return found


def measure_separated(setting: Setting) -> Quantities:
    """Paths around integrated means, at both times."""
    counted = {time: _counted(setting, time, paths_needed(setting.level)) for time in WATCHED}
    return {f"{group}, t = {time:g}": counted[time][group] for group in PAIRS for time in WATCHED}


INTRA, INTER = 1.0, -0.3
"""α and β of the L-model."""
KINDS = {"majority": (0, 1), "between": (0, CLASSES - 1), "minority": (CLASSES - 2, CLASSES - 1)}


def predict_exponents() -> Quantities:
    """The top eigenvalue of N_ij = π_j (E_ij d̂_iᵀd̂_j), for every pair: all means grow along one mode of the projections."""
    found: dict[str, Bracket] = {}
    for ratio in RATIOS:
        root = np.sqrt(shares(ratio))
        push = -INTER / (CLASSES - 1)
        value = float(np.linalg.eigvalsh((INTRA - push) * np.diag(root**2) + push * np.outer(root, root))[-1])
        found |= {f"R = {ratio:g}, {kind}": Bracket(value - AGREEMENT, value + AGREEMENT) for kind in KINDS}
    return found


def predict_exponents_by_share() -> Quantities:
    """A false variant: π_k γ within groups, as in the I-model."""
    gap = INTRA - INTER
    return {
        f"R = {ratio:g}, {kind}": Bracket.exactly(gap * float(shares(ratio)[index]))
        for ratio in RATIOS
        for kind, index in (("majority", 0), ("minority", -1))
    }


def measure_exponents(setting: Setting) -> Quantities:
    """Growth of differences in the L-model over the second half of a long time."""
    found: dict[str, Bracket] = {}
    for ratio in RATIOS:
        elasticity = shared(lambda time: INTRA, lambda time: INTER, ratio)
        means = integrated_means(elasticity, l_model_blocks(CLASSES), np.eye(CLASSES), FAR)
        found |= {f"R = {ratio:g}, {kind}": _growth(means, k, j) for kind, (k, j) in KINDS.items()}
    return found


IMBALANCES = (1.0, 3.0, 10.0, 100.0, 1e4)
COLD = 400.0
"""Time by which every slower mode of the L-model has vanished."""


def _limit(ratio: float) -> Float[np.ndarray, "K K"]:
    """Directions γ π_i w_i d̂_i + β Σ_j π_j w_j d̂_j with the top eigenvector w."""
    share, frame = shares(ratio), logit_directions(CLASSES)
    push = -INTER / (CLASSES - 1)
    # symmetric in the coordinates √π_i s_i
    _, vectors = np.linalg.eigh((INTRA - push) * np.diag(share) + push * np.sqrt(np.outer(share, share)))
    weights = np.sqrt(share) * np.abs(vectors[:, -1])
    return (INTRA - INTER) * weights[:, None] * frame + INTER * weights @ frame


def predict_cosines() -> Quantities:
    """Cosines of the limiting directions: an ETF at R = 1 only."""
    found: dict[str, Bracket] = {}
    for ratio in IMBALANCES[:-1]:
        limit = _limit(ratio)
        units = limit / np.linalg.norm(limit, axis=1, keepdims=True)
        for kind, (k, j) in KINDS.items():
            value = float(units[k] @ units[j])
            found[f"R = {ratio:g}, {kind}"] = Bracket(value - ROUNDING, value + ROUNDING)
    return found


def predict_etf() -> Quantities:
    """−1/(K−1) at every R."""
    return {f"R = {ratio:g}, {kind}": Bracket.exactly(-1 / (CLASSES - 1)) for ratio in IMBALANCES[:-1] for kind in KINDS}


def _l_model_cosines(ratio: float) -> Float[np.ndarray, "K K"]:
    start = np.eye(CLASSES) + 0.1 * np.arange(CLASSES)
    elasticity = shared(lambda time: INTRA, lambda time: INTER, ratio)
    return integrated_means(elasticity, l_model_blocks(CLASSES), start, (COLD,)).cosines(0)


def measure_cosines(setting: Setting) -> Quantities:
    """The L-model with shares at a late time, from X̄^k(0) = e_k and a common vector."""
    found: dict[str, Bracket] = {}
    for ratio in IMBALANCES[:-1]:
        cosines = _l_model_cosines(ratio)
        for kind, (k, j) in KINDS.items():
            found[f"R = {ratio:g}, {kind}"] = Bracket(float(cosines[k, j]) - ROUNDING, float(cosines[k, j]) + ROUNDING)
    return found


def predict_minority() -> Quantities:
    """One in the limit."""
    return {f"R = {ratio:g}": Bracket.exactly(1.0) for ratio in IMBALANCES}


def predict_minority_apart() -> Quantities:
    """A false variant: −1/(K−1), the ETF for every R."""
    return {f"R = {ratio:g}": Bracket.exactly(-1 / (CLASSES - 1)) for ratio in IMBALANCES}


def measure_minority(setting: Setting) -> Quantities:
    """Cosine between the two minority classes."""
    values = {ratio: float(_l_model_cosines(ratio)[CLASSES - 2, CLASSES - 1]) for ratio in IMBALANCES}
    return {f"R = {ratio:g}": Bracket(value - ROUNDING, value + ROUNDING) for ratio, value in values.items()}


PI = sympy.symbols("pi_1:4", positive=True)


def predict_columns() -> Quantities:
    """Column sums Kπ_k of the sampling matrix that carries shares, three classes."""
    return {f"column {index + 1}": 3 * share for index, share in enumerate(PI)}


def predict_doubly_stochastic() -> Quantities:
    """One, as for a doubly stochastic matrix."""
    return {f"column {index + 1}": sympy.Integer(1) for index in range(3)}


def measure_columns(setting: Setting) -> Quantities:
    """Solve E P'/K = E diag(π) for P'."""
    intra, inter = sympy.symbols("alpha beta")
    elasticity = (intra - inter) * sympy.eye(3) + inter * sympy.ones(3)
    inverse = DomainMatrix.from_Matrix(elasticity).to_field().inv()
    sampling = (inverse * DomainMatrix.from_Matrix(3 * elasticity * sympy.diag(*PI)).to_field()).to_Matrix()
    return {f"column {index + 1}": sympy.Add(*sampling.col(index)) for index in range(3)}


LATE = 1e3
"""End of the figure."""


def draw_separation(setting: Setting) -> Figure:
    """Exact curves and counted paths for a majority and a minority pair."""
    times = np.concatenate([[0.01], np.geomspace(0.1, LATE, 80)])
    watched = np.geomspace(1.0, LATE, 7)
    counted = [_counted(setting, time, 1000) for time in watched.tolist()]
    series: list[Series] = []
    for color, (group, (k, _)) in enumerate(PAIRS.items()):
        curve = _exact(STRENGTH * float(shares(RATIO)[k]), group, times)
        series.append(Series(label=f"{group} pair", x=tuple(times.tolist()), y=tuple(curve.tolist()), style="line", color=color))
        intervals = [proportion.interval(setting.level) for proportion in [found[group] for found in counted]]
        series.append(
            Series(
                label=f"{group} pair, 1000 paths",
                x=tuple(watched.tolist()),
                y=tuple(found[group].mean for found in counted),
                style="points",
                color=color,
                low=tuple(interval.lower for interval in intervals),
                high=tuple(interval.upper for interval in intervals),
            )
        )
    return Figure(
        title="The minority is never separated",
        caption=f"I-model, shares 0.4, 0.4, 0.1, 0.1, γ = {STRENGTH:g}/(1 + t), {SAMPLES} samples per class; 1/(2π_A) < c < 1/(2π_B).",
        x_label="time",
        y_label="probability of separation",
        series=tuple(series),
        log_x=True,
    )


ROOM = Room(
    statement=Statement(
        name="imbalance-through-sampling",
        title="Imbalance through sampling: the minority separates later, or never",
        latex=r"\dot{\bar X}^i=\sum_j E_{ij}\pi_jH_{ij}\bar X^j;\qquad\text{I-model: }\|\bar X^k-\bar X^l\|\propto e^{\pi_k\Gamma}"
        r"\ (\pi_k=\pi_l),\quad c^\star_k=\frac1{2\pi_k};\qquad\text{L-model: }\cos\angle(\bar X^k,\bar X^l)\to1\ (\pi_k=\pi_l\to0)",
        assumptions=(
            "class j is drawn with share π_j, which replaces 1/K; columns of a doubly stochastic P' sum to one and carry no shares",
            "two majority and two minority classes, R = π_A/π_B",
            "γ = c/(1 + t) and constant noise for the critical constant; constant α > β and β < 0 for the cosines",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.CONJECTURE,
        source=Source("zhang2021", "slides, Future Works: Mini-batch Training, Imbalanced Datasets, and Label Corruptions"),
    ),
    checks=(
        Check(
            name="not-doubly-stochastic",
            claim="the sampling matrix that carries shares has column sums Kπ_k: doubly stochastic for equal shares only",
            evidence=Evidence.PROOF,
            predict=predict_columns,
            measure=measure_columns,
        ),
        Check(
            name="within-groups",
            claim="in the I-model the difference of two classes of share π grows as e^{πΓ}, for all α(t), β(t)",
            evidence=Evidence.EMPIRICAL,
            predict=predict_within,
            measure=measure_within,
            resolution=1e-8,
            reason="integrated to 1e-12, with modes up to e^5 apart",
        ),
        Check(
            name="across-groups",
            claim="between groups it grows with the larger root of the 2×2 quotient, or as e^{π_A Γ}; here β matters",
            evidence=Evidence.EMPIRICAL,
            predict=predict_across,
            measure=measure_across,
            resolution=3e-8,
            reason="slower modes have e^{−30} left at the first time; exponents are read to 2e-9",
        ),
        Check(
            name="critical-constant",
            claim="for 1/(2π_A) < c < 1/(2π_B) majority classes separate ever more often, minority classes ever less: growth (1 + t)^{cπ}",
            evidence=Evidence.STATISTICAL,
            predict=predict_separated,
            measure=measure_separated,
            kind=Kind.PROBABILITY,
            resolution=SHARP,
            reason=SIZED,
            headroom=2.0,
        ),
        Check(
            name="l-model-one-exponent",
            claim="in the L-model with β < 0 all differences grow with one exponent: the minority is behind by a constant factor only",
            evidence=Evidence.EMPIRICAL,
            predict=predict_exponents,
            measure=measure_exponents,
            resolution=3e-8,
            reason="slower modes have e^{−30} left at the first time; exponents are read to 2e-9",
        ),
        Check(
            name="no-etf",
            claim="in the L-model with β < 0 the cosines tend to those of γ π_i w_i d̂_i + β Σ_j π_j w_j d̂_j",
            evidence=Evidence.EMPIRICAL,
            predict=predict_cosines,
            measure=measure_cosines,
            resolution=3e-9,
            reason="slower modes have e^{−25} left; cosines are good to 1e-10",
        ),
        Check(
            name="minority-collapse",
            claim="there the cosine between minority classes tends to one as R → ∞",
            evidence=Evidence.EMPIRICAL,
            predict=predict_minority,
            measure=measure_minority,
            kind=Kind.LIMIT,
            resolution=1e-4,
            reason="one minus the cosine falls as R^{−2}",
        ),
    ),
    controls=(
        Control(
            name="doubly-stochastic", claim="it is doubly stochastic", check="not-doubly-stochastic", predict=predict_doubly_stochastic
        ),
        Control(name="shares-ignored", claim="differences grow as e^{Γ/K}", check="within-groups", predict=predict_within_balanced),
        Control(name="gap-only", claim="β does not matter between groups", check="across-groups", predict=predict_across_by_gap),
        Control(name="all-alike", claim="all differences grow as t^{c/K}", check="critical-constant", predict=predict_all_alike),
        Control(name="own-samples", claim="they grow as t^{c/2}", check="critical-constant", predict=predict_by_own_samples),
        Control(
            name="by-share",
            claim="in the L-model too exponents are π_k γ",
            check="l-model-one-exponent",
            predict=predict_exponents_by_share,
        ),
        Control(name="etf", claim="an ETF at every R", check="no-etf", predict=predict_etf),
        Control(
            name="minority-apart", claim="minority classes keep their angle", check="minority-collapse", predict=predict_minority_apart
        ),
    ),
    figures=(draw_separation,),
)
