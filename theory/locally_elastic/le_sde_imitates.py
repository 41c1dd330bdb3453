"""Simulated against genuine class means: which locally elastic model imitates training better.

The slides say the L-model. On the class means of logits that small networks leave in their first steps it is the I-model; in longer runs,
and for the source's convolutional net, its lead is small, and not certain at every seed.
"""

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
    Series,
    Setting,
    Source,
    Statement,
    Verdict,
)
from theory._trials import interval_over_trials
from theory.locally_elastic._ensembles import CLASSES, trained

NETWORKS = 48
"""Independent networks of a run."""

PER_GROUP = 2
"""Networks whose class means are averaged in one trial: 24 trials, whose interval reaches .8 standard deviations to each side."""

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


def _mean_difference(
    seed: int, iterations: int = ITERATIONS, *, alexnet: bool = False, per_group: int = PER_GROUP
) -> dict[str, np.ndarray]:
    """RD_k(t) averaged over classes, (trials, times), of both models and of means that stay where they were."""
    run = trained(0.0, NETWORKS, iterations, seed, alexnet=alexnet)
    times = (run.times - run.times[BURN_IN])[BURN_IN:].astype(float)
    genuine = run.logits.reshape(-1, per_group, len(run.times), CLASSES, CLASSES).mean(axis=1)[:, BURN_IN:]
    found: dict[str, list[np.ndarray]] = {name: [] for name in (*MODELS, "frozen")}
    for means in genuine:
        for model in MODELS:
            rates = estimate_rates(times, means, model=model, crossings="keep")
            simulated = refitted_means(means[0], rates.cumulative_intra, rates.cumulative_inter, model=model)
            found[model].append(relative_difference(means[1:], simulated[1:]).mean(axis=-1))
        found["frozen"].append(relative_difference(means[1:], np.broadcast_to(means[0], means[1:].shape)).mean(axis=-1))
    return {name: np.array(curves) for name, curves in found.items()}


def predict_imitates() -> Quantities:
    """The I-model is nearer to the genuine means than means that do not move."""
    return {"frozen less I": Bracket.exactly(0.0)}


def predict_useless() -> Quantities:
    """A false variant: it is no nearer."""
    return {"frozen less I": Bracket.exactly(0.0)}


def predict_l_better() -> Quantities:
    """As the slides say."""
    return {"I less L": Bracket.exactly(0.0)}


def predict_i_better() -> Quantities:
    """Corrected for these networks."""
    return {"I less L": Bracket.exactly(0.0)}


def measure_difference(setting: Setting) -> Quantities:
    """RD averaged over classes and times, compared, over trials; for other runs and larger groups too."""
    found: dict[str, Quantity] = {}
    for note, (iterations, alexnet, per_group) in (JUDGED | (OTHERS if setting.full else {})).items():
        curves = _mean_difference(setting.seed, iterations, alexnet=alexnet, per_group=per_group)
        means = {name: values.mean(axis=1) for name, values in curves.items()}
        found |= {f"{name}{note}": interval_over_trials(values) for name, values in means.items()}
        found[f"frozen less I{note}"] = interval_over_trials(means["frozen"] - means["I"])
        found[f"I less L{note}"] = interval_over_trials(means["I"] - means["L"])
    return found


def draw_difference(setting: Setting) -> Figure:
    """RD averaged over classes against time, for both models."""
    curves = _mean_difference(setting.seed)
    every = ITERATIONS // 40
    times = tuple(float(every * (BURN_IN + 1 + i)) for i in range(curves["I"].shape[1]))
    return Figure(
        title="Simulated against genuine class means",
        caption="Relative difference, averaged over the three classes of GeoMNIST; "
        f"{NETWORKS // PER_GROUP} trials of {PER_GROUP} networks with one hidden layer, bars: from the least to the "
        "largest. A value of two means opposite directions.",
        x_label="iteration",
        y_label="relative difference RD",
        series=tuple(
            Series(
                label={"I": "I-model", "L": "L-model", "frozen": "means that stay"}[name],
                x=times,
                y=tuple(values.mean(axis=0).tolist()),
                style="points",
                color=color,
                low=tuple(values.min(axis=0).tolist()),
                high=tuple(values.max(axis=0).tolist()),
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
            "α and β estimated from the same means, from a tenth of the run on; RD averaged over classes and times",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("zhang2021", "simulated against genuine dynamics"),
    ),
    checks=(
        Check(
            name="imitates",
            claim="the I-model with estimated strengths is nearer to the genuine means than means that stay where they were",
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
            claim="in the first 1,600 steps the I-model leaves the smaller difference",
            evidence=Evidence.EMPIRICAL,
            predict=predict_i_better,
            measure=measure_difference,
            kind=Kind.UPPER_BOUND,
        ),
    ),
    controls=(
        Control(
            name="useless", claim="it is no nearer than means that stay", check="imitates", predict=predict_useless, kind=Kind.UPPER_BOUND
        ),
    ),
    figures=(draw_difference,),
)
