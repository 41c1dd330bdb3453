"""The law of equi-separation on real images: log D falls along a straight line through the layers of a trained network."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from numerics import Bracket, fit_decay
from theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Quantity, Room, Series, Setting, Source, Statement
from theory._trials import interval_over_trials
from theory.equi_separation._networks import WATCHED, Network, trained

if TYPE_CHECKING:
    from gpu_train.studies import SeparationCurves

TRIALS = {False: 5, True: 16}
"""Independent trainings of each network, by profile: the interval then reaches 3.9 or 1.0 standard
deviations to each side. At twenty layers trainings differ more than at four."""

QUICK = {"shallow": Network(layers=3, epochs=30), "middle": Network(layers=4, epochs=30), "deep": WATCHED[False]}
FULL = {"shallow": Network(layers=4), "middle": WATCHED[True], "deep": Network(layers=20, learning_rate=0.01, epochs=50)}
"""The networks that obey the law."""

WITHOUT_BATCH_NORM = Network(layers=6, batch_norm=False, optimizer="adam", learning_rate=3e-3, weight_decay=0.0, epochs=80)
"""The recipe of the others leaves this network where it was, and an untrained network would refute nothing: Adam takes it to 98 of 100
training images as well."""

CONTROLS = {
    False: {"no batch norm": WITHOUT_BATCH_NORM, "linear": Network(layers=6, linear=True, epochs=30)},
    True: {
        "no batch norm": WITHOUT_BATCH_NORM,
        "linear": Network(layers=8, linear=True, epochs=60),
        "no batch norm, longer": replace(WITHOUT_BATCH_NORM, layers=8, epochs=120),
    },
}
"""Those that do not obey, by profile. A linear one ends at 96 to 98 of 100. The last one is measured only: the longer a network is trained
without batch norm, the farther D falls."""

MORE_TRIALS = {False: 10, True: 16}
"""Trainings without batch norm, by profile: they differ most."""

FALL = -2.0
"""Largest log D(last layer)/D(input) of a network that separates; zero stands for every rise. Linear maps reach about −.4 here, and six
layers without batch norm −1, however well they label the training images."""
UNEXPLAINED = 0.135
"""Largest 1 − r² for Pearson's r of depth and log D, that is r = −.93: the source's linear net reaches that, so less shows nothing."""
RESIDUAL = 0.25
"""Largest residual of log D as a share of its whole fall: half of what a fall in the last layer alone leaves at four layers."""
CURVE = 1.0
"""Variance that the line leaves unexplained, over what the best curve of as many parameters leaves: the line must be the better one."""

BOUNDS = {"log fall": FALL, "1 − r²": UNEXPLAINED, "largest residual": RESIDUAL, "line against curve": CURVE}
"""What the law bounds from above."""


def _law(name: str) -> Quantities:
    return {f"{name}: {quantity}": Bracket.exactly(bound) for quantity, bound in BOUNDS.items()}


def predict_law() -> Quantities:
    """The bounds of a straight and falling line, at three depths."""
    return {label: bound for name in QUICK for label, bound in _law(name).items()}


def predict_without_batch_norm() -> Quantities:
    """The same bounds for a network without batch norm."""
    return _law("no batch norm")


def predict_linear() -> Quantities:
    """The same bounds for a network without nonlinearity."""
    return _law("linear")


def predict_curve() -> Quantities:
    """A false variant: some curve leaves less than half of what the line leaves."""
    return {f"{name}: line against curve": Bracket.exactly(2.0) for name in QUICK}


def measure_law(setting: Setting) -> Quantities:
    """The fit of the line to log D at the end of training, over trials; and the share of training images that are labelled correctly."""
    found: dict[str, Quantity] = {}
    for name, trials in _trials(setting).items():
        fits = [_fit(curves.fuzziness[-1]) for curves in trials]
        found |= {f"{name}: {quantity}": interval_over_trials(fit[quantity] for fit in fits) for quantity in fits[0]}
        found[f"{name}: accuracy"] = interval_over_trials(curves.accuracy[0] for curves in trials)
    return found


def _trials(setting: Setting) -> "dict[str, tuple[SeparationCurves, ...]]":
    """Every network, trained."""
    networks = (FULL if setting.full else QUICK) | CONTROLS[setting.full]
    return {
        name: trained(network, (TRIALS if network.batch_norm else MORE_TRIALS)[setting.full], setting.seed)
        for name, network in networks.items()
    }


def _fit(fuzziness: np.ndarray) -> dict[str, float]:
    """What the law speaks of; the curves are D itself on a line, a power of 1 + t, and a fall in the last layer alone."""
    law, logs, layers = fit_decay(fuzziness), np.log(fuzziness), np.arange(len(fuzziness))
    curves = (
        _unexplained(layers, fuzziness),
        _unexplained(np.log1p(layers), logs),
        _unexplained(layers == layers[-1], logs),
    )
    return {
        "decay ratio": law.decay_ratio,
        "log fall": min(float(logs[-1] - logs[0]), 0.0),
        "1 − r²": _unexplained(layers, logs),
        "largest residual": law.max_residual / abs(layers[-1] * np.log(law.decay_ratio)),
        "line against curve": _unexplained(layers, logs) / min(curves),
    }


def _unexplained(x: np.ndarray, y: np.ndarray) -> float:
    """1 − r²."""
    return float(1.0 - np.corrcoef(x, y)[0, 1] ** 2)


def draw_law(setting: Setting) -> Figure:
    """D through the layers of all networks, and the fitted lines of those that obey."""
    series: list[Series] = []
    for color, (name, trials) in enumerate(_trials(setting).items()):
        ends = np.array([curves.fuzziness[-1] for curves in trials])
        layers = np.arange(ends.shape[1])
        centre, low, high = np.exp(np.log(ends).mean(axis=0)), ends.min(axis=0), ends.max(axis=0)
        x = tuple(layers.tolist())
        series.append(
            Series(
                label=f"{name}, {len(x) - 1} layers",
                x=x,
                y=tuple(centre.tolist()),
                style="points",
                color=color,
                low=tuple(low.tolist()),
                high=tuple(high.tolist()),
            )
        )
        line = np.exp(np.polyval(np.polyfit(layers, np.log(centre), 1), layers))
        if name in QUICK:
            series.append(Series(label=f"the law, ρ = {line[1] / line[0]:.2f}", x=x, y=tuple(line.tolist()), style="line", color=color))
    return Figure(
        title="Separation through the layers",
        caption=f"MNIST at 10×10 pixels, 100 images a class, {TRIALS[setting.full]} trainings of each network or more; points: geometric "
        "means, bars: from the least to the largest. Layer 0 is the input. Without batch norm, though trained to label as many images "
        "correctly, or without nonlinearity, D does not fall by a constant factor.",
        x_label="layer",
        y_label="separation fuzziness D",
        series=tuple(series),
        log_y=True,
    )


ROOM = Room(
    statement=Statement(
        name="equi-separation-law",
        title="The law of equi-separation",
        latex=r"D_t\approx c\,\rho^{\,t},\qquad 0<\rho<1,\qquad D=\operatorname{Tr}(\mathrm{SSW}\,\mathrm{SSB}^{+})",
        assumptions=(
            "feed-forward nets with batch norm and ReLU, trained until they label 98 of 100 training images correctly, or more",
            "MNIST at 10×10 pixels, 100 images a class; layer 0 is the input",
            "a learning rate chosen for the depth, on other seeds",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("he2023", "equation (2); su2024, Part II"),
    ),
    checks=(
        Check(
            name="straight-line",
            claim="at three depths log D falls along a straight line: slope, correlation, largest residual, and no curve does better",
            evidence=Evidence.EMPIRICAL,
            predict=predict_law,
            measure=measure_law,
            kind=Kind.UPPER_BOUND,
            reason="the whole interval over trials must lie on the side that the law allows",
        ),
    ),
    controls=(
        Control(
            name="without-batch-norm", claim="a net without batch norm obeys too", check="straight-line", predict=predict_without_batch_norm
        ),
        Control(name="linear-net", claim="a net without nonlinearity obeys too", check="straight-line", predict=predict_linear),
        Control(
            name="curve",
            claim="a curve of as many parameters leaves less than half of what the line leaves",
            check="straight-line",
            predict=predict_curve,
            kind=Kind.LOWER_BOUND,
        ),
    ),
    figures=(draw_law,),
)
