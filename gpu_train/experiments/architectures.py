"""The law in the architectures that the source names: convolutional nets layer by layer, residual nets and a DenseNet block by block."""

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
from layerpeel.gpu_train.architectures import alexnet_x, dense_net, lenet, residual_net, vgg13_x
from layerpeel.gpu_train.experiments.images import sampled_images, signed
from layerpeel.gpu_train.experiments.plan import Plan, Settings, Unit, arrays_of, taken
from layerpeel.gpu_train.studies import Progress, hidden_layers, hidden_layers_by_batch, principal, separation_curves
from layerpeel.gpu_train.training import Recipe
from layerpeel.numerics import require_one_of

ARCHITECTURES: Mapping[str, Callable[..., nn.Module]] = MappingProxyType(
    {
        "lenet": lenet,
        "alexnet-x-thin": partial(alexnet_x, thinner=8),
        "vgg-13-x-thin": partial(vgg13_x, thinner=8),
        "dense-net-thin": partial(dense_net, (2, 4, 4, 2), thinner=8),
        "residual-2": partial(residual_net, (2,) * 4),
        "residual-3": partial(residual_net, (3,) * 4),
        "residual-mixed": partial(residual_net, (3, 3, 2, 2)),
        "alexnet-x": alexnet_x,
        "vgg-13-x": vgg13_x,
        "dense-net-161": dense_net,
    }
)
"""By number of classes and channels; the thin ones have an eighth of the width, and the DenseNet fewer layers as well."""

RESIDUAL = ("residual-2", "residual-3", "residual-mixed")
"""Those of which the source measures principal components, in the source's own size."""

COMPONENTS = 100
"""Principal components of a layer of these."""

THIN = ("lenet", "alexnet-x-thin", "vgg-13-x-thin", "dense-net-thin", *RESIDUAL)
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
    layers, by_batch = hidden_layers, hidden_layers_by_batch
    if settings["variant"] in RESIDUAL:
        layers, by_batch = principal(layers, COMPONENTS), principal(by_batch, COMPONENTS)
    build = partial(architecture, num_classes=images.num_classes, channels=images.pixels.shape[1])

    def run(rng: np.random.Generator, checkpoint: Path | None, progress: Progress) -> dict[str, np.ndarray]:
        kept: dict[str, Any] = {"device": device, "checkpoint": checkpoint, "progress": progress}
        return arrays_of(separation_curves(build, images, test, recipe, rng, layers=layers, by_batch=by_batch, **kept))

    return Unit(name=name, settings=settings, run=run)
