"""Local elasticity, measured directly: a step at one image moves the images of its own class farther, and a network learns to do so.

On MNIST. On GeoMNIST, whose shapes overlap in most pixels, one hidden layer reaches an excess of a tenth at most.
"""

from functools import cache
from itertools import pairwise

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement
from layerpeel.theory._small_images import balanced
from layerpeel.theory._trials import interval_over_trials, points_over_trials

NETWORKS = {"two hidden layers": (100, 100), "linear": ()}
"""Widths of the hidden layers: a network, and the linear classifier, whose ratio is the same at all weights: it tests the probe."""

TRAINED = 10
"""Passes over the data after which a net is judged: elasticity grows on with more of them, but networks then differ more."""

EPOCHS = {False: (0, TRAINED), True: (0, 5, TRAINED, 30)}
"""When a net is probed, by profile; 0 is before any step."""

TRIALS = 6
"""Independent networks: the interval then reaches 2.8 standard deviations to each side."""

SOURCES = {False: 5, True: 20}
"""Images of a class at which a step is tried, by profile."""

STEP = 1e-3
"""Learning rate of the probe: the ratio of two moves does not depend on it while the step is small."""

EXCESS = 1.1
"""Least ratio of the move inside the class to the move across, after training: a tenth more. Random weights stay within a twentieth."""

GROWTH = 0.05
"""Least growth of that ratio in training. The likeness of images of one class alone, which a linear classifier shows, does not grow."""


@cache
def _ratios(full: bool, name: str, seed: int) -> np.ndarray:
    """Mean move inside the class over mean move across, (trials, epochs)."""
    from layerpeel.gpu_train.elasticity import local_elasticity
    from layerpeel.gpu_train.experiments import one_thread
    from layerpeel.gpu_train.networks import feed_forward
    from layerpeel.gpu_train.training import Recipe, seeded, train_together

    one_thread()
    found = np.zeros((TRIALS, len(EPOCHS[full])))
    rngs = np.random.default_rng([seed, len(NETWORKS[name])]).spawn(TRIALS)
    images = [balanced(rng)[0] for rng in rngs]
    chosen = [int(rng.integers(2**63)) for rng in rngs]
    models = [seeded(lambda: feed_forward(100, 10, NETWORKS[name], batch_norm=False), rng) for rng in rngs]
    for probe, (before, after) in enumerate(pairwise((0, *EPOCHS[full]))):
        if after > before:
            train_together(models, images, Recipe(epochs=after - before, learning_rate=0.05, batch_size=10, drops=()), rngs)
        for trial, (model, seen) in enumerate(zip(models, images, strict=True)):
            # The same images are stepped at before and after training.
            moves = local_elasticity(model, seen, np.random.default_rng(chosen[trial]), learning_rate=STEP, sources=SOURCES[full])
            own = np.eye(len(moves), dtype=bool)
            found[trial, probe] = moves[own].mean() / moves[~own].mean()
    return found


def _label(name: str, epochs: int) -> str:
    return f"{name}, {epochs} epochs"


def predict_excess() -> Quantities:
    """More inside than across."""
    return {_label("two hidden layers", TRAINED): Bracket.exactly(EXCESS)}


def predict_innate() -> Quantities:
    """A false variant: so it is at random weights already."""
    return {_label("two hidden layers", 0): Bracket.exactly(EXCESS)}


def measure_excess(setting: Setting) -> Quantities:
    """Move inside the class over move across, over trials, at every probe."""
    found: dict[str, Quantity] = {}
    for name in NETWORKS:
        ratios = _ratios(setting.full, name, setting.seed)
        found |= {_label(name, epochs): interval_over_trials(ratios[:, probe]) for probe, epochs in enumerate(EPOCHS[setting.full])}
    return found


def predict_growth() -> Quantities:
    """The ratio grows in training."""
    return {"two hidden layers": Bracket.exactly(GROWTH)}


def predict_linear_growth() -> Quantities:
    """A false variant: that of a linear classifier grows too.

    It cannot, whatever the images: a step at x moves its logits at x' by ⟨x, x'⟩ + 1 times one vector, so the ratio of two moves is the
    same at all weights, and the growth is zero to rounding. A probe that reports growth here is broken; of networks this says
    nothing.
    """
    return {"linear": Bracket.exactly(GROWTH)}


def measure_growth(setting: Setting) -> Quantities:
    """The ratio after training less before, over trials."""
    judged = EPOCHS[setting.full].index(TRAINED)
    ratios = {name: _ratios(setting.full, name, setting.seed) for name in NETWORKS}
    return {name: interval_over_trials(found[:, judged] - found[:, 0]) for name, found in ratios.items()}


def draw_elasticity(setting: Setting) -> Figure:
    """The ratio against epochs."""
    series = [
        points_over_trials(name, EPOCHS[setting.full], _ratios(setting.full, name, setting.seed), color)
        for color, name in enumerate(NETWORKS)
    ]
    return Figure(
        title="Local elasticity, measured by single steps",
        caption="How far the logits of images of the same class move, over how far those of other classes do, after one step at one image; "
        f"MNIST at 10×10 pixels, {TRIALS} networks, bars: from the least to the largest. "
        "That of a linear classifier does not depend on its weights.",
        x_label="epoch",
        y_label="move inside the class over move across",
        series=tuple(series),
    )


ROOM = Room(
    statement=Statement(
        name="local-elasticity",
        title="Local elasticity of trained networks",
        latex=r"\frac{\lVert f_{\theta^+}(x')-f_\theta(x')\rVert}{\lVert f_{\theta^+}(x)-f_\theta(x)\rVert}"
        r"\ \text{is larger for } x' \text{ in the class of } x",
        assumptions=(
            "two hidden layers of 100 ReLU units without batch norm; MNIST at 10×10 pixels, 100 images a class",
            "θ⁺ is one small gradient step at x from θ",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("he2020", "relative similarity; zhang2021, local elasticity of the two strengths α and β"),
    ),
    checks=(
        Check(
            name="farther-inside",
            claim="after training, a step at an image moves its own class a tenth farther than the others, or more",
            evidence=Evidence.EMPIRICAL,
            predict=predict_excess,
            measure=measure_excess,
            kind=Kind.LOWER_BOUND,
        ),
        Check(
            name="learned",
            claim="the ratio grows in training",
            evidence=Evidence.EMPIRICAL,
            predict=predict_growth,
            measure=measure_growth,
            kind=Kind.LOWER_BOUND,
        ),
    ),
    controls=(
        Control(name="innate", claim="random weights are as elastic", check="farther-inside", predict=predict_innate),
        Control(
            name="linear-classifier",
            claim="a linear classifier learns it too; by an identity it cannot, so this tests the probe and not networks",
            check="learned",
            predict=predict_linear_growth,
        ),
    ),
    figures=(draw_elasticity,),
)
