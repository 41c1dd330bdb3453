"""Probes for anyone's model: separation, neural collapse and energies of every layer, streamed over batches."""

# pyright: reportMissingImports=false

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from layerpeel.array_words import Float
from layerpeel.gpu_train.networks import device_of, watching
from layerpeel.numerics import (
    ClassMoments,
    ClassStatistics,
    NeuralCollapse,
    UnusableInput,
    fuzziness,
    neural_collapse_of,
    pairwise_cosines,
    require_memory,
)

Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]
"""Pairs of inputs and whole-number labels, as a DataLoader gives them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerProbe:
    """What one layer does to labelled inputs.

    Args:
        name: as in `named_modules`.
        fuzziness: D of its output.
        collapse: NC1, NC2 and CDNV of its output; NC3 too if its output, flattened, is what the classifier reads.
        energy: E_H of its output, (1/K) Σ_k (1/n_k) Σ_i ‖h_ki‖².
        statistics: the class moments that all this comes from.
    """

    name: str
    fuzziness: float
    collapse: NeuralCollapse
    energy: float
    statistics: ClassStatistics


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelProbe:
    """What a model does to labelled inputs.

    Args:
        layers: one entry per probed layer, in the order asked for.
        classifier: W of the classifier, or None.
        classifier_cosines: cosines between its rows, (K, K), or None.
        weight_energy: E_W = (1/K) Σ_k ‖w_k‖², or None.
        accuracy: share of inputs that the model labels correctly.
    """

    layers: tuple[LayerProbe, ...]
    classifier: Float[np.ndarray, "K p"] | None
    classifier_cosines: Float[np.ndarray, "K K"] | None
    weight_energy: float | None
    accuracy: float


def probe(
    model: nn.Module, batches: Batches, num_classes: int, *, layers: Sequence[str] | None = None, classifier: str | None = None
) -> ModelProbe:
    """Run labelled batches through a model once and measure its layers by forward hooks.

    Memory is p² doubles per layer of p outputs, whatever the number of batches: name the layers that matter for convolutional nets.

    Args:
        model: any module that returns logits; left as it was found.
        batches: inputs with labels, (n,) whole numbers of any type.
        num_classes: K.
        layers: names as in `named_modules`; the direct children but the last when not given.
        classifier: name of the linear layer whose rows are the classifiers; the last direct child when that is one.

    Raises:
        UnusableInput: for names that do not exist, layers that run never or more than once in a forward pass, that return no tensor or
            are too wide for the memory, outputs that are not finite, labels outside 0 … K−1, a class without samples, single samples
            everywhere, or a model that does not return logits.

    Example:
        >>> from layerpeel.gpu_train.networks import feed_forward
        >>> inputs, labels = torch.eye(4).repeat(3, 1), torch.arange(4).repeat(3)
        >>> [layer.name for layer in probe(feed_forward(4, 4, [8]), [(inputs, labels)], 4).layers]
        ['1']
    """
    modules = dict(model.named_modules())
    children = [name for name, _ in model.named_children()]
    names = [name for name in children[:-1] if not isinstance(modules[name], nn.Flatten)] if layers is None else list(layers)
    head = children[-1] if classifier is None and children and isinstance(modules[children[-1]], nn.Linear) else classifier
    moments: dict[str, ClassMoments] = {}
    reads = dict.fromkeys(names, head is not None)  # whether the classifier reads what the layer returns
    latest: dict[str, np.ndarray] = {}  # outputs in this batch that are as wide as what the classifier reads
    entering = getattr(modules.get(head or ""), "in_features", None)
    labels_now = np.empty(0, dtype=np.int64)

    def keep(name: str, read: tuple[Any, ...], output: torch.Tensor) -> None:
        if name in reads:
            features = _array(output)
            if features.shape[1] == entering:
                latest[name] = features
            with _named(name):
                if name not in moments:
                    width = features.shape[1]
                    require_memory(24.0 * width**2, f"probing layer {name!r} with {width} outputs", "name narrower layers")
                    moments[name] = ClassMoments(num_classes, width)
                moments[name].update(features, labels_now, eps=torch.finfo(output.dtype).eps if output.is_floating_point() else None)
        if name == head:
            entered = _array(read[0].reshape(len(read[0]), -1)) if read else np.empty(0)
            for layer in names:
                reads[layer] &= layer in latest and np.array_equal(latest[layer], entered)

    right, seen = 0, 0
    with watching(model, [*names, *([head] if head is not None else [])], keep) as forward:
        for inputs, labels in batches:
            labels_now = _whole_labels(labels, len(inputs))
            latest.clear()
            logits = forward(inputs.to(device_of(model)))
            if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or len(logits) != len(inputs):
                shape = f"of shape {tuple(logits.shape)}" if isinstance(logits, torch.Tensor) else f"of type {type(logits).__name__}"
                raise UnusableInput(f"the model returns something {shape}: a probe needs logits, one row per input; wrap it so.")
            right += int((_array(logits).argmax(axis=1) == labels_now).sum())
            seen += len(labels_now)
    if seen == 0:
        raise UnusableInput("there is no batch: a probe needs labelled inputs; give some.")
    weights = _weights_of(modules[head]) if head is not None else None
    return ModelProbe(
        layers=tuple(_layer(name, moments[name], weights if reads[name] else None) for name in names),
        classifier=weights,
        classifier_cosines=None if weights is None else pairwise_cosines(weights),
        weight_energy=None if weights is None else float((weights**2).sum() / len(weights)),
        accuracy=right / seen,
    )


def _array(tensor: torch.Tensor) -> np.ndarray:
    """In double precision, which holds every other type exactly: NumPy has no bfloat16. A copy, since a later layer may work in place."""
    return tensor.detach().to("cpu", torch.float64, copy=True).numpy()


def _whole_labels(labels: torch.Tensor, count: int) -> np.ndarray:
    if labels.shape != (count,):
        raise UnusableInput(f"labels of shape {tuple(labels.shape)} do not fit {count} inputs: one class number per input; flatten them.")
    return _array(labels) if labels.is_floating_point() else labels.detach().cpu().numpy()


@contextmanager
def _named(layer: str) -> Generator[None]:
    """What is wrong with the output of a layer is said with its name."""
    try:
        yield
    except UnusableInput as error:
        raise UnusableInput(f"layer {layer!r}: {error}") from error


def _layer(name: str, moments: ClassMoments, weights: Float[np.ndarray, "K p"] | None) -> LayerProbe:
    with _named(name):
        statistics = moments.compute()
        fits = weights is not None and weights.shape == statistics.means.shape
        return LayerProbe(
            name=name,
            fuzziness=fuzziness(statistics),
            collapse=neural_collapse_of(statistics, weights if fits else None),
            energy=statistics.energy,
            statistics=statistics,
        )


def _weights_of(layer: nn.Module) -> Float[np.ndarray, "K p"]:
    if not isinstance(layer, nn.Linear):
        raise UnusableInput(f"the classifier is a {type(layer).__name__}: it must be a linear layer; name one.")
    return layer.weight.detach().cpu().double().numpy()
