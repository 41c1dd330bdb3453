"""The experiments of the sources as lists of independent units of work: each unit leaves arrays, so a run can stop between any two."""

# pyright: reportMissingImports=false

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import nn

from layerpeel.gpu_train._geomnist import geomnist
from layerpeel.gpu_train._images import Images, first_classes, oversampled, resized, step_counts, with_counts
from layerpeel.gpu_train._readers import mnist_sample, read_images
from layerpeel.gpu_train.ensembles import OneByOne, train_one_by_one
from layerpeel.gpu_train.networks import feed_forward, residual_feed_forward, resnet18, small_alexnet, vgg
from layerpeel.gpu_train.studies import Progress, minority_outcome, separation_curves
from layerpeel.gpu_train.training import CHECKPOINT_SECONDS, Recipe
from layerpeel.gpu_train.unconstrained import unconstrained_features
from layerpeel.numerics import UnusableInput

PROFILES = ("small", "medium", "sources")
"""Legal sizes: minutes on two cores, ten to thirty minutes there, or as in the sources."""

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts its files."""

Size = TypeVar("Size")

LABEL_ERRORS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 2 / 3, 0.7, 0.8)
"""p_err of the sources' sweep."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is asked for.

    Args:
        profile: "small", "medium" or "sources".
        seed: every random number derives from it.
        device: "auto", "cpu" or "cuda".
        data: folder with MNIST, FashionMNIST or CIFAR-10 files; the 5,000 packaged MNIST images when not given.
    """

    profile: str = "small"
    seed: int = 0
    device: str = "cpu"
    data: Path | None = None

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise UnusableInput(f"profile {self.profile!r} is unknown: it must be one of {', '.join(PROFILES)}; choose one of these.")

    @property
    def small(self) -> bool:
        """Whether this is the small profile."""
        return self.profile == "small"

    def sized(self, small: Size, medium: Size, sources: Size) -> Size:
        """What belongs to the profile."""
        return {"small": small, "medium": medium, "sources": sources}[self.profile]


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One piece of work.

    Args:
        name: of its file; kebab-case.
        settings: what distinguishes it, for records.
        run: (random generator, place for a checkpoint, progress) → arrays.
    """

    name: str
    settings: Mapping[str, Any]
    run: Callable[[np.random.Generator, Path | None, Progress], dict[str, np.ndarray]] = field(repr=False)


Settings = Mapping[str, Any]
"""What a unit is made of: the fields of its recipe, and what else its experiment varies."""

Taken = TypeVar("Taken")


def _taken(kind: type[Taken], settings: Settings) -> Taken:
    """A recipe from settings, which hold more than its fields."""
    names = {each.name for each in fields(cast("Any", kind))}
    return kind(**{name: value for name, value in settings.items() if name in names})


# Separation


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One network and how it is trained, for the separation experiment."""

    widths: tuple[int, ...]
    batch_norm: bool = True
    linear: bool = False
    residual: int = 0
    optimizer: str = "sgd"
    learning_rate: float = 0.1
    weight_decay: float = 5e-4
    imbalance: float = 1.0
    frozen: str = "none"

    def build(self, inputs: int, num_classes: int) -> nn.Module:
        """The network: residual blocks of `residual` layers, or a plain feed-forward net."""
        if self.residual:
            return residual_feed_forward(inputs, num_classes, self.widths[0], len(self.widths), self.residual)
        return feed_forward(inputs, num_classes, self.widths, batch_norm=self.batch_norm, linear=self.linear)


VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        "depth-4": Variant(widths=(100,) * 4),
        "depth-8": Variant(widths=(100,) * 8),
        "depth-20": Variant(widths=(100,) * 20),
        "no-batch-norm": Variant(widths=(100,) * 8, batch_norm=False, optimizer="adam", learning_rate=0.001, weight_decay=0.0),
        "linear": Variant(widths=(100,) * 8, linear=True),
        "momentum": Variant(widths=(100,) * 8, optimizer="momentum", learning_rate=0.03),
        "adam": Variant(widths=(100,) * 8, optimizer="adam", learning_rate=0.001),
        "low-rate": Variant(widths=(100,) * 8, learning_rate=0.01),
        "high-rate": Variant(widths=(100,) * 8, learning_rate=0.3),
        "imbalance-5": Variant(widths=(100,) * 8, imbalance=5.0),
        "width-20": Variant(widths=(20,) * 8),
        "width-400": Variant(widths=(400,) * 8),
        "narrow-wide": Variant(widths=(30, 30, 60, 60, 100, 100, 200, 200)),
        "wide-narrow": Variant(widths=(200, 200, 100, 100, 60, 60, 30, 30)),
        "mixed": Variant(widths=(100, 30, 200, 30, 100, 200, 60, 100)),
        "blocks-of-2": Variant(widths=(100,) * 5, residual=2),
        "blocks-of-3": Variant(widths=(100,) * 5, residual=3),
        "frozen-bottom": Variant(widths=(100,) * 8, frozen="bottom"),
        "frozen-top": Variant(widths=(100,) * 8, frozen="top"),
    }
)
"""What the sources vary around eight layers of width 100; optimisers come with learning rates of their own.

