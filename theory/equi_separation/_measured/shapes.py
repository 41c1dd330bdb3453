"""The shape in which log D falls through the layers of trained networks, and its picture."""

from typing import TYPE_CHECKING

import numpy as np

from layerpeel.numerics import Bracket, fit_decay
from layerpeel.theory import Figure, Series, Setting
from layerpeel.theory._trials import interval_over_trials, points_over_trials
from layerpeel.theory.equi_separation._networks import TRIALS, correlation_over_trials, factor_over_trials, networks

if TYPE_CHECKING:
    from layerpeel.gpu_train.studies import SeparationCurves

OBEYING = ("shallow", "middle", "deep", "companion")
"""What is held to the law: three depths, and the control's recipe with batch norm."""
POWERS = np.geomspace(1 / 20, 20, 401)
"""Powers tried, 1.5 % apart. The first is nearly a fall in the first layer alone, the last nearly one in the last layer alone."""


def shapes(trained_networks: "dict[str, tuple[SeparationCurves, ...]]") -> dict[str, Bracket]:
    """What the law bounds, how far D falls, and how many images are labelled correctly."""
    measured: dict[str, Bracket] = {}
    for name, trials in trained_networks.items():
        fits = [fit(curves.fuzziness[-1]) for curves in trials]
        lost = [int(curves.by_class.shape[1] - 1 - curves.rank_between.min()) for curves in trials]
        measured |= {
            f"{name}: decay ratio": factor_over_trials(each["decay ratio"] for each in fits),
            f"{name}: Pearson's r": correlation_over_trials(each["Pearson's r"] for each in fits),
            f"{name}: largest residual": factor_over_trials(each["largest residual"] for each in fits),
            f"{name}: lost rank of SSB": Bracket(min(lost), max(lost)),
            f"{name}: log fall": interval_over_trials(each["log fall"] for each in fits),
            f"{name}: accuracy": interval_over_trials(curves.accuracy[0] for curves in trials),
        }
    return measured


def powers(trained_networks: "dict[str, tuple[SeparationCurves, ...]]") -> dict[str, Bracket]:
    """The best power of depth, and its distance from one as a factor."""
    measured: dict[str, Bracket] = {}
    for name, trials in trained_networks.items():
        logs = np.log([best_power(np.log(curves.fuzziness[-1])) for curves in trials])
        measured |= {name: factor_over_trials(np.exp(np.abs(logs))), f"{name}: power": factor_over_trials(np.exp(logs))}
    return measured


def fit(fuzziness: np.ndarray) -> dict[str, float]:
    """What the law speaks of."""
    law, logs = fit_decay(fuzziness), np.log(fuzziness)
    return {
        "decay ratio": law.decay_ratio,
        "log fall": float(logs[-1] - logs[0]),
        "Pearson's r": law.pearson,
        "largest residual": law.max_residual / float(np.ptp(logs)),
    }


def best_power(logs: np.ndarray) -> float:
    """Of POWERS, the γ with the largest squared correlation of tᵞ and log D."""
    depths = np.arange(len(logs))[:, None] ** POWERS
    depths -= depths.mean(axis=0)
    explained = ((logs - logs.mean()) @ depths) ** 2 / (depths**2).sum(axis=0)
    return float(POWERS[np.argmax(explained)])


def draw_law(setting: Setting) -> Figure:
    """D through the layers of all networks, and the fitted lines of those that obey."""
    series: list[Series] = []
    for color, (name, trials) in enumerate(networks(setting).items()):
        ends = np.array([curves.fuzziness[-1] for curves in trials])
        layers = np.arange(ends.shape[1])
        x = tuple(layers.tolist())
        series.append(points_over_trials(f"{name}, {len(x) - 1} layers", x, ends, color, logarithmic=True))
        line = np.exp(np.polyval(np.polyfit(layers, np.log(ends).mean(axis=0), 1), layers))
        if name in OBEYING:
            series.append(Series.line(f"the law, ρ = {line[1] / line[0]:.2f}", x, line, color))
    return Figure(
        title="Separation through the layers",
        caption=f"MNIST at 10×10 pixels, 100 images a class, {TRIALS[setting.profile]} trainings of each network or more; points: "
        "geometric means, bars: from the least to the largest. Layer 0 is the input. Without batch norm D falls in all, which the law "
        "allows, but not by a constant factor: mostly at the first layer and the last. The companion differs from it by batch norm alone. "
        "Trained longer it falls farther: how far D falls is a weak control, so what is judged is how straight. Linear layers lower D "
        "once at most.",
        x_label="layer",
        y_label="separation fuzziness D",
        series=tuple(series),
        log_y=True,
    )
