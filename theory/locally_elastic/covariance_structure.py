"""Noise that differs between directions: the best direction is Fisher's, and the quietest one decides when classes separate."""

import math

import numpy as np
from jaxtyping import Float
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar

from layerpeel.numerics import (
    Bracket,
    Proportion,
    ordered_probability,
    separated_along,
    separated_probability,
)
from layerpeel.theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Room, Series, Setting, Source, Statement
from layerpeel.theory.locally_elastic._drift import RELATIVE
from layerpeel.theory.locally_elastic._integrated_means import i_model_blocks, integrated_means, on_logarithms, two_parameter
from layerpeel.theory.locally_elastic._paths import SHARP, SIZED, ends_of_paths, paths_needed

# Features of class k are N(X̄^k(t), S_k(t)) with S_k = Cov at time 0 + ∫Σ_k. Along ν two classes have the gap ν·D, D = X̄^k − X̄^l, and
# deviations √(νᵀS_kν), √(νᵀS_lν).
# S_k = S_l = S: the probability of order increases with ν·D/√(νᵀSν) alone, for every n, so ν = S^{−1}D (Fisher) is best, with DᵀS^{−1}D
# deviations². Along D itself they are (DᵀD)²/(DᵀSD): by Kantorovich's inequality at least the share 4κ/(1 + κ)² of it, κ the condition
# of S. So as long as κ is bounded, no rate changes. If noise accumulates as t^{a_i} along q_i and D ∝ t^{c/K}, then signal over noise grows
# as t^{c/K − a_min/2} along Fisher's direction but as t^{c/K − a_max/2} along D (when D has a part along both).
# S_k ≠ S_l: extremes of n → ∞ normal variables are √(2 log n) deviations out, so the best direction maximises
# ν·D/(√(νᵀS_kν) + √(νᵀS_lν)) in the limit: ν = (S_k/s_k + S_l/s_l)^{−1}D, s_k = √(νᵀS_kν) (Anderson and Bahadur).

ROUNDING = 1e-9
"""Of exact integrals and eigenvalues in doubles."""
ANGLE = 1e-4
"""A maximiser is known to about the root of the relative error of the maximum."""

DIFFERENCE = np.array([1.0, 0.6])
"""D up to its length."""
COVARIANCES = {
    "along the axes": np.diag([4.0, 0.25]),
    "correlated": np.array([[2.0, 1.0], [1.0, 1.0]]),
    "anticorrelated": np.array([[1.0, -0.5], [-0.5, 0.7]]),
}
"""S = S_k = S_l, two features."""
UNEQUAL = (np.array([[4.0, 1.8], [1.8, 1.0]]), np.array([[0.3, -0.1], [-0.1, 0.2]]))
"""S_k and S_l."""
FEW = 10
"""Samples per class."""
MANY = (1e3, 1e6, 1e12, 1e24, 1e99)
"""Samples per class on the way to infinity: the limit is approached as 1/log n."""


def _angle(direction: Float[np.ndarray, " 2"]) -> float:
    """In [0, π)."""
    return math.atan2(float(direction[1]), float(direction[0])) % math.pi


def _best_angle(first: Float[np.ndarray, "2 2"], second: Float[np.ndarray, "2 2"], count: float, length: float) -> float:
    """The angle along which the probability of order is largest, by the exact integral: a scan of the half circle, then Brent's method."""

    def costs(angles: Float[np.ndarray, " a"]) -> Float[np.ndarray, " a"]:
        units = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        deviations = tuple(np.sqrt(np.einsum("ai,ij,aj->a", units, matrix, units)) for matrix in (first, second))
        return -ordered_probability(length * units @ DIFFERENCE, deviations=deviations, counts=(count, count)).log

    angles = STEP * np.arange(math.pi / STEP)
    near = float(angles[np.argmin(costs(angles))])
    found = minimize_scalar(
        lambda angle: float(costs(np.array([angle]))[0]),
        bounds=(near - STEP, near + STEP),
        method="bounded",
        options={"xatol": 0.1 * ANGLE},
    )
    return float(found.x) % math.pi


STEP = math.pi / 60
"""Of the scan."""


def predict_best() -> Quantities:
    """The angle of S^{−1}D."""
    angles = {name: _angle(np.linalg.solve(matrix, DIFFERENCE)) for name, matrix in COVARIANCES.items()}
    return {name: Bracket(angle - ANGLE, angle + ANGLE) for name, angle in angles.items()}


def predict_best_by_means() -> Quantities:
    """A false variant: the difference of the means."""
    return {name: Bracket.exactly(_angle(DIFFERENCE)) for name in COVARIANCES}


def measure_best(setting: Setting) -> Quantities:
    """Maximise the exact probability for 10 samples per class."""
    angles = {name: _best_angle(matrix, matrix, FEW, 3.0) for name, matrix in COVARIANCES.items()}
    return {name: Bracket(angle - ANGLE, angle + ANGLE) for name, angle in angles.items()}


