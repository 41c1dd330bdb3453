"""The law in the architectures that the source names: convolutional nets layer by layer, and a DenseNet block by block."""

# pyright: reportMissingImports=false

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from torch import nn

from layerpeel.gpu_train._images import Images
from layerpeel.gpu_train.architectures import alexnet_x, dense_net, lenet, vgg13_x
from layerpeel.gpu_train.experiments.images import sampled_images, signed
from layerpeel.gpu_train.experiments.plan import Plan, Settings, Unit, arrays_of, taken
from layerpeel.gpu_train.studies import Progress, separation_curves
from layerpeel.gpu_train.training import Recipe
from layerpeel.numerics import require_one_of

ARCHITECTURES: Mapping[str, Callable[..., nn.Module]] = MappingProxyType(
    {
        "lenet": lenet,
        "alexnet-x-thin": partial(alexnet_x, thinner=8),
        "vgg-13-x-thin": partial(vgg13_x, thinner=8),
        "dense-net-thin": partial(dense_net, (2, 4, 4, 2), thinner=8),
        "alexnet-x": alexnet_x,
        "vgg-13-x": vgg13_x,
        "dense-net-161": dense_net,
    }
)
"""By number of classes and channels; the thin ones have an eighth of the width, and the DenseNet fewer layers as well."""

THIN = ("lenet", "alexnet-x-thin", "vgg-13-x-thin", "dense-net-thin")
"""Those that a CPU trains in minutes."""


def architecture_units(plan: Plan) -> list[Unit]:
    """D per layer of every architecture and trial, on 32×32 pixels from −1 to 1, 100 images of each class."""
    images, test = sampled_images(plan, 32)
    data = signed(images), signed(test)
    names = [name for name in ARCHITECTURES if plan.profile == "sources" or name in THIN]
    recipe = Recipe(epochs=plan.sized(8, 40, 600), learning_rate=1e-3, optimizer="adam", weight_decay=5e-4)
    return [
        architecture_unit(f"{name}-trial-{trial}", {"variant": name, "trial": trial, **asdict(recipe)}, data, device=plan.device)
        for name in names
        for trial in range(plan.sized(1, 2, 3))
    ]


def architecture_unit(name: str, settings: Settings, data: tuple[Images, Images], *, device: str) -> Unit:
    """One network of the experiment, by the name of its architecture and its `Recipe`.

    Raises:
        UnusableInput: for an unknown architecture.
    """
    images, test = data
    recipe = taken(Recipe, settings)
    architecture: Any = ARCHITECTURES[require_one_of(settings["variant"], "architecture", ARCHITECTURES)]
    build = partial(architecture, num_classes=images.num_classes, channels=images.pixels.shape[1])

    def run(rng: np.random.Generator, checkpoint: Path | None, progress: Progress) -> dict[str, np.ndarray]:
        return arrays_of(separation_curves(build, images, test, recipe, rng, device=device, checkpoint=checkpoint, progress=progress))

    return Unit(name=name, settings=settings, run=run)
