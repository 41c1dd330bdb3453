"""Separation in the last layer against depth, for each data set: how many layers it wants."""

# pyright: reportMissingImports=false

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.gpu_train._images import Images
from layerpeel.gpu_train.experiments.images import sampled_images, signed
from layerpeel.gpu_train.experiments.plan import Plan, Settings, Unit, taken
from layerpeel.gpu_train.networks import feed_forward
from layerpeel.gpu_train.studies import Progress, separation_curves_together
from layerpeel.gpu_train.training import Recipe

HIDDEN = (1, 2, 3, 5, 7, 9, 11, 15)
"""Hidden layers of width 100."""

WIDTH = 100
"""Of every hidden layer."""


def depth_units(plan: Plan) -> list[Unit]:
    """The last D at every depth, for the images of a folder, if one is given, and for packaged MNIST."""
    plans = [replace(plan, data=None)] if plan.data is None else [plan, replace(plan, data=None)]
    hidden, epochs, trials = plan.sized(((1, 3, 7), 100, 2), (HIDDEN, 600, 4), (HIDDEN, 600, 10))
    recipe = Recipe(epochs=epochs, learning_rate=1e-3, optimizer="adam", weight_decay=5e-4)
    units = []
    for each in plans:
        data = sampled_images(each, 10)
        name = data[0].name.split(" ")[0]
        units += [
            depth_unit(
                f"{name}-hidden-{layers}",
                {"images": name, "hidden": layers, "trials": trials, **asdict(recipe)},
                (signed(data[0]), signed(data[1])),
            )
            for layers in hidden
        ]
    return units


def depth_unit(name: str, settings: Settings, data: tuple[Images, Images]) -> Unit:
    """All trials at one depth, side by side on the CPU, by the number of hidden layers, of trials, and the `Recipe`."""
    images, test = data
    recipe, hidden, trials = taken(Recipe, settings), int(settings["hidden"]), int(settings["trials"])

    def run(rng: np.random.Generator, _checkpoint: Path | None, _progress: Progress) -> dict[str, np.ndarray]:
        def build() -> Any:
            return feed_forward(images.pixels[0].size, images.num_classes, (WIDTH,) * hidden)

        curves = separation_curves_together(build, [images] * trials, [test] * trials, recipe, rng.spawn(trials))
        return {
            "fuzziness": np.array([each.fuzziness[-1] for each in curves]),
            "test_fuzziness": np.array([each.test_fuzziness[-1, -1] for each in curves]),
            "accuracy": np.array([each.accuracy for each in curves]),
        }

    return Unit(name=name, settings=settings, run=run)
