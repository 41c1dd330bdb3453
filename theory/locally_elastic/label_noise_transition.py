"""The transition of label noise in trained networks: up to p = 2/3 they learn the classes, beyond it they learn to avoid them."""

import numpy as np

from numerics import Bracket
from theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Room, Series, Setting, Source, Statement
from theory._trials import interval_over_trials
from theory.locally_elastic._ensembles import CLASSES, trained

CRITICAL = (CLASSES - 1) / CLASSES
"""p* = (K−1)/K, where a wrong label is as likely as the right one, class by class."""

BELOW, ABOVE = 0.5, 0.8
"""Label-error probabilities on the two sides, at about equal distance."""

MEASURED = {False: (BELOW, CRITICAL, ABOVE), True: (0.0, 0.2, 0.4, BELOW, 0.6, CRITICAL, 0.7, ABOVE)}
"""Those that are measured and drawn, by profile."""

TRIALS = 16
"""Independent networks: the interval then reaches one standard deviation to each side."""

ITERATIONS = {False: 1_600, True: 6_000}
"""Steps of one image, by profile."""

TAIL = 10
"""Of the forty evaluations, how many are averaged: single steps make the accuracy jump."""

CHANCE = 1 / CLASSES


def predict_sides() -> Quantities:
    """Better than chance below, worse above."""
    return {"gain below": Bracket.exactly(0.0), "loss above": Bracket.exactly(0.0)}


def predict_half() -> Quantities:
    """A false variant: the transition is at a half, so nothing is gained there."""
    return {"gain below": Bracket.exactly(0.0)}


def predict_harmless() -> Quantities:
    """A false variant: wrong labels never make a network worse than chance."""
    return {"loss above": Bracket.exactly(0.0)}


def measure_sides(setting: Setting) -> Quantities:
    """Accuracy on clean labels less 1/K below, 1/K less accuracy above, over trials."""
    return {
        "gain below": interval_over_trials(_accuracy(setting, BELOW) - CHANCE),
        "loss above": interval_over_trials(CHANCE - _accuracy(setting, ABOVE)),
    }


def _accuracy(setting: Setting, label_error: float) -> np.ndarray:
    """Accuracy on clean labels of every trial, averaged over the last evaluations."""
    return trained(label_error, TRIALS, ITERATIONS[setting.full], setting.seed).accuracy[:, -TAIL:].mean(axis=1)


def predict_chance() -> Quantities:
    """Guessing."""
    return {"p = 2/3": Bracket.exactly(CHANCE)}


def predict_informed() -> Quantities:
    """A false variant: labels that are right once in three times still inform."""
    return {"p = 2/3": Bracket(0.5, 1.0)}


def measure_critical(setting: Setting) -> Quantities:
    """Accuracy where labels carry no information, over trials."""
    return {"p = 2/3": interval_over_trials(_accuracy(setting, CRITICAL))}


def draw_transition(setting: Setting) -> Figure:
    """Accuracy against the label-error probability."""
    errors = MEASURED[setting.full]
    accuracy = np.array([_accuracy(setting, error) for error in errors])
    return Figure(
        title="Accuracy against label errors",
        caption=f"GeoMNIST, one hidden layer, one image per step, accuracy on clean labels; {TRIALS} networks, bars: from the least to the "
        "largest. Beyond p = 2/3 the right label is the rarest one, and networks learn to avoid it.",
        x_label="label-error probability p",
        y_label="accuracy on clean labels",
        series=(
            Series(
                label="networks",
                x=tuple(map(float, errors)),
                y=tuple(accuracy.mean(axis=1).tolist()),
                style="points",
                color=0,
                low=tuple(accuracy.min(axis=1).tolist()),
                high=tuple(accuracy.max(axis=1).tolist()),
            ),
            Series(label="guessing", x=(errors[0], errors[-1]), y=(CHANCE, CHANCE), style="line", color=1),
        ),
        marks=((CRITICAL, "p* = (K−1)/K", 1),),
    )


ROOM = Room(
    statement=Statement(
        name="label-noise-transition",
        title="The transition of label noise at p = 2/3",
        latex=r"\operatorname{sign}(\alpha'-\beta')=\operatorname{sign}\Big(\tfrac{K-1}{K}-p\Big)\quad(\alpha>\beta);\ K=3:\ p^*=\tfrac23",
        assumptions=(
            "a label is wrong with probability p, once and for all, and then any of the two others",
            "GeoMNIST, one hidden layer of 64 units, stochastic gradient descent on one image per step",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("zhang2021", "label corruption; su2024, the dashed line at 2/3"),
    ),
    checks=(
        Check(
            name="two-sides",
            claim="networks beat guessing at p = .5 and fall below it at p = .8",
            evidence=Evidence.EMPIRICAL,
            predict=predict_sides,
            measure=measure_sides,
            kind=Kind.LOWER_BOUND,
        ),
        Check(
            name="guessing-at-two-thirds",
            claim="at p = 2/3 networks guess",
            evidence=Evidence.EMPIRICAL,
            predict=predict_chance,
            measure=measure_critical,
            resolution=0.25,
            reason="sixteen networks place the accuracy within a tenth; on the two sides it differs from 1/3 by more",
        ),
    ),
    controls=(
        Control(name="at-a-half", claim="nothing is learned at p = .5", check="two-sides", predict=predict_half, kind=Kind.UPPER_BOUND),
        Control(name="harmless", claim="nothing is lost at p = .8", check="two-sides", predict=predict_harmless, kind=Kind.UPPER_BOUND),
        Control(name="still-informed", claim="at p = 2/3 labels still inform", check="guessing-at-two-thirds", predict=predict_informed),
    ),
    figures=(draw_transition,),
)
