"""Probes for anyone's model: separation, neural collapse and energies of every layer, streamed over batches."""

# pyright: reportMissingImports=false

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from layerpeel.array_words import Float, Int
from layerpeel.gpu_train.batches import as_batch, first_tensor
from layerpeel.gpu_train.device_moments import DeviceMoments
from layerpeel.gpu_train.networks import device_of, pooled, watching
from layerpeel.numerics import (
    ClassStatistics,
    NeuralCollapse,
    UnusableInput,
    fuzziness,
    neural_collapse_of,
    pairwise_cosines,
    require_memory,
)

IGNORED = -100
"""The label that PyTorch's losses leave out, and so does a probe."""

Batches = Iterable[Any]
"""Inputs and labels, as a DataLoader gives them: pairs, longer tuples whose first two parts they are, or dictionaries."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerProbe:
    """What one layer does to labelled inputs.

    Args:
        name: as in `named_modules`.
        fuzziness: D of its output.
        collapse: NC1, NC2 and CDNV of its output; NC3 too if the classifier reads its output, and NC4 if asked.
        energy: E_H of its output, (1/K) Σ_k (1/n_k) Σ_i ‖h_ki‖².
        statistics: the class moments that all this comes from.
        nc4_by_class: share of each class that the model and the nearest class mean label differently; None unless asked for.
    """

    name: str
    fuzziness: float
    collapse: NeuralCollapse
    energy: float
    statistics: ClassStatistics
    nc4_by_class: Float[np.ndarray, " K"] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelProbe:
    """What a model does to labelled inputs.

    Args:
        layers: one entry per probed layer, in the order asked for.
        classifier: W of the classifier, or None; the rows of the classes with samples.
        classifier_cosines: cosines between its rows, (K, K), or None.
        weight_energy: E_W = (1/K) Σ_k ‖w_k‖², or None.
        accuracy: share of inputs that the model labels correctly.
        classes: numbers of the classes with samples, which everything else is about.
        absent: numbers of those without.
        accuracy_by_class: share of the inputs of each class with samples that the model labels correctly.
    """

    layers: tuple[LayerProbe, ...]
    classifier: Float[np.ndarray, "K p"] | None
    classifier_cosines: Float[np.ndarray, "K K"] | None
    weight_energy: float | None
    accuracy: float
    classes: Int[np.ndarray, " K"]
    absent: tuple[int, ...]
    accuracy_by_class: Float[np.ndarray, " K"]


def probe(
    model: nn.Module,
    batches: Batches,
    num_classes: int,
    *,
    layers: Sequence[str] | None = None,
    classifier: str | None = None,
    pool: str | None = None,
    nc4: bool = False,
) -> ModelProbe:
    """Run labelled batches through a model once and measure its layers by forward hooks.

    Sums are kept in doubles on the device where the model is. Memory is p² doubles per layer of p outputs, whatever the number of
    batches: name the layers that matter for convolutional nets, or pool them. Classes without samples are left out and named.

    Args:
        model: any module that returns logits, alone, first in a tuple, or under `logits`; left as it was found.
        batches: inputs with labels, (n,) or (n, 1) whole numbers of any type; tuples of two or more parts, or dictionaries. Samples
            labelled −100 are left out.
        num_classes: K.
        layers: names as in `named_modules`; the direct children but the last when not given. Of a tuple the first tensor is measured.
        classifier: name of the linear layer whose rows are the classifiers; the last direct child when that is one.
        pool: "mean" averages maps over their places, "tokens" averages sequences; flattened when not given.
        nc4: go through the batches a second time, for NC4 of the layers that the classifier reads.

    Raises:
        UnusableInput: for names that do not exist, layers that run never or more than once in a forward pass, that return no tensor or
            are too wide for the memory, outputs that are not finite, labels outside 0 … K−1, fewer than two classes with samples, single
            samples everywhere, a model that does not return logits, or batches that come only once where they are needed twice.

    Example:
        >>> from layerpeel.gpu_train.networks import feed_forward
        >>> inputs, labels = torch.eye(4).repeat(3, 1), torch.arange(4).repeat(3)
        >>> [layer.name for layer in probe(feed_forward(4, 4, [8]), [(inputs, labels)], 4).layers]
        ['1']
    """
    pass_ = _Pass.over(model, num_classes, layers, classifier, pool)
    pass_.first(batches)
    probed = pass_.probed()
    if not nc4:
        return probed
    if isinstance(batches, Iterator):
        raise UnusableInput("the batches come only once and NC4 needs them twice, first for the class means: give a list or a DataLoader.")
    differ = pass_.second(batches)
    return replace(probed, layers=tuple(_with_nc4(layer, differ.get(layer.name)) for layer in probed.layers))


@dataclass(kw_only=True)
class _Pass:
    """Forward passes of a model over labelled batches, and what is kept of them."""

    model: nn.Module
    num_classes: int
    names: list[str]
    head: str | None
    pool: str | None
    moments: dict[str, DeviceMoments] = field(default_factory=dict)
    reads: dict[str, bool] = field(default_factory=dict)  # whether the classifier reads what the layer returns
    right: torch.Tensor = field(default_factory=lambda: torch.zeros(0))
    seen: torch.Tensor = field(default_factory=lambda: torch.zeros(0))

    @classmethod
    def over(cls, model: nn.Module, num_classes: int, layers: Sequence[str] | None, classifier: str | None, pool: str | None) -> "_Pass":
        modules = dict(model.named_modules())
        children = [name for name, _ in model.named_children()]
        names = [name for name in children[:-1] if not isinstance(modules[name], nn.Flatten)] if layers is None else list(layers)
        head = children[-1] if classifier is None and children and isinstance(modules[children[-1]], nn.Linear) else classifier
        counters = torch.zeros(num_classes, dtype=torch.int64), torch.zeros(num_classes, dtype=torch.int64)
        return cls(
            model=model,
            num_classes=num_classes,
            names=names,
            head=head,
            pool=pool,
            reads=dict.fromkeys(names, head is not None),
            right=counters[0],
            seen=counters[1],
        )

    @property
    def weights(self) -> Float[np.ndarray, "rows p"] | None:
        return None if self.head is None else _weights_of(dict(self.model.named_modules())[self.head])

    def _run(self, batches: Batches, keep: Any) -> "Generator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]":
        """For each batch, before it runs, its labels and which samples count are handed to `keep`; then labels, logits' classes, kept."""
        device = device_of(self.model)
        watched = [*self.names, *([self.head] if self.head is not None else [])]
        with watching(self.model, watched, keep, pool=self.pool) as forward:
            for given in batches:
                batch = as_batch(given, self.model)
                labels, kept = _labels(batch.labels, self.num_classes)
                keep.begin(labels, kept)
                output = first_tensor(batch.run(forward, device))
                if output is None or output.ndim != 2 or len(output) != len(kept):
                    shape = f"of shape {tuple(output.shape)}" if output is not None else "without a tensor"
                    raise UnusableInput(f"the model returns something {shape}: a probe needs logits, one row per input; wrap it so.")
                said = output.argmax(dim=1) if output.shape[1] > 1 else (output[:, 0] > 0).long()
                yield labels, said.cpu()[kept], kept

    def first(self, batches: Batches) -> None:
        """Accumulate class moments and accuracies."""
        keep = _Keeper(self)
        for labels, said, _ in self._run(batches, keep):
            self.seen += torch.bincount(labels, minlength=self.num_classes)
            self.right += torch.bincount(labels[said == labels], minlength=self.num_classes)
        if int(self.seen.sum()) == 0:
            raise UnusableInput("there is no batch with a label that counts: a probe needs labelled inputs; give some.")

    def second(self, batches: Batches) -> dict[str, np.ndarray]:
        """Samples of each class that the model labels otherwise than the nearest class mean, for the layers that the classifier reads."""
        present = torch.nonzero(self.seen).ravel()
        chosen = {name: self.moments[name].means[present.to(self.moments[name].means.device)] for name in self.names if self.reads[name]}
        keep = _Nearest(chosen)
        differ = {name: torch.zeros(self.num_classes, dtype=torch.int64) for name in chosen}
        seen = 0
        for labels, said, kept in self._run(batches, keep):
            seen += len(labels)
            for name, near in keep.near.items():
                other = present[near.cpu()[kept]] != said
                differ[name] += torch.bincount(labels[other], minlength=self.num_classes)
        if seen != int(self.seen.sum()):
            raise UnusableInput(
                f"the batches held {int(self.seen.sum())} samples at first and {seen} when NC4 went through them: they must come again; "
                "give a list or a DataLoader."
            )
        return {name: (counts[present] / self.seen[present]).numpy() for name, counts in differ.items()}

    def probed(self) -> ModelProbe:
        """What the moments say."""
        present = torch.nonzero(self.seen).ravel()
        weights, rows = self.weights, present.numpy()
        if weights is not None and len(weights) == 1 and self.num_classes == 2:
            weights = np.array([[-0.5], [0.5]]) * weights  # one row is the logit of the second class
        own = weights[rows] if weights is not None and len(weights) > rows[-1] else None
        absent = tuple(np.setdiff1d(np.arange(self.num_classes), rows).tolist())
        return ModelProbe(
            layers=tuple(_layer(name, self.moments[name], own if self.reads[name] else None, present) for name in self.names),
            classifier=own,
            classifier_cosines=None if own is None else pairwise_cosines(own),
            weight_energy=None if own is None else float((own**2).sum() / len(own)),
            accuracy=float(self.right.sum() / self.seen.sum()),
            classes=rows,
            absent=absent,
            accuracy_by_class=(self.right[present] / self.seen[present]).double().numpy(),
        )


