"""The I-model with two classes whose noise gathers as another power of time along each axis: integrated, and followed on paths."""

import math

import numpy as np
from scipy.integrate import solve_ivp

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, Proportion, separated_along
from layerpeel.theory._room import Setting
from layerpeel.theory.locally_elastic._drift import RELATIVE
from layerpeel.theory.locally_elastic._integrated_means import i_model_blocks, integrated_means, on_logarithms, two_parameter
from layerpeel.theory.locally_elastic._paths import ends_of_paths

CLASSES, STRENGTH = 2, 1.2
"""γ = c/(1 + t)."""
POWERS = (2.0, 0.5)
"""a_1 > a_2 with ∫Σ + Cov at time 0 = diag((1 + t)^{a_i}): c lies between K a_2/2 = 0.5 and K a_1/2 = 2."""
SAMPLES = 3
"""Per class."""
MEANS = np.array([[0.75, 0.45], [-0.75, -0.45]])
FISHER, ALONG = "Fisher", "difference of means"
"""Directions: the quietest noise decides along the first, the loudest along the second."""


def integrated(times: tuple[float, ...]) -> tuple[Float[np.ndarray, "T K p"], Float[np.ndarray, "T 2"]]:
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


def separated_paths(setting: Setting, time: float, paths: int) -> dict[str, Proportion]:
    """Paths around integrated means, the noise gathered in two steps; along both directions."""
    (_, means), variances = integrated((0.5 * time, time))
    gathered = np.diff(np.concatenate([np.ones((1, 2)), variances]), axis=0)
    apart, spread = means[0] - means[1], np.broadcast_to(np.eye(2), (CLASSES, 2, 2))
    noise = np.broadcast_to(gathered[:, None, :, None] * np.eye(2), (len(gathered), CLASSES, 2, 2))
    counts = np.zeros(2, dtype=int)
    for points in ends_of_paths(means, noise, spread=spread, rng=setting.rng, paths=paths, samples=SAMPLES):
        for index, along in enumerate((apart / variances[-1], apart)):
            counts[index] += int(separated_along(points[:, 0], points[:, 1], np.broadcast_to(along, (len(points), 2))).sum())
    return {name: Proportion(successes=int(count), n=paths) for name, count in zip((FISHER, ALONG), counts, strict=True)}


READ = 1e-5
"""Exponents are read between t = 10⁴ and 10⁸, where the louder and the quieter direction are t^{3/2} = 10⁶ apart."""


def late_slopes(time: float) -> dict[str, Bracket]:
    """Slopes of log(signal over noise) in log t between a late time and its square, by direction."""
    means, variances = integrated((time, time**2))
    gaps = means[:, 0] - means[:, 1]
    fisher = 0.5 * np.log(np.sum(gaps**2 / variances, axis=1))
    along = np.log(np.sum(gaps**2, axis=1) / np.sqrt(np.sum(gaps**2 * variances, axis=1)))
    span = math.log((1 + time**2) / (1 + time))
    return {name: Bracket.around(float(logs[1] - logs[0]) / span, READ) for name, logs in ((FISHER, fisher), (ALONG, along))}


def counted_at(setting: Setting, times: tuple[float, ...], paths: int) -> list[Proportion]:
    """At all times along the first direction, then along the second."""
    counted = [separated_paths(setting, time, paths) for time in times]
    return [each[name] for name in (FISHER, ALONG) for each in counted]
