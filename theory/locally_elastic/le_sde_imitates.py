"""Simulated against genuine class means: which locally elastic model imitates training better.

The slides say the L-model. On the class means of logits that small networks leave in their first steps it is the I-model; in longer runs,
and for the source's convolutional net, its lead is small, and not certain at every seed. After 4,000 steps it is no nearer than one factor
by which all means grow.

Strengths are functions of time, two for each model: fitted to the means that they are scored on, they would follow much of any
trajectory. So they are estimated from one half of the networks and scored on the other, which saw other images.
"""

from itertools import permutations

import numpy as np

from numerics import Bracket, estimate_rates, refitted_means, relative_difference
from theory._room import (
    Check,
    Control,
    Evidence,
    Figure,
    Kind,
    Origin,
    Quantities,
    Quantity,
    Room,
    Setting,
    Source,
    Statement,
    Verdict,
)
from theory._trials import interval_over_trials, points_over_trials
from theory.locally_elastic._ensembles import EVALUATIONS, GIVEN_IMAGES, trained

NETWORKS = 48
"""Independent networks of a run."""

PER_GROUP = 2
"""Networks whose class means are averaged in one trial: 24 trials, whose interval reaches .8 standard deviations to each side.

The strengths that a trial is scored with come from all networks of the other half, as the source averages a hundred.
"""

PER_LARGE_GROUP = 8
"""The same, for six trials that are reported beside them: the source averages over a hundred networks and has one trial."""

ITERATIONS = 1_600
"""Steps of one image in the run that is judged: accuracy then exceeds nine in ten."""

JUDGED = {"": (ITERATIONS, False, PER_GROUP), f" (means of {PER_LARGE_GROUP} networks)": (ITERATIONS, False, PER_LARGE_GROUP)}
"""Steps, whether the net is the source's convolutional one, and networks in a group: as it is judged, and in larger groups."""

OTHERS = {" (4000 steps)": (4_000, False, PER_GROUP), " (convolutional net, 8000 steps)": (8_000, True, PER_GROUP)}
"""Runs that the full profile measures beside them: longer, and with the source's network. The I-model's lead is small there."""

BURN_IN = 4
"""Of forty evaluations, how many are left out: at first the means are within noise of zero, and no growth rate leads away from there."""

MODELS = ("I", "L")


def _followed(times: np.ndarray, estimated_from: np.ndarray, start: np.ndarray) -> dict[str, np.ndarray]:
    """Means that start at `start` under the strengths of other means, (times, K, K), by model; and two that know no classes.

    "common factor" lets all means grow as the norm of the other means does: the I-model with β = 0. "frozen" leaves them where they were.
    """
    found = {}
    for model in MODELS:
        rates = estimate_rates(times, estimated_from, model=model, crossings="keep")
        found[model] = refitted_means(start, rates.cumulative_intra, rates.cumulative_inter, model=model)
    norms = np.linalg.norm(estimated_from, axis=(1, 2))
    return found | {"common factor": (norms / norms[0])[:, None, None] * start, "frozen": np.broadcast_to(start, estimated_from.shape)}


def _mean_difference(
    seed: int, iterations: int = ITERATIONS, *, alexnet: bool = False, per_group: int = PER_GROUP
) -> dict[str, np.ndarray]:
    """RD_k(t) averaged over classes, (trials, times): strengths from one half of the networks, scored on groups of the other half."""
    halves = trained(0.0, NETWORKS, iterations, seed, alexnet=alexnet)
    times = (halves[0].times - halves[0].times[BURN_IN])[BURN_IN:].astype(float)
    logits = [half.logits[:, BURN_IN:] for half in halves]
    found: dict[str, list[np.ndarray]] = {}
    for other, own in permutations(logits):
        for genuine in own.reshape(-1, per_group, *own.shape[1:]).mean(axis=1):
            for name, simulated in _followed(times, other.mean(axis=0), genuine[0]).items():
                found.setdefault(name, []).append(relative_difference(genuine[1:], simulated[1:]).mean(axis=-1))
    return {name: np.array(curves) for name, curves in found.items()}


def predict_imitates() -> Quantities:
    """The I-model is nearer to the genuine means than means that all grow by one factor."""
    return {"common factor less I": Bracket.exactly(0.0)}


def predict_l_imitates() -> Quantities:
    """A false variant: so is the L-model."""
    return {"common factor less L": Bracket.exactly(0.0)}


