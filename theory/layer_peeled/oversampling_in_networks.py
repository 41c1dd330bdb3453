"""Oversampling in trained networks: showing rare classes more often moves their classifiers apart again."""

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Room, Series, Setting, Source, Statement
from layerpeel.theory._trials import interval_over_trials, points_over_trials
from layerpeel.theory.layer_peeled._imbalanced_networks import MAJORITY, MINORITY, TRIALS, Trained, trained

IMBALANCE = 100
"""R."""

FACTORS = (1, 10, 100)
"""Oversampling w_r of the minority classes: none, a tenth of what balances the classes, all of it."""

MEASURED = {False: FACTORS, True: (1, 3, 10, 30, 100)}
"""Those that are measured and drawn, by profile."""

NEAR_FRAME = 0.05
"""Distance from −1/(K−1) = −.11 that counts as restored: less than half of that to a right angle. Copies of one image are less than as many
images."""

HALF = 0.5
"""Share of the fall of the cosine from w_r = 1, where it is about .95, to w_r = R that a tenth of that oversampling must bring."""


def _label(factor: float) -> str:
    return f"w_r = {factor:g}"


def predict_frame() -> Quantities:
    """The frame of balanced classes, −1/(K−1)."""
    return {_label(factor): Bracket.exactly(-1 / (MAJORITY + MINORITY - 1)) for factor in FACTORS}


def predict_orthogonal() -> Quantities:
    """A false variant: oversampling makes minority classifiers orthogonal, and no more."""
    return {_label(factor): Bracket.exactly(0.0) for factor in FACTORS}


def measure_cosine(setting: Setting) -> Quantities:
    """Mean cosine between minority classifiers, over trials."""
    return {_label(factor): interval_over_trials(_cosines(setting, factor)) for factor in MEASURED[setting.full]}


def _networks(setting: Setting, factor: float) -> tuple[Trained, ...]:
    return trained(setting.full, IMBALANCE, factor, setting.seed)


def _cosines(setting: Setting, factor: float) -> np.ndarray:
    return np.array([found.outcome.minority_cosine for found in _networks(setting, factor)])


def _accuracies(setting: Setting, factor: float) -> np.ndarray:
    """Test accuracy on the majority and on the minority classes, (2, trials)."""
    accuracy = np.array([found.outcome.accuracy for found in _networks(setting, factor)])
    return np.array([accuracy[:, :MAJORITY].mean(axis=1), accuracy[:, MAJORITY:].mean(axis=1)])


def predict_half_of_the_fall() -> Quantities:
    """A tenth of what balances the classes already takes off half of what all of it does."""
    return {"share of the fall": Bracket.exactly(HALF)}


def predict_half_of_the_accuracy() -> Quantities:
    """A false variant: so does it for new images of the minority classes."""
    return {"share of the accuracy": Bracket.exactly(HALF)}


def measure_share(setting: Setting) -> Quantities:
    """What w_r = 10 brings, over trials: of the fall that w_r = R brings, and of the accuracy that minority classes lack."""
    none, some, whole = (_cosines(setting, factor) for factor in FACTORS)
    (majority, before), (_, after) = (_accuracies(setting, factor) for factor in FACTORS[:2])
    return {
        "share of the fall": interval_over_trials((none - some) / (none - whole)),
        "share of the accuracy": interval_over_trials((after - before) / (majority - before)),
    }


def draw_remedy(setting: Setting) -> Figure:
    """Cosine and accuracy against w_r."""
    factors = MEASURED[setting.full]
    x = tuple(float(factor) for factor in factors)
    cosines = np.array([_cosines(setting, factor) for factor in factors])
    accuracy = [_accuracies(setting, factor)[1].mean() for factor in factors]
    return Figure(
        title=f"Oversampling at R = {IMBALANCE}",
        caption="Cosine between the classifiers of five minority classes; bars: from the least to the largest of "
        f"{TRIALS[setting.full]} trainings. The geometry is restored; accuracy on new images is not, since copies bring no new ones.",
        x_label="oversampling w_r of the minority classes",
        y_label="minority cosine; accuracy",
        series=(
            points_over_trials("measured cosine", x, cosines.T, 0),
            Series(label="balanced frame", x=x, y=(-1 / (MAJORITY + MINORITY - 1),) * len(x), style="line", color=1),
            Series(label="minority test accuracy", x=x, y=tuple(map(float, accuracy)), style="line", color=2),
        ),
        log_x=True,
    )


ROOM = Room(
    statement=Statement(
        name="oversampling-in-networks",
        title="Oversampling undoes minority collapse in trained networks",
        latex=r"w_r\to R:\qquad \cos(w_k,w_l)\longrightarrow -\tfrac1{K-1}\quad(k\neq l\ \text{minority classes})",
        assumptions=(
            f"five majority and five minority classes of MNIST at 10×10 pixels, R = {IMBALANCE}",
            "three hidden layers of width 100 with batch norm and ReLU; momentum, weight decay .015",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("fang2021", "Oversampling for mitigating Minority Collapse; su2024, Part I"),
    ),
    checks=(
        Check(
            name="cosine-to-frame",
            claim="the minority cosine falls back to −1/(K−1) as w_r grows to R",
            evidence=Evidence.EMPIRICAL,
            predict=predict_frame,
            measure=measure_cosine,
            kind=Kind.LIMIT,
            resolution=NEAR_FRAME,
            reason="training stops before its limit, and copies of one image are not a hundred images",
        ),
        Check(
            name="a-little-helps",
            claim="a tenth of the oversampling that balances the classes takes off half of what all of it takes off the cosine, or more",
            evidence=Evidence.EMPIRICAL,
            predict=predict_half_of_the_fall,
            measure=measure_share,
            kind=Kind.LOWER_BOUND,
        ),
    ),
    controls=(
        Control(
            name="orthogonal",
            claim="it falls to zero: the minority classifiers become orthogonal",
            check="cosine-to-frame",
            predict=predict_orthogonal,
        ),
        Control(
            name="new-images-too",
            claim="it takes new images of the minority classes half of the way to the accuracy of the others",
            check="a-little-helps",
            predict=predict_half_of_the_accuracy,
        ),
    ),
    figures=(draw_remedy,),
)
