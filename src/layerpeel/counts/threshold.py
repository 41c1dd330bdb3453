"""Where minority classes collapse, and where their classifiers vanish."""

from typing import TYPE_CHECKING

from pydantic import Field

from layerpeel.pages.records import Finite, Record, Result

if TYPE_CHECKING:
    from layerpeel.numerics import Threshold


class EnclosedThreshold(Record):
    """An imbalance, enclosed."""

    value: Finite = Field(description="As a double; null when it overflows.")
    lower: str = Field(description="A decimal not above it.")
    upper: str = Field(description="A decimal not below it.")
    log_minus_one: float = Field(description="The logarithm of what it exceeds one by.")

    @classmethod
    def of(cls, found: "Threshold") -> "EnclosedThreshold":
        """As `numerics` encloses it."""
        return cls(value=found.value, lower=found.lower, upper=found.upper, log_minus_one=found.log_minus_one)


class Thresholds(Result):
    """R0, from which on the minority classifiers are one vector, and R1, from which on that vector is zero, where there is one."""

    collapse: EnclosedThreshold
    vanishing: EnclosedThreshold | None

    def to_text(self) -> str:
        """Both thresholds with their enclosures, and what happens on either side."""
        lines = [_enclosure("R0", self.collapse)]
        if self.vanishing is not None:
            lines.append(_enclosure("R1", self.vanishing))
        least = _short(self.collapse)
        lines += ["", f"Below an imbalance of {least} the minority classes keep classifiers of their own; from there on they share one."]
        if self.vanishing is not None:
            lines.append(f"From {_short(self.vanishing)} on that one is zero: the minority classes have no classifier at all.")
        return "\n".join(lines)


def thresholds(majority: int, minority: int, *, feature_energy: float, weight_energy: float = 1.0, digits: int = 30) -> Thresholds:
    """Both thresholds of K_A majority and K_B minority classes, enclosed to `digits` decimal digits.

    Raises:
        UnusableInput: for fewer than one majority or two minority classes, energies that are not positive, or too many digits.

    Example:
        >>> thresholds(5, 5, feature_energy=5, digits=5).collapse.upper
        '12.19245'
    """
    from layerpeel.numerics import collapse_threshold, vanishing_threshold

    collapse = collapse_threshold(majority, minority, feature_energy=feature_energy, weight_energy=weight_energy, digits=digits)
    vanishing = vanishing_threshold(majority, minority, feature_energy=feature_energy, weight_energy=weight_energy, digits=digits)
    return Thresholds(collapse=EnclosedThreshold.of(collapse), vanishing=None if vanishing is None else EnclosedThreshold.of(vanishing))


def _enclosure(name: str, threshold: EnclosedThreshold) -> str:
    return f"{name} lies in\n  [{threshold.lower},\n   {threshold.upper}]"


def _short(threshold: EnclosedThreshold) -> str:
    return f"exp({threshold.log_minus_one:.6g})" if threshold.value is None else f"{threshold.value:.6g}"