class _Keeper:
    """Adds what layers return to their moments, and finds out which of them the classifier reads."""

    def __init__(self, run: _Pass) -> None:
        self._run = run
        self._labels = torch.empty(0, dtype=torch.int64)
        self._kept = torch.empty(0, dtype=torch.bool)
        self._latest: dict[str, torch.Tensor] = {}  # outputs in this batch that are as wide as what the classifier reads
        self._entering = getattr(dict(run.model.named_modules()).get(run.head or ""), "in_features", None)

    def begin(self, labels: torch.Tensor, kept: torch.Tensor) -> None:
        self._labels, self._kept = labels, kept
        self._latest.clear()

    def __call__(self, name: str, read: tuple[Any, ...], output: torch.Tensor) -> None:
        run = self._run
        if name in run.reads:
            if output.shape[1] == self._entering:
                self._latest[name] = output.clone()  # a later layer may work in place
            with _named(name):
                if name not in run.moments:
                    width = output.shape[1]
                    if output.device.type == "cpu":
                        require_memory(
                            24.0 * width**2, f"probing layer {name!r} with {width} outputs", "name narrower layers, or pool them"
                        )
                    run.moments[name] = DeviceMoments(run.num_classes, width, output.device)
                if len(output) != len(self._kept):
                    raise UnusableInput(
                        f"{len(output)} outputs for {len(self._kept)} labels: it needs a row per sample; name another layer."
                    )
                counted = output if bool(self._kept.all()) else output[self._kept.to(output.device)]
                run.moments[name].update(counted, self._labels)
        if name == run.head:
            entered = pooled(read[0], run.pool if read[0].ndim > 2 else None, name) if read else None
            for layer in run.names:
                run.reads[layer] &= entered is not None and layer in self._latest and _same(self._latest[layer], entered, run.pool)


