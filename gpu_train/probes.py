"""Probes for anyone's model: separation, neural collapse and energies of every layer, streamed over batches."""

# pyright: reportMissingImports=false

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from numerics import ClassMoments, ClassStatistics, NeuralCollapse, UnusableInput, fuzziness, neural_collapse_of, require_memory

Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]
"""Pairs of inputs and whole-number labels, as a DataLoader gives them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerProbe:
    """What one layer does to labelled inputs.

    Args:
        name: as in `named_modules`.
        fuzziness: D of its output.
        collapse: NC1, NC2 and CDNV of its output; NC3 where the classifier reads it.
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
        batches: inputs with labels.
        num_classes: K.
        layers: names as in `named_modules`; the direct children but the last when not given.
        classifier: name of the linear layer whose rows are the classifiers; the last direct child when that is one.

    Raises:
        UnusableInput: for names that do not exist, layers too wide for the memory, outputs that are not finite, labels outside 0 … K−1,
            a class without samples, or single samples everywhere.

    Example:
        >>> from gpu_train.networks import feed_forward
        >>> inputs, labels = torch.eye(4).repeat(3, 1), torch.arange(4).repeat(3)
        >>> [layer.name for layer in probe(feed_forward(4, 4, [8]), [(inputs, labels)], 4).layers]
        ['1']
    """
    modules = dict(model.named_modules())
    children = [name for name, _ in model.named_children()]
    names = [name for name in children[:-1] if not isinstance(modules[name], nn.Flatten)] if layers is None else list(layers)
    head = children[-1] if classifier is None and children and isinstance(modules[children[-1]], nn.Linear) else classifier
    for name in [*names, *([head] if head is not None else [])]:
        if name not in modules:
            raise UnusableInput(f"layer {name!r} does not exist: the model has {', '.join(n for n in modules if n)}; choose among these.")
    moments: dict[str, ClassMoments] = {}
    labels_now = np.empty(0, dtype=np.int64)

    def keep(name: str, output: Any) -> None:
        features = output.detach().flatten(1).cpu().double().numpy()  # NumPy has no bfloat16
        if name not in moments:
            width = features.shape[1]
            require_memory(24.0 * width**2, f"probing layer {name!r} with {width} outputs", "name narrower layers")
            moments[name] = ClassMoments(num_classes, width)
        with _named(name):
            moments[name].update(features, labels_now)

    right, seen = 0, 0
    with _hooked(model, names, keep), torch.no_grad():
        device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
        for inputs, labels in batches:
            labels_now = labels.cpu().numpy()
            logits = model(inputs.to(device))
            right += int((logits.argmax(dim=1).cpu() == labels.cpu()).sum())
            seen += len(labels)
    if seen == 0:
        raise UnusableInput("there is no batch: a probe needs labelled inputs; give some.")
    weights = _weights_of(modules[head]) if head is not None else None
    last = names[-1] if names else None
    return ModelProbe(
        layers=tuple(_layer(name, moments[name], weights if name == last else None) for name in names),
        classifier=weights,
        classifier_cosines=None if weights is None else _cosines(weights),
        weight_energy=None if weights is None else float((weights**2).sum() / len(weights)),
        accuracy=right / seen,
    )


class _hooked:  # noqa: N801  # a context manager, used like a function
    """Forward hooks on named modules in evaluation mode; everything is put back at the end."""

    def __init__(self, model: nn.Module, names: Sequence[str], keep: Callable[[str, Any], None]) -> None:
        self._model, self._names, self._keep = model, names, keep

    def __enter__(self) -> None:
        self._training = self._model.training
        modules = dict(self._model.named_modules())
        self._hooks = [
            modules[name].register_forward_hook(lambda _m, _i, output, name=name: self._keep(name, output)) for name in self._names
        ]
        self._model.eval()

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()
        self._model.train(self._training)


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


def _cosines(weights: Float[np.ndarray, "K p"]) -> Float[np.ndarray, "K K"]:
    units = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    return units @ units.T
