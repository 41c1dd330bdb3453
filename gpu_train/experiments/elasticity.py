"""Local elasticity in ensembles that see one image at a time: on clean labels, and against label errors."""

# pyright: reportMissingImports=false

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
from torch import nn

from layerpeel.gpu_train._geomnist import geomnist
from layerpeel.gpu_train._images import Images, first_classes, resized, with_counts
from layerpeel.gpu_train._readers import read_images
from layerpeel.gpu_train.architectures import lenet
from layerpeel.gpu_train.ensembles import OneByOne, train_one_by_one
from layerpeel.gpu_train.experiments.plan import Plan, Settings, Unit, taken
from layerpeel.gpu_train.networks import small_alexnet
from layerpeel.gpu_train.studies import Progress
from layerpeel.gpu_train.training import CHECKPOINT_SECONDS
from layerpeel.numerics import require_one_of

LABEL_ERRORS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 2 / 3, 0.7, 0.8)
"""p_err of the sources' sweep."""

NETWORKS: Mapping[str, Callable[[int, int], nn.Module]] = MappingProxyType({"small-alexnet": small_alexnet, "lenet": lenet})
"""By number of classes and of channels; the second is the source's."""

USUAL = "small-alexnet"
"""The network of settings that name none."""

Draw = Callable[[np.random.Generator], tuple[Images, Images]]
"""Images to train on and images to look at."""


def shapes(plan: Plan) -> Draw:
    """Images of the three shapes, as many as a profile has."""
    each, looked_at = plan.sized((200, 30), (600, 60), (600, 60))
    return lambda rng: (geomnist(each, rng), geomnist(looked_at, rng))


def ensemble_unit(name: str, settings: Settings, draw: Draw, *, device: str) -> Unit:
    """One ensemble of the experiments on local elasticity, by the fields of its `OneByOne` and, if it has one, the name of its network.

    Raises:
        UnusableInput: for an unknown network.
    """
    recipe = taken(OneByOne, settings)
    network = NETWORKS[require_one_of(settings.get("network", USUAL), "network", NETWORKS)]

    def run(rng: np.random.Generator, checkpoint: Path | None, progress: Progress) -> dict[str, np.ndarray]:
        chosen, validation = draw(rng)
        trajectories = train_one_by_one(
            partial(network, chosen.num_classes, chosen.pixels.shape[1]),
            chosen,
            validation,
            recipe,
            rng,
            device=device,
            checkpoint=checkpoint,
            resume=True,
            checkpoint_interval=CHECKPOINT_SECONDS,
            progress=lambda done: progress(done / recipe.iterations),
        )
        return {
            "iterations": trajectories.times,
            "logits": trajectories.logits,
            "accuracy": trajectories.accuracy,
            "loss": trajectories.loss,
        }

    return Unit(name=name, settings=settings, run=run)


def _ensemble(plan: Plan, name: str, images: str, draw: Draw, recipe: OneByOne, network: str | None = None) -> Unit:
    """The source's network in the source's size; it takes eight times as long as the usual one."""
    network = network or plan.sized(USUAL, USUAL, "lenet")
    named = {} if network == USUAL else {"network": network}
    return ensemble_unit(name, {"images": images, **named, **asdict(recipe)}, draw, device=plan.device)


def geomnist_units(plan: Plan) -> list[Unit]:
    """Mean logits by class over time for an ensemble on clean labels: three shapes, or the first two and three classes of a folder."""
    trials = plan.sized(24, 48, 100)
    if plan.data is None:
        recipe = OneByOne(iterations=plan.sized(10_000, 20_000, 100_000), trials=trials)
        units = [_ensemble(plan, "clean", "GeoMNIST", shapes(plan), recipe)]
        if plan.profile == "medium":
            units.append(_ensemble(plan, "clean-lenet", "GeoMNIST, LeNet", shapes(plan), replace(recipe, trials=16), "lenet"))
        return units
    train, test = (resized(read_images(plan.data, train=part), 32) for part in (True, False))
    recipe = OneByOne(iterations=plan.sized(10_000, 20_000, 300_000), trials=trials)
    most = plan.sized((200, 30), (1000, 100), (5000, 1000))
    return [
        _ensemble(
            plan,
            f"classes-{classes}",
            f"{train.name}, {classes} classes",
            partial(_some_of, first_classes(train, classes), first_classes(test, classes), most),
            recipe,
        )
        for classes in (2, 3)
    ]


def _some_of(train: Images, test: Images, most: tuple[int, int], rng: np.random.Generator) -> tuple[Images, Images]:
    """As many of each class as asked for, or as there are."""
    chosen = [
        with_counts(part, (min(limit, int(part.counts.min())),) * part.num_classes, rng)
        for part, limit in zip((train, test), most, strict=True)
    ]
    return chosen[0], chosen[1]


def label_noise_units(plan: Plan) -> list[Unit]:
    """The same at every label-error probability of the sweep."""
    errors = tuple(p for p in LABEL_ERRORS if p in {0.0, 0.2, 0.4, 0.6, 2 / 3, 0.8}) if plan.small else LABEL_ERRORS
    iterations, trials = plan.sized((8_000, 16), (10_000, 32), (10_000, 100))
    recipes = [OneByOne(iterations=iterations, trials=trials, every=200, label_error=error) for error in errors]
    return [_ensemble(plan, f"error-{recipe.label_error:.3f}", "GeoMNIST", shapes(plan), recipe) for recipe in recipes]
