"""Minority collapse in trained networks: the classifiers of rare classes merge as the imbalance grows, earlier than the model foretells.

The model is asked at the energies that the network has. Where it foresees complete collapse itself, at R = 50 and 100, the cosine is one
there and .92 to .95 in the network, whose last steps are small. Before that, at R = 20, the network is far ahead of it. At R = 10, before
either collapses, the cosine is that of the model whose energy counts every sample alike, as weight decay does, and not every class.

Two explanations of that lead do not hold: it is as large in networks without the bias of the last layer, which the model lacks, and with
the energy of centred features. The full profile measures both.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.solvers import LayerPeeled, solve
from layerpeel.theory._claims import Variant, claim, instances
from layerpeel.theory._room import Evidence, Figure, Kind, Origin, Profile, Room, Series, Setting, Source, Statement
from layerpeel.theory._trials import interval_over_trials, points_over_trials
from layerpeel.theory.layer_peeled._imbalanced_networks import MAJORITY, MINORITY, TRIALS, Trained, trained

LABEL, OF_MAJORITY = "R = {:g}", "majority, R = {:g}"
BALANCED, FORESEEN, EARLY, FARTHEST = 1, 10, 20, 100
"""Imbalances R: none; where the model at per-sample energies foretells what trainings, which do not differ much there, end at; where
networks are ahead of the model, and trainings of the same network end far apart (there the full profile tries the explanations too); and
as far as R can go on these data."""
RATIOS = instances(LABEL, BALANCED, EARLY, FARTHEST)
"""Those that are judged as a sequence."""
MEASURED = {Profile.QUICK: (1, 10, 20, 100), Profile.FULL: (1, 2, 5, 10, 20, 50, 100)}
"""Those that are measured and drawn; all divide the hundred images of a majority class, and the last leaves one image."""
SAMPLE_ENERGY = instances("R = {:g}, energy of all samples", FORESEEN)

NEAR_COLLAPSE = 0.1
"""Largest distance of the cosine from one that counts as collapse; balanced it is 1.11, and a limit of .8 would be refuted."""
NEAR_FRAME = 0.05
"""Distance from −1/(K−1) that counts as a simplex frame: ReLU features and the bias of the last layer move the cosine by .01."""
SMALL_MISFIT = 0.02
"""Difference of cosines, measured less predicted, that ReLU features and the bias of the last layer make: at R = 1 it is .01."""
MISFIT = 0.1
"""Difference of cosines, measured less predicted, up to which the energies would be said to predict the network."""
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
            "three hidden layers of width 100 with batch norm and ReLU; momentum, weight decay .015",
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
        false={"balanced-orthogonal": ("balanced classifiers are orthogonal", Bracket.exactly(0.0))},
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
        predict=Bracket.exactly(1.0),
        measure_all=lambda setting: over_trials(setting, cosines),
        by="the mean cosine between minority classifiers, and between majority classifiers, over trials",
        false={
            "orthogonal": ("the minority classifiers become orthogonal", Bracket.exactly(0.0)),
            "half-way": ("they come half of the way", Bracket.exactly(0.5)),
            "majority-too": Variant(
                "so do majority classifiers", Bracket.exactly(1.0), over=instances(OF_MAJORITY, BALANCED, EARLY, FARTHEST)
            ),
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
        predict=Bracket.exactly(CHANCE),
        measure_all=lambda setting: {
            label: interval_over_trials(accuracies(setting, ratio))
            for label, (ratio,) in instances(LABEL, *MEASURED[setting.profile]).items()
        },
        by="test accuracy on the minority classes, over trials",
        false={
            "always-unknown": Variant("nor are they at R = 1", Bracket.exactly(CHANCE), over=instances(LABEL, BALANCED)),
        },
        origin=Origin.DERIVED,
        evidence=Evidence.EMPIRICAL,
        kind=Kind.UPPER_BOUND,
    ),
    claim(
        "earlier-than-predicted",
        f"at R = {EARLY} the cosine is larger, by {MISFIT} or more, than in the optimum at the measured energies",
        over=instances(LABEL, EARLY),
        predict=Bracket.exactly(MISFIT),
        measure_all=lambda setting: misfits(setting),
        by="the measured cosine less the cosine of the Layer-Peeled optimum at the measured energies, over trials",
        false={
            "balanced-too": Variant(
                "networks with balanced classes are as far from the model", Bracket.exactly(MISFIT), over=instances(LABEL, BALANCED)
            ),
        },
        origin=Origin.DERIVED,
        evidence=Evidence.EMPIRICAL,
        kind=Kind.LOWER_BOUND,
    ),
    claim(
        "energy-of-all-samples",
        f"at R = {FORESEEN} the optimum at the energy of all samples, which weight decay holds back, foretells the cosine",
        over=SAMPLE_ENERGY,
        predict=Bracket(-SMALL_MISFIT, SMALL_MISFIT),
        measure_all=lambda setting: misfits(setting),
        by="the measured cosine less the cosine of the Layer-Peeled optimum at the measured energies, over trials",
        false={
            "averaged-by-class": Variant(
                "so does the optimum at the energy that is averaged over every class",
                Bracket(-SMALL_MISFIT, SMALL_MISFIT),
                over=instances(LABEL, FORESEEN),
            ),
        },
        origin=Origin.DERIVED,
        evidence=Evidence.EMPIRICAL.within(
            0.2, "an interval over eight trainings is .08 wide; averaged by class the energies miss by .1", headroom=2.0
        ),
    ),
    figures=(lambda setting: draw_collapse(setting),),
)


def networks(setting: Setting, ratio: float) -> tuple[Trained, ...]:
    """Trained at imbalance R without oversampling."""
    return trained(setting.profile, ratio, 1.0, setting.seed)


def over_trials(setting: Setting, quantity: Callable[[tuple[Trained, ...]], np.ndarray]) -> dict[str, Bracket]:
    """Intervals of a quantity of the minority and of the majority, at every R that is measured."""
    intervals: dict[str, Bracket] = {}
    for ratio in MEASURED[setting.profile]:
        minority, majority = quantity(networks(setting, ratio))
        intervals |= {LABEL.format(ratio): interval_over_trials(minority), OF_MAJORITY.format(ratio): interval_over_trials(majority)}
    return intervals


def cosines(trials: tuple[Trained, ...]) -> np.ndarray:
    """Mean cosine among minority and among majority classifiers, (2, trials)."""
    return np.array([(each.outcome.minority_cosine, each.outcome.majority_cosine) for each in trials]).T


def accuracies(setting: Setting, ratio: float) -> np.ndarray:
    """Test accuracy on the minority classes, one for each trial."""
    return np.array([network.outcome.accuracy[MAJORITY:].mean() for network in networks(setting, ratio)])


def misfits(setting: Setting) -> dict[str, Bracket]:
    """Measured cosines less those of the optimum; at the energy of all samples too, and the full profile at those of the explanations."""
    differences = over_trials(setting, lambda trials: cosines(trials) - foreseen(trials))
    for label, (ratio,) in SAMPLE_ENERGY.items():
        trials = networks(setting, ratio)
        differences[label] = interval_over_trials((cosines(trials) - foreseen(trials, energy="sample"))[0])
    if setting.profile is Profile.FULL:
        trials, unbiased = networks(setting, EARLY), trained(setting.profile, EARLY, 1.0, setting.seed, last_bias=False)
        where = LABEL.format(EARLY)
        differences[f"{where}, energy of centred features"] = interval_over_trials(
            (cosines(trials) - foreseen(trials, energy="centred"))[0]
        )
        differences[f"{where}, without last bias"] = interval_over_trials((cosines(unbiased) - foreseen(unbiased))[0])
    return differences


@cache
def foreseen(trials: tuple[Trained, ...], *, energy: str = "class") -> np.ndarray:
    """Cosine among minority and among majority classes of the certified optimum, (2, trials), at the energies and counts of every trial.

    "class" averages ‖h‖² over every class, as the model of the sources does; "centred" does so after centring; "sample" averages it over
    all samples.
    """
    by_trial = []
    for each in trials:
        energies = {"class": each.outcome.feature_energy, "centred": each.centred_energy, "sample": each.sample_energy}
        problem = LayerPeeled.from_groups(
            [(MAJORITY, int(each.counts[0])), (MINORITY, int(each.counts[-1]))],
            feature_energy=energies[energy],
            weight_energy=each.outcome.weight_energy,
            norm_weights="sample" if energy == "sample" else "class",
        )
        groups = solve(problem, route="factored").groups
        by_trial.append([np.nan if group.within_cosine is None else group.within_cosine for group in (groups[-1], groups[0])])
    return np.array(by_trial).T


def draw_collapse(setting: Setting) -> Figure:
    """Cosine and accuracy against R, measured and foreseen."""
    ratios = MEASURED[setting.profile]
    x = tuple(float(ratio) for ratio in ratios)
    measured = np.array([cosines(networks(setting, ratio))[0] for ratio in ratios])
    accuracy = tuple(float(accuracies(setting, ratio).mean()) for ratio in ratios)
    optimum = tuple(float(foreseen(networks(setting, ratio))[0].mean()) for ratio in ratios)
    return Figure(
        title="Minority collapse in trained networks",
        caption="Cosine between the classifiers of five minority classes, three hidden layers on MNIST at 10×10 pixels; bars: from the "
        f"least to the largest of {TRIALS[setting.profile]} trainings. The model at the "
        "energies measured in the network foresees collapse only later; leaving out the last bias or centring the features, tried at "
        f"R = {EARLY} in the full profile, does not close the gap.",
        x_label="imbalance R",
        y_label="minority cosine; accuracy",
        series=(
            points_over_trials("measured cosine", x, measured.T, 0),
            Series.line("Layer-Peeled optimum at the measured energies", x, optimum, 1),
            Series.line("minority test accuracy", x, accuracy, 2),
        ),
        log_x=True,
    )
