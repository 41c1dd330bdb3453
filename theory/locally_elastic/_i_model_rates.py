"""The I-model at rates on both sides of 1/t, in closed form, and mistakes beside it: its numbers are anybody's, its functions predict."""

import math

import numpy as np

from layerpeel.numerics import Bracket, ElasticModel, as_rate
from layerpeel.theory.locally_elastic._separation import separated_in_doubles

CLASSES = 3
ABOVE, BELOW = 0.75, 1.25
"""Exponents r of γ = (1 + t)^{−r} on both sides of r = 1."""
INTER = {ABOVE: 0.5, BELOW: -0.5}
"""b of β = b/(1 + t), of either sign."""
END, SAMPLES = 4.0, 4
"""Monte Carlo: a time at which the probabilities lie between .2 and .8, and samples per class."""
START = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
"""Class means at time 0 in R²; variances as on the line."""
APART = START[0] - START[1]


def excess(exponent: float) -> str:
    """γ."""
    return f"(1 + t)**(-{exponent})"


def gained(exponent: float, time: float) -> float:
    """Γ."""
    return float(as_rate(excess(exponent)).integral(time))


def on_a_line(exponent: float) -> ElasticModel:
    """With β = b/(1 + t)."""
    inter = f"{INTER[exponent]}/(1 + t)"
    return ElasticModel(blocks="I", num_classes=CLASSES, num_features=1, intra=f"{excess(exponent)} + {inter}", inter=inter)


def in_the_plane(exponent: float, inter: float) -> ElasticModel:
    """With constant β."""
    return ElasticModel(blocks="I", num_classes=CLASSES, num_features=2, intra=f"{excess(exponent)} + ({inter})", inter=inter, noise=1)


def grown(rate: str, time: float) -> Bracket:
    """log of a distance that was 2 and grows by e^{∫ rate}."""
    return Bracket.exactly(math.log(2.0) + float(as_rate(rate).integral(time)))


def separated_by(rate: str, *, start: float = 1.0) -> Bracket:
    """The integral at growth e^{∫ rate} up to END."""
    distance = float(np.linalg.norm(APART)) * math.exp(float(as_rate(rate).integral(END)))
    return separated_in_doubles(distance, SAMPLES, start + END)
