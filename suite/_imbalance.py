"""The collapse threshold and the oversampling remedy: as JSON and in plain words."""

import math
from typing import TYPE_CHECKING, Any

from numerics import UnusableInput

if TYPE_CHECKING:
    from solvers import LayerPeeled
    from theory import Threshold


def threshold_record(threshold: "Threshold") -> dict[str, Any]:
    """The keys of one threshold: a double, decimal bounds that enclose it, and its logarithm less one."""
    return {
        "value": threshold.value,
        "lower": threshold.lower,
        "upper": threshold.upper,
        "log_minus_one": threshold.log_minus_one,
    }


def describe_thresholds(collapse: "Threshold", vanishing: "Threshold | None") -> str:
    """Both thresholds with their enclosures, and what happens on either side."""
    lines = [_enclosure("R0", collapse)]
    if vanishing is not None:
        lines.append(_enclosure("R1", vanishing))
    lines += [
        "",
        f"Below an imbalance of {_short(collapse)} the minority classes keep classifiers of their own; from there on they share one.",
    ]
    if vanishing is not None:
        lines.append(f"From {_short(vanishing)} on that one is zero: the minority classes have no classifier at all.")
    return "\n".join(lines)


def _enclosure(name: str, threshold: "Threshold") -> str:
    return f"{name} lies in\n  [{threshold.lower},\n   {threshold.upper}]"


def _short(threshold: "Threshold") -> str:
    if threshold.value is None:
        return f"exp({threshold.log_minus_one:.6g})"
    return f"{threshold.value:.6g}"


def remedy_record(problem: "LayerPeeled") -> dict[str, Any]:
    """The keys of `layerpeel remedy --json`.

    Sampling each minority example w times changes the imbalance R to R/w exactly, because the energy constraints weigh
    classes, not samples; so the classifiers stay distinct for every w > R/R0.

    Raises:
        UnusableInput: unless there are exactly two distinct counts and at least two minority classes.
    """
    from theory import collapse_threshold

    if len(problem.groups) != 2:
        found = ", ".join(f"{group.classes}x{group.samples}" for group in problem.groups[:6])
        raise UnusableInput(
            f"the classes {found}{', …' if problem.groups[6:] else ''} have {len(problem.groups)} distinct counts: "
            "the remedy is known for exactly two; merge them into a majority and a minority, as in --groups 5x100,5x10."
        )
    minority, majority = sorted(problem.groups, key=lambda group: group.samples)
    if minority.classes < 2:
        raise UnusableInput(
            f"the minority is 1 class of {minority.samples} samples: collapse needs at least two minority classes; "
            "there is nothing to remedy, use `layerpeel solve` for its geometry."
        )
    threshold = collapse_threshold(
        majority.classes, minority.classes, feature_energy=problem.feature_energy, weight_energy=problem.weight_energy
    )
    answer = _oversampling(majority.samples / minority.samples, threshold)
    return {**answer, "groups": [{"classes": minority.classes, "samples": minority.samples, **answer}]}


def _oversampling(imbalance: float, threshold: "Threshold") -> dict[str, Any]:
    limit = math.inf if threshold.value is None else threshold.value
    return {
        "imbalance": imbalance,
        "threshold": threshold.value,
        "minimal_oversampling": max(1.0, imbalance / limit),
        "collapses_now": imbalance >= limit,
    }


def describe_remedy(record: dict[str, Any]) -> str:
    """Imbalance against threshold, and what to do."""
    (group,) = record["groups"]
    threshold = "beyond the largest double" if record["threshold"] is None else f"{record['threshold']:.6g}"
    lines = [f"imbalance R   {record['imbalance']:.6g}", f"threshold R0  {threshold}", ""]
    name = f"the {group['classes']} classes of {group['samples']} samples"
    if record["collapses_now"]:
        lines += [
            f"As it is, {name} collapse onto one classifier.",
            f"Sample (or weigh) each of their examples more than {record['minimal_oversampling']:.6g} times as often to keep them apart;",
            f"{record['imbalance']:.6g} times as often restores the balanced geometry.",
        ]
    else:
        lines += [
            f"As it is, {name} keep classifiers of their own: no oversampling is needed to keep them apart.",
            f"Sampling their examples {record['imbalance']:.6g} times as often restores the balanced geometry.",
        ]
    return "\n".join(lines)
