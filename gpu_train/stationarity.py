"""What a trained network says of its own norms: how features are held back, by class, and the norm that batch norm gives them."""

# pyright: reportMissingImports=false

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from layerpeel.array_words import Float, Int
from layerpeel.gpu_train._images import Images
from layerpeel.numerics import UnusableInput


@dataclass(frozen=True, kw_only=True, eq=False)
class LastFeatures:
    """The features that a classifier reads, on the training images as one batch, with the statistics of that batch.

    Args:
        counts: n_k, images of every class.
        pull: (1/N) Σ_i ⟨Wᵀ(y_i − p_i), h_i⟩ over the images of every class: how much the loss would gain from longer features.
        squares: ‖h̄_k‖², of the class means.
        energy: (1/N) Σ_i ‖h_i‖².
        normalised_energy: Σ_j (γ_j² v_j/(v_j + ε) + β_j²) of the last batch norm, v_j the variance of what it reads; None without one.
    """

    counts: Int[np.ndarray, " K"]
    pull: Float[np.ndarray, " K"]
    squares: Float[np.ndarray, " K"]
    energy: float
    normalised_energy: float | None

    @property
    def exponent(self) -> float:
        """The slope a of log(pull_k/‖h̄_k‖²) against log n_k, by least squares; NaN where a pull is not positive, or counts are equal.

        Where features are at rest against a penalty (λ_H/2) Σ_k d_k² ‖h̄_k‖², pull_k = λ_H d_k² ‖h̄_k‖²: so d_k² ∝ n_kᵃ, with a = 1 for
        norms that are summed over samples and a = 0 for norms that are averaged by class. No model is fitted.
        """
        if not (self.pull > 0.0).all() or not (self.squares > 0.0).all() or np.ptp(self.counts) == 0:
            return float("nan")
        return float(np.polyfit(np.log(self.counts), np.log(self.pull / self.squares), 1)[0])


def last_features(model: nn.Module, images: Images) -> LastFeatures:
    """Measure the features of a Sequential whose last child is the linear classifier; a copy is asked, in double precision on the CPU.

    Args:
        model: left as it was found.
        images: that it was trained on, each class with one or more; one batch, so keep them few.

    Raises:
        UnusableInput: for a class without images, or a network that ends in something else.

    Source: fang2021, Section 2 (the model with features as variables); derived.

    Example:
        >>> from layerpeel.gpu_train import geomnist
        >>> from layerpeel.gpu_train.networks import feed_forward
        >>> images = geomnist(4, np.random.default_rng(0))
        >>> last = last_features(feed_forward(1024, 3, [20], last_relu=False), images)
        >>> abs(last.energy / last.normalised_energy - 1.0) < 1e-12
        True
    """
    if not images.counts.all():
        raise UnusableInput(f"the classes of {images.name} have {images.counts.tolist()} images: each needs one; add some.")
    asked = copy.deepcopy(model).cpu().double().eval().requires_grad_(False)
    *body, head = asked.children()
    if not isinstance(head, nn.Linear):
        raise UnusableInput(f"the last child of the network is {type(head).__name__}: it must be the linear classifier; put it last.")
    norms = [module for module in asked.modules() if isinstance(module, nn.BatchNorm1d)]
    for norm in norms:
        norm.train()
    read: list[torch.Tensor] = []
    if norms:
        norms[-1].register_forward_hook(lambda _module, inputs, _output: read.append(inputs[0]))
    labels = torch.from_numpy(images.labels)
    features = nn.Sequential(*body)(torch.from_numpy(images.pixels).double()).flatten(1)
    missing = nn.functional.one_hot(labels, images.num_classes) - torch.softmax(head(features), dim=1)
    gains = (missing @ head.weight * features).sum(dim=1)
    sums, pull = torch.zeros(images.num_classes, features.shape[1]).double(), torch.zeros(images.num_classes).double()
    means = sums.index_add(0, labels, features) / torch.from_numpy(images.counts)[:, None]
    return LastFeatures(
        counts=images.counts,
        pull=(pull.index_add(0, labels, gains) / len(labels)).numpy(),
        squares=(means**2).sum(dim=1).numpy(),
        energy=float((features**2).sum() / len(labels)),
        normalised_energy=_energy(norms[-1], read[0]) if norms else None,
    )


def _energy(norm: Any, read: torch.Tensor) -> float:
    variance = read.var(dim=0, correction=0)
    return float((norm.weight**2 * variance / (variance + norm.eps) + norm.bias**2).sum())