def predict_unequal() -> Quantities:
    """The angle of ν = (S_k/s_k + S_l/s_l)^{−1}D, by iteration."""
    direction = DIFFERENCE
    for _ in range(100):
        pooled = sum(matrix / math.sqrt(direction @ matrix @ direction) for matrix in UNEQUAL)
        direction = np.linalg.solve(pooled, DIFFERENCE)
        direction = direction / np.linalg.norm(direction)
    return {f"n = {count:g}": Bracket(_angle(direction) - ROUNDING, _angle(direction) + ROUNDING) for count in MANY}


def predict_pooled() -> Quantities:
    """A false variant: Fisher's direction with pooled covariances, (S_k + S_l)^{−1}D."""
    return {f"n = {count:g}": Bracket.exactly(_angle(np.linalg.solve(sum(UNEQUAL), DIFFERENCE))) for count in MANY}


def measure_unequal(setting: Setting) -> Quantities:
    """Maximise the exact probability, the means 1.3√(2 log n) apart so that it stays away from zero."""
    angles = {count: _best_angle(*UNEQUAL, count, 1.3 * math.sqrt(2 * math.log(count))) for count in MANY}
    return {f"n = {count:g}": Bracket(angle - ANGLE, angle + ANGLE) for count, angle in angles.items()}


CONDITIONS = (2.0, 10.0, 100.0)
"""κ."""


def predict_loss() -> Quantities:
    """4κ/(1 + κ)²."""
    values = {kappa: 4 * kappa / (1 + kappa) ** 2 for kappa in CONDITIONS}
    return {f"κ = {kappa:g}": Bracket(value - ROUNDING, value + ROUNDING) for kappa, value in values.items()}


def predict_loss_of_all() -> Quantities:
    """A false variant: 1/κ, as if the means could differ along the loudest direction and still be read along the quietest."""
    return {f"κ = {kappa:g}": Bracket.exactly(1 / kappa) for kappa in CONDITIONS}


def measure_loss(setting: Setting) -> Quantities:
    """The least (DᵀD)²/(DᵀSD · DᵀS^{−1}D) for S = diag(1, κ), over a grid of directions D."""
    found: dict[str, Bracket] = {}
    angles = np.arange(0.0, 0.5 * math.pi, ANGLE)
    for kappa in CONDITIONS:
        squares = np.stack([np.cos(angles), np.sin(angles)]) ** 2
        value = float(np.min(1 / ((squares[0] + kappa * squares[1]) * (squares[0] + squares[1] / kappa))))
        found[f"κ = {kappa:g}"] = Bracket(value - 10 * ANGLE**2, value + 10 * ANGLE**2)
    return found


CLASSES, STRENGTH = 2, 1.2
"""γ = c/(1 + t)."""
POWERS = (2.0, 0.5)
"""a_1 > a_2 with ∫Σ + Cov at time 0 = diag((1 + t)^{a_i}): c lies between K a_2/2 = 0.5 and K a_1/2 = 2."""
WATCHED, LATE, SAMPLES = (1.0, 8.0), 1e4, 3
"""Times at which all probabilities lie between .2 and .8: Fisher's rises, that along the means falls; time of the exponents; n."""
MEANS = np.array([[0.75, 0.45], [-0.75, -0.45]])
DIRECTIONS = ("Fisher", "difference of means")


def _integrated(times: tuple[float, ...]) -> tuple[Float[np.ndarray, "T K p"], Float[np.ndarray, "T 2"]]:
    """Class means, and the variances of the features along the axes, by integrating drift and noise on logarithms of time.

    The noise is Σ = diag(a_i (1 + t)^{a_i − 1}) per unit of time, hence (1 + t)Σ on u = log(1 + t).
    """
    clocks = np.log1p(np.array(times))
    elasticity = on_logarithms(lambda time: two_parameter(STRENGTH, 0.0, CLASSES) / (1.0 + time))
    means = integrated_means(elasticity, i_model_blocks(CLASSES, 2), MEANS, clocks.tolist())
    powers = np.array(POWERS)
    gathered = solve_ivp(
        lambda clock, _: powers * np.exp((powers - 1.0) * clock) * np.exp(clock),
        (0.0, float(clocks[-1])),
        np.ones(2),
        method="DOP853",
        t_eval=clocks,
        rtol=RELATIVE,
        atol=RELATIVE,
    )
    return np.stack([means.means(index) for index in range(len(times))]), gathered.y.T


def predict_exponents() -> Quantities:
    """c/K − a_min/2 along Fisher's direction, c/K − a_max/2 along the difference of the means."""
    return _read(*(STRENGTH / CLASSES - power / 2 for power in (min(POWERS), max(POWERS))))


