"""Residual blocks as the unit of equi-separation: nets that mix blocks of two and three layers show what a block gains, and what a layer.

The source says that the block is the unit. Then a block gains as much whether it holds two layers or three; were the layer the unit, as in
a plain net, a block of three would gain one and a half times as much as one of two. Both orders of the mix are trained, so that the place
of a block in the net counts for neither.
"""

from collections.abc import Mapping

import numpy as np

from layerpeel.numerics import Bracket, fit_decay
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
    Verdict,
)
from layerpeel.theory._trials import interval_over_trials, points_over_trials
from layerpeel.theory.equi_separation._networks import WIDTH, Sizes, block_outputs, blocks_trained

MIXES: tuple[Sizes, ...] = ((2, 3, 2, 3), (3, 2, 3, 2))

EPOCHS = {False: 12, True: 100}
"""Passes over the data, by profile."""

TRIALS = 18
"""Independent trainings of each net: the interval then reaches .9 standard deviations to each side."""

SHARPNESS = 0.4
"""Widest interval of the logarithm of a ratio of gains that still says which unit it is: log 1.5 is .405."""

NO_MORE = 0.1
"""Advantage of blocks, in log D, that is no more than trainings differ by; log D falls by about two over the blocks."""


def _mixes(setting: Setting, *, skip: bool) -> dict[Sizes, np.ndarray]:
    """log D of all layers for both orders, (trials, layers); one plain net is cut into stretches in both orders."""
    return {sizes: _trained(setting, sizes if skip else MIXES[0], skip=skip)[0] for sizes in MIXES}


def _trained(setting: Setting, sizes: Sizes, *, skip: bool) -> tuple[np.ndarray, np.ndarray]:
    return blocks_trained(sizes, EPOCHS[setting.full], TRIALS, setting.seed, skip=skip)


def _label(sizes: Sizes) -> str:
    return "blocks of " + ", ".join(map(str, sizes))


RATIO = "log of the gain of three layers over that of two"


def predict_equal_gains() -> Quantities:
    """The block is the unit: a ratio of one."""
    return {RATIO: Bracket.exactly(0.0)}


def predict_more() -> Quantities:
    """A ratio above one."""
    return {RATIO: Bracket.exactly(0.0)}


def predict_by_later_layers() -> Quantities:
    """The layers behind the first of each block are the unit: a ratio of 2."""
    return {RATIO: Bracket.exactly(float(np.log(2.0)))}


def predict_by_layer() -> Quantities:
    """The layer is the unit: a ratio of 3/2."""
    return {RATIO: Bracket.exactly(float(np.log(1.5)))}


def measure_blocks(setting: Setting) -> Quantities:
    """What blocks of three layers gain, over what blocks of two gain, summed over both orders of the mix."""
    return {RATIO: interval_over_trials(_gain_ratio(_mixes(setting, skip=True)))}


def measure_stretches(setting: Setting) -> Quantities:
    """The same for stretches of two and three layers of a plain net."""
    return {RATIO: interval_over_trials(_gain_ratio(_mixes(setting, skip=False)))}


def _gain_ratio(mixes: Mapping[Sizes, np.ndarray]) -> np.ndarray:
    """log of the fall of log D over blocks of three layers, divided by that over blocks of two, one number per trial."""
    gained = dict.fromkeys((2, 3), 0.0)
    for sizes, logs in mixes.items():
        gains = -np.diff(logs[:, block_outputs(sizes)], axis=1)
        for size in gained:
            gained[size] = gained[size] + gains[:, np.equal(sizes, size)].sum(axis=1)
    return np.log(gained[3] / gained[2])


ADVANTAGE = "advantage of block outputs over "


def predict_no_better() -> Quantities:
    """Block outputs have no advantage beyond what trainings differ by."""
    return {f"{ADVANTAGE}last layers inside": Bracket.exactly(NO_MORE)}


def predict_unequal_points() -> Quantities:
    """The same bound where the points are not equally many."""
    return {f"{ADVANTAGE}all layers": Bracket.exactly(NO_MORE)}


def measure_advantage(setting: Setting) -> Quantities:
    """Largest residual of log D over the last layers inside the blocks, less that over the block outputs; over first layers likewise.

    For the control, over all layers from the input on, less that over the block outputs from the input on: a line over twelve points
    counts the fall of the first layer, as large as a block's, as one step among eleven. And all of it for stretches of a plain net.
    """
    found: dict[str, Quantity] = {}
    for part, skip in (("", True), ("plain net: ", False)):
        values: dict[str, list[float]] = {"last layers inside": [], "first layers inside": [], "all layers": []}
        for sizes, trials in _mixes(setting, skip=skip).items():
            ends = block_outputs(sizes)
            last, first = [end - 1 for end in ends[1:]], [before + 1 for before in ends[:-1]]
            for logs in trials:
                blocks = _residual(logs[ends[1:]])
                values["last layers inside"].append(_residual(logs[last]) - blocks)
                values["first layers inside"].append(_residual(logs[first]) - blocks)
                values["all layers"].append(_residual(logs) - _residual(logs[[0, *ends]]))
        found |= {f"{part}{ADVANTAGE}{others}": interval_over_trials(each) for others, each in values.items()}
    return found


def _residual(logs: np.ndarray) -> float:
    return fit_decay(np.exp(logs)).max_residual


def predict_rise() -> Quantities:
    """D rises from the input of a block's first layer to its normalised output."""
    return {**{_label(sizes): Bracket.exactly(0.0) for sizes in MIXES}, "plain net": Bracket.exactly(0.0)}