def predict_frozen_imitates() -> Quantities:
    """A false variant: so are means that stay where they were."""
    return {"common factor less frozen": Bracket.exactly(0.0)}


def predict_l_better() -> Quantities:
    """As the slides say."""
    return {"I less L": Bracket.exactly(0.0)}


def predict_i_better() -> Quantities:
    """Corrected for these networks."""
    return {"I less L": Bracket.exactly(0.0)}


def measure_difference(setting: Setting) -> Quantities:
    """RD averaged over classes and times, out of sample, compared, over trials; for other runs and larger groups too."""
    found: dict[str, Quantity] = {}
    for note, (iterations, alexnet, per_group) in (JUDGED | (OTHERS if setting.full else {})).items():
        curves = _mean_difference(setting.seed, iterations, alexnet=alexnet, per_group=per_group)
        means = {name: values.mean(axis=1) for name, values in curves.items()}
        found |= {f"{name}{note}": interval_over_trials(values) for name, values in means.items()}
        for name in (*MODELS, "frozen"):
            found[f"common factor less {name}{note}"] = interval_over_trials(means["common factor"] - means[name])
        found[f"I less L{note}"] = interval_over_trials(means["I"] - means["L"])
    return found


def draw_difference(setting: Setting) -> Figure:
    """RD averaged over classes against time, for both models and for means that know no classes."""
    curves = _mean_difference(setting.seed)
    every = ITERATIONS // EVALUATIONS
    times = tuple(float(every * (BURN_IN + 1 + i)) for i in range(curves["I"].shape[1]))
    return Figure(
        title="Simulated against genuine class means",
        caption="Relative difference, averaged over the three classes of GeoMNIST; "
        f"{NETWORKS // PER_GROUP} trials of {PER_GROUP} networks with one hidden layer, strengths from the half of the networks that a "
        f"trial does not belong to; bars: from the least to the largest. A value of two means opposite directions. {GIVEN_IMAGES}.",
        x_label="iteration",
        y_label="relative difference RD",
        series=tuple(
            points_over_trials(
                {"I": "I-model", "L": "L-model", "common factor": "one common factor", "frozen": "means that stay"}[name],
                times,
                values,
                color,
            )
            for color, (name, values) in enumerate(curves.items())
        ),
    )


ROOM = Room(
    statement=Statement(
        name="le-sde-imitates",
        title="Which locally elastic model imitates training",
        latex=r"\mathrm{RD}_k(t)=\frac{\lVert\bar X^k-\bar Y^k\rVert}{\frac12(\lVert\bar X^k\rVert+\lVert\bar Y^k\rVert)}:"
        r"\qquad \mathrm{RD}^{\mathrm L}<\mathrm{RD}^{\mathrm I}",
        assumptions=(
            "class means of logits on GeoMNIST, one hidden layer of 64 units, 1,600 steps of one image at rate .005",
            "α and β estimated from the mean of one half of the networks, from a tenth of the run on",
            "RD averaged over classes and times, on pairs of the other half, which share these strengths",
            GIVEN_IMAGES,
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("zhang2021", "simulated against genuine dynamics"),
    ),
    checks=(
        Check(
            name="imitates",
            claim="in 1,600 steps, with strengths of other networks, the I-model is nearer to the means than one common growth factor",
            evidence=Evidence.EMPIRICAL,
            predict=predict_imitates,
            measure=measure_difference,
            kind=Kind.LOWER_BOUND,
        ),
        Check(
            name="l-model-better",
            claim="the L-model leaves the smaller difference, as the slides say",
            evidence=Evidence.EMPIRICAL,
            predict=predict_l_better,
            measure=measure_difference,
            kind=Kind.LOWER_BOUND,
            expected=Verdict.REFUTED,
        ),
        Check(
            name="i-model-better",
            claim="in the first 1,600 steps, with strengths of other networks, the I-model leaves the smaller difference",
            evidence=Evidence.EMPIRICAL,
            predict=predict_i_better,
            measure=measure_difference,
            kind=Kind.UPPER_BOUND,
        ),
    ),
    controls=(
        Control(
            name="l-model-too",
            claim="the L-model is nearer than one common growth factor too",
            check="imitates",
            predict=predict_l_imitates,
        ),
        Control(
            name="frozen-too",
            claim="means that stay where they were are nearer than one common growth factor",
            check="imitates",
            predict=predict_frozen_imitates,
        ),
    ),
    figures=(draw_difference,),
)
