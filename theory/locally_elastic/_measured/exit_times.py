"""When class differences leave a ball around the unstable point: the boundary-value integral in balls, and paths of three classes."""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from flint import acb, arb, ctx
from scipy.linalg import expm

from layerpeel.array_words import Float, Int
from layerpeel.numerics import PRECISION, Bracket, Estimate, Figure, Proportion, Series, to_bracket
from layerpeel.theory.locally_elastic._integrated_means import two_parameter

CLASSES, INTRA, INTER = 3, 0.6, -0.4
"""K, α and β: γ = 1, and the mean of the classes is held back."""
STEP = 0.5
"""Between two looks at a path; what they miss moves a mean by less than 20 σ²."""
PATHS = 30_000


def boundary_value(features: int, noise: float, radius: float) -> Bracket:
    """The u(0) of σ²/2 (u″ + (p − 1) u′/x) + a x u′ = −1 and u(r) = 0, as one integral over v = z/y, with c = ar²/σ².

    a u(0) = 2 ∫_0^√c ∫_0^y (z/y)^{p−1} e^{z²−y²} dz dy = ∫_0^1 v^{p−1} (1 − e^{−c(1−v²)})/(1 − v²) dv.
    """
    with ctx.workprec(PRECISION):
        rate = (arb(str(INTRA)) - arb(str(INTER))) / CLASSES
        scale = acb(rate * (arb(radius) / noise) ** 2)
        total = acb.integral(lambda v, _: v ** (features - 1) * scale * (-scale * (1 - v * v)).hypgeom_1f1(1, 2), 0, 1)
        return to_bracket(total.real / rate)


def first_exits(
    rng: np.random.Generator, noise: Sequence[float], radii: Sequence[float], *, features: int = 1, pairs: int = 3
) -> tuple[Float[np.ndarray, "radii paths"], Int[np.ndarray, " paths"]]:
    """When one of the first pairs of samples, of equal number and all begun at zero, is a radius apart; and which pair is first.

    The literal drift of the I-model, dX^k = Σ_l E_kl X^l dt/K + σ_k dB, in steps with the exact law of their ends.

    Args:
        rng: source of randomness.
        noise: σ_k of each class.
        radii: increasing.
        features: p.
        pairs: of (1, 2), (1, 3), (2, 3) the first so many.
    """
    drift, (first, second) = two_parameter(INTRA, INTER, CLASSES) / CLASSES, np.array([*combinations(range(CLASSES), 2)][:pairs]).T
    both = expm(STEP * np.block([[-drift, np.diag(np.square(noise))], [np.zeros_like(drift), drift.T]]))
    onward = both[CLASSES:, CLASSES:].T
    root = np.linalg.cholesky(onward @ both[:CLASSES, CLASSES:])
    times, who, inside = np.full((len(radii), PATHS), np.nan), np.zeros(PATHS, dtype=int), np.arange(PATHS)
    points, widest, time = np.zeros((PATHS, CLASSES, features)), np.full(PATHS, np.finfo(float).tiny), 0.0
    while inside.size:
        points = onward @ points + root @ rng.standard_normal(points.shape)
        apart = np.linalg.norm(points[:, first] - points[:, second], axis=2)
        before, widest = widest, apart.max(axis=1)
        out = (widest >= radii[0]) & np.isnan(times[0, inside])
        who[inside[out]] = apart[out].argmax(axis=1)
        for reached, radius in zip(times, radii, strict=True):
            out = (widest >= radius) & np.isnan(reached[inside])
            reached[inside[out]] = time + STEP * np.log(radius / before[out]) / np.log(widest[out] / before[out])
        time, left = time + STEP, np.isnan(times[-1, inside])
        inside, points, widest = inside[left], points[left], widest[left]
    return times, who


def mean_exit(rng: np.random.Generator, features: int, pairs: int, noise: float) -> Estimate:
    """Of the first of so many pairs, from the ball of radius one."""
    return Estimate.of(first_exits(rng, (noise,) * CLASSES, (1.0,), features=features, pairs=pairs)[0][0])


def growth(rng: np.random.Generator, radii: Sequence[float], noise: float) -> Estimate:
    """From one radius to the next, by one pair."""
    times, _ = first_exits(rng, (noise,) * CLASSES, radii, pairs=1)
    return Estimate.of(times[1] - times[0])


def parted_first(rng: np.random.Generator, noise: Sequence[float]) -> list[Proportion]:
    """How often each pair is the first."""
    _, who = first_exits(rng, noise, (1.0,))
    return [Proportion(successes=int(count), n=PATHS) for count in np.bincount(who, minlength=3)]


def draw(predicted: Callable[[int, float, float], Bracket]) -> Figure:
    """Mean exit times from the unit ball against the noise, as predicted and by the integral."""
    noises = np.geomspace(0.2, 1e-4, 12).tolist()
    series: list[Series] = []
    for color, features in enumerate((1, 2, 3, 10)):
        series.append(Series.line(f"p = {features}", noises, [predicted(features, noise, 1.0).middle for noise in noises], color))
        integrals = [boundary_value(features, noise, 1.0).middle for noise in noises]
        series.append(Series.points(f"p = {features}, integral", noises, integrals, color))
    return Figure(
        title="How long noise keeps a pair of classes together",
        caption="Mean time until two classes are a distance of one apart, γ/K = 1/3. Lines: the expansion; points: the integral.",
        x_label="noise σ",
        y_label="mean exit time",
        series=tuple(series),
        log_x=True,
    )
