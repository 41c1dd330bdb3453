"""Corrupted labels shrink the gap between the strengths, and close it where labels say nothing."""

import numpy as np
import sympy
from jaxtyping import Float, Int

from layerpeel.numerics import Bracket, Estimate
from layerpeel.theory._room import (
    Check,
    Control,
    Evidence,
    Figure,
    Kind,
    Origin,
    Quantities,
    Quantity,
    Room,
    Series,
    Setting,
    Source,
    Statement,
)
from layerpeel.theory.locally_elastic._drift import exact_elasticity

LITERAL = (2, 3, 4, 5)
"""K for which matrices are written out."""

SIZES = (3, 5)
RATIOS = (0.0, 0.25, 0.5, 2 / 3, 0.8)
"""Shares of corrupted labels; with 2/3 the labels of three classes, with 0.8 those of five are random."""

INTRA, INTER, STEP, STEPS, NOISE = 1.0, -0.5, 0.1, 20, 0.02
RUNS = 20_000
"""The standard error of a ratio of about 2 is then below 0.01."""

K, p, intra, inter, gap = sympy.symbols("K p alpha beta gamma", positive=True)
ones = sympy.Symbol("J")
"""11ᵀ, with 11ᵀ · 11ᵀ = K 11ᵀ."""


def _growth(classes: int, corrupted: float, noisy_gap: float) -> dict[str, Bracket]:
    """(1 + hγ'/K)^m, by label."""
    return {f"K={classes}, p={corrupted:.4g}": Bracket.exactly((1 + STEP * noisy_gap / classes) ** STEPS)}


def predict_strengths() -> Quantities:
    """α' = (1−p)α + pβ, β' = (pα + (K−1−p)β)/(K−1), γ' = γ(1 − pK/(K−1)), zero at (K−1)/K."""
    found: dict[str, Quantity] = {
        "γ', any K": gap * (1 - p * K / (K - 1)),
        "β', any K": (p * (gap + inter) + (K - 1 - p) * inter) / (K - 1),
        "p*, any K": (K - 1) / K,
    }
    for k in LITERAL:
        found |= {f"α', K={k}": (1 - p) * intra + p * inter, f"β', K={k}": (p * intra + (k - 1 - p) * inter) / (k - 1)}
        found |= {
            f"p*, K={k}": sympy.Rational(k - 1, k),
            f"two strengths only, K={k}": sympy.Integer(0),
            f"rows and columns, K={k}": sympy.Integer(0),
        }
    return found


def predict_strengths_half() -> Quantities:
    """A false variant: the gap closes when half of the labels are wrong."""
    return {f"p*, K={k}": sympy.Rational(1, 2) for k in LITERAL[1:]}


def predict_strengths_any_label() -> Quantities:
    """A false variant, as if a corrupted label could also be the right one: γ' = γ(1 − p)."""
    return {"γ', any K": gap * (1 - p)}


def measure_strengths(setting: Setting) -> Quantities:
    """E P' with P'_lj = 1 − p for l = j and p/(K−1) else: by J² = KJ for every K, and written out."""
    share = p / (K - 1)
    product = sympy.Poly((gap + inter * ones) * ((1 - p - share) + share * ones), ones).rem(sympy.Poly(ones**2 - K * ones, ones))
    mixed_inter, mixed_gap = product.all_coeffs()
    found: dict[str, Quantity] = {"γ', any K": mixed_gap, "β', any K": mixed_inter, "p*, any K": _closing(mixed_gap)}
    for k in LITERAL:
        sampling = sympy.Matrix(k, k, lambda label, truth, k=k: 1 - p if label == truth else p / (k - 1))
        mixed = exact_elasticity(k, intra, inter) * sampling
        expected = exact_elasticity(k, mixed[0, 0], mixed[0, 1])
        sums = sympy.Matrix.vstack(sampling * sympy.ones(k, 1), sampling.T * sympy.ones(k, 1))
        found |= {f"α', K={k}": mixed[0, 0], f"β', K={k}": mixed[0, 1], f"p*, K={k}": _closing(mixed[0, 0] - mixed[0, 1])}
        found[f"two strengths only, K={k}"] = sympy.simplify(_squares(mixed - expected))
        found[f"rows and columns, K={k}"] = sympy.simplify(_squares(sums - sympy.ones(2 * k, 1)))
    return found


def _squares(matrix: sympy.Matrix) -> sympy.Expr:
    return (matrix.T * matrix).trace()


def _closing(noisy_gap: sympy.Expr) -> sympy.Expr:
    """The p at which the gap is zero."""
    (closing,) = sympy.solve(noisy_gap, p)
    return closing


def predict_growth() -> Quantities:
    """(1 + hγ'/K)^m."""
    found: dict[str, Quantity] = {}
    for k in SIZES:
        for ratio in RATIOS:
            found |= _growth(k, ratio, (INTRA - INTER) * (1 - ratio * k / (k - 1)))
    return found


def predict_growth_half() -> Quantities:
    """A false variant: none at p = 1/2 with three classes."""
    return _growth(3, 0.5, 0.0)


def predict_growth_unharmed() -> Quantities:
    """A false variant: corrupted labels change nothing."""
    return _growth(3, 0.25, INTRA - INTER) | _growth(5, 0.25, INTRA - INTER)