Without batch norm, eight layers learn nothing from plain gradient descent at these rates, and weight decay kills them: Adam without it
trains them.
"""


RATES: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {"sgd": (0.3, 0.03, 0.01), "momentum": (0.3, 0.01, 0.001), "adam": (3e-3, 1e-3, 3e-4)}
)
"""Learning rates of the released code of he2023, at 4, 8 and 20 layers."""

DEPTHS = (4, 8, 20)
"""Layers as the source counts them: the classifier is one, so there are 3, 7 and 19 hidden ones."""

PANELS: Mapping[str, Variant] = MappingProxyType(
    {
        f"source-{optimizer}-{depth}": Variant(widths=(100,) * (depth - 1), optimizer=optimizer, learning_rate=rate)
        for optimizer, rates in RATES.items()
        for depth, rate in zip(DEPTHS, rates, strict=True)
    }
)
"""The nine panels of the source, as its code trains them."""

HIDDEN = (1, 3, 5, 9, 11, 15)
"""Hidden layers for which the last D is held against depth, besides the seven of a panel."""

AROUND: Mapping[str, Variant] = MappingProxyType(
    {
        **{f"source-hidden-{hidden}": Variant(widths=(100,) * hidden, optimizer="adam", learning_rate=1e-3) for hidden in HIDDEN},
        "source-width-20": Variant(widths=(20,) * 7, optimizer="adam", learning_rate=1e-3),
        "source-width-1000": Variant(widths=(1000,) * 7, optimizer="adam", learning_rate=1e-3),
    }
)
"""Depth and width around the panel of Adam with eight layers, at its learning rate."""

SLOW = ("source-width-1000",)
"""Ten minutes and more on a core: left to the sources' size."""


def small_images(plan: Plan) -> tuple[Images, Images]:
    """Training and test images of 10×10 pixels: 100 per class to train on, the others (at most 2,000) to test."""
    rng = np.random.default_rng([plan.seed, 0])
    if plan.data is not None:
        train, test = read_images(plan.data), read_images(plan.data, train=False)
        return resized(with_counts(train, (100,) * 10, rng), 10), resized(test.chosen(rng.permutation(len(test.labels))[:2000]), 10)
    images = mnist_sample()
    order = rng.permutation(len(images.labels))
    return resized(with_counts(images.chosen(order[:3000]), (100,) * 10, rng), 10), resized(images.chosen(order[3000:]), 10)


def signed(images: Images) -> Images:
    """The same with intensities from −1 to 1 in place of 0 to 1, as the source has them."""
    return replace(images, pixels=2.0 * images.pixels - np.float32(1.0), name=f"{images.name}, from −1 to 1")


def separation_units(plan: Plan) -> list[Unit]:
    """D per layer and epoch for every variant and trial; beyond the small size the sources' nine panels first, on their images."""
    data = small_images(plan)
    theirs = signed(data[0]), signed(data[1])
    epochs = plan.sized(150, 600, 600)

    def units(variants: Mapping[str, Variant], data: tuple[Images, Images], trials: int) -> list[Unit]:
        return [
            separation_unit(f"{name}-trial-{trial}", _separation_settings(name, variant, trial, epochs), data, device=plan.device)
            for name, variant in variants.items()
            for trial in range(trials)
        ]

    if plan.small:
        return units(VARIANTS, data, 2)
    around = {name: variant for name, variant in AROUND.items() if plan.profile == "sources" or name not in SLOW}
    trials = plan.sized(2, 3, 10)
    return [*units(PANELS, theirs, trials), *units(around, theirs, plan.sized(1, 2, 10)), *units(VARIANTS, data, plan.sized(2, 1, 10))]


def _separation_settings(name: str, variant: Variant, trial: int, epochs: int) -> dict[str, Any]:
    recipe = Recipe(epochs=epochs, learning_rate=variant.learning_rate, optimizer=variant.optimizer, weight_decay=variant.weight_decay)
    return {"variant": name, "trial": trial, **asdict(variant), **asdict(recipe)}


