"""Labelled samples that both sides of a claim look at, and how closely doubles know their D."""

import numpy as np

from layerpeel.array_words import Float, Int
from layerpeel.numerics import Bracket

SAMPLES = 12
"""Samples of a class."""

ROUNDING = 1e-8
"""Relative rounding of D and of its floor on these data, whose scatter has condition numbers of at most 1e3."""


def normal_classes(classes: int, width: int) -> tuple[Float[np.ndarray, "n p"], Int[np.ndarray, " n"]]:
    """Normal samples around normal means, with within-class scatter that differs by direction; the same whenever they are drawn."""
    rng = np.random.default_rng([classes, width])
    labels = np.repeat(np.arange(classes), SAMPLES)
    spread = np.geomspace(0.3, 3.0, width)
    return 2.0 * rng.normal(size=(classes, width))[labels] + spread * rng.normal(size=(len(labels), width)), labels


def to_rounding(value: float) -> Bracket:
    """A D in doubles, with ROUNDING to either side."""
    return Bracket(value * (1 - ROUNDING), value * (1 + ROUNDING))
