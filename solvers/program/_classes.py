"""Classes and their samples: read once, equal classes gathered into groups."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from layerpeel.numerics import UnusableInput, require_list, require_positive, require_whole, shown
from layerpeel.solvers.program._adjustments import NEUTRAL, UNCHANGED, Adjustment, Adjustments

NORM_WEIGHTS = ("class", "sample")
"""Legal names of weights d_k on the nuclear norm: 1 per class, or √n_k."""


@dataclass(frozen=True)
class Group:
    """Classes with the same number of samples, the same weight d_k on the nuclear norm, and the same change of their logits."""

    classes: int
    samples: int | float
    norm_weight: float = 1.0
    adjustment: Adjustment = NEUTRAL


class Classes(NamedTuple):
    """Groups of equal classes, and the group of each class as given (None when they already stand group by group)."""

    groups: tuple[Group, ...]
    norm_weights: str
    group_of_class: tuple[int, ...] | None


def classes_from_counts(counts: Any, norm_weights: Any, adjustments: Adjustments = UNCHANGED) -> Classes:
    """One class per count, in the order given; classes with equal counts, weights and adjustments form a group.

    Raises:
        UnusableInput: for counts that are not whole numbers ≥ 1, or unusable weights.
    """
    given = require_list(counts, "counts", of="one whole number per class")
    checked = [_count(count, f"class {index + 1}") for index, count in enumerate(given)]
    kind, weights = _weights(norm_weights, checked, "class")
    keys = list(zip(checked, weights, adjustments.of_each(len(checked), "class"), strict=True))
    distinct = {key: index for index, key in enumerate(dict.fromkeys(keys))}
    group_of_class = [distinct[key] for key in keys]
    sizes = np.bincount(group_of_class, minlength=len(distinct)).tolist() if keys else []
    groups = tuple(Group(size, *key) for size, key in zip(sizes, distinct, strict=True))
    return Classes(groups, kind, None if group_of_class == sorted(group_of_class) else tuple(group_of_class))


def classes_from_groups(pairs: Any, norm_weights: Any, adjustments: Adjustments = UNCHANGED) -> Classes:
    """(classes, samples) pairs; pairs with equal samples, weights and adjustments are merged.

    Raises:
        UnusableInput: for numbers of classes or samples that are not whole numbers ≥ 1, or unusable weights.
    """
    sizes: list[int] = []
    samples: list[int] = []
    for index, pair in enumerate(require_list(pairs, "groups", of="a pair (classes, samples) per group"), start=1):
        numbers = require_list(pair, f"group {index}", of="two whole numbers, classes and samples of each")
        if len(numbers) != 2:
            raise UnusableInput(f"group {index} is {shown(pair)}: it must be a pair (classes, samples); give two whole numbers.")
        sizes.append(count_of_classes(numbers[0], f"group {index}"))
        samples.append(_count(numbers[1], f"group {index}"))
    return _merged(sizes, samples, norm_weights, adjustments)


def classes_from_imbalance(
    majority: Any, minority: Any, imbalance: Any, norm_weights: Any, adjustments: Adjustments = UNCHANGED
) -> Classes:
    """Two groups with counts R and 1, or one group when R = 1.

    Raises:
        UnusableInput: for class numbers below 1, a ratio that is not positive and finite, or unusable weights.
    """
    ratio = require_positive(imbalance, "imbalance")
    sizes = count_of_classes(majority, "the majority"), count_of_classes(minority, "the minority")
    return _merged(sizes, (ratio, 1.0), norm_weights, adjustments)


def _merged(sizes: Sequence[int], samples: Sequence[int | float], norm_weights: Any, adjustments: Adjustments) -> Classes:
    kind, weights = _weights(norm_weights, samples, "group")
    merged: dict[tuple[int | float, float, Adjustment], int] = {}
    for size, key in zip(sizes, zip(samples, weights, adjustments.of_each(len(sizes), "group"), strict=True), strict=True):
        merged[key] = merged.get(key, 0) + size
    return Classes(tuple(Group(size, *key) for key, size in merged.items()), kind, None)


def _weights(norm_weights: Any, samples: Sequence[int | float], of: str) -> tuple[str, list[float]]:
    """The kind of weights ("class", "sample", "given") and d_k itself."""
    if isinstance(norm_weights, str) and norm_weights in NORM_WEIGHTS:
        return norm_weights, [1.0 if norm_weights == "class" else float(count) ** 0.5 for count in samples]
    if isinstance(norm_weights, str | bytes | dict) or not isinstance(norm_weights, Iterable) or getattr(norm_weights, "ndim", 1) == 0:
        raise UnusableInput(
            f"norm weights {shown(norm_weights)} are unknown: they must be one of {', '.join(NORM_WEIGHTS)}, or one positive number per "
            f"{of}; choose one of these."
        )
    weights = [require_positive(weight, f"norm weight of {of} {index + 1}") for index, weight in enumerate(norm_weights)]
    if len(weights) != len(samples):
        raise UnusableInput(
            f"{len(weights)} norm weights are given for {len(samples)} entries: there must be one positive number per {of}; give as many."
        )
    return "given", weights


def _count(value: Any, where: str) -> int:
    return require_whole(value, f"the count of {where}", remedy="correct it or leave that class out")


def count_of_classes(value: Any, what: str) -> int:
    """A whole number of classes ≥ 1.

    Raises:
        UnusableInput: otherwise.
    """
    return require_whole(value, f"the number of classes of {what}", remedy="correct it")
