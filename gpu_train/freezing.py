"""Networks whose layers are trained in turn, part after part, beside those that are trained as a whole."""

# pyright: reportMissingImports=false

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from layerpeel.array_words import Float, Int
from layerpeel.gpu_train._images import Images
from layerpeel.gpu_train.networks import device_of, evaluating, precision_of
from layerpeel.gpu_train.studies import Progress, hidden_layers, separation_or_infinity
from layerpeel.gpu_train.training import Recipe, accuracy_by_class, seeded, train
from layerpeel.numerics import UnusableInput

PARTS = ("all", "lower", "upper")
"""Which layers a phase trains: every one, or one of the two parts into which a network is cut."""

LOOKS = 40
"""How often a phase is looked at: often enough to find a training loss that two networks share."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of a training.

    Args:
        part: "all", "lower" or "upper": the layers whose weights move; the others keep theirs.
        recipe: how.
    """

    part: str
    recipe: Recipe

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise UnusableInput(f"part {self.part!r} is unknown: a phase trains {', '.join(PARTS)}; choose one of these.")


@dataclass(frozen=True, kw_only=True, eq=False)
class PhasedCurves:
    """A training in phases, looked at now and then.

    Args:
        phases: which phase it was, from 0.
        epochs: numbers of epochs done, all phases together.
        loss: mean cross-entropy on the training images, in evaluation mode.
        training_accuracy: on the images trained on.
        test_accuracy: on the test images.
        fuzziness: D of the input and of every hidden layer on the training images, (looks, layers).
    """

    phases: Int[np.ndarray, " looks"]
    epochs: Int[np.ndarray, " looks"]
    loss: Float[np.ndarray, " looks"]
    training_accuracy: Float[np.ndarray, " looks"]
    test_accuracy: Float[np.ndarray, " looks"]
    fuzziness: Float[np.ndarray, "looks layers"]


def train_in_phases(
    build: Callable[[], nn.Module],
    images: Images,
    test: Images,
    phases: Sequence[Phase],
    rng: np.random.Generator,
    *,
    lower: int,
    device: str = "cpu",
    progress: Progress = lambda _share: None,
) -> PhasedCurves:
    """Train one network in phases and measure loss, accuracy and separation on the way.

    Args:
        build: makes the network: a Sequential.
        images: trained on.
        test: for the accuracy.
        phases: one after the other; each has an optimiser of its own.
        rng: source of weights and orders.
        lower: how many layers with weights, from below, are the lower part; the rest, the classifier among them, is the upper one.
        device: "auto", "cpu" or "cuda".
        progress: called after every epoch.

    Raises:
        UnusableInput: for no phases, a cut that leaves no layer above or below it, or what `train` refuses.
        TrainingDiverged: when the loss is not finite.

    Source: he2023, "Equi-separation implies better generalization".
    """
    model = seeded(build, rng)
    layers = [child for child in model.children() if any(True for _ in child.parameters())]
    if not phases:
        raise UnusableInput("there are no phases: a training has one at least; give one.")
    if not 0 < lower < len(layers):
        raise UnusableInput(f"the cut lies above layer {lower} of {len(layers)}: a layer must be left on either side; cut elsewhere.")
    done, whole, looks = 0, sum(phase.recipe.epochs for phase in phases), []
    for number, phase in enumerate(phases):
        for place, layer in enumerate(layers):
            layer.requires_grad_(phase.part == "all" or (place < lower) == (phase.part == "lower"))
        when = set(np.linspace(0, phase.recipe.epochs, LOOKS + 1).round().astype(int)[1:].tolist())

        def look(epoch: int, _loss: float, number: int = number, done: int = done, when: set[int] = when) -> None:
            progress((done + epoch) / whole)
            if epoch in when:
                looks.append((number, done + epoch, *_state(model, images, test)))

        train(model, images, phase.recipe, rng, device=device, after_epoch=look)
        done += phase.recipe.epochs
    names = ("phases", "epochs", "loss", "training_accuracy", "test_accuracy", "fuzziness")
    return PhasedCurves(**{name: np.array(values) for name, values in zip(names, zip(*looks, strict=True), strict=True)})


def _state(model: nn.Module, images: Images, test: Images) -> tuple[float, float, float, list[float]]:
    """Loss and accuracy on training images, accuracy on test images, and D of every layer."""
    with evaluating(model):
        logits = model(torch.from_numpy(images.pixels).to(device_of(model), precision_of(model)))
        loss = nn.functional.cross_entropy(logits, torch.from_numpy(images.labels).to(logits.device))
    inside, outside = (float(accuracy_by_class(model, part) @ part.counts / part.counts.sum()) for part in (images, test))
    layers = [separation_or_infinity(layer, images.labels).fuzziness for layer in hidden_layers(model, images)]
    return float(loss), inside, outside, layers
