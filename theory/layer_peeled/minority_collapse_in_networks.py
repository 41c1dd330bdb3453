"""Minority collapse in trained networks: the classifiers of rare classes merge as the imbalance grows, earlier than the model foretells.

The model is asked at the energies that the network has. Where it foresees complete collapse itself, at R = 50 and 100, the cosine is one
there and .92 to .95 in the network, whose last steps are small. Before that, at R = 20, the network is far ahead of it. At R = 10, before
either collapses, the cosine is that of the model whose energy counts every sample alike, as weight decay does, and not every class.

Two explanations of that lead do not hold: it is as large in networks without the bias of the last layer, which the model lacks, and with
the energy of centred features. The full profile measures both.
"""

from functools import cache

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.solvers import LayerPeeled, solve
from layerpeel.theory._room import (
    Check,
    Control,
    Evidence,
    Figure,
    Kind,
    Origin,
    Quantities,
    Quantity,
    Room,
    Series,
    Setting,
    Source,
    Statement,
)
from layerpeel.theory._trials import interval_over_trials, points_over_trials
from layerpeel.theory.layer_peeled._imbalanced_networks import MAJORITY, MINORITY, TRIALS, Trained, trained

RATIOS = (1, 20, 100)
"""Imbalances R that are judged: balanced; where trainings of the same network end far apart; and as far as R can go on these data."""

MEASURED = {False: (1, 10, 20, 100), True: (1, 2, 5, 10, 20, 50, 100)}
"""Those that are measured and drawn, by profile; all divide the hundred images of a majority class, and the last leaves one image."""

EARLY = 20
"""R at which networks are ahead of the model; there the full profile tries the explanations too."""

FORESEEN = 10
"""R at which the model at per-sample energies foretells what trainings, which do not differ much there, end at."""

NEAR_COLLAPSE = 0.1
"""Largest distance of the cosine from one that counts as collapse; balanced it is 1.11, and a limit of .8 would be refuted."""

NEAR_FRAME = 0.05
"""Distance from −1/(K−1) that counts as a simplex frame: ReLU features and the bias of the last layer move the cosine by .01."""

SMALL_MISFIT = 0.02
"""Difference of cosines, measured less predicted, that ReLU features and the bias of the last layer make: at R = 1 it is .01."""

CHANCE = 1 / (MAJORITY + MINORITY)
"""Accuracy of guessing among all classes."""

MISFIT = 0.1
"""Difference of cosines, measured less predicted, up to which the energies would be said to predict the network."""


def _label(ratio: float) -> str:
    return f"R = {ratio:g}"


def predict_collapse() -> Quantities:
    """The limit one."""
    return {_label(ratio): Bracket.exactly(1.0) for ratio in RATIOS}


def predict_half_way() -> Quantities:
    """A false variant: minority classifiers come half of the way, to an angle of 60°."""
    return {_label(ratio): Bracket.exactly(0.5) for ratio in RATIOS}


def predict_majority_collapse() -> Quantities:
    """A false variant: majority classifiers merge as well."""
    return {f"majority, {_label(ratio)}": Bracket.exactly(1.0) for ratio in RATIOS}


def predict_orthogonal() -> Quantities:
    """A false variant: minority classifiers become orthogonal, not parallel."""
    return {_label(ratio): Bracket.exactly(0.0) for ratio in RATIOS}


def measure_cosine(setting: Setting) -> Quantities:
    """Mean cosine between minority classifiers, and between majority classifiers, over trials."""
    found: dict[str, Quantity] = {}
    for ratio in MEASURED[setting.full]:
        minority, majority = _cosines(_networks(setting, ratio))
        found |= {_label(ratio): interval_over_trials(minority), f"majority, {_label(ratio)}": interval_over_trials(majority)}
    return found


def _networks(setting: Setting, ratio: float) -> tuple[Trained, ...]:
    return trained(setting.full, ratio, 1.0, setting.seed)


def _cosines(networks: tuple[Trained, ...]) -> np.ndarray:
    """Mean cosine among minority and among majority classifiers, (2, trials)."""
    return np.array([(found.outcome.minority_cosine, found.outcome.majority_cosine) for found in networks]).T


def predict_frame() -> Quantities:
    """−1/(K−1) for balanced classes."""
    value = -1 / (MAJORITY + MINORITY - 1)
    return {_label(1): Bracket(value - NEAR_FRAME, value + NEAR_FRAME)}


