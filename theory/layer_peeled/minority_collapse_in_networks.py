"""Minority collapse in trained networks: the classifiers of rare classes draw together as the imbalance grows, until they are one.

At weight decay .015 the cosine at R = 10 is that of the model whose energy counts every sample alike, as weight decay does (see the room
`networks-follow-the-per-sample-model`). At R = 100, one image a class, it is near one, and the training accuracy on the minority is zero:
such a network never learned the minority. That is collapse as the sources show it, and no optimum of a model of the end of training.
"""

from collections.abc import Callable

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Figure, Kind, Origin, Profile, Room, Series, Setting, Source, Statement, Variant, claim, instances
from layerpeel.theory._trials import interval_over_trials, points_over_trials
from layerpeel.theory.layer_peeled import _imbalanced_networks as nets

LABEL, OF_MAJORITY = "R = {:g}", "majority, R = {:g}"
BALANCED, LEARNT, FARTHEST = 1, 10, 100
"""Imbalances R: none; where networks still learn the minority; and as far as R can go on these data."""
RATIOS = instances(LABEL, BALANCED, LEARNT, FARTHEST)
"""Those that are judged as a sequence."""
MEASURED = {Profile.QUICK: (1, 10, 100), Profile.FULL: (1, 2, 5, 10, 20, 50, 100)}
"""Those that are measured and drawn; all divide the hundred images of a majority class, and the last leaves one image."""

NEAR_COLLAPSE = 0.1
"""Largest distance of the cosine from one that counts as collapse; balanced it is 1.11, and a limit of .8 would be refuted."""
NEAR_FRAME = 0.05
"""Distance from −1/(K−1) that counts as a simplex frame: ReLU features and the bias of the last layer move the cosine by .01."""
MISFIT = 0.1
"""Difference of cosines, measured less predicted, up to which the model would be said to predict the network."""
CHANCE = 1 / (nets.MAJORITY + nets.MINORITY)
"""Accuracy of guessing among all classes."""
FRAME = -1 / (nets.MAJORITY + nets.MINORITY - 1)

