"""The law of equi-separation on real images: log D falls along a straight line through the layers of a trained network."""

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from layerpeel.numerics import Bracket, fit_decay
from layerpeel.theory import Evidence, Figure, Kind, Origin, Room, Series, Setting, Source, Statement, Variant, claim, instances
from layerpeel.theory._trials import interval_over_trials, points_over_trials
from layerpeel.theory.equi_separation._networks import TRIALS, correlation_over_trials, factor_over_trials, networks

if TYPE_CHECKING:
    from layerpeel.gpu_train.studies import SeparationCurves


OBEYING = ("shallow", "middle", "deep", "companion")
"""What is held to the law: three depths, and the control's recipe with batch norm."""

STRAIGHT = -0.985
"""Largest correlation of depth and log D: depth then explains 97 of 100 parts of the variance of log D. The source's linear net reaches
−.93, that is 86 of 100, so less shows nothing."""
RESIDUAL = 0.15
"""Largest residual of log D as a share of its range: a fall in one layer alone leaves two to five times as much."""
BOUNDS = {"decay ratio": 1.0, "Pearson's r": STRAIGHT, "largest residual": RESIDUAL, "lost rank of SSB": 0.0}
"""What the law bounds from above: 0 < ρ < 1, and the shape of the fall. D ignores directions in which class means coincide, so D compares
layers only where SSB has rank K − 1 in all of them."""

POWER = 4 / 3
"""Largest γ, or 1/γ, of the power of depth that explains most of log D: the law is γ = 1. The correlation alone lets powers from 2/3 to 3/2
pass."""
POWERS = np.geomspace(1 / 20, 20, 401)
"""Powers tried, 1.5 % apart. The first is nearly a fall in the first layer alone, the last nearly one in the last layer alone."""

ROOM = Room.of(
    Statement(
        name="equi-separation-law",
        title="The law of equi-separation",
        latex=r"D_t\approx c\,\rho^{\,t},\qquad 0<\rho<1,\qquad D=\operatorname{Tr}(\mathrm{SSW}\,\mathrm{SSB}^{+})",
        assumptions=(
            "feed-forward nets with batch norm and ReLU, trained until they label 98 of 100 training images correctly, or more",
            "MNIST at 10×10 pixels, 100 images a class; layer 0 is the input",
            "a learning rate chosen for the depth, on other seeds",
            "SSB of rank K − 1 in every layer, which is measured",
            "at most twelve layers: at twenty, which the full profile measures, r is −.97 to −.99: the first and last layers gain most",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("he2023", "equation (2); su2024, Part II"),
    ),
    claim(
        "straight-line",
        "at three depths, and for the control's recipe with batch norm, log D falls along a straight line: ρ < 1, r ≤ −.985, "
        "no residual above .15 of the range, and SSB keeps its rank",
        over=instances("{}: {}", *product(OBEYING, BOUNDS)),
        predict=lambda _, quantity: BOUNDS[quantity],
        measure_all=lambda setting: shapes(networks(setting)),
        by="the fit of the line to log D at the end of training, over trials; and the share of training images that are labelled correctly",
        false={
            "without-batch-norm": Variant(
                "a net without batch norm, trained until it labels 98 of 100 training images correctly, has r ≤ −.985 too",
                STRAIGHT,
                over=instances("no batch norm: Pearson's r", ()),
            ),
            "linear-net": Variant("a net without nonlinearity has r ≤ −.985 too", STRAIGHT, over=instances("linear: Pearson's r", ())),
            "as-steep-when-deep": Variant(
                "the deepest net lowers D in a layer as far as the shallowest, to .45 or less: ρ does not depend on depth",
                0.45,
                over=instances("deep: decay ratio", ()),
            ),
        },
        evidence=Evidence.EMPIRICAL.within(0.0, "the whole interval over trials must lie on the side that the law allows"),
        kind=Kind.UPPER_BOUND,
    ),
    claim(
        "first-power",
        "of all curves log D = a + b tᵞ the best has γ between 3/4 and 4/3",
        over=instances("{}", *OBEYING),
        predict=POWER,
        measure_all=lambda setting: powers(networks(setting)),
        by="γ or 1/γ, whichever is larger, for the best power tᵞ of depth; and γ itself",
        false={
            "linear-net-power": Variant(
                "in a net without nonlinearity too the best power is near one", POWER, over=instances("linear", ())
            ),
            "root-of-depth": Variant(
                "log D falls with the root of depth: γ = 1/2", 0.5, kind=Kind.EQUALITY, over=instances("{}: power", *OBEYING)
            ),
        },
        evidence=Evidence.EMPIRICAL.within(0.0, "as before"),
        kind=Kind.UPPER_BOUND,
        origin=Origin.DERIVED,
    ),
    figures=(lambda setting: draw_law(setting),),
)


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