def predict_orthogonal_when_balanced() -> Quantities:
    """A false variant: balanced classifiers are orthogonal."""
    return {_label(1): Bracket.exactly(0.0)}


def predict_below_chance() -> Quantities:
    """Minority classes are recognised less often than by guessing."""
    return {_label(RATIOS[-1]): Bracket.exactly(CHANCE)}


def predict_all_below_chance() -> Quantities:
    """A false variant: that is so without imbalance too."""
    return {_label(1): Bracket.exactly(CHANCE)}


def measure_accuracy(setting: Setting) -> Quantities:
    """Test accuracy on the minority classes, over trials."""
    return {
        _label(ratio): interval_over_trials(found.outcome.accuracy[MAJORITY:].mean() for found in _networks(setting, ratio))
        for ratio in MEASURED[setting.full]
    }


def predict_earlier() -> Quantities:
    """Networks collapse earlier than their energies say."""
    return {_label(EARLY): Bracket.exactly(MISFIT)}


def predict_no_misfit() -> Quantities:
    """The energy that weight decay holds back, that of all samples, foretells the cosine where networks are not collapsing yet."""
    return {f"{_label(FORESEEN)}, energy of all samples": Bracket(-SMALL_MISFIT, SMALL_MISFIT)}


def predict_no_misfit_by_class() -> Quantities:
    """A false variant: the energy that is averaged over every class does."""
    return {_label(FORESEEN): Bracket(-SMALL_MISFIT, SMALL_MISFIT)}


def predict_balanced_misfit() -> Quantities:
    """A false variant: networks with balanced classes are as far from the model."""
    return {_label(RATIOS[0]): Bracket.exactly(MISFIT)}


def measure_misfit(setting: Setting) -> Quantities:
    """Measured cosine less the cosine of the Layer-Peeled optimum at the measured energies, over trials."""
    found: dict[str, Quantity] = {}
    for ratio in MEASURED[setting.full]:
        minority, majority = _cosines(_networks(setting, ratio)) - _foreseen(_networks(setting, ratio))
        found |= {_label(ratio): interval_over_trials(minority), f"majority, {_label(ratio)}": interval_over_trials(majority)}
    networks = _networks(setting, FORESEEN)
    misfit = _cosines(networks) - _foreseen(networks, energy="sample")
    found[f"{_label(FORESEEN)}, energy of all samples"] = interval_over_trials(misfit[0])
    if setting.full:
        networks = _networks(setting, EARLY)
        unbiased = trained(setting.full, EARLY, 1.0, setting.seed, last_bias=False)
        centred = _cosines(networks) - _foreseen(networks, energy="centred")
        found[f"{_label(EARLY)}, energy of centred features"] = interval_over_trials(centred[0])
        found[f"{_label(EARLY)}, without last bias"] = interval_over_trials((_cosines(unbiased) - _foreseen(unbiased))[0])
    return found


@cache
def _foreseen(networks: tuple[Trained, ...], *, energy: str = "class") -> np.ndarray:
    """Cosine among minority and among majority classes of the certified optimum, (2, trials), at the energies and counts of every trial.

    "class" averages ‖h‖² over every class, as the model of the sources does; "centred" does so after centring; "sample" bounds the sum over
    all samples.
    """
    cosines = []
    for found in networks:
        energies = {"class": found.outcome.feature_energy, "centred": found.centred_energy, "sample": found.sample_energy}
        problem = LayerPeeled.from_groups(
            [(MAJORITY, int(found.counts[0])), (MINORITY, int(found.counts[-1]))],
            feature_energy=energies[energy],
            weight_energy=found.outcome.weight_energy,
            norm_weights="sample" if energy == "sample" else "class",
        )
        groups = solve(problem, route="factored").groups
        cosines.append([np.nan if group.within_cosine is None else group.within_cosine for group in (groups[-1], groups[0])])
    return np.array(cosines).T