def separation_unit(name: str, settings: Settings, data: tuple[Images, Images], *, device: str) -> Unit:
    """One network of the separation experiment, by the fields of its `Variant` and its `Recipe`."""
    images, test = data
    variant, recipe = _taken(Variant, settings), _taken(Recipe, settings)
    inputs = images.pixels[0].size

    def run(rng: np.random.Generator, checkpoint: Path | None, progress: Progress) -> dict[str, np.ndarray]:
        chosen = images if variant.imbalance == 1.0 else with_counts(images, step_counts(5, 5, 100, variant.imbalance), rng)
        curves = separation_curves(
            lambda: variant.build(inputs, 10),
            chosen,
            test,
            recipe,
            rng,
            epochs=tuple(epoch for epoch in MEASURED if epoch < recipe.epochs),
            frozen=variant.frozen,
            device=device,
            checkpoint=checkpoint,
            progress=progress,
        )
        return _arrays(curves)

    return Unit(name=name, settings=settings, run=run)


MEASURED = (1, 2, 5, 10, 20, 50, 100, 200, 400)
"""Epochs after which D is measured, besides before the first and after the last."""


def _arrays(result: Any) -> dict[str, np.ndarray]:
    """The fields of a frozen result as arrays."""
    return {name: np.asarray(value) for name, value in asdict(result).items()}


# Imbalance


def imbalance_units(plan: Plan) -> list[Unit]:
    """Minority cosine and accuracy against R, and against the oversampling w_r at the largest R.

    A small feed-forward net on 10×10 pixels; a thin VGG11 on 32×32 beside it in the medium size; or the convolutional nets of the source.
    """
    if plan.profile == "sources":
        data = imbalance_images(plan, 32)
        theirs = "vgg-11" if data[0].pixels.shape[1] == 1 else "vgg-13", "resnet-18"
        recipe = Recipe(epochs=350, learning_rate=0.1, optimizer="momentum", weight_decay=5e-4)
        return [unit for network in theirs for unit in _imbalance_units(plan, network, data, recipe, trials=TRIALS)]
    recipe = Recipe(epochs=plan.sized(100, 300, 350), learning_rate=0.1, optimizer="momentum", weight_decay=5e-3)
    units = _imbalance_units(plan, "feed-forward", imbalance_images(plan, 10), recipe, most=plan.sized(200, 1000, 6000), trials=TRIALS)
    if plan.small:
        return units
    thin = replace(recipe, epochs=60)
    return units + _imbalance_units(plan, "vgg-11-thin", imbalance_images(plan, 32), thin, most=200, trials=2, ratios=(1, 10, 100))


def _imbalance_units(
    plan: Plan,
    network: str,
    data: tuple[Images, Images],
    recipe: Recipe,
    *,
    trials: int,
    most: int | None = None,
    ratios: tuple[int, ...] = (1, 3, 10, 30, 100, 200, 1000),
) -> list[Unit]:
    """Every R up to the images that there are, and every oversampling at the largest."""
    most = int(data[0].counts.min()) if most is None else min(most, int(data[0].counts.min()))
    met = tuple(ratio for ratio in ratios if ratio <= most)
    settings = [(ratio, 1.0) for ratio in met] + [(met[-1], factor) for factor in (3.0, 10.0, 30.0, 100.0) if factor <= met[-1]]
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


def imbalance_images(plan: Plan, side: int) -> tuple[Images, Images]:
    """Training and test images of side × side pixels: three fifths and two fifths of the packaged ones, or those of the folder."""
    if plan.data is not None:
        train, test = (resized(read_images(plan.data, train=part), side) for part in (True, False))
        return train, test
    whole = resized(mnist_sample(), side)
    order = np.random.default_rng([plan.seed, 0]).permutation(len(whole.labels))
    cut = len(order) * 3 // 5
    return whole.chosen(order[:cut]), whole.chosen(order[cut:])


def imbalance_unit(name: str, settings: Settings, data: tuple[Images, Images], *, device: str) -> Unit:
    """One network of the imbalance experiment, by its name, its imbalance, its oversampling, the largest count and its `Recipe`."""
    train, test = data
    recipe, minority = _taken(Recipe, settings), range(5, 10)

    def run(rng: np.random.Generator, checkpoint: Path | None, progress: Progress) -> dict[str, np.ndarray]:
        chosen = with_counts(train, step_counts(5, 5, settings["most"], settings["imbalance"]), rng)
        seen = oversampled(chosen, settings["oversampling"], minority, rng)
        build = partial(NETWORKS[settings["network"]], train.pixels.shape[1])
        outcome = minority_outcome(build, seen, test, minority, recipe, rng, device=device, checkpoint=checkpoint, progress=progress)
        known = {"counts": chosen.counts, "minority": np.asarray(minority), "weight_decay": np.asarray(recipe.weight_decay)}
        return {**_arrays(outcome), **known}

    return Unit(name=name, settings=settings, run=run)


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


