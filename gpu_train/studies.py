"""What is measured on trained networks: separation by layer and epoch, and minority classes against imbalance."""

# pyright: reportMissingImports=false

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from layerpeel.array_words import Float, Int
from layerpeel.gpu_train._images import Images
from layerpeel.gpu_train.architectures import Repeated
from layerpeel.gpu_train.networks import device_of, layer_outputs, precision_of
from layerpeel.gpu_train.training import CHECKPOINT_SECONDS, Recipe, accuracy_by_class, seeded, train, train_together
from layerpeel.numerics import Separation, UnusableInput, feature_energy, mean_cosine, neural_collapse, separation

Progress = Callable[[float], None]
"""Called with the share of a training that is done."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SeparationCurves:
    """Separation through the layers of one network while it is trained.

    Args:
        epochs: numbers of epochs done when it was measured; the first is 0, before any step.
        fuzziness: D of the input and of every hidden layer on the training images, (epochs, layers); infinite where all class
            means of a layer coincide, as in a network that died.
        test_fuzziness: the same on the test images; of trials that are trained side by side of the last hidden layer alone, (epochs, 1).
        batch_fuzziness: D on the training images in training mode, with the statistics of batches of 100, as the code of he2023 measures
            it, (epochs, layers); of trials that are trained side by side it is not measured, (epochs, 0).
        by_class: D_k at the end, (layers, class).
        rank_between: rank of SSB at the end, per layer.
        nc1: NC1 of the last hidden layer on the training images, by epoch.
        accuracy: on training and test images at the end.
        loss: mean training loss of every epoch.
    """

    epochs: Int[np.ndarray, " E"]
    fuzziness: Float[np.ndarray, "E layers"]
    test_fuzziness: Float[np.ndarray, "E tested"]
    batch_fuzziness: Float[np.ndarray, "E batched"]
    by_class: Float[np.ndarray, "layers K"]
    rank_between: Int[np.ndarray, " layers"]
    nc1: Float[np.ndarray, " E"]
    accuracy: tuple[float, float]
    loss: Float[np.ndarray, " epochs"]


SHAPING = (nn.Flatten, nn.AdaptiveAvgPool2d, nn.MaxPool2d, Repeated)
"""Children that are no layers: what they return is not measured."""


def hidden_layers(model: nn.Module, images: Images) -> list[Float[np.ndarray, "n p"]]:
    """The input and the output of every child but the classifier, flattened; children that only reshape or pool are left out."""
    outputs = layer_outputs(model, images.pixels)
    children = list(model.named_children())[:-1]
    hidden = [outputs[name] for name, child in children if not isinstance(child, SHAPING)]
    return [images.pixels.reshape(len(images.pixels), -1), *hidden]


Layers = Callable[[nn.Module, Images], list[Float[np.ndarray, "n p"]]]
"""What is measured of a network: features of its layers, one row per image."""

MEASURED_BATCH = 100
"""Images a batch where D is measured in training mode."""


def hidden_layers_by_batch(model: nn.Module, images: Images) -> list[Float[np.ndarray, "n p"]]:
    """`hidden_layers` in training mode: batch norm takes the statistics of batches of 100 images, in a fixed random order.

    Args:
        model: a Sequential; a copy is asked, so that its running statistics stay.
        images: of all classes.

    Example:
        >>> from layerpeel.gpu_train import geomnist
        >>> from layerpeel.gpu_train.networks import feed_forward
        >>> images = geomnist(50, np.random.default_rng(0))
        >>> [layer.shape for layer in hidden_layers_by_batch(feed_forward(1024, 3, [20]), images)]
        [(150, 1024), (150, 20)]
    """
    asked = copy.deepcopy(model).eval()
    for module in asked.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - the one class that all batch norms share
            module.train()
    order = np.random.default_rng(len(images.labels)).permutation(len(images.labels))
    parts = np.array_split(order, max(1, round(len(order) / MEASURED_BATCH)))
    by_part: list[list[np.ndarray]] = []
    with torch.no_grad():
        for part in parts:
            rows = torch.from_numpy(images.pixels[part]).to(device_of(asked), precision_of(asked))
            seen = [rows.flatten(1).cpu().numpy()]
            for child in list(asked.children())[:-1]:
                rows = child(rows)
                seen += [] if isinstance(child, SHAPING) else [rows.flatten(1).cpu().numpy()]
            by_part.append(seen)
    back = np.argsort(order)
    return [np.concatenate(layer)[back] for layer in zip(*by_part, strict=True)]


def principal(layers: Layers, components: int) -> Layers:
    """The same layers, of which wider ones are their first principal components, as he2023 has them before D of residual nets.

    Args:
        layers: features of every layer.
        components: kept of a layer that has more features.

    Example:
        >>> from layerpeel.gpu_train import geomnist
        >>> from layerpeel.gpu_train.networks import feed_forward
        >>> images = geomnist(10, np.random.default_rng(0))
        >>> [layer.shape for layer in principal(hidden_layers, 5)(feed_forward(1024, 3, [4]), images)]
        [(30, 5), (30, 4)]
    """

    def reduced(model: nn.Module, images: Images) -> list[Float[np.ndarray, "n p"]]:
        return [_principal(layer, components) for layer in layers(model, images)]

    return reduced


def _principal(features: Float[np.ndarray, "n p"], components: int) -> Float[np.ndarray, "n c"]:
    """By the eigenvectors of the products of samples, which are fewer than features."""
    if features.shape[1] <= components:
        return features
    centred = features.astype(float) - features.mean(axis=0, dtype=float)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    return vectors[:, -components:] * np.sqrt(np.maximum(values[-components:], 0.0))


def separation_curves(
    build: Callable[[], nn.Module],
    images: Images,
    test: Images,
    recipe: Recipe,
    rng: np.random.Generator,
    *,
    epochs: Sequence[int] = (),
    frozen: str = "none",
    layers: Layers = hidden_layers,
    by_batch: Layers | None = hidden_layers_by_batch,
    device: str = "cpu",
    checkpoint: Path | None = None,
    progress: Progress = lambda _share: None,
) -> SeparationCurves:
    """Train one network and measure D through its layers.

    Args:
        build: makes the network: a Sequential whose last child is the classifier.
        images: trained on.
        test: measured only.
        recipe: how it is trained.
        rng: source of weights and orders.
        epochs: when to measure, besides before the first and after the last.
        frozen: "bottom" or "top" leaves that half of the hidden layers at its initial weights; "none" trains all.
        layers: (network, images) → features of every layer that is measured.
        by_batch: the same in training mode; None where that is not measured.
        device: "auto", "cpu" or "cuda".
        checkpoint: kept while it runs, and continued from if it is there.
        progress: called after every epoch.

    Raises:
        UnusableInput: for another word for `frozen`, an epoch after the last, a class without images or no class with two, or what `train`
            refuses.
        TrainingDiverged: when the loss is not finite.

    Source: he2023; for frozen halves, the section on generalisation.
    """
    when = _measured_epochs(epochs, recipe, (images, test))
    model = seeded(build, rng)
    _freeze(model, frozen)
    measured: list[_Measured] = []

    def measure(epoch: int, _loss: float) -> None:
        progress(epoch / recipe.epochs)
        if epoch in when:
            inside, nc1 = _look(model, images, layers)
            outside = [separation_or_infinity(layer, test.labels).fuzziness for layer in layers(model, test)]
            seen = [] if by_batch is None else by_batch(model, images)
            batched = [separation_or_infinity(layer, images.labels).fuzziness for layer in seen]
            measured.append(([layer.fuzziness for layer in inside], outside, nc1, batched))

    measure(0, float("nan"))
    losses = _resumed(model, images, recipe, rng, device=device, checkpoint=checkpoint, log=measured, after_epoch=measure)
    final, _ = _look(model, images, layers)
    return _separation_curves(model, images, test, when, measured, final, losses)


def separation_curves_together(
    build: Callable[[], nn.Module],
    images: Sequence[Images],
    tests: Sequence[Images],
    recipe: Recipe,
    rngs: Sequence[np.random.Generator],
    *,
    epochs: Sequence[int] = (),
) -> tuple[SeparationCurves, ...]:
    """`separation_curves` of independent trials on images of their own, trained side by side on the CPU: the same to rounding, and faster.

    Args:
        build: makes one network, of layers that `stacked` knows.
        images: that each trial is trained on, as many for every one.
        tests: that each is measured on.
        recipe: how they are trained.
        rngs: of each trial: source of weights and orders.
        epochs: when to measure, besides before the first and after the last.

    Raises:
        UnusableInput: for an epoch after the last, a class without images or no class with two, or what `train_together` refuses.
        TrainingDiverged: when a loss is not finite.
    """
    when = _measured_epochs(epochs, recipe, (*images, *tests))
    models = [seeded(build, rng) for rng in rngs]
    trials = list(zip(models, images, tests, strict=True))
    measured: list[list[_Measured]] = [[] for _ in trials]
    final: list[list[Separation]] = [[] for _ in trials]

    def measure(_epoch: int) -> None:
        for trial, (model, seen, test) in enumerate(trials):
            final[trial], nc1 = _look(model, seen)
            outside = separation_or_infinity(_last_hidden(model, test), test.labels).fuzziness
            measured[trial].append(([layer.fuzziness for layer in final[trial]], [outside], nc1, []))

    measure(0)
    losses = train_together(models, images, recipe, rngs, look=measure, epochs=when)
    ended = zip(trials, measured, final, losses, strict=True)
    return tuple(_separation_curves(*trial, when, kept, last, loss) for trial, kept, last, loss in ended)


_Measured = tuple[list[float], list[float], float, list[float]]
"""D on training and on test images, by layer, NC1 of the last layer, and D on training images in training mode."""


def _measured_epochs(epochs: Sequence[int], recipe: Recipe, parts: Sequence[Images]) -> list[int]:
    for part in parts:
        if not part.counts.all() or part.counts.max() < 2:
            raise UnusableInput(
                f"the classes of {part.name} have {part.counts.tolist()} images: D needs one of each and two of some; add images."
            )
    when = sorted({0, *epochs, recipe.epochs})
    if when[-1] > recipe.epochs:
        raise UnusableInput(f"epoch {when[-1]} is to be measured: the training has {recipe.epochs}; leave it out.")
    return when


def _look(model: nn.Module, images: Images, layers: Layers = hidden_layers) -> tuple[list[Separation], float]:
    """The separation of every layer, and NC1 of the last."""
    features = layers(model, images)
    return [separation_or_infinity(layer, images.labels) for layer in features], _nc1(features[-1], images.labels)


def _last_hidden(model: nn.Module, images: Images) -> Float[np.ndarray, "n p"]:
    before, _ = list(model.named_children())[-2]
    return layer_outputs(model, images.pixels, layers=[before])[before]


def _separation_curves(
    model: nn.Module,
    images: Images,
    test: Images,
    when: Sequence[int],
    measured: Sequence[_Measured],
    final: Sequence[Separation],
    losses: Any,
) -> SeparationCurves:
    return SeparationCurves(
        epochs=np.array(when),
        fuzziness=np.array([inside for inside, _, _, _ in measured]),
        test_fuzziness=np.array([outside for _, outside, _, _ in measured]),
        batch_fuzziness=np.array([batched for _, _, _, batched in measured]),
        by_class=np.array([layer.by_class for layer in final]),
        rank_between=np.array([layer.rank_between for layer in final]),
        nc1=np.array([nc1 for _, _, nc1, _ in measured]),
        accuracy=(_accuracy(model, images), _accuracy(model, test)),
        loss=np.array(losses),
    )


def _resumed(model: nn.Module, images: Images, recipe: Recipe, rng: np.random.Generator, **options: Any) -> list[float]:
    """`train`, continued from the checkpoint if there is one."""
    return train(model, images, recipe, rng, resume=True, checkpoint_interval=CHECKPOINT_SECONDS, **options)


def separation_or_infinity(features: Float[np.ndarray, "n p"], labels: Int[np.ndarray, " n"]) -> Separation:
    """D; infinite, with rank 0, where all class means coincide to rounding, the one thing that is wrong with outputs of sound images."""
    try:
        return separation(features, labels)
    except UnusableInput:
        if not np.isfinite(features).all():
            raise
        return Separation(fuzziness=float("inf"), by_class=np.full(int(labels.max()) + 1, np.inf), rank_between=0)


def _nc1(features: Float[np.ndarray, "n p"], labels: Int[np.ndarray, " n"]) -> float:
    """NC1; infinite where all class means coincide to rounding."""
    try:
        return neural_collapse(features, labels).nc1
    except UnusableInput:
        if not np.isfinite(features).all():
            raise
        return float("inf")


def separation_at(
    build: Callable[[], nn.Module], images: Sequence[Images], layers: Sequence[str], recipe: Recipe, rngs: Sequence[np.random.Generator]
) -> Float[np.ndarray, "trials layers"]:
    """Train independent networks side by side and measure D of their inputs and then of the named layers, which may lie inside children.

    Args:
        build: makes one network.
        images: that each is trained on and measured on.
        layers: names as in `named_modules`.
        recipe: how they are trained.
        rngs: of each trial: source of weights and orders.

    Raises:
        UnusableInput: for a layer that does not exist, or what `train_together` refuses.
        TrainingDiverged: when a loss is not finite.

    Source: he2023, the section on residual networks.
    """
    models = [seeded(build, rng) for rng in rngs]
    train_together(models, images, recipe, rngs)
    fuzziness = []
    for model, seen in zip(models, images, strict=True):
        outputs = layer_outputs(model, seen.pixels, layers=layers)
        measured = [seen.pixels.reshape(len(seen.pixels), -1), *(outputs[name] for name in layers)]
        fuzziness.append([separation(features, seen.labels).fuzziness for features in measured])
    return np.array(fuzziness)


def _accuracy(model: nn.Module, images: Images) -> float:
    return float(accuracy_by_class(model, images) @ images.counts / images.counts.sum())


def _freeze(model: nn.Module, frozen: str) -> None:
    if frozen not in {"none", "bottom", "top"}:
        raise UnusableInput(f"frozen is {frozen!r}: it must be none, bottom or top; choose one of these.")
    hidden = [child for child in list(model.children())[:-1] if any(True for _ in child.parameters())]
    half = len(hidden) // 2
    for child in {"none": [], "bottom": hidden[:half], "top": hidden[half:]}[frozen]:
        child.requires_grad_(False)


@dataclass(frozen=True, kw_only=True, eq=False)
class MinorityOutcome:
    """How minority classes fare in one trained network.

    Args:
        classifier: W of the last layer, (K, p).
        feature_energy: E_H of its input on the training images, (1/K) Σ_k (1/n_k) Σ_i ‖h_ki‖².
        sample_energy: the mean over samples in place of classes, (1/N) Σ_k Σ_i ‖h_ki‖², which weight decay holds back.
        weight_energy: E_W = (1/K) Σ_k ‖w_k‖².
        minority_cosine: mean cosine between minority classifiers.
        majority_cosine: the same among the majority.
        accuracy: test accuracy by class.
        training_accuracy: on the images that it was trained on, by class: what tells a minority that was never learned from one at rest.
        loss: final training loss.
    """

    classifier: Float[np.ndarray, "K p"]
    feature_energy: float
    sample_energy: float
    weight_energy: float
    minority_cosine: float
    majority_cosine: float
    accuracy: Float[np.ndarray, " K"]
    training_accuracy: Float[np.ndarray, " K"]
    loss: float


def minority_outcome(
    build: Callable[[], nn.Module],
    images: Images,
    test: Images,
    minority: Sequence[int],
    recipe: Recipe,
    rng: np.random.Generator,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
    progress: Progress = lambda _share: None,
) -> MinorityOutcome:
    """Train one network on imbalanced images and look at its classifier.

    Args:
        build: makes the network: a Sequential whose last child is the classifier.
        images: trained on.
        test: for the accuracy.
        minority: classes between whose classifiers the cosine is measured.
        recipe: how it is trained.
        rng: source of weights and orders.
        device: "auto", "cpu" or "cuda".
        checkpoint: kept while it runs, and continued from if it is there.
        progress: called after every epoch.

    Raises:
        UnusableInput: for what `train` refuses.
        TrainingDiverged: when the loss is not finite.

    Source: fang2021, "Minority Collapse in deep neural networks".
    """
    model = seeded(build, rng)
    _classifier(model)
    losses = _resumed(
        model,
        images,
        recipe,
        rng,
        device=device,
        checkpoint=checkpoint,
        after_epoch=lambda epoch, _loss: progress(epoch / recipe.epochs),
    )
    return _minority_outcome(model, images, test, minority, losses[-1])


def minority_outcomes_together(
    build: Callable[[], nn.Module],
    images: Sequence[Images],
    tests: Sequence[Images],
    minority: Sequence[int],
    recipe: Recipe,
    rngs: Sequence[np.random.Generator],
) -> tuple[tuple[MinorityOutcome, nn.Module], ...]:
    """`minority_outcome` of independent trials, trained side by side on the CPU: the same to rounding, and faster; and the networks.

    Args:
        build: makes one network, of layers that `stacked` knows.
        images: that each trial is trained on, as many for every one.
        tests: for the accuracy of each.
        minority: classes between whose classifiers the cosine is measured.
        recipe: how they are trained.
        rngs: of each trial: source of weights and orders.

    Raises:
        UnusableInput: for what `train_together` refuses.
        TrainingDiverged: when a loss is not finite.
    """
    models = [seeded(build, rng) for rng in rngs]
    for model in models:
        _classifier(model)
    losses = train_together(models, images, recipe, rngs)[:, -1]
    trials = zip(models, images, tests, losses, strict=True)
    return tuple((_minority_outcome(model, seen, test, minority, float(loss)), model) for model, seen, test, loss in trials)


def _classifier(model: nn.Module) -> tuple[str, nn.Linear]:
    """The linear layer at the end, and the name of the child before it."""
    *_, (before, _), (_, head) = model.named_children()
    if not isinstance(head, nn.Linear):
        raise UnusableInput(f"the last child of the network is {type(head).__name__}: it must be the linear classifier; put it last.")
    return before, head


def _minority_outcome(model: nn.Module, images: Images, test: Images, minority: Sequence[int], loss: float) -> MinorityOutcome:
    before, head = _classifier(model)
    classifier = head.weight.detach().cpu().double().numpy()
    features = layer_outputs(model, images.pixels, layers=[before])[before].astype(float)
    rare = np.isin(np.arange(images.num_classes), minority)
    return MinorityOutcome(
        classifier=classifier,
        feature_energy=feature_energy(features, images.labels),
        sample_energy=float((features**2).sum() / len(features)),
        weight_energy=float((classifier**2).sum() / len(classifier)),
        minority_cosine=mean_cosine(classifier[rare]),
        majority_cosine=mean_cosine(classifier[~rare]),
        accuracy=accuracy_by_class(model, test),
        training_accuracy=accuracy_by_class(model, images),
        loss=loss,
    )