def predict_exponents_by_trace() -> Quantities:
    """A false variant: the total noise decides along both."""
    return _read(STRENGTH / CLASSES - max(POWERS) / 2, STRENGTH / CLASSES - max(POWERS) / 2)


def predict_exponents_by_variance() -> Quantities:
    """A false variant: variances in place of deviations, c/K − a."""
    return _read(*(STRENGTH / CLASSES - power for power in (min(POWERS), max(POWERS))))


def _read(*values: float) -> Quantities:
    return {name: Bracket(value - READ, value + READ) for name, value in zip(DIRECTIONS, values, strict=True)}


READ = 1e-5
"""Exponents are read between t = 10⁴ and 10⁸, where the louder and the quieter direction are t^{3/2} = 10⁶ apart."""


def measure_exponents(setting: Setting) -> Quantities:
    """Slope of log(signal over noise) in log t."""
    times = (LATE, LATE**2)
    means, variances = _integrated(times)
    gaps = means[:, 0] - means[:, 1]
    fisher = 0.5 * np.log(np.sum(gaps**2 / variances, axis=1))
    along = np.log(np.sum(gaps**2, axis=1) / np.sqrt(np.sum(gaps**2 * variances, axis=1)))
    span = math.log((1 + times[1]) / (1 + times[0]))
    return _read(*(float(logs[1] - logs[0]) / span for logs in (fisher, along)))


def _exact(times: Float[np.ndarray, " T"], powers: tuple[float, float] = POWERS) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of separation along both directions."""
    gap = (MEANS[0] - MEANS[1]) * (1 + times[:, None]) ** (STRENGTH / CLASSES)
    variances = (1 + times[:, None]) ** np.array(powers)
    found = []
    for along in (gap / (1 + times[:, None]) ** np.array(POWERS), gap):
        deviation = np.sqrt(np.sum(along**2 * variances, axis=1))
        probability = separated_probability(np.sum(along * gap, axis=1), deviations=(deviation, deviation), counts=(SAMPLES, SAMPLES))
        found.append(np.exp(probability.log))
    return found[0], found[1]


def _window(powers: tuple[float, float]) -> Quantities:
    found: dict[str, Bracket] = {}
    for name, curve in zip(DIRECTIONS, _exact(np.array(WATCHED), powers), strict=True):
        for time, value in zip(WATCHED, curve.tolist(), strict=True):
            found[f"{name}, t = {time:g}"] = Bracket(max(0.0, value - ROUNDING), min(1.0, value + ROUNDING))
    return found


def predict_window() -> Quantities:
    """The exact integral."""
    return _window(POWERS)


def predict_window_of_mean_noise() -> Quantities:
    """A false variant: noise t^a with the mean exponent in every direction."""
    return _window((sum(POWERS) / 2, sum(POWERS) / 2))


def predict_no_window() -> Quantities:
    """A false variant: along the means as likely as along Fisher's direction, since the means are the same."""
    fisher = _exact(np.array(WATCHED))[0].tolist()
    return {f"{DIRECTIONS[1]}, t = {time:g}": Bracket.exactly(value) for time, value in zip(WATCHED, fisher, strict=True)}


def _counted(setting: Setting, time: float, paths: int) -> dict[str, Proportion]:
    """Paths around integrated means, the noise gathered in two steps; along both directions."""
    (_, means), variances = _integrated((0.5 * time, time))
    gathered = np.diff(np.concatenate([np.ones((1, 2)), variances]), axis=0)
    gap, spread = means[0] - means[1], np.broadcast_to(np.eye(2), (CLASSES, 2, 2))
    noise = np.broadcast_to(gathered[:, None, :, None] * np.eye(2), (len(gathered), CLASSES, 2, 2))
    counts = np.zeros(2, dtype=int)
    for points in ends_of_paths(means, noise, spread=spread, rng=setting.rng, paths=paths, samples=SAMPLES):
        for index, along in enumerate((gap / variances[-1], gap)):
            counts[index] += int(separated_along(points[:, 0], points[:, 1], np.broadcast_to(along, (len(points), 2))).sum())
    return {name: Proportion(successes=int(count), n=paths) for name, count in zip(DIRECTIONS, counts, strict=True)}


def measure_window(setting: Setting) -> Quantities:
    """Paths at both times."""
    counted = {time: _counted(setting, time, paths_needed(setting.level)) for time in WATCHED}
    return {f"{name}, t = {time:g}": counted[time][name] for name in DIRECTIONS for time in WATCHED}


DRAWN = 1e3
"""End of the figure."""