def predict_rise_through() -> Quantities:
    """The same bound behind the nonlinearity."""
    return {f"{label}, after ReLU": bound for label, bound in predict_rise().items()}


def measure_rise(setting: Setting) -> Quantities:
    """Mean over blocks of log D after the first normalised layer, less log D of the block's input; and behind its ReLU."""
    found: dict[str, Quantity] = {}
    for label, sizes, skip in (*((_label(sizes), sizes, True) for sizes in MIXES), ("plain net", MIXES[0], False)):
        logs, entries = _trained(setting, sizes, skip=skip)
        before = np.array(block_outputs(sizes)[:-1])
        found[label] = interval_over_trials((entries - logs[:, before]).mean(axis=1))
        found[f"{label}, after ReLU"] = interval_over_trials((logs[:, before + 1] - logs[:, before]).mean(axis=1))
    return found


def draw_blocks(setting: Setting) -> Figure:
    """log D against blocks passed; a layer inside a block lies between two whole numbers."""
    series: list[Series] = []
    for color, (sizes, logs) in enumerate(_mixes(setting, skip=True).items()):
        ends = [0, *block_outputs(sizes)]
        inside = [layer for layer in range(logs.shape[1]) if layer not in ends]
        passed = np.interp(np.arange(logs.shape[1]), ends, np.arange(len(ends)))
        series += [
            points_over_trials(f"{_label(sizes)}: {part}", passed[layers], logs[:, layers], color + shift)
            for part, layers, shift in (("outputs", ends, 0), ("layers inside", inside, len(MIXES)))
        ]
    return Figure(
        title="Separation by block, where blocks are of two kinds",
        caption=f"A first layer and {len(MIXES[0])} residual blocks of two and three layers on MNIST at 10×10 pixels, {TRIALS} trainings; "
        "points: means, bars: from the least to the largest. Were the block the unit, both nets would fall along one straight line over "
        "whole numbers. A block of three layers gains more than one of two at the same place, by a third or so, and "
        "later blocks gain less than earlier ones. The last layers inside lie on a line as well as outputs do.",
        x_label="blocks passed (0: input, 1: first layer)",
        y_label="log D",
        series=tuple(series),
    )


ROOM = Room(
    statement=Statement(
        name="residual-block-is-the-unit",
        title="Residual blocks are the unit of equi-separation",
        latex=r"\log D_{b-1}-\log D_b\ \text{is the same for all residual blocks } b\text{, of two layers or of three}",
        assumptions=(
            f"a first layer and {len(MIXES[0])} residual blocks, two layers and three in turn, of width {WIDTH}, with batch norm and ReLU",
            "MNIST at 10×10 pixels, 100 images a class; both orders of the mix, so that a block's place counts for neither kind",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("he2023", "residual networks; su2024, Part II, the mix of blocks of two and three layers"),
    ),
    checks=(
        Check(
            name="equal-gains",
            claim='as "all modules are created equal" reads for blocks: a block gains as much whether it holds two layers or three',
            evidence=Evidence.EMPIRICAL,
            predict=predict_equal_gains,
            measure=measure_blocks,
            kind=Kind.EQUALITY,
            resolution=SHARPNESS,
            headroom=2.0,
            reason="narrower than what separates the two units; an interval over eighteen trainings is .17 wide, half that over seventy",
            expected=Verdict.REFUTED,
        ),
        Check(
            name="three-layers-gain-more",
            claim="a block of three layers gains more than one of two",
            origin=Origin.DERIVED,
            evidence=Evidence.EMPIRICAL,
            predict=predict_more,
            measure=measure_blocks,
            kind=Kind.LOWER_BOUND,
        ),
        Check(
            name="without-skips",
            claim="in a plain net stretches of two and three layers gain as 2 to 3: there the layer is the unit, and it shows",
            origin=Origin.DERIVED,
            evidence=Evidence.EMPIRICAL,
            predict=predict_by_layer,
            measure=measure_stretches,
            kind=Kind.EQUALITY,
            resolution=SHARPNESS,
            headroom=2.0,
            reason="narrower than what separates the two units; an interval over eighteen trainings is .17 wide, half that over seventy",
        ),
        Check(
            name="no-better-at-equal-points",
            claim="on equally many points a line fits block outputs no better, by more than .1 in log D, than the last layers inside",
            origin=Origin.DERIVED,
            evidence=Evidence.EMPIRICAL,
            predict=predict_no_better,
            measure=measure_advantage,
            kind=Kind.UPPER_BOUND,
        ),
        Check(
            name="rises-before-relu",
            claim="D rises from the input of a block to its first normalised layer, but so it does in a plain net: no mark of blocks",
            origin=Origin.DERIVED,
            evidence=Evidence.EMPIRICAL,
            predict=predict_rise,
            measure=measure_rise,
            kind=Kind.LOWER_BOUND,
        ),
    ),
    controls=(
        Control(
            name="layers-behind-the-first",
            claim="it gains at least twice as much: what counts are the layers behind the first of a block",
            check="three-layers-gain-more",
            predict=predict_by_later_layers,
        ),
        Control(
            name="stretches-are-the-unit",
            claim="a stretch of a plain net gains as much whether it holds two layers or three",
            check="without-skips",
            predict=predict_equal_gains,
        ),
        Control(
            name="unequal-points",
            claim="nor does it fit block outputs better than all layers, which are twice as many",
            check="no-better-at-equal-points",
            predict=predict_unequal_points,
        ),
        Control(
            name="rises-after-relu",
            claim="D is higher behind the nonlinearity of that layer too",
            check="rises-before-relu",
            predict=predict_rise_through,
        ),
    ),
    figures=(draw_blocks,),
)
