"""Residual blocks are the unit of equi-separation: D follows the law from block to block, not from layer to layer inside."""

from functools import cache

import numpy as np

from numerics import Bracket, fit_decay
from theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Quantity, Room, Series, Setting, Source, Statement
from theory._small_images import balanced
from theory._trials import interval_over_trials
from theory.equi_separation._networks import WIDTH

SIZES = (2, 3)
"""Linear layers of a block."""

BLOCKS = 4
"""Blocks after the first layer."""

EPOCHS = {False: 20, True: 100}
"""Passes over the data, by profile; all training images are labelled correctly after 20."""

TRIALS = 8
"""Independent trainings: the interval then reaches two standard deviations to each side."""


def _layers(size: int) -> tuple[list[str], list[int], list[int]]:
    """Names of all layers after their nonlinearity; positions (the input is 0) of block outputs; of the layers that begin a branch.

    Child 1 of the network is its first layer, children 2, 3, … are blocks; a branch is Linear, batch norm, ReLU, Linear, batch norm, …
    """
    names, outputs, entries = ["1"], [0, 1], list[int]()
    for block in range(2, 2 + BLOCKS):
        entries.append(len(names) + 1)
        names += [f"{block}.branch.{3 * inner + 2}" for inner in range(size - 1)] + [f"{block}"]
        outputs.append(len(names))
    return names, outputs, entries