class _Nearest:
    """Finds the nearest class mean for every sample of a batch."""

    def __init__(self, means: dict[str, torch.Tensor]) -> None:
        middles = {name: of_class.mean(dim=0) for name, of_class in means.items()}
        self._shifted = {name: of_class - middles[name] for name, of_class in means.items()}
        self._middles = middles
        self.near: dict[str, torch.Tensor] = {}

    def begin(self, _labels: torch.Tensor, _kept: torch.Tensor) -> None:
        self.near.clear()

    def __call__(self, name: str, _read: tuple[Any, ...], output: torch.Tensor) -> None:
        if name in self._shifted:
            means = self._shifted[name]
            features = output.to(means.device, torch.float64) - self._middles[name]
            self.near[name] = (features @ means.T - 0.5 * (means**2).sum(dim=1)).argmax(dim=1)


def _same(output: torch.Tensor, entered: torch.Tensor, pool: str | None) -> bool:
    """Whether the classifier reads it: exactly, or up to the rounding of an average that the model took itself."""
    if output.shape != entered.shape:
        return False
    if pool is None:
        return torch.equal(output, entered)
    rounding = 64.0 * torch.finfo(output.dtype).eps * float(output.abs().max())
    return bool(((output - entered).abs() <= rounding).all())


def _labels(labels: torch.Tensor, num_classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The class numbers of the samples that count, on the CPU, and which these are."""
    flat = labels.detach().cpu()
    flat = flat[:, 0] if flat.ndim == 2 and flat.shape[1] == 1 else flat
    if flat.ndim != 1:
        raise UnusableInput(f"labels of shape {tuple(labels.shape)} do not fit: there must be one class number per input; flatten them.")
    if flat.is_floating_point() and not bool((flat == flat.floor()).all()):
        raise UnusableInput(f"labels of type {flat.dtype} are not whole numbers: give one class number from 0 per input.")
    whole = flat.to(torch.int64)
    kept = whole != IGNORED
    counted = whole[kept]
    outside = (counted < 0) | (counted >= num_classes)
    if bool(outside.any()):
        wrong = int(torch.nonzero(outside)[0])
        raise UnusableInput(
            f"label {int(counted[wrong])} of sample {wrong} is outside 0 ... {num_classes - 1}: classes are numbered from 0; renumber "
            "them, or say how many there are."
        )
    return counted, kept


@contextmanager
def _named(layer: str) -> Generator[None]:
    """What is wrong with the output of a layer is said with its name."""
    try:
        yield
    except UnusableInput as error:
        raise UnusableInput(f"layer {layer!r}: {error}") from error


def _layer(name: str, moments: DeviceMoments, weights: Float[np.ndarray, "K p"] | None, present: torch.Tensor) -> LayerProbe:
    with _named(name):
        statistics = moments.compute(present)
        fits = weights is not None and weights.shape == statistics.means.shape
        return LayerProbe(
            name=name,
            fuzziness=fuzziness(statistics),
            collapse=neural_collapse_of(statistics, weights if fits else None),
            energy=statistics.energy,
            statistics=statistics,
        )


def _with_nc4(layer: LayerProbe, differ: np.ndarray | None) -> LayerProbe:
    if differ is None:
        return layer
    share = float(layer.statistics.counts @ differ / layer.statistics.counts.sum())
    return replace(layer, collapse=replace(layer.collapse, nc4=share), nc4_by_class=differ.astype(float))


def _weights_of(layer: nn.Module) -> Float[np.ndarray, "K p"]:
    if not isinstance(layer, nn.Linear):
        raise UnusableInput(f"the classifier is a {type(layer).__name__}: it must be a linear layer; name one.")
    return layer.weight.detach().cpu().double().numpy()
