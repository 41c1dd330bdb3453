"""What bounds the features and classifiers of a threshold: energies averaged over classes or over samples, or weight decay."""

import math
from typing import Any, NamedTuple

from layerpeel.numerics._inputs import UnusableInput, require_positive, shown

MEANS = ("class", "sample")
"""Over what the energy of the features averages."""

LEAST_ROOT, LARGEST_ROOT = 1e-100, 1e6
"""Range of √(E_H E_W): log R0 grows like it, and decimals of R0 need as many leading digits as log R0 has."""

LEAST_DECAY = 1e-100
"""R0 is near 1/λ²: its square is still a double."""


class Model(NamedTuple):
    """Energies E_H and E_W with what E_H averages over, or a weight decay λ, which is per sample.

    Args:
        feature_energy: E_H; NaN with a weight decay.
        weight_energy: E_W; NaN with a weight decay.
        per_sample: whether √n_k weighs the rows of the norm.
        weight_decay: λ, or None.
    """

    feature_energy: float
    weight_energy: float
    per_sample: bool
    weight_decay: float | None

    @property
    def root_energy(self) -> float:
        """√(E_H E_W)."""
        return math.sqrt(self.feature_energy) * math.sqrt(self.weight_energy)


def held_by(feature_energy: Any, weight_energy: Any, norm_weights: Any, weight_decay: Any) -> Model:
    """The model that arguments describe, in Python's own numbers, which balls take.

    Args:
        feature_energy: E_H > 0, or None.
        weight_energy: E_W > 0; 1 beside a weight decay.
        norm_weights: "class", "sample", or None for class with energies and sample with a weight decay.
        weight_decay: λ > 0, or None.

    Raises:
        UnusableInput: for energies and a weight decay at once, or either not positive and finite.

    Example:
        >>> held_by(5.0, 1.0, None, None).per_sample, held_by(None, 1.0, None, 0.01).per_sample
        (False, True)
    """
    per_sample = means_samples(norm_weights, weight_decay is not None)
    if weight_decay is not None:
        if feature_energy is not None or weight_energy != 1.0:
            raise UnusableInput(
                f"both energies and a weight decay of {shown(weight_decay)} are given: norms are either bounded or penalised; leave one of "
                "them out."
            )
        return Model(math.nan, math.nan, True, require_positive(weight_decay, "weight decay"))
    energies = require_positive(feature_energy, "feature energy"), require_positive(weight_energy, "weight energy")
    return Model(*energies, per_sample, None)


def require_in_range(model: Model) -> Model:
    """Check that energies or weight decay are in the range of thresholds.

    Args:
        model: the model.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> require_in_range(held_by(5.0, 1.0, "sample", None)).per_sample
        True
    """
    if model.weight_decay is not None:
        if model.weight_decay < LEAST_DECAY:
            raise UnusableInput(
                f"the weight decay is {model.weight_decay:.3g}: a threshold takes {LEAST_DECAY:g} or more; use a larger one."
            )
        return model
    if not LEAST_ROOT <= model.root_energy <= LARGEST_ROOT:
        raise UnusableInput(
            f"the root of the energy product is {model.root_energy:.3g}: a threshold takes {LEAST_ROOT:g} to {LARGEST_ROOT:g}; scale the "
            "energies."
        )
    return model


def means_samples(norm_weights: Any, decays: bool) -> bool:
    """Whether the norm has weights √n_k.

    Args:
        norm_weights: "class", "sample", or None for class with energies and sample with a weight decay.
        decays: whether a weight decay is given.

    Raises:
        UnusableInput: for another word, and for class with a weight decay.

    Example:
        >>> means_samples(None, False), means_samples("sample", False)
        (False, True)
    """
    if norm_weights is None:
        return decays
    if not isinstance(norm_weights, str) or norm_weights not in MEANS:
        raise UnusableInput(f"norm weights {shown(norm_weights)} are unknown: they must be one of {', '.join(MEANS)}; choose one of these.")
    if decays and norm_weights == "class":
        raise UnusableInput(
            "norm weights 'class' are given with a weight decay: it holds back the features of every sample alike; leave norm_weights out, "
            "or give energies."
        )
    return norm_weights == "sample"
