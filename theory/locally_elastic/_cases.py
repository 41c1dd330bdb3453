"""Fixed cases on which closed forms are held against an integrator: numbers are multiples of √2, √3, √5, … modulo 1."""

from dataclasses import dataclass

import numpy as np
import sympy

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket
from layerpeel.theory.locally_elastic._drift import AGREEMENT, integrated, rate_numbers

SIZES = tuple(range(2, 9))
COUNT = 15
"""Cases for each number of classes: 105 in all."""

END = 2.0
"""Means are compared at this time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cases:
    """Rates and starts; `marks` and `log_marks` weigh entries and sizes in `digest`."""

    kind: str
    intra: Float[np.ndarray, "5 cases"]
    inter: Float[np.ndarray, "5 cases"]
    start: Float[np.ndarray, "cases K p"]
    marks: Float[np.ndarray, "cases K p"]
    log_marks: Float[np.ndarray, " cases"]

    def digest(self, means: Float[np.ndarray, "cases K p"], allowance: float = AGREEMENT / 4) -> Bracket:
        """One number for all cases: Σ ⟨mark, X̄/‖X̄‖⟩ + log-mark · log‖X̄‖, with marks of order one that are unrelated to the means.

        An error in any case shows in it, in proportion to its size relative to that case's means.
        """
        sizes = np.linalg.norm(means, axis=(1, 2))
        total = float(np.sum(self.marks * means / sizes[:, None, None]) + self.log_marks @ np.log(sizes))
        return Bracket(total - allowance, total + allowance)


def cases_of(kind: str, classes: int) -> Cases:
    """The cases for K classes; two features in the I-model, K in the L-model."""
    features = classes if kind == "L" else 2
    entries = classes * features
    roots = np.sqrt([float(sympy.prime(number)) for number in range(1, 12 + 2 * entries)])
    draws = np.modf(np.arange(1, COUNT + 1)[:, None] * roots)[0]
    starts, marks = (2 * part.reshape(COUNT, classes, features) - 1 for part in (draws[:, 11 : 11 + entries], draws[:, 11 + entries :]))
    return Cases(
        kind=kind,
        intra=rate_numbers(draws[:, :5]),
        inter=rate_numbers(draws[:, 5:10]),
        start=starts,
        marks=marks,
        log_marks=2 * draws[:, 10] - 1,
    )


def means_by_integrator(cases: Cases) -> Float[np.ndarray, "cases K p"]:
    """Class means at END from the drift's definition."""
    return integrated(cases.kind, cases.intra, cases.inter, cases.start, np.array([END]))[0]
