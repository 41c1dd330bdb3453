"""The transition of label noise in trained networks: at p = 2/3 separation fails, as printed; beyond it they learn to avoid the classes."""

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Room, Series, Setting, Source, Statement
from layerpeel.theory._trials import interval_over_trials, points_over_trials
from layerpeel.theory.locally_elastic._ensembles import CLASSES, EVALUATIONS, GIVEN_IMAGES, trained

CRITICAL = (CLASSES - 1) / CLASSES
"""p* = (K−1)/K, where a wrong label is as likely as the right one, class by class."""

BELOW, ABOVE = 0.45, 0.9
"""Label-error probabilities on the two sides, at about equal distance."""

MEASURED = {False: (BELOW, CRITICAL, ABOVE), True: (0.0, 0.2, BELOW, 0.6, CRITICAL, 0.7, 0.8, ABOVE)}
"""Those that are measured and drawn, by profile."""

TRIALS = 24
"""Independent networks: the interval then reaches .8 standard deviations to each side."""

ITERATIONS = {False: 1_400, True: 6_000}
"""Steps of one image, by profile."""

TAIL = EVALUATIONS // 2
"""How many of the last evaluations are averaged, the second half: single steps make the accuracy jump."""

CHANCE = 1 / CLASSES

LEAD = 0.1
"""Least distance from guessing that counts as learning, or as avoiding: half of what networks reach, twice what guessing networks may."""

INFORMED = 0.5
"""Least accuracy at p = 2/3 if labels informed there as they do at p = .45."""


def predict_sides() -> Quantities:
    """Better than chance below, worse above."""
    return {"gain at p = .45": Bracket.exactly(LEAD), "loss at p = .9": Bracket.exactly(LEAD)}


def predict_learned_from_chance() -> Quantities:
    """A false variant: networks learn the classes from labels that are drawn by lot, as they do below."""
    return {"gain at p = 2/3": Bracket.exactly(LEAD)}


def predict_avoided_by_chance() -> Quantities:
    """A false variant: labels drawn by lot teach networks to avoid the classes, as labels above do."""
    return {"loss at p = 2/3": Bracket.exactly(LEAD)}


def measure_sides(setting: Setting) -> Quantities:
    """Accuracy on clean labels less 1/K below, 1/K less accuracy above, both between the sides, over trials."""
    below, critical, above = (_accuracy(setting, error) for error in (BELOW, CRITICAL, ABOVE))
    return {
        "gain at p = .45": interval_over_trials(below - CHANCE),
        "gain at p = 2/3": interval_over_trials(critical - CHANCE),
        "loss at p = 2/3": interval_over_trials(CHANCE - critical),
        "loss at p = .9": interval_over_trials(CHANCE - above),
    }


def _accuracy(setting: Setting, label_error: float) -> np.ndarray:
    """Accuracy on clean labels of every trial, averaged over the last evaluations."""
    runs = trained(label_error, TRIALS, ITERATIONS[setting.full], setting.seed)
    return np.concatenate([run.accuracy[:, -TAIL:].mean(axis=1) for run in runs])


def predict_chance() -> Quantities:
    """Guessing."""
    return {"p = 2/3": Bracket.exactly(CHANCE)}


def predict_informed() -> Quantities:
    """A false variant: labels that are right once in three times still inform."""
    return {"p = 2/3": Bracket.exactly(INFORMED)}


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
        f"largest. Beyond p = 2/3 the right label is the rarest one, and networks learn to avoid it. {GIVEN_IMAGES}.",
        x_label="label-error probability p",
        y_label="accuracy on clean labels",
        series=(
            points_over_trials("networks", errors, accuracy.T, 0),
            Series(label="guessing", x=(errors[0], errors[-1]), y=(CHANCE, CHANCE), style="line", color=1),
        ),
        marks=((CRITICAL, "p* = (K−1)/K", 1),),
    )


ROOM = Room(
    statement=Statement(
        name="label-noise-transition",
        title="The transition of label noise at p = 2/3",
        latex=r"\text{separation fails for}\quad p_{\mathrm{err}}\geq p^*_{\mathrm{err}}=\tfrac23\qquad(K=3)",
        assumptions=(
            "a label is wrong with probability p, once and for all, and then any of the two others",
            "GeoMNIST, one hidden layer of 64 units, stochastic gradient descent on one image per step",
            GIVEN_IMAGES,
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("zhang2021", "slides, caption of figure 3: validation loss and accuracy, the dashed line at 2/3"),
    ),
    checks=(
        Check(
            name="two-sides",
            claim=f"networks beat guessing by {LEAD} or more at p = .45, and fall as far below it at p = .9",
            evidence=Evidence.EMPIRICAL,
            predict=predict_sides,
            measure=measure_sides,
            kind=Kind.LOWER_BOUND,
            origin=Origin.DERIVED,
        ),
        Check(
            name="guessing-at-two-thirds",
            claim="at p = 2/3, where labels are random, separation fails: networks guess",
            evidence=Evidence.EMPIRICAL,
            predict=predict_chance,
            measure=measure_critical,
            resolution=0.15,
            headroom=2.0,
            reason="an interval over 24 networks is .05 wide, and ten times as many would leave a third of that; on the two sides the "
            "accuracy differs from 1/3 by .2",
        ),
    ),
    controls=(
        Control(
            name="learned-from-chance",
            claim="networks beat guessing as far where every label is equally likely, at p = 2/3",
            check="two-sides",
            predict=predict_learned_from_chance,
        ),
        Control(
            name="avoided-by-chance",
            claim="networks fall as far below guessing where every label is equally likely, at p = 2/3",
            check="two-sides",
            predict=predict_avoided_by_chance,
        ),
        Control(
            name="still-informed",
            claim="at p = 2/3 labels inform as they do at p = .45: half of the images are recognised, or more",
            check="guessing-at-two-thirds",
            predict=predict_informed,
            kind=Kind.LOWER_BOUND,
        ),
    ),
    figures=(draw_transition,),
)
