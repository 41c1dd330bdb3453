"""The law of data separation as the source trains it: nine panels, and one thing varied at a time."""

# pyright: reportMissingImports=false

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from torch import nn

from layerpeel.gpu_train._images import Images, step_counts, with_counts
from layerpeel.gpu_train.experiments.images import signed, small_images
from layerpeel.gpu_train.experiments.plan import Plan, Settings, Unit, arrays_of, taken
from layerpeel.gpu_train.networks import feed_forward, residual_feed_forward
from layerpeel.gpu_train.studies import Progress, separation_curves
from layerpeel.gpu_train.training import Recipe


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


def separation_units(plan: Plan) -> list[Unit]:
    """D per layer and epoch for every variant and trial: the source's nine panels on its images, and one thing varied at a time.

    The small size has the variations alone, and the medium size the panels alone.
    """
    data = small_images(plan)
    theirs = signed(data[0]), signed(data[1])
    panels = units_of(plan, PANELS, theirs, trials=plan.sized(0, 2, 10))
    return [*panels, *units_of(plan, VARIANTS, data, trials=plan.sized(2, 0, 10))]


def units_of(
    plan: Plan, variants: Mapping[str, Variant], data: tuple[Images, Images], *, trials: int, epochs: int | None = None
) -> list[Unit]:
    """A unit for every variant and trial; the source trains for 600 epochs."""
    epochs = plan.sized(150, 600, 600) if epochs is None else epochs
    return [
        separation_unit(f"{name}-trial-{trial}", _separation_settings(name, variant, trial, epochs), data, device=plan.device)
        for name, variant in variants.items()
        for trial in range(trials)
    ]


def _separation_settings(name: str, variant: Variant, trial: int, epochs: int) -> dict[str, Any]:
    recipe = Recipe(epochs=epochs, learning_rate=variant.learning_rate, optimizer=variant.optimizer, weight_decay=variant.weight_decay)
    return {"variant": name, "trial": trial, **asdict(variant), **asdict(recipe)}


def separation_unit(name: str, settings: Settings, data: tuple[Images, Images], *, device: str) -> Unit:
    """One network of the separation experiment, by the fields of its `Variant` and its `Recipe`."""
    images, test = data
    variant, recipe = taken(Variant, settings), taken(Recipe, settings)
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
        return arrays_of(curves)

    return Unit(name=name, settings=settings, run=run)


MEASURED = (1, 2, 5, 10, 20, 50, 100, 200, 400)
"""Epochs after which D is measured, besides before the first and after the last."""
