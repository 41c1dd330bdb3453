"""Twenty layers trained one half after the other, beside the same trained as a whole."""

# pyright: reportMissingImports=false

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np

from layerpeel.gpu_train._images import Images
from layerpeel.gpu_train.experiments.images import sampled_images, signed
from layerpeel.gpu_train.experiments.plan import Plan, Settings, Unit, arrays_of, taken
from layerpeel.gpu_train.freezing import Phase, train_in_phases
from layerpeel.gpu_train.networks import feed_forward
from layerpeel.gpu_train.studies import Progress
from layerpeel.gpu_train.training import Recipe
from layerpeel.numerics import require_one_of

HIDDEN, LOWER, WIDTH = 19, 10, 100
"""Hidden layers, those of the lower half, and their width; the classifier is the twentieth layer, and the last of the upper half."""

REGIMES = ("joint", "in-turn")
"""All layers at once; or the lower ten at a constant rate, then the upper ten while it falls."""


def freezing_units(plan: Plan) -> list[Unit]:
    """Both regimes in every trial; the source trains the lower half for 900 epochs and the upper for 600, or all for 600."""
    images, test = sampled_images(plan, 10)
    data = signed(images), signed(test)
    first, second, trials = plan.sized((300, 200, 1), (900, 600, 2), (900, 600, 10))
    recipe = Recipe(epochs=second, learning_rate=3e-4, optimizer="adam", weight_decay=5e-4)
    return [
        freezing_unit(
            f"{regime}-trial-{trial}",
            {"regime": regime, "trial": trial, "lower_epochs": first, **asdict(recipe)},
            data,
            device=plan.device,
        )
        for trial in range(trials)
        for regime in REGIMES
    ]


def freezing_unit(name: str, settings: Settings, data: tuple[Images, Images], *, device: str) -> Unit:
    """One network, by its regime, the epochs of its lower half and its `Recipe`.

    Raises:
        UnusableInput: for an unknown regime.
    """
    images, test = data
    recipe = taken(Recipe, settings)
    phases = [Phase(part="all", recipe=recipe)]
    if require_one_of(settings["regime"], "regime", REGIMES) == "in-turn":
        lower = replace(recipe, epochs=settings["lower_epochs"], drops=())
        phases = [Phase(part="lower", recipe=lower), Phase(part="upper", recipe=recipe)]
    build = partial(feed_forward, images.pixels[0].size, images.num_classes, (WIDTH,) * HIDDEN)

    def run(rng: np.random.Generator, _checkpoint: Path | None, progress: Progress) -> dict[str, np.ndarray]:
        return arrays_of(train_in_phases(build, images, test, phases, rng, lower=LOWER, device=device, progress=progress))

    return Unit(name=name, settings=settings, run=run)