ROOM = Room.of(
    Statement(
        name="minority-collapse-in-networks",
        title="Minority collapse in trained networks",
        latex=r"\cos(w_k,w_l)\longrightarrow 1\quad(k\neq l\ \text{minority classes}),\qquad R\to\infty",
        assumptions=(
            "five majority and five minority classes of MNIST at 10×10 pixels",
            f"three hidden layers of width 100 with batch norm and ReLU; momentum, weight decay {nets.STRONG.weight_decay:g}",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("fang2021", "Minority Collapse in deep neural networks; su2024, Part I"),
    ),
    claim(
        "frame-when-balanced",
        "at R = 1 their cosine is −1/(K−1)",
        over=instances(LABEL, BALANCED),
        predict=Bracket(FRAME - NEAR_FRAME, FRAME + NEAR_FRAME),
        measure_all=lambda setting: over_trials(setting, cosines),
        by="the mean cosine between minority classifiers, and between majority classifiers, over trials",
        false={"balanced-orthogonal": ("balanced classifiers are orthogonal", 0.0)},
        evidence=Evidence.EMPIRICAL.within(
            2.1 * NEAR_FRAME,
            "ReLU features and the bias of the last layer are not in the model, and training stops early; an interval over eight "
            "trainings is .02 wide, and a hundred times as many would make it a tenth of that",
            headroom=2.0,
        ),
    ),
    claim(
        "cosine-to-one",
        "the minority classifiers draw together as R grows, until their cosine is near one",
        over=RATIOS,
        predict=1.0,
        measure_all=lambda setting: over_trials(setting, cosines),
        by="the mean cosine between minority classifiers, and between majority classifiers, over trials",
        false={
            "orthogonal": ("the minority classifiers become orthogonal", 0.0),
            "half-way": ("they come half of the way", 0.5),
            "majority-too": Variant("so do majority classifiers", 1.0, over=instances(OF_MAJORITY, BALANCED, LEARNT, FARTHEST)),
        },
        evidence=Evidence.EMPIRICAL.within(
            NEAR_COLLAPSE, "one image a class is as far as R can go on these data, and training stops before its limit"
        ),
        kind=Kind.LIMIT,
    ),
    claim(
        "below-chance",
        "at the largest R minority classes are recognised less often than by guessing among all classes",
        over=instances(LABEL, FARTHEST),
        predict=CHANCE,
        measure_all=lambda setting: {
            label: interval_over_trials(accuracies(setting, ratio))
            for label, (ratio,) in instances(LABEL, *MEASURED[setting.profile]).items()
        },
        by="test accuracy on the minority classes, over trials",
        false={"always-unknown": Variant("nor are they at R = 1", CHANCE, over=instances(LABEL, BALANCED))},
        origin=Origin.DERIVED,
        evidence=Evidence.EMPIRICAL,
        kind=Kind.UPPER_BOUND,
    ),
    claim(
        "not-learned",
        f"at R = {FARTHEST} they are not learned at all: training accuracy on the minority is below one half",
        over=instances(LABEL, FARTHEST),
        predict=nets.LEARNED,
        measure_all=lambda setting: {
            label: interval_over_trials(each.training_accuracy for each in networks(setting, ratio))
            for label, (ratio,) in instances(LABEL, *MEASURED[setting.profile]).items()
        },
        by="accuracy on the minority's training images, over trials",
        false={"never-learned": Variant(f"nor at R = {LEARNT}", nets.LEARNED, over=instances(LABEL, LEARNT))},
        origin=Origin.DERIVED,
        evidence=Evidence.EMPIRICAL,
        kind=Kind.UPPER_BOUND,
    ),
    claim(
        "beyond-the-model",
        f"there the cosine is larger, by {MISFIT} or more, than in the optimum at the measured energies, of which it is no rest point",
        over=instances(LABEL, FARTHEST),
        predict=MISFIT,
        measure_all=lambda setting: misfits(setting),
        by="the measured cosine less that of the certified optimum at the energy of all samples, over trials",
        false={"learned-too": Variant("so it is in networks that learned the minority", MISFIT, over=instances(LABEL, LEARNT))},
        origin=Origin.DERIVED,
        evidence=Evidence.EMPIRICAL,
        kind=Kind.LOWER_BOUND,
    ),
    figures=(lambda setting: draw_collapse(setting),),
)


def networks(setting: Setting, ratio: float) -> tuple[nets.Trained, ...]:
    """Trained at imbalance R without oversampling."""
    return nets.trained(setting.profile, ratio, 1.0, setting.seed)


def over_trials(setting: Setting, quantity: Callable[[tuple[nets.Trained, ...]], np.ndarray]) -> dict[str, Bracket]:
    """Intervals of a quantity of the minority and of the majority, at every R that is measured."""
    intervals: dict[str, Bracket] = {}
    for ratio in MEASURED[setting.profile]:
        minority, majority = quantity(networks(setting, ratio))
        intervals |= {LABEL.format(ratio): interval_over_trials(minority), OF_MAJORITY.format(ratio): interval_over_trials(majority)}
    return intervals


def cosines(trials: tuple[nets.Trained, ...]) -> np.ndarray:
    """Mean cosine among minority and among majority classifiers, (2, trials)."""
    return np.array([(each.outcome.minority_cosine, each.outcome.majority_cosine) for each in trials]).T


def accuracies(setting: Setting, ratio: float) -> np.ndarray:
    """Test accuracy on the minority classes, one for each trial."""
    return np.array([each.outcome.accuracy[nets.MAJORITY :].mean() for each in networks(setting, ratio)])


def misfits(setting: Setting) -> dict[str, Bracket]:
    """Measured cosines less those of the optimum at the energy of all samples, learned or not."""
    missed = {}
    for label, (ratio,) in instances(LABEL, *MEASURED[setting.profile]).items():
        trials = networks(setting, ratio)
        missed[label] = interval_over_trials(nets.minority_cosines(trials) - nets.foreseen(trials, "sample"))
    return missed


def draw_collapse(setting: Setting) -> Figure:
    """Cosine and accuracy against R, measured and foreseen."""
    ratios = MEASURED[setting.profile]
    x = tuple(float(ratio) for ratio in ratios)
    measured = np.array([cosines(networks(setting, ratio))[0] for ratio in ratios])
    accuracy = tuple(float(accuracies(setting, ratio).mean()) for ratio in ratios)
    learned = tuple(float(np.mean([each.training_accuracy for each in networks(setting, ratio)])) for ratio in ratios)
    optima = {mean: tuple(float(nets.foreseen(networks(setting, ratio), mean).mean()) for ratio in ratios) for mean in ("sample", "class")}
    return Figure(
        title="Minority collapse in trained networks",
        caption="Cosine between the classifiers of five minority classes, three hidden layers on MNIST at 10×10 pixels; bars: from the "
        f"least to the largest of {nets.TRIALS[setting.profile]} trainings. The lines are optima at the energies measured in the network. "
        "Where the minority's training accuracy is below one half it was never learned, and no model of the end of training speaks of it.",
        x_label="imbalance R",
        y_label="minority cosine; accuracy",
        series=(
            points_over_trials("measured cosine", x, measured.T, 0),
            Series.line("optimum, energy of all samples", x, optima["sample"], 1),
            Series.line("optimum, energy averaged over every class", x, optima["class"], 2),
            Series.line("minority training accuracy", x, learned, 3),
            Series.line("minority test accuracy", x, accuracy, 4),
        ),
        log_x=True,
    )
