"""Oversampling in trained networks: showing rare classes more often moves their classifiers apart again."""

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Figure, Kind, Origin, Profile, Room, Series, Setting, Source, Statement, Variant, claim, instances
from layerpeel.theory._trials import interval_over_trials, points_over_trials
from layerpeel.theory.layer_peeled._imbalanced_networks import MAJORITY, MINORITY, TRIALS, trained

IMBALANCE = 100
"""R."""
LABEL, FACTORS = "w_r = {:g}", (1, 10, 100)
"""Oversampling w_r of the minority classes: none, a tenth of what balances the classes, all of it."""
MEASURED = {Profile.QUICK: FACTORS, Profile.FULL: (1, 3, 10, 30, 100)}
"""Those that are measured and drawn."""
FRAME = -1 / (MAJORITY + MINORITY - 1)
"""Cosine in the frame of balanced classes, −.11."""
NEAR_FRAME = 0.05
"""Distance from −1/(K−1) that counts as restored: less than half of that to a right angle. Copies of one image are less than as many
images."""
HALF = 0.5
"""Share of the fall of the cosine from w_r = 1, where it is about .95, to w_r = R that a tenth of that oversampling must bring."""
FALL, ACCURACY = "share of the fall", "share of the accuracy"

ROOM = Room.of(
    Statement(
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
        meaning="In small MNIST networks at imbalance 100, repeating rare images drives their classifiers apart again, and a tenth of "
        "full balancing brings half of that or more. Accuracy on new rare images then makes up less than half of its lag.",
    ),
    claim(
        "cosine-to-frame",
        "the minority cosine falls back to −1/(K−1) as w_r grows to R",
        over=instances(LABEL, *FACTORS),
        predict=FRAME,
        measure_all=lambda setting: {
            label: interval_over_trials(cosines(setting, factor))
            for label, (factor,) in instances(LABEL, *MEASURED[setting.profile]).items()
        },
        by="the mean cosine between minority classifiers, over trials",
        false={"orthogonal": ("it falls to zero: the minority classifiers become orthogonal", 0.0)},
        evidence=Evidence.EMPIRICAL.within(NEAR_FRAME, "training stops before its limit, and copies of one image are not a hundred images"),
        kind=Kind.LIMIT,
    ),
    claim(
        "a-little-helps",
        "a tenth of the oversampling that balances the classes takes off half of what all of it takes off the cosine, or more",
        over=FALL,
        predict=HALF,
        measure_all=lambda setting: gained(setting),
        by="what w_r = 10 brings, over trials: of the fall that w_r = R brings, and of the accuracy that minority classes lack",
        false={
            "new-images-too": Variant(
                "it takes new images of the minority classes half of the way to the accuracy of the others", HALF, over=ACCURACY
            )
        },
        evidence=Evidence.EMPIRICAL,
        kind=Kind.LOWER_BOUND,
    ),
    figures=(lambda setting: draw_remedy(setting),),
)


def cosines(setting: Setting, factor: float) -> np.ndarray:
    """Mean cosine between minority classifiers, one for each trial."""
    return np.array([network.outcome.minority_cosine for network in trained(setting.profile, IMBALANCE, factor, setting.seed)])


def accuracies(setting: Setting, factor: float) -> np.ndarray:
    """Test accuracy on the majority and on the minority classes, (2, trials)."""
    accuracy = np.array([network.outcome.accuracy for network in trained(setting.profile, IMBALANCE, factor, setting.seed)])
    return np.array([accuracy[:, :MAJORITY].mean(axis=1), accuracy[:, MAJORITY:].mean(axis=1)])


def gained(setting: Setting) -> dict[str, Bracket]:
    """(1 − 10)/(1 − 100) of the cosines, and of the accuracies in units of what the minority lacks."""
    none, some, whole = (cosines(setting, factor) for factor in FACTORS)
    (majority, before), (_, after) = (accuracies(setting, factor) for factor in FACTORS[:2])
    return {
        FALL: interval_over_trials((none - some) / (none - whole)),
        ACCURACY: interval_over_trials((after - before) / (majority - before)),
    }


def draw_remedy(setting: Setting) -> Figure:
    """Cosine and accuracy against w_r."""
    factors = MEASURED[setting.profile]
    x = tuple(float(factor) for factor in factors)
    return Figure(
        title=f"Oversampling at R = {IMBALANCE}",
        caption="Cosine between the classifiers of five minority classes; bars: from the least to the largest of "
        f"{TRIALS[setting.profile]} trainings. The geometry is restored; accuracy on new images is not, since copies bring no new ones.",
        x_label="oversampling w_r of the minority classes",
        y_label="minority cosine; accuracy",
        series=(
            points_over_trials("measured cosine", x, np.array([cosines(setting, factor) for factor in factors]).T, 0),
            Series.line("balanced frame", x, (FRAME,) * len(x), 1),
            Series.line("minority test accuracy", x, (float(accuracies(setting, factor)[1].mean()) for factor in factors), 2),
        ),
        log_x=True,
    )
