"""Classifier and class means alone, as free variables under gradient descent: what the Layer-Peeled Model leaves of a network."""

# pyright: reportMissingImports=false

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from layerpeel.array_words import Float, Int
from layerpeel.gpu_train.training import TrainingDiverged, choose_device
from layerpeel.numerics import require_positive, require_whole


@dataclass(frozen=True, kw_only=True, eq=False)
class UnconstrainedRun:
    """Gradient descent on classifier and class means alone.

    Args:
        steps: numbers of steps done when the value was recorded.
        values: Σ_k (n_k/N) L(W h_k, k).
        features: H at the end, (K, p).
        classifier: W at the end, (K, p).
    """

    steps: Int[np.ndarray, " T"]
    values: Float[np.ndarray, " T"]
    features: Float[np.ndarray, "K p"]
    classifier: Float[np.ndarray, "K p"]


def unconstrained_features(
    counts: Sequence[int],
    *,
    feature_energy: float,
    weight_energy: float,
    dimension: int,
    steps: int,
    learning_rate: float,
    rng: np.random.Generator,
    every: int = 100,
    device: str = "cpu",
) -> UnconstrainedRun:
    """Minimise the Layer-Peeled loss over W and H by gradient steps, each followed by scaling back onto the energies.

        min Σ_k (n_k/N) CE(W h_k, k)   with   (1/K) ‖W‖² = E_W,   (1/K) ‖H‖² = E_H,   features at their class means.

    The program is not convex in (W, H); whether plain descent reaches its optimum is what a certified value is for.

    Raises:
        UnusableInput: for counts, energies, a dimension, steps or a learning rate that are not positive, or a device that is not there.
        TrainingDiverged: when the value is not finite.

    Source: fang2021, equation (7).
    """
    place = choose_device(device)
    for value, what in ((feature_energy, "feature energy"), (weight_energy, "weight energy"), (learning_rate, "learning rate")):
        require_positive(value, what)
    for whole, what in ((dimension, "the dimension"), (steps, "the number of steps"), (every, "the interval of records")):
        require_whole(whole, what, remedy="correct it")
    for k, count in enumerate(counts):
        require_positive(count, f"count of class {k}")
    size = len(counts)
    weights = torch.tensor(np.asarray(counts, dtype=float) / float(np.sum(counts)), device=place)
    radii = np.sqrt(size * feature_energy), np.sqrt(size * weight_energy)
    points = [torch.tensor(rng.normal(size=(size, dimension)), device=place) for _ in range(2)]
    points = [point * (radius / point.norm()) for point, radius in zip(points, radii, strict=True)]
    own = torch.arange(size, device=place)
    kept, values = [], []
    for step in range(steps + 1):
        features, classifier = (point.requires_grad_(True) for point in points)
        value = (weights * nn.functional.cross_entropy(features @ classifier.T, own, reduction="none")).sum()
        if step % every == 0 or step == steps:
            kept.append(step)
            values.append(float(value.detach()))
            if not np.isfinite(values[-1]):
                raise TrainingDiverged(f"the value is {values[-1]} at iteration {step} of {steps}: lower the learning rate.")
        if step == steps:
            break
        slopes = torch.autograd.grad(value, (features, classifier))
        with torch.no_grad():
            moved = [point - learning_rate * slope for point, slope in zip((features, classifier), slopes, strict=True)]
            points = [point * (radius / point.norm()) for point, radius in zip(moved, radii, strict=True)]
    return UnconstrainedRun(
        steps=np.array(kept),
        values=np.array(values),
        features=points[0].detach().cpu().numpy(),
        classifier=points[1].detach().cpu().numpy(),
    )