def draw_window(setting: Setting) -> Figure:
    """Exact curves and counted paths along both directions."""
    times, watched = np.geomspace(0.1, DRAWN, 80), np.geomspace(1.0, DRAWN, 7)
    counted, series = [_counted(setting, time, 1000) for time in watched.tolist()], list[Series]()
    for color, (name, curve) in enumerate(zip(DIRECTIONS, _exact(times), strict=True)):
        series.append(Series(label=name, x=tuple(times.tolist()), y=tuple(curve.tolist()), style="line", color=color))
        intervals = [proportion.interval(setting.level) for proportion in [found[name] for found in counted]]
        series.append(
            Series(
                label=f"{name}, 1000 paths",
                x=tuple(watched.tolist()),
                y=tuple(found[name].mean for found in counted),
                style="points",
                color=color,
                low=tuple(interval.lower for interval in intervals),
                high=tuple(interval.upper for interval in intervals),
            )
        )
    return Figure(
        title="The direction decides",
        caption=f"I-model, K = 2, γ = {STRENGTH:g}/(1 + t), noise gathering as t² and √t along the axes, {SAMPLES} samples per class.",
        x_label="time",
        y_label="probability of separation along the direction",
        series=tuple(series),
        log_x=True,
    )


ROOM = Room(
    statement=Statement(
        name="covariance-structure",
        title="Noise that differs between directions",
        latex=r"\nu^\star=S^{-1}(\bar X^k-\bar X^l);\qquad \gamma=\tfrac ct,\ S=\mathrm{diag}(t^{a_i}):\quad"
        r"c^\star_{\text{Fisher}}=\tfrac K2\min_i a_i\ <\ c^\star_{\text{means}}=\tfrac K2\max_i a_i",
        assumptions=(
            "Gaussian features around deterministic means, covariance S the same in both classes unless said otherwise",
            "I-model; the means differ along every axis of S",
            "separation along one direction for all samples; hyperplanes fitted to the samples can do better",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.CONJECTURE,
        source=Source("zhang2021", "slides, Future Works: Finer-Grained Analysis and the Covariance Structure"),
    ),
    checks=(
        Check(
            name="best-direction",
            claim="with equal covariances S^{−1}D is the direction of the largest probability",
            evidence=Evidence.EMPIRICAL,
            predict=predict_best,
            measure=measure_best,
            resolution=30 * ANGLE,
            reason="a maximiser in doubles is found to the root of the precision; ten times what is allowed for it, and more",
        ),
        Check(
            name="loss-along-the-means",
            claim="along D itself at least the share 4κ/(1 + κ)² of the squared signal is left, and no more in the worst case",
            evidence=Evidence.EMPIRICAL,
            predict=predict_loss,
            measure=measure_loss,
            resolution=1e-5,
            reason="the minimum is flat: an angle off by 1e-4 changes it by 1e-8, and ten times that is allowed",
        ),
        Check(
            name="exponents",
            claim="signal over noise grows with c/K − a_min/2 along Fisher's direction, with c/K − a_max/2 along the means",
            evidence=Evidence.EMPIRICAL,
            predict=predict_exponents,
            measure=measure_exponents,
            resolution=1e-3,
            reason="read to 1e-5 where both directions are 10⁶ apart",
        ),
        Check(
            name="window",
            claim="for K a_min/2 < c < K a_max/2 separation grows more likely along Fisher's direction, and less along the means",
            evidence=Evidence.STATISTICAL,
            predict=predict_window,
            measure=measure_window,
            kind=Kind.PROBABILITY,
            resolution=SHARP,
            reason=SIZED,
            headroom=2.0,
        ),
        Check(
            name="unequal-covariances",
            claim="with S_k ≠ S_l the best direction tends to (S_k/s_k + S_l/s_l)^{−1}D as n → ∞",
            evidence=Evidence.EMPIRICAL,
            predict=predict_unequal,
            measure=measure_unequal,
            kind=Kind.LIMIT,
            resolution=5e-3,
            reason="the distance falls as 1/log n; at n = 1e99 it is 2e-3",
        ),
    ),
    controls=(
        Control(
            name="means", claim="the difference of the means is the best direction", check="best-direction", predict=predict_best_by_means
        ),
        Control(name="one-over-kappa", claim="the share can be as small as 1/κ", check="loss-along-the-means", predict=predict_loss_of_all),
        Control(
            name="loudest-decides", claim="the loudest direction decides along both", check="exponents", predict=predict_exponents_by_trace
        ),
        Control(name="by-variance", claim="exponents are c/K − a_i", check="exponents", predict=predict_exponents_by_variance),
        Control(name="no-window", claim="the means decide along both directions", check="window", predict=predict_no_window),
        Control(name="mean-noise", claim="the mean exponent decides", check="window", predict=predict_window_of_mean_noise),
        Control(name="pooled", claim="it tends to (S_k + S_l)^{−1}D", check="unequal-covariances", predict=predict_pooled),
    ),
    figures=(draw_window,),
)