def measure_growth(setting: Setting) -> Quantities:
    """The mean growth of a class difference in simulated training.

    Each step trains on one sample of a random class, which acts as the class that its label says: class i moves by h·α or h·β times
    the sample, plus noise. Given the past, the mean step is h E P' X/K.
    """
    return {f"K={k}, p={ratio:.4g}": Estimate.of(_differences(setting.rng, k, ratio)[-1] / 2) for k in SIZES for ratio in RATIOS}


def _differences(rng: np.random.Generator, classes: int, ratio: float) -> Float[np.ndarray, "steps runs"]:
    """x_1 − x_2, which starts at 2, after each step of each run."""
    state = np.zeros((RUNS, classes))
    state[:, :2] = 1.0, -1.0
    found, runs = [], np.arange(RUNS)
    for _ in range(STEPS):
        truth = rng.integers(classes, size=RUNS)
        label = _corrupted(rng, truth, classes, ratio)
        strengths = np.where(np.arange(classes) == label[:, None], INTRA, INTER)
        state += STEP * strengths * state[runs, truth][:, None] + NOISE * rng.standard_normal(state.shape)
        found.append(state[:, 0] - state[:, 1])
    return np.stack(found)


def _corrupted(rng: np.random.Generator, truth: Int[np.ndarray, " runs"], classes: int, ratio: float) -> Int[np.ndarray, " runs"]:
    """Each label replaced, with probability `ratio`, by one of the others."""
    shift = rng.integers(1, classes, size=truth.size)
    return np.where(rng.random(truth.size) < ratio, (truth + shift) % classes, truth)


def draw_growth(setting: Setting) -> Figure:
    """Growth of a difference against the share of corrupted labels: prediction, and simulation with its interval."""
    series: list[Series] = []
    for color, k in enumerate(SIZES):
        line = np.linspace(0.0, 0.9, 46)
        curve = (1 + STEP * (INTRA - INTER) * (1 - line * k / (k - 1)) / k) ** STEPS
        series.append(Series(label=f"K = {k}", x=tuple(line.tolist()), y=tuple(curve.tolist()), style="line", color=color))
        found = [Estimate.of(_differences(setting.rng, k, ratio)[-1] / 2) for ratio in RATIOS]
        intervals = [each.interval(setting.level) for each in found]
        series.append(
            Series(
                label=f"simulated, K = {k}",
                x=RATIOS,
                y=tuple(each.mean for each in found),
                style="points",
                color=color,
                low=tuple(each.lower for each in intervals),
                high=tuple(each.upper for each in intervals),
            )
        )
    return Figure(
        title="Corrupted labels close the gap at (K−1)/K",
        caption=f"Mean growth of a class difference over {STEPS} steps, α = 1, β = −1/2; {RUNS} runs for each point.",
        x_label="share of corrupted labels",
        y_label="growth of the difference",
        series=tuple(series),
        marks=tuple(((k - 1) / k, f"(K−1)/K, K = {k}", color) for color, k in enumerate(SIZES)),
    )


ROOM = Room(
    statement=Statement(
        name="label-noise",
        title="Local elasticity under corrupted labels",
        latex=r"\alpha'=(1-p)\alpha+p\beta,\quad \beta'=\frac{p\alpha+(K-1-p)\beta}{K-1},\quad "
        r"\gamma'=\gamma\Bigl(1-\frac{pK}{K-1}\Bigr),\qquad \gamma'=0\iff p=p^*=\frac{K-1}{K}",
        assumptions=(
            "a label is replaced, with probability p, by one of the K − 1 others, all equally likely",
            "a sample acts as the class that its label says",
            "classes are sampled equally often",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, figure 3 (the dashed line at 2/3 for three classes) and the future work on label corruption"),
    ),
    checks=(
        Check(
            name="strengths",
            claim="E P' has the strengths α', β' for every K; P' is doubly stochastic; the gap closes at (K−1)/K",
            evidence=Evidence.PROOF,
            predict=predict_strengths,
            measure=measure_strengths,
        ),
        Check(
            name="simulated",
            claim="in simulated training with corrupted labels the mean difference of two classes grows by (1 + hγ'/K) a step",
            evidence=Evidence.STATISTICAL,
            predict=predict_growth,
            measure=measure_growth,
            kind=Kind.PROBABILITY,
            resolution=0.2,
            headroom=2.0,
            reason="growth factors lie between 0.8 and 2.7; the 20,000 runs' interval is below 0.1 at any level above 1e-7, and a tenth "
            "of this resolution would take two million runs",
        ),
    ),
    controls=(
        Control(name="half", claim="the gap closes at p = 1/2", check="strengths", predict=predict_strengths_half),
        Control(name="right-by-chance", claim="γ' = γ(1 − p)", check="strengths", predict=predict_strengths_any_label),
        Control(name="half-simulated", claim="no growth at p = 1/2 with three classes", check="simulated", predict=predict_growth_half),
        Control(name="unharmed", claim="corrupted labels leave γ alone", check="simulated", predict=predict_growth_unharmed),
    ),
    figures=(draw_growth,),
)