def draw_collapse(setting: Setting) -> Figure:
    """Cosine and accuracy against R, measured and foreseen."""
    ratios = MEASURED[setting.full]
    x = tuple(float(ratio) for ratio in ratios)
    cosines = np.array([_cosines(_networks(setting, ratio))[0] for ratio in ratios])
    accuracy = [np.mean([found.outcome.accuracy[MAJORITY:].mean() for found in _networks(setting, ratio)]) for ratio in ratios]
    foreseen = [_foreseen(_networks(setting, ratio))[0].mean() for ratio in ratios]
    return Figure(
        title="Minority collapse in trained networks",
        caption="Cosine between the classifiers of five minority classes, three hidden layers on MNIST at 10×10 pixels; bars: from the "
        f"least to the largest of {TRIALS[setting.full]} trainings. The model at the "
        "energies measured in the network foresees collapse only later; leaving out the last bias or centring the features, tried at "
        f"R = {EARLY} in the full profile, does not close the gap.",
        x_label="imbalance R",
        y_label="minority cosine; accuracy",
        series=(
            points_over_trials("measured cosine", x, cosines.T, 0),
            Series(label="Layer-Peeled optimum at the measured energies", x=x, y=tuple(map(float, foreseen)), style="line", color=1),
            Series(label="minority test accuracy", x=x, y=tuple(map(float, accuracy)), style="line", color=2),
        ),
        log_x=True,
    )


ROOM = Room(
    statement=Statement(
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
    checks=(
        Check(
            name="cosine-to-one",
            claim="the minority classifiers draw together as R grows, until their cosine is near one",
            evidence=Evidence.EMPIRICAL,
            predict=predict_collapse,
            measure=measure_cosine,
            kind=Kind.LIMIT,
            resolution=NEAR_COLLAPSE,
            reason="one image a class is as far as R can go on these data, and training stops before its limit",
        ),
        Check(
            name="frame-when-balanced",
            claim="at R = 1 their cosine is −1/(K−1)",
            evidence=Evidence.EMPIRICAL,
            predict=predict_frame,
            measure=measure_cosine,
            resolution=2.1 * NEAR_FRAME,
            headroom=2.0,
            reason="ReLU features and the bias of the last layer are not in the model, and training stops early; an interval over eight "
            "trainings is .02 wide, and a hundred times as many would make it a tenth of that",
        ),
        Check(
            name="below-chance",
            claim="at the largest R minority classes are recognised less often than by guessing among all classes",
            origin=Origin.DERIVED,
            evidence=Evidence.EMPIRICAL,
            predict=predict_below_chance,
            measure=measure_accuracy,
            kind=Kind.UPPER_BOUND,
        ),
        Check(
            name="earlier-than-predicted",
            claim=f"at R = {EARLY} the cosine is larger, by {MISFIT} or more, than in the optimum at the measured energies",
            evidence=Evidence.EMPIRICAL,
            predict=predict_earlier,
            measure=measure_misfit,
            kind=Kind.LOWER_BOUND,
            origin=Origin.DERIVED,
        ),
        Check(
            name="energy-of-all-samples",
            claim=f"at R = {FORESEEN} the optimum at the energy of all samples, which weight decay holds back, foretells the cosine",
            evidence=Evidence.EMPIRICAL,
            predict=predict_no_misfit,
            measure=measure_misfit,
            resolution=0.2,
            headroom=2.0,
            reason="an interval over eight trainings is .08 wide; averaged by class the energies miss by .1",
            origin=Origin.DERIVED,
        ),
    ),
    controls=(
        Control(name="orthogonal", claim="the minority classifiers become orthogonal", check="cosine-to-one", predict=predict_orthogonal),
        Control(name="half-way", claim="they come half of the way", check="cosine-to-one", predict=predict_half_way),
        Control(name="majority-too", claim="so do majority classifiers", check="cosine-to-one", predict=predict_majority_collapse),
        Control(
            name="balanced-orthogonal",
            claim="balanced classifiers are orthogonal",
            check="frame-when-balanced",
            predict=predict_orthogonal_when_balanced,
        ),
        Control(name="always-unknown", claim="nor are they at R = 1", check="below-chance", predict=predict_all_below_chance),
        Control(
            name="balanced-too",
            claim="networks with balanced classes are as far from the model",
            check="earlier-than-predicted",
            predict=predict_balanced_misfit,
        ),
        Control(
            name="averaged-by-class",
            claim="so does the optimum at the energy that is averaged over every class",
            check="energy-of-all-samples",
            predict=predict_no_misfit_by_class,
        ),
    ),
    figures=(draw_collapse,),
)