# Unconstrained features


def unconstrained_units(plan: Plan) -> list[Unit]:
    """W and H alone, three and three classes, at several imbalances and starts."""
    steps, trials = plan.sized((3000, 3), (10_000, 5), (20_000, 10))

    program: dict[str, Any] = {"feature_energy": 5.0, "weight_energy": 1.0, "dimension": 8, "steps": steps, "learning_rate": 1.0}

    return [
        unconstrained_unit(f"ratio-{ratio}-trial-{trial}", {"imbalance": ratio, "trial": trial, **program}, device=plan.device)
        for ratio in (1, 3, 10, 30, 100)
        for trial in range(trials)
    ]


PROGRAM = ("feature_energy", "weight_energy", "dimension", "steps", "learning_rate")
"""What a descent on features and classifier takes, besides its counts."""


def unconstrained_unit(name: str, settings: Settings, *, device: str) -> Unit:
    """One descent of the unconstrained experiment, by its imbalance and its program."""
    program = {name: settings[name] for name in PROGRAM}
    counts = step_counts(3, 3, 10 * settings["imbalance"], settings["imbalance"])

    def run(rng: np.random.Generator, _checkpoint: Path | None, _progress: Progress) -> dict[str, np.ndarray]:
        descent = unconstrained_features(counts, **program, rng=rng, device=device)
        return {
            **_arrays(descent),
            "counts": np.asarray(counts),
            "energies": np.array([program["feature_energy"], program["weight_energy"]]),
        }

    return Unit(name=name, settings=settings, run=run)


# GeoMNIST


Draw = Callable[[np.random.Generator], tuple[Images, Images]]
"""Images to train on and images to look at."""


def shapes(plan: Plan) -> Draw:
    """Images of the three shapes, as many as a profile has."""
    each, looked_at = plan.sized((200, 30), (600, 60), (600, 60))
    return lambda rng: (geomnist(each, rng), geomnist(looked_at, rng))


def ensemble_unit(name: str, settings: Settings, draw: Draw, *, device: str) -> Unit:
    """One ensemble of the experiments on local elasticity, by the fields of its `OneByOne`."""
    recipe = _taken(OneByOne, settings)

    def run(rng: np.random.Generator, checkpoint: Path | None, progress: Progress) -> dict[str, np.ndarray]:
        chosen, validation = draw(rng)
        trajectories = train_one_by_one(
            partial(small_alexnet, chosen.num_classes, chosen.pixels.shape[1]),
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


def _ensemble(plan: Plan, name: str, images: str, draw: Draw, recipe: OneByOne) -> Unit:
    return ensemble_unit(name, {"images": images, **asdict(recipe)}, draw, device=plan.device)


def geomnist_units(plan: Plan) -> list[Unit]:
    """Mean logits by class over time for an ensemble on clean labels: three shapes, or the first two and three classes of a folder."""
    trials = plan.sized(24, 48, 100)
    if plan.data is None:
        recipe = OneByOne(iterations=plan.sized(10_000, 20_000, 100_000), trials=trials)
        return [_ensemble(plan, "clean", "GeoMNIST", shapes(plan), recipe)]
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


def one_thread() -> None:
    """Let torch use one thread: on networks this small a second one only waits for the first."""
    use_threads(1)


def threads() -> int:
    """How many threads torch uses: sums are taken in an order that follows from them.

    Example:
        >>> threads() >= 1
        True
    """
    return torch.get_num_threads()


def use_threads(number: int) -> None:
    """Let torch use so many, here as in the process that began a run."""
    torch.set_num_threads(number)


EXPERIMENTS: Mapping[str, Callable[[Plan], list[Unit]]] = MappingProxyType(
    {
        "geomnist": geomnist_units,
        "label-noise": label_noise_units,
        "imbalance": imbalance_units,
        "unconstrained": unconstrained_units,
        "separation": separation_units,
    }
)
"""Legal names of experiments, and the units of each."""

OF_IMAGES = ("geomnist", "imbalance", "separation")
"""Those for which a folder with real images can be given."""
