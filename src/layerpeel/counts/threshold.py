"""Where minority classes collapse, and where their classifiers vanish."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from layerpeel.pages.curves import figure, line, points
from layerpeel.pages.records import Finite, Record, Result

if TYPE_CHECKING:
    from layerpeel.numerics import Figure, Threshold
    from layerpeel.solvers import Problem

SHOWN_ENERGIES = np.geomspace(0.1, 10.0, 161)
"""Feature energies of the figure, as multiples of the given one, which stands in the middle."""

LARGEST_LOG = 690.0
"""e to this power is still a double."""


class EnclosedThreshold(Record):
    """An imbalance, enclosed."""

    value: Finite = Field(description="As a double; null when it overflows.")
    lower: str = Field(description="A decimal not above it.")
    upper: str = Field(description="A decimal not below it.")
    log_minus_one: float = Field(description="The logarithm of what it exceeds one by.")

    @classmethod
    def of(cls, threshold: "Threshold") -> "EnclosedThreshold":
        """As `numerics` encloses it."""
        return cls(value=threshold.value, lower=threshold.lower, upper=threshold.upper, log_minus_one=threshold.log_minus_one)


class Thresholds(Result):
    """R0, from which on the minority classifiers are one vector, and R1, from which on that vector is zero, where there is one."""

    FILES: ClassVar = ("threshold.json", "threshold.svg")

    collapse: EnclosedThreshold
    vanishing: EnclosedThreshold | None
    imbalance: Finite = Field(default=None, description="Of the counts that were given; null where none were.")
    norm_weights: str = Field(description="class or sample: over what the energy of the features averages; sample with a weight decay.")
    majority: SkipJsonSchema[int] = Field(exclude=True, repr=False)
    minority: SkipJsonSchema[int] = Field(exclude=True, repr=False)
    feature_energy: SkipJsonSchema[float | None] = Field(exclude=True, repr=False)
    weight_energy: SkipJsonSchema[float] = Field(exclude=True, repr=False)
    weight_decay: SkipJsonSchema[float | None] = Field(exclude=True, repr=False)

    def to_text(self) -> str:
        """Both thresholds with their enclosures, and what happens on either side."""
        lines = [_enclosure("R0", self.collapse)]
        if self.vanishing is not None:
            lines.append(_enclosure("R1", self.vanishing))
        least = _short(self.collapse)
        lines += ["", f"Below an imbalance of {least} the minority classes keep classifiers of their own; from there on they share one."]
        if self.vanishing is not None:
            lines.append(f"From {_short(self.vanishing)} on that one is zero: the minority classes have no classifier at all.")
        if self.imbalance is not None:
            lines.append(f"These counts have an imbalance of {self.imbalance:.6g}: {self._fate(math.log(self.imbalance))}.")
        return "\n".join(lines)

    def _fate(self, log_imbalance: float) -> str:
        """What the minority classes have at an imbalance."""

        def reached(threshold: EnclosedThreshold | None) -> bool:
            return threshold is not None and log_imbalance >= float(np.logaddexp(0.0, threshold.log_minus_one))

        if reached(self.vanishing):
            return f"the {self.minority} classes of the smaller count have no classifier"
        return f"the {self.minority} classes of the smaller count {'share one classifier' if reached(self.collapse) else 'keep their own'}"

    def figures(self) -> "tuple[Figure, ...]":
        """Both thresholds against the feature energy or the weight decay, from a tenth of the given one to ten times as much."""
        symbol, name = ("E_H", "feature energy") if self.weight_decay is None else ("λ", "weight decay")
        given = self.weight_decay or self.feature_energy or math.nan
        with np.errstate(over="ignore"):  # the curves end before
            energies = given * SHOWN_ENERGIES
        curves = self._curves(energies)
        asked = {name: threshold for name, threshold in (("R0", self.collapse), ("R1", self.vanishing)) if threshold is not None}
        label, logarithmic, as_drawn = _imbalance_axis(np.concatenate([*curves.values()]))
        series = [
            line(name, energies, as_drawn(excesses), color)
            for color, (name, excesses) in enumerate(curves.items())
            if np.isfinite(excesses).any()
        ]
        phases = "Below R0 every minority class has a classifier of its own, from there on they share one"
        places = np.array([threshold.log_minus_one for threshold in asked.values()])
        numbers = ", ".join(f"{name} = {_short(threshold)}" for name, threshold in asked.items())
        vanishing = ", which is zero from R1 on; R1 exists only where it is drawn." if len(series) > 1 else "."
        held = "" if self.weight_decay is not None else f" Weight energy {self.weight_energy:g}, feature energy per {self.norm_weights}."
        return (
            figure(
                f"Minority collapse, {self.majority} majority and {self.minority} minority classes",
                f"{phases}{vanishing}{held} The mark stands at the {name} that was asked for.",
                f"{name} {symbol}",
                label,
                [*series, points("as asked", [given] * len(asked), as_drawn(places), 2)],
                marks=[(given, f"{symbol} = {given:g}: {numbers}", 2)],
                log_x=True,
                log_y=logarithmic,
            ),
        )

    def _curves(self, energies: np.ndarray) -> dict[str, np.ndarray]:
        """log(R0 − 1) and log(R1 − 1) at these feature energies or weight decays, NaN where there is none."""
        from layerpeel.numerics import log_threshold_minus_one, vanishing_threshold

        def model(energy: float) -> dict[str, Any]:
            if self.weight_decay is not None:
                return {"weight_decay": energy}
            return {"feature_energy": energy, "weight_energy": self.weight_energy, "norm_weights": self.norm_weights}

        def collapse(energy: float) -> float:
            return log_threshold_minus_one(self.majority, self.minority, **model(energy))

        def vanishing(energy: float) -> float:
            threshold = vanishing_threshold(self.majority, self.minority, **model(energy), digits=6)
            return math.nan if threshold is None else threshold.log_minus_one

        return {
            name: np.array([_within_range(log_excess, energy) for energy in energies.tolist()])
            for name, log_excess in (("R0", collapse), ("R1", vanishing))
        }


def _within_range(log_excess: Callable[[float], float], energy: float) -> float:
    """A point of a curve, which ends where energies are too small or too large for a threshold."""
    from layerpeel.numerics import UnusableInput

    try:
        return log_excess(energy)
    except UnusableInput:
        return math.nan


def _imbalance_axis(log_excesses: np.ndarray) -> tuple[str, bool, Callable[[np.ndarray], np.ndarray]]:
    """Name of the axis of imbalances R, whether it is logarithmic, and what makes its numbers of log(R − 1).

    It shows R itself, or the logarithm where R is no double.
    """
    largest = np.nanmax(log_excesses)
    if largest < LARGEST_LOG:
        return "imbalance R", bool(largest > math.log(10.0)), lambda excess: 1.0 + np.exp(excess)
    return "log₁₀ of the imbalance R", False, lambda excess: (np.maximum(excess, 0.0) + np.log1p(np.exp(-np.abs(excess)))) / math.log(10.0)


def thresholds(
    majority: int,
    minority: int,
    *,
    feature_energy: float | None = None,
    weight_energy: float = 1.0,
    norm_weights: str | None = None,
    weight_decay: float | None = None,
    digits: int = 30,
) -> Thresholds:
    """Both thresholds of K_A majority and K_B minority classes, enclosed to `digits` decimal digits.

    Args:
        majority: K_A.
        minority: K_B.
        feature_energy: E_H, the mean of ‖h‖² over classes, or over samples.
        weight_energy: E_W.
        norm_weights: "class" or "sample", over what E_H averages; class unless given.
        weight_decay: λ in place of the energies, as `solvers.UnconstrainedFeatures` takes it.
        digits: of the enclosure.

    Raises:
        UnusableInput: for fewer than one majority or two minority classes, energies that are not positive, neither or both of energies and
            weight decay, or too many digits.

    Example:
        >>> thresholds(5, 5, feature_energy=5, digits=5).collapse.upper
        '12.19245'
    """
    from layerpeel.numerics import collapse_threshold, vanishing_threshold

    options: dict[str, Any] = {"weight_energy": weight_energy, "norm_weights": norm_weights, "digits": digits}
    collapse = collapse_threshold(majority, minority, feature_energy=feature_energy, weight_decay=weight_decay, **options)
    vanishing = vanishing_threshold(majority, minority, feature_energy=feature_energy, weight_decay=weight_decay, **options)
    return Thresholds(
        collapse=EnclosedThreshold.of(collapse),
        vanishing=None if vanishing is None else EnclosedThreshold.of(vanishing),
        majority=int(majority),
        minority=int(minority),
        feature_energy=None if feature_energy is None else float(feature_energy),
        weight_energy=float(weight_energy),
        weight_decay=None if weight_decay is None else float(weight_decay),
        norm_weights=norm_weights or ("class" if weight_decay is None else "sample"),
    )


def thresholds_of(problem: "Problem", *, digits: int = 30, remedy: str = "layerpeel remedy") -> Thresholds:
    """The same for classes that are posed as a program, with two distinct counts.

    Args:
        problem: the program.
        digits: of the enclosure.
        remedy: the command that answers where there are more, as a refusal says it.

    Raises:
        UnusableInput: for one count, for more than two, and where a single class has the smaller one.

    Example:
        >>> from layerpeel.solvers import LayerPeeled
        >>> critical = thresholds_of(LayerPeeled(counts=[200] * 5 + [10] * 5, feature_energy=5), digits=5)
        >>> critical.collapse.upper, critical.imbalance
        ('12.19245', 20.0)
    """
    from layerpeel.numerics import UnusableInput
    from layerpeel.solvers import LayerPeeled

    if len(problem.groups) != 2:
        if len(problem.groups) == 1:
            raise UnusableInput(
                f"all {problem.num_classes} classes have one count: then none is a minority, and none collapses; give the counts of an "
                "imbalanced data set."
            )
        raise UnusableInput(
            f"the classes have {len(problem.groups)} distinct counts, and R0 is a number for two: with more, where a class collapses "
            f"depends on all counts at once; {_jointly(problem)}`{remedy}` says for each count how much more of it keeps its classes "
            "apart, and which floor under all counts does."
        )
    minority, majority = sorted(problem.groups, key=lambda group: group.samples)
    if isinstance(problem, LayerPeeled):
        energies = {"feature_energy": problem.feature_energy, "weight_energy": problem.weight_energy}
        model: dict[str, Any] = energies | {"norm_weights": problem.norm_weights}
    else:
        model = {"weight_decay": problem.weight_penalty}
    critical = thresholds(majority.classes, minority.classes, **model, digits=digits)
    return critical.model_copy(update={"imbalance": float(majority.samples) / float(minority.samples)})


def _jointly(problem: "Problem") -> str:
    """What is explicit of many counts: up to which energy all but the largest vanish."""
    from layerpeel.numerics import joint_vanishing_radius
    from layerpeel.solvers import LayerPeeled

    largest = max(problem.groups, key=lambda group: group.samples)
    if largest.classes < 2 or not isinstance(problem, LayerPeeled):
        return ""
    radius = joint_vanishing_radius(
        [(group.classes, float(group.samples)) for group in problem.groups], norm_weights=problem.norm_weights
    ).middle
    energy = problem.feature_energy * (radius / problem.radius) ** 2
    return f"up to a feature energy of {energy:.6g} all but the {largest.classes} largest have no classifier, just beyond it each has one; "


def _enclosure(name: str, threshold: EnclosedThreshold) -> str:
    return f"{name} lies in\n  [{threshold.lower},\n   {threshold.upper}]"


def _short(threshold: EnclosedThreshold) -> str:
    return f"exp({threshold.log_minus_one:.6g})" if threshold.value is None else f"{threshold.value:.6g}"
