"""Minority collapse in trained networks, against the imbalance and against oversampling."""

# pyright: reportMissingImports=false

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
from torch import nn

from layerpeel.gpu_train._images import Images, oversampled, step_counts, with_counts
from layerpeel.gpu_train.experiments.images import imbalance_images
from layerpeel.gpu_train.experiments.plan import Plan, Settings, Unit, arrays_of, taken
from layerpeel.gpu_train.networks import feed_forward, resnet18, vgg
from layerpeel.gpu_train.studies import Progress, minority_outcome
from layerpeel.gpu_train.training import Recipe

NETWORKS: Mapping[str, Callable[[int], nn.Module]] = MappingProxyType(
    {
        "feed-forward": lambda channels: feed_forward(100 * channels, 10, (100,) * 3),
        "vgg-11": lambda channels: vgg(11, channels=channels),
        "vgg-11-thin": lambda channels: vgg(11, channels=channels, thinner=8),
        "vgg-13": lambda channels: vgg(13, channels=channels),
        "resnet-18": lambda channels: resnet18(channels=channels),
    }
)
"""What is trained on imbalanced images, by number of channels; the source trains VGG11 on FashionMNIST and VGG13 on CIFAR-10."""

TRIALS = 5
"""Networks per imbalance: an interval over trials needs a few."""


def imbalance_units(plan: Plan) -> list[Unit]:
    """Minority cosine and accuracy against R, and against the oversampling w_r at the largest R.

    A small feed-forward net on 10×10 pixels; a thin VGG11 on 32×32 beside it in the medium size; or the convolutional nets of the source.
    """
    if plan.profile == "sources":
        data = imbalance_images(plan, 32)
        theirs = "vgg-11" if data[0].pixels.shape[1] == 1 else "vgg-13", "resnet-18"
        recipe = Recipe(epochs=350, learning_rate=0.1, optimizer="momentum", weight_decay=5e-4)
        return [unit for network in theirs for unit in _units_of(plan, network, data, recipe, trials=TRIALS)]
    recipe = Recipe(epochs=plan.sized(100, 300, 350), learning_rate=0.1, optimizer="momentum", weight_decay=5e-3)
    most, trials = plan.sized((200, TRIALS), (1000, 3), (6000, TRIALS))
    plain = _units_of(plan, "feed-forward", imbalance_images(plan, 10), recipe, most=most, trials=trials)
    if plan.small:
        return plain
    data, thin = imbalance_images(plan, 32), replace(recipe, epochs=60)
    return plain + _units_of(plan, "vgg-11-thin", data, thin, most=200, trials=2, ratios=(1, 10, 100), factors=(10.0, 100.0))


def _units_of(
    plan: Plan,
    network: str,
    data: tuple[Images, Images],
    recipe: Recipe,
    *,
    trials: int,
    most: int | None = None,
    ratios: tuple[int, ...] = (1, 3, 10, 30, 100, 200, 1000),
    factors: tuple[float, ...] = (3.0, 10.0, 30.0, 100.0),
) -> list[Unit]:
    """Every R up to the images that there are, and every oversampling at the largest."""
    most = int(data[0].counts.min()) if most is None else min(most, int(data[0].counts.min()))
    met = tuple(ratio for ratio in ratios if ratio <= most)
    settings = [(ratio, 1.0) for ratio in met] + [(met[-1], factor) for factor in factors if factor <= met[-1]]
    return [
        imbalance_unit(
            f"{network}-ratio-{ratio:g}-oversampling-{factor:g}-trial-{trial}",
            {"network": network, "imbalance": ratio, "oversampling": factor, "trial": trial, "most": most, **asdict(recipe)},
            data,
            device=plan.device,
        )
        for ratio, factor in settings
        for trial in range(trials)
    ]


def imbalance_unit(name: str, settings: Settings, data: tuple[Images, Images], *, device: str) -> Unit:
    """One network of the imbalance experiment, by its name, its imbalance, its oversampling, the largest count and its `Recipe`."""
    train, test = data
    recipe, minority = taken(Recipe, settings), range(5, 10)

    def run(rng: np.random.Generator, checkpoint: Path | None, progress: Progress) -> dict[str, np.ndarray]:
        chosen = with_counts(train, step_counts(5, 5, settings["most"], settings["imbalance"]), rng)
        seen = oversampled(chosen, settings["oversampling"], minority, rng)
        build = partial(NETWORKS[settings["network"]], train.pixels.shape[1])
        outcome = minority_outcome(build, seen, test, minority, recipe, rng, device=device, checkpoint=checkpoint, progress=progress)
        known = {"counts": chosen.counts, "minority": np.asarray(minority), "weight_decay": np.asarray(recipe.weight_decay)}
        return {**arrays_of(outcome), **known}

    return Unit(name=name, settings=settings, run=run)