@cache
def _trained(full: bool, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """log D of the input and of every layer after its nonlinearity; and of the first normalised layer of every branch."""
    from gpu_train.experiments import one_thread
    from gpu_train.networks import residual_feed_forward
    from gpu_train.studies import separation_at
    from gpu_train.training import Recipe

    one_thread()
    recipe = Recipe(epochs=EPOCHS[full], learning_rate=0.03, optimizer="momentum", weight_decay=5e-4)
    names = _layers(size)[0] + [f"{block}.branch.1" for block in range(2, 2 + BLOCKS)]
    logs = np.log(
        [
            separation_at(lambda: residual_feed_forward(100, 10, WIDTH, BLOCKS, size), balanced(rng)[0], names, recipe, rng)
            for rng in np.random.default_rng([seed, size]).spawn(TRIALS)
        ]
    )
    return logs[:, :-BLOCKS], logs[:, -BLOCKS:]


def _label(size: int) -> str:
    return f"blocks of {size}"


def predict_better() -> Quantities:
    """Blocks leave smaller residuals than layers."""
    return {_label(size): Bracket.exactly(0.0) for size in SIZES}


def predict_layers_better() -> Quantities:
    """A false variant: layers leave the smaller residuals."""
    return {_label(size): Bracket.exactly(0.0) for size in SIZES}


def measure_advantage(setting: Setting) -> Quantities:
    """Largest residual of log D over all layers less that over the blocks alone, both from the input on; and the two themselves."""
    found: dict[str, Quantity] = {}
    for size in SIZES:
        layers, blocks = _residuals(setting, size, first=0).T
        found[_label(size)] = interval_over_trials(layers - blocks)
        found |= {f"{_label(size)}: by {unit}": interval_over_trials(values) for unit, values in (("layer", layers), ("block", blocks))}
    return found


def _residuals(setting: Setting, size: int, *, first: int) -> np.ndarray:
    """Largest residual by layer and by block, (trials, 2); `first` = 1 leaves out the input."""
    blocks = _layers(size)[1][first:]
    return np.array([(_residual(logs[first:]), _residual(logs[blocks])) for logs in _trained(setting.full, size, setting.seed)[0]])


def _residual(logs: np.ndarray) -> float:
    return fit_decay(np.exp(logs)).max_residual


def predict_stem() -> Quantities:
    """Some of the advantage is gone when the input is left out."""
    return {_label(size): Bracket.exactly(0.0) for size in SIZES}


def predict_no_stem() -> Quantities:
    """A false variant: the input makes no difference for the better."""
    return {_label(size): Bracket.exactly(0.0) for size in SIZES}


def measure_stem(setting: Setting) -> Quantities:
    """What the advantage loses when the input is left out, over trials."""
    found: dict[str, Quantity] = {}
    for size in SIZES:
        losses = _residuals(setting, size, first=0) - _residuals(setting, size, first=1)
        found[_label(size)] = interval_over_trials(losses[:, 0] - losses[:, 1])
    return found


def predict_rise() -> Quantities:
    """Inside a block D first rises."""
    return {_label(size): Bracket.exactly(0.0) for size in SIZES}


def predict_fall() -> Quantities:
    """A false variant: it falls there as everywhere."""
    return {_label(size): Bracket.exactly(0.0) for size in SIZES}


def measure_rise(setting: Setting) -> Quantities:
    """Mean over blocks of log D after the first normalised layer of the branch, less log D of the block's input."""
    found: dict[str, Quantity] = {}
    for size in SIZES:
        logs, entries = _trained(setting.full, size, setting.seed)
        found[_label(size)] = interval_over_trials((entries - logs[:, _layers(size)[1][1:-1]]).mean(axis=1))
    return found


def draw_blocks(setting: Setting) -> Figure:
    """log D against blocks passed, with the line over blocks; a layer inside a block lies between two whole numbers."""
    series: list[Series] = []
    for color, size in enumerate(SIZES):
        logs = _trained(setting.full, size, setting.seed)[0]
        _, blocks, _ = _layers(size)
        centre, inside = logs.mean(axis=0), [layer for layer in range(logs.shape[1]) if layer not in blocks]
        passed, whole = np.interp(np.arange(logs.shape[1]), blocks, np.arange(len(blocks))), np.arange(len(blocks))
        line = np.polyval(np.polyfit(whole, centre[blocks], 1), whole)
        series += [
            *(
                Series(
                    label=f"{_label(size)}: {part}",
                    x=tuple(passed[layers].tolist()),
                    y=tuple(centre[layers].tolist()),
                    style="points",
                    color=color + shift,
                    low=tuple(logs[:, layers].min(axis=0).tolist()),
                    high=tuple(logs[:, layers].max(axis=0).tolist()),
                )
                for part, layers, shift in (("outputs of blocks", blocks, 0), ("layers inside", inside, len(SIZES)))
            ),
            Series(
                label=f"{_label(size)}: the law over blocks",
                x=tuple(whole.astype(float).tolist()),
                y=tuple(line.tolist()),
                style="line",
                color=color,
            ),
        ]
    return Figure(
        title="Separation by block and by layer",
        caption=f"A first layer and {BLOCKS} residual blocks on MNIST at 10×10 pixels, {TRIALS} trainings; points: means, "
        "bars: from the least to the largest. The first layer, alone, gains as much as a block or more, so it counts as one: that is "
        "most of what a line over all layers misses. Later blocks gain less than earlier ones.",
        x_label="blocks passed (0: input, 1: first layer)",
        y_label="log D",
        series=tuple(series),
    )


ROOM = Room(
    statement=Statement(
        name="residual-block-is-the-unit",
        title="Residual blocks are the unit of equi-separation",
        latex=r"D_{b}\approx c\,\rho^{\,b}\ \text{over blocks } b,\ \text{better than over the layers inside them}",
        assumptions=(
            f"a first layer and {BLOCKS} residual blocks of two or three layers of width {WIDTH}, with batch norm and ReLU",
            "MNIST at 10×10 pixels, 100 images a class; layer 0 is the input",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("he2023", "residual networks; su2024, Part II"),
    ),
    checks=(
        Check(
            name="blocks-follow-better",
            claim="from the input on, the line over blocks leaves smaller residuals than the line over layers",
            evidence=Evidence.EMPIRICAL,
            predict=predict_better,
            measure=measure_advantage,
            kind=Kind.LOWER_BOUND,
        ),
        Check(
            name="partly-the-first-layer",
            claim="a part of that advantage is the first layer's, which alone gains as much as a block or more",
            evidence=Evidence.EMPIRICAL,
            predict=predict_stem,
            measure=measure_stem,
            kind=Kind.LOWER_BOUND,
        ),
        Check(
            name="rises-inside",
            claim="inside a block, D first rises: the first normalised layer of a branch separates less than the block's input",
            evidence=Evidence.EMPIRICAL,
            predict=predict_rise,
            measure=measure_rise,
            kind=Kind.LOWER_BOUND,
        ),
    ),
    controls=(
        Control(
            name="layers-better",
            claim="layers follow the law better than blocks",
            check="blocks-follow-better",
            predict=predict_layers_better,
            kind=Kind.UPPER_BOUND,
        ),
        Control(
            name="no-first-layer",
            claim="the advantage does not come from the first layer",
            check="partly-the-first-layer",
            predict=predict_no_stem,
            kind=Kind.UPPER_BOUND,
        ),
        Control(name="falls-inside", claim="D falls inside a block too", check="rises-inside", predict=predict_fall, kind=Kind.UPPER_BOUND),
    ),
    figures=(draw_blocks,),
)
