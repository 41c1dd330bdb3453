"""The experiments of the sources as lists of independent units of work: each unit leaves arrays, so a run can stop between any two."""

# pyright: reportMissingImports=false

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

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

PROFILES = ("small", "sources")
"""Legal sizes: minutes on two cores, or as in the sources."""

LABEL_ERRORS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 2 / 3, 0.7, 0.8)
"""p_err of the sources' sweep."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is asked for.

    Args:
        profile: "small" or "sources".
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
    run: Callable[[np.random.Generator, Path, Progress], dict[str, np.ndarray]] = field(repr=False)


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


def small_images(plan: Plan) -> tuple[Images, Images]:
    """Training and test images of 10×10 pixels: 100 per class to train on, the others (at most 2,000) to test."""
    rng = np.random.default_rng([plan.seed, 0])
    if plan.data is not None:
        train, test = read_images(plan.data), read_images(plan.data, train=False)
        return resized(with_counts(train, (100,) * 10, rng), 10), resized(test.chosen(rng.permutation(len(test.labels))[:2000]), 10)
    images = mnist_sample()
    order = rng.permutation(len(images.labels))
    return resized(with_counts(images.chosen(order[:3000]), (100,) * 10, rng), 10), resized(images.chosen(order[3000:]), 10)


def separation_units(plan: Plan) -> list[Unit]:
    """D per layer and epoch for every variant and trial."""
    images, test = small_images(plan)
    inputs = images.pixels[0].size
    epochs = 150 if plan.small else 600
    trials = 2 if plan.small else 10
    when = tuple(sorted({1, 2, 5, 10, 20, 50, 100, 200, 400} & set(range(1, epochs))))

    def unit(name: str, variant: Variant, trial: int) -> Unit:
        recipe = Recipe(epochs=epochs, learning_rate=variant.learning_rate, optimizer=variant.optimizer, weight_decay=variant.weight_decay)

        def run(rng: np.random.Generator, checkpoint: Path, progress: Progress) -> dict[str, np.ndarray]:
            chosen = images if variant.imbalance == 1.0 else with_counts(images, step_counts(5, 5, 100, variant.imbalance), rng)
            found = separation_curves(
                lambda: variant.build(inputs, 10),
                chosen,
                test,
                recipe,
                rng,
                epochs=when,
                frozen=variant.frozen,
                device=plan.device,
                checkpoint=checkpoint,
                progress=progress,
            )
            return _arrays(found)

        return Unit(name=f"{name}-trial-{trial}", settings={"variant": name, "trial": trial, **asdict(variant), **asdict(recipe)}, run=run)

    return [unit(name, variant, trial) for name, variant in VARIANTS.items() for trial in range(trials)]


def _arrays(found: Any) -> dict[str, np.ndarray]:
    """The fields of a frozen result as arrays."""
    return {name: np.asarray(value) for name, value in asdict(found).items()}


# Imbalance


def imbalance_units(plan: Plan) -> list[Unit]:
    """Minority cosine and accuracy against R, and against the oversampling w_r at the largest R.

    A small feed-forward net on 10×10 pixels, or the convolutional nets of the source on 32×32.
    """
    rng = np.random.default_rng([plan.seed, 0])
    side = 10 if plan.small else 32
    if plan.data is None:
        whole = resized(mnist_sample(), side)
        order = rng.permutation(len(whole.labels))
        cut = len(order) * 3 // 5
        train, test = whole.chosen(order[:cut]), whole.chosen(order[cut:])
    else:
        train, test = (resized(read_images(plan.data, train=part), side) for part in (True, False))
    most = min(200, int(train.counts.min())) if plan.small else int(train.counts.min())
    ratios = tuple(ratio for ratio in (1, 3, 10, 30, 100, 200, 1000) if ratio <= most)
    settings = [(ratio, 1.0) for ratio in ratios] + [(ratios[-1], factor) for factor in (3.0, 10.0, 30.0, 100.0) if factor <= ratios[-1]]
    recipe = Recipe(epochs=100 if plan.small else 350, learning_rate=0.1, optimizer="momentum", weight_decay=5e-3 if plan.small else 5e-4)

    minority = range(5, 10)

    def unit(network: str, ratio: float, factor: float, trial: int) -> Unit:
        def run(rng: np.random.Generator, checkpoint: Path, progress: Progress) -> dict[str, np.ndarray]:
            chosen = with_counts(train, step_counts(5, 5, most, ratio), rng)
            seen = oversampled(chosen, factor, minority, rng)
            build = partial(NETWORKS[network], train.pixels.shape[1])
            found = minority_outcome(build, seen, test, minority, recipe, rng, device=plan.device, checkpoint=checkpoint, progress=progress)
            return {**_arrays(found), "counts": chosen.counts, "minority": np.asarray(minority)}

        return Unit(
            name=f"{network}-ratio-{ratio:g}-oversampling-{factor:g}-trial-{trial}",
            settings={"network": network, "imbalance": ratio, "oversampling": factor, "trial": trial, "most": most, **asdict(recipe)},
            run=run,
        )

    networks = ("feed-forward",) if plan.small else ("vgg-11" if train.pixels.shape[1] == 1 else "vgg-13", "resnet-18")
    return [unit(network, ratio, factor, trial) for network in networks for ratio, factor in settings for trial in range(TRIALS)]


NETWORKS: Mapping[str, Callable[[int], nn.Module]] = MappingProxyType(
    {
        "feed-forward": lambda channels: feed_forward(100 * channels, 10, (100,) * 3),
        "vgg-11": lambda channels: vgg(11, channels=channels),
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
    steps, trials = (3000, 3) if plan.small else (20_000, 10)

    program: dict[str, Any] = {"feature_energy": 5.0, "weight_energy": 1.0, "dimension": 8, "steps": steps, "learning_rate": 1.0}

    def unit(ratio: int, trial: int) -> Unit:
        counts = step_counts(3, 3, 10 * ratio, ratio)

        def run(rng: np.random.Generator, _checkpoint: Path, _progress: Progress) -> dict[str, np.ndarray]:
            found = unconstrained_features(counts, **program, rng=rng, device=plan.device)
            return {
                **_arrays(found),
                "counts": np.asarray(counts),
                "energies": np.array([program["feature_energy"], program["weight_energy"]]),
            }

        return Unit(name=f"ratio-{ratio}-trial-{trial}", settings={"imbalance": ratio, "trial": trial, **program}, run=run)

    return [unit(ratio, trial) for ratio in (1, 3, 10, 30, 100) for trial in range(trials)]


# GeoMNIST


Draw = Callable[[np.random.Generator], tuple[Images, Images]]
"""Images to train on and images to look at."""


def _shapes(plan: Plan) -> Draw:
    each, looked_at = (200, 30) if plan.small else (600, 60)
    return lambda rng: (geomnist(each, rng), geomnist(looked_at, rng))


def _ensemble(plan: Plan, name: str, images: str, draw: Draw, recipe: OneByOne) -> Unit:
    def run(rng: np.random.Generator, checkpoint: Path, progress: Progress) -> dict[str, np.ndarray]:
        chosen, validation = draw(rng)
        found = train_one_by_one(
            partial(small_alexnet, chosen.num_classes, chosen.pixels.shape[1]),
            chosen,
            validation,
            recipe,
            rng,
            device=plan.device,
            checkpoint=checkpoint,
            resume=True,
            checkpoint_interval=CHECKPOINT_SECONDS,
            progress=lambda done: progress(done / recipe.iterations),
        )
        return {"iterations": found.times, "logits": found.logits, "accuracy": found.accuracy, "loss": found.loss}

    return Unit(name=name, settings={"images": images, **asdict(recipe)}, run=run)


def geomnist_units(plan: Plan) -> list[Unit]:
    """Mean logits by class over time for an ensemble on clean labels: three shapes, or the first two and three classes of a folder."""
    trials = 24 if plan.small else 100
    if plan.data is None:
        recipe = OneByOne(iterations=10_000 if plan.small else 100_000, trials=trials)
        return [_ensemble(plan, "clean", "GeoMNIST", _shapes(plan), recipe)]
    train, test = (resized(read_images(plan.data, train=part), 32) for part in (True, False))
    recipe = OneByOne(iterations=10_000 if plan.small else 300_000, trials=trials)
    return [
        _ensemble(
            plan,
            f"classes-{classes}",
            f"{train.name}, {classes} classes",
            partial(_some_of, first_classes(train, classes), first_classes(test, classes), (200, 30) if plan.small else (5000, 1000)),
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
    iterations, trials = (8_000, 16) if plan.small else (10_000, 100)
    recipes = [OneByOne(iterations=iterations, trials=trials, every=200, label_error=error) for error in errors]
    return [_ensemble(plan, f"error-{recipe.label_error:.3f}", "GeoMNIST", _shapes(plan), recipe) for recipe in recipes]


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
