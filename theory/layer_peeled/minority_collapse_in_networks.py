"""Minority collapse in trained networks: the classifiers of rare classes draw together as the imbalance grows, until they are one.

At weight decay .015 the cosine at R = 10 is that of the model whose energy counts every sample alike, as weight decay does (see the room
`networks-follow-the-per-sample-model`). At R = 100, one image a class, it is near one, and the training accuracy on the minority is zero:
such a network never learned the minority. That is collapse as the sources show it, and no optimum of a model of the end of training.
"""

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory._trials import interval_over_trials
from layerpeel.theory.layer_peeled._imbalanced_networks import LEARNED, MAJORITY, MINORITY, STRONG
from layerpeel.theory.layer_peeled._measured import collapsing_networks as nets

BALANCED, LEARNT, FARTHEST = 1, 10, 100
"""Imbalances R: none; where networks still learn the minority; and as far as R can go on these data."""
RATIOS = instances(nets.LABEL, BALANCED, LEARNT, FARTHEST)
"""Those that are judged as a sequence."""

NEAR_COLLAPSE = 0.1
"""Largest distance of the cosine from one that counts as collapse; balanced it is 1.11, and a limit of .8 would be refuted."""
NEAR_FRAME = 0.05
"""Distance from −1/(K−1) that counts as a simplex frame: ReLU features and the bias of the last layer move the cosine by .01."""
MISFIT = 0.1
"""Difference of cosines, measured less predicted, up to which the model would be said to predict the network."""
CHANCE = 1 / (MAJORITY + MINORITY)
"""Accuracy of guessing among all classes."""
FRAME = -1 / (MAJORITY + MINORITY - 1)

ROOM = Room.of(
    Statement(
        name="minority-collapse-in-networks",
        title="Minority collapse in trained networks",
        latex=r"\cos(w_k,w_l)\longrightarrow 1\quad(k\neq l\ \text{minority classes}),\qquad R\to\infty",
        assumptions=(
            "five majority and five minority classes of MNIST at 10×10 pixels",
            f"three hidden layers of width 100 with batch norm and ReLU; momentum, weight decay {STRONG.weight_decay:g}",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("fang2021", "Minority Collapse in deep neural networks; su2024, Part I"),
        meaning="In small MNIST networks the classifiers of five rare classes go from the widest angles to nearly one direction as "
        "imbalance grows to 100. There even their training images were not learned, so look at training accuracy before geometry.",
    ),
    claim(
        "frame-when-balanced",
        "at R = 1 their cosine is −1/(K−1)",
        over=instances(nets.LABEL, BALANCED),
        predict=Bracket(FRAME - NEAR_FRAME, FRAME + NEAR_FRAME),
        measure_all=lambda setting: nets.over_trials(setting, nets.cosines),
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
        measure_all=lambda setting: nets.over_trials(setting, nets.cosines),
        by="the mean cosine between minority classifiers, and between majority classifiers, over trials",
        false={
            "orthogonal": ("the minority classifiers become orthogonal", 0.0),
            "half-way": ("they come half of the way", 0.5),
            "majority-too": Variant("so do majority classifiers", 1.0, over=instances(nets.OF_MAJORITY, BALANCED, LEARNT, FARTHEST)),
        },
        evidence=Evidence.EMPIRICAL.within(
            NEAR_COLLAPSE, "one image a class is as far as R can go on these data, and training stops before its limit"
        ),
        kind=Kind.LIMIT,
    ),
    claim(
        "below-chance",
        "at the largest R minority classes are recognised less often than by guessing among all classes",
        over=instances(nets.LABEL, FARTHEST),
        predict=CHANCE,
        measure_all=lambda setting: {
            label: interval_over_trials(nets.accuracies(setting, ratio))
            for label, (ratio,) in instances(nets.LABEL, *nets.MEASURED[setting.profile]).items()
        },
        by="test accuracy on the minority classes, over trials",
        false={"always-unknown": Variant("nor are they at R = 1", CHANCE, over=instances(nets.LABEL, BALANCED))},
        origin=Origin.DERIVED,
        evidence=Evidence.EMPIRICAL,
        kind=Kind.UPPER_BOUND,
    ),
    claim(
        "not-learned",
        f"at R = {FARTHEST} they are not learned at all: training accuracy on the minority is below one half",
        over=instances(nets.LABEL, FARTHEST),
        predict=LEARNED,
        measure_all=lambda setting: {
            label: interval_over_trials(each.training_accuracy for each in nets.networks(setting, ratio))
            for label, (ratio,) in instances(nets.LABEL, *nets.MEASURED[setting.profile]).items()
        },
        by="accuracy on the minority's training images, over trials",
        false={"never-learned": Variant(f"nor at R = {LEARNT}", LEARNED, over=instances(nets.LABEL, LEARNT))},
        origin=Origin.DERIVED,
        evidence=Evidence.EMPIRICAL,
        kind=Kind.UPPER_BOUND,
    ),
    claim(
        "beyond-the-model",
        f"there the cosine is larger, by {MISFIT} or more, than in the optimum at the measured energies, of which it is no rest point",
        over=instances(nets.LABEL, FARTHEST),
        predict=MISFIT,
        measure_all=nets.misfits,
        by="the measured cosine less that of the certified optimum at the energy of all samples, over trials",
        false={"learned-too": Variant("so it is in networks that learned the minority", MISFIT, over=instances(nets.LABEL, LEARNT))},
        origin=Origin.DERIVED,
        evidence=Evidence.EMPIRICAL,
        kind=Kind.LOWER_BOUND,
    ),
    figures=(nets.draw_collapse,),
)
