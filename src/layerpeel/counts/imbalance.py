"""The collapse threshold and the oversampling remedy: as JSON and in plain words."""

import math
from typing import TYPE_CHECKING, Any

from layerpeel.numerics import UnusableInput

if TYPE_CHECKING:
    from layerpeel.numerics import Threshold
    from layerpeel.solvers import LayerPeeled


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
    """The keys of `layerpeel remedy --json`: one entry per minority group, and at the top the one that needs the most oversampling.

    Sampling each example of a group w times multiplies its weight by w and changes nothing else, because the energy constraints weigh
    classes, not samples. With two groups the imbalance R becomes R/w exactly, so the classifiers stay distinct for every w > R/R0, R0
    in closed form; with more, each group's least w, the others as they are, is bracketed by certified solves.

    Too much is harmful too: `safe_oversampling` is the interval in which the group is distinct and no group that is distinct as things
    are collapses instead. With two groups, w > R makes the former minority the majority, at ratio w/R, so the interval is
    R/R0(K_A, K_B) < w < R·R0(K_B, K_A), without an upper end when the majority is one class.

    Raises:
        UnusableInput: when no two classes below the largest count share their count.
    """
    largest = max(group.samples for group in problem.groups)
    minorities = [index for index, group in enumerate(problem.groups) if group.classes > 1 and group.samples < largest]
    if not minorities:
        found = ", ".join(f"{group.classes}x{group.samples}" for group in problem.groups[:6])
        raise UnusableInput(
            f"the classes {found}{', …' if problem.groups[6:] else ''} hold no two minority classes of one count: only classes of equal "
            "count collapse exactly, so there is nothing to remedy; use `layerpeel solve` for their geometry, or merge similar counts."
        )
    answers = [_remedy_of_two(problem) if len(problem.groups) == 2 else _remedy_by_solves(problem, index) for index in minorities]
    groups = [
        {"classes": problem.groups[index].classes, "samples": problem.groups[index].samples, **answer}
        for index, answer in zip(minorities, answers, strict=True)
    ]
    return {**max(answers, key=lambda answer: answer["minimal_oversampling"]), "groups": groups}


def _remedy_of_two(problem: "LayerPeeled") -> dict[str, Any]:
    """R/R0 by the closed form, and the interval in which neither group collapses."""
    from layerpeel.numerics import collapse_threshold

    minority, majority = sorted(problem.groups, key=lambda group: group.samples)

    def threshold(large: int, small: int) -> float | None:
        return collapse_threshold(large, small, feature_energy=problem.feature_energy, weight_energy=problem.weight_energy).value

    found = threshold(majority.classes, minority.classes)
    swapped = None if majority.classes == 1 else threshold(minority.classes, majority.classes)
    imbalance = majority.samples / minority.samples
    limit = math.inf if found is None else found
    return {
        "imbalance": imbalance,
        "threshold": found,
        "minimal_oversampling": max(1.0, imbalance / limit),
        "collapses_now": imbalance >= limit,
        "safe_oversampling": [imbalance / limit, None if swapped is None else imbalance * swapped],
    }


def _remedy_by_solves(problem: "LayerPeeled", group: int) -> dict[str, Any]:
    """Certified brackets of where the group comes apart and of where another one collapses; the ends inside are safe."""
    from layerpeel.solvers import critical_oversampling, excessive_oversampling

    imbalance = max(other.samples for other in problem.groups) / problem.groups[group].samples
    critical = critical_oversampling(problem, group)
    excessive = excessive_oversampling(problem, group)
    return {
        "imbalance": imbalance,
        "threshold": None if critical is None else imbalance / critical.upper,
        "minimal_oversampling": 1.0 if critical is None else max(1.0, critical.upper),
        "collapses_now": critical is not None and critical.upper > 1.0,
        "safe_oversampling": [0.0 if critical is None else critical.upper, None if excessive is None else excessive.lower],
    }


def describe_remedy(record: dict[str, Any]) -> str:
    """Imbalance against threshold for each minority group, and what to do."""
    return "\n\n".join(_describe_group(group, alone=len(record["groups"]) == 1) for group in record["groups"])


def _describe_group(group: dict[str, Any], *, alone: bool) -> str:
    threshold = "beyond the largest double" if group["threshold"] is None else f"{group['threshold']:.6g}"
    lines = [f"imbalance R   {group['imbalance']:.6g}", f"threshold R0  {threshold}", ""]
    name = f"the {group['classes']} classes of {group['samples']} samples"
    if group["collapses_now"]:
        lines += [
            f"As it is, {name} collapse onto one classifier.",
            f"Sample (or weigh) each of their examples more than {group['minimal_oversampling']:.6g} times as often to keep them apart"
            + (";" if alone else ", all else unchanged."),
        ]
    else:
        lines.append(f"As it is, {name} keep classifiers of their own: no oversampling is needed to keep them apart.")
    if alone:
        lines.append(f"{group['imbalance']:.6g} times as often restores the balanced geometry.")
    most = group["safe_oversampling"][1]
    if most is not None:
        lines.append(f"From {most:.6g} times as often on, classes that keep classifiers of their own now would collapse instead.")
    return "\n".join(lines)
