"""Residual blocks as the unit of equi-separation: nets that mix blocks of two and three layers show what a block gains, and what a layer.

The source says that the block is the unit. Then a block gains as much whether it holds two layers or three; were the layer the unit, as in
a plain net, a block of three would gain one and a half times as much as one of two. Both orders of the mix are trained, so that the place
of a block in the net counts for neither.
"""

from collections.abc import Mapping

import numpy as np

from layerpeel.numerics import fit_decay
from layerpeel.theory import (
    Evidence,
    Figure,
    Kind,
    Origin,
    Profile,
    Room,
    Series,
    Setting,
    Source,
    Statement,
    Variant,
    Verdict,
    claim,
    instances,
)
from layerpeel.theory._trials import intervals_over_trials, points_over_trials
from layerpeel.theory.equi_separation._networks import WIDTH, Sizes, block_outputs, blocks_trained

MIXES: dict[str, Sizes] = instances("blocks of {}, {}, {}, {}", (2, 3, 2, 3), (3, 2, 3, 2))
FIRST_MIX, _ = MIXES.values()

EPOCHS = {Profile.QUICK: 12, Profile.FULL: 100}
"""Passes over the data."""

TRIALS = 18
"""Independent trainings of each net: the interval then reaches .9 standard deviations to each side."""

SHARPNESS = 0.4
"""Widest interval of the logarithm of a ratio of gains that still says which unit it is: log 1.5 is .405."""
SHARP_ENOUGH = "narrower than what separates the two units; an interval over eighteen trainings is .17 wide, half that over seventy"

NO_MORE = 0.1
"""Advantage of blocks, in log D, that is no more than trainings differ by; log D falls by about two over the blocks."""

RATIO = "log of the gain of three layers over that of two"
ADVANTAGE = "advantage of block outputs over "
RISING = (*MIXES, "plain net")

ROOM = Room.of(
    Statement(
        name="residual-block-is-the-unit",
        title="Residual blocks are the unit of equi-separation",
        latex=r"\log D_{b-1}-\log D_b\ \text{is the same for all residual blocks } b\text{, of two layers or of three}",
        assumptions=(
            f"a first layer and {len(FIRST_MIX)} residual blocks, two layers and three in turn, of width {WIDTH}, with batch norm and ReLU",
            "MNIST at 10×10 pixels, 100 images a class; both orders of the mix, so that a block's place counts for neither kind",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("he2023", "residual networks; su2024, Part II, the mix of blocks of two and three layers"),
    ),
    claim(
        "equal-gains",
        'as "all modules are created equal" reads for blocks: a block gains as much whether it holds two layers or three',
        over=RATIO,
        predict=0.0,
        measure_all=lambda setting: intervals_over_trials({RATIO: gain_ratio(mixes(setting, skip=True))}),
        by="what blocks of three layers gain, over what blocks of two gain, summed over both orders of the mix",
        false={},
        evidence=Evidence.EMPIRICAL.within(SHARPNESS, SHARP_ENOUGH, headroom=2.0),
        kind=Kind.EQUALITY,
        expected=Verdict.REFUTED,
    ),
    claim(
        "three-layers-gain-more",
        "a block of three layers gains more than one of two",
        over=RATIO,
        predict=0.0,
        measure_all=lambda setting: intervals_over_trials({RATIO: gain_ratio(mixes(setting, skip=True))}),
        by="the same",
        false={
            "layers-behind-the-first": (
                "it gains at least twice as much: what counts are the layers behind the first of a block",
                np.log(2.0),
            )
        },
        evidence=Evidence.EMPIRICAL,
        kind=Kind.LOWER_BOUND,
        origin=Origin.DERIVED,
    ),
    claim(
        "without-skips",
        "in a plain net stretches of two and three layers gain as 2 to 3: there the layer is the unit, and it shows",
        over=RATIO,
        predict=np.log(1.5),
        measure_all=lambda setting: intervals_over_trials({RATIO: gain_ratio(mixes(setting, skip=False))}),
        by="the same for stretches of two and three layers of a plain net",
        false={"stretches-are-the-unit": ("a stretch of a plain net gains as much whether it holds two layers or three", 0.0)},
        evidence=Evidence.EMPIRICAL.within(SHARPNESS, SHARP_ENOUGH, headroom=2.0),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
    ),
    claim(
        "no-better-at-equal-points",
        "on equally many points a line fits block outputs no better, by more than .1 in log D, than the last layers inside",
        over=f"{ADVANTAGE}last layers inside",
        predict=NO_MORE,
        measure_all=lambda setting: intervals_over_trials(
            advantages(mixes(setting, skip=True))
            | {f"plain net: {label}": values for label, values in advantages(mixes(setting, skip=False)).items()}
        ),
        by="the largest residual of log D over the last layers inside the blocks, less that over the block outputs; over first layers "
        "likewise; for the control, over all layers from the input on, less that over the block outputs from the input on: a line over "
        "twelve points counts the fall of the first layer, as large as a block's, as one step among eleven; and all of it for stretches "
        "of a plain net",
        false={
            "unequal-points": Variant(
                "nor does it fit block outputs better than all layers, which are twice as many", NO_MORE, over=f"{ADVANTAGE}all layers"
            )
        },
        evidence=Evidence.EMPIRICAL,
        kind=Kind.UPPER_BOUND,
        origin=Origin.DERIVED,
    ),
    claim(
        "rises-before-relu",
        "D rises from the input of a block to its first normalised layer, but so it does in a plain net: no mark of blocks",
        over=instances("{}", *RISING),
        predict=0.0,
        measure_all=lambda setting: intervals_over_trials(rises(setting)),
        by="the mean over blocks of log D after the first normalised layer, less log D of the block's input; and behind its ReLU",
        false={
            "rises-after-relu": Variant(
                "D is higher behind the nonlinearity of that layer too", 0.0, over=instances("{}, after ReLU", *RISING)
            )
        },
        evidence=Evidence.EMPIRICAL,
        kind=Kind.LOWER_BOUND,
        origin=Origin.DERIVED,
    ),
    figures=(lambda setting: draw_blocks(setting),),
)


def blocks(setting: Setting, sizes: Sizes, *, skip: bool) -> tuple[np.ndarray, np.ndarray]:
    """log D of the input and of every layer, and of the first normalised layer of every block, (trials, layers)."""
    return blocks_trained(sizes, EPOCHS[setting.profile], TRIALS, setting.seed, skip=skip)


def mixes(setting: Setting, *, skip: bool) -> dict[Sizes, np.ndarray]:
    """log D of all layers for both orders; one plain net is cut into stretches in both orders."""
    return {sizes: blocks(setting, sizes if skip else FIRST_MIX, skip=skip)[0] for sizes in MIXES.values()}


def gain_ratio(of: Mapping[Sizes, np.ndarray]) -> np.ndarray:
    """log of the fall of log D over blocks of three layers, divided by that over blocks of two, one number per trial."""
    gained = dict.fromkeys((2, 3), 0.0)
    for sizes, logs in of.items():
        gains = -np.diff(logs[:, block_outputs(sizes)], axis=1)
        for size in gained:
            gained[size] = gained[size] + gains[:, np.equal(sizes, size)].sum(axis=1)
    return np.log(gained[3] / gained[2])


def advantages(of: Mapping[Sizes, np.ndarray]) -> dict[str, list[float]]:
    """How much farther from a line other layers lie than block outputs, for every trial of both orders."""
    values: dict[str, list[float]] = {"last layers inside": [], "first layers inside": [], "all layers": []}
    for sizes, trials in of.items():
        ends = block_outputs(sizes)
        last, first = [end - 1 for end in ends[1:]], [before + 1 for before in ends[:-1]]
        for logs in trials:
            outputs = residual(logs[ends[1:]])
            values["last layers inside"].append(residual(logs[last]) - outputs)
            values["first layers inside"].append(residual(logs[first]) - outputs)
            values["all layers"].append(residual(logs) - residual(logs[[0, *ends]]))
    return {ADVANTAGE + others: each for others, each in values.items()}


def residual(logs: np.ndarray) -> float:
    """Largest distance of log D from its line."""
    return fit_decay(np.exp(logs)).max_residual


def rises(setting: Setting) -> dict[str, np.ndarray]:
    """What log D gains from the input of a block to its first normalised layer, and to the nonlinearity behind it; means over blocks."""
    gained: dict[str, np.ndarray] = {}
    for label, sizes, skip in (*((label, sizes, True) for label, sizes in MIXES.items()), ("plain net", FIRST_MIX, False)):
        logs, entries = blocks(setting, sizes, skip=skip)
        before = np.array(block_outputs(sizes)[:-1])
        gained[label] = (entries - logs[:, before]).mean(axis=1)
        gained[f"{label}, after ReLU"] = (logs[:, before + 1] - logs[:, before]).mean(axis=1)
    return gained


def draw_blocks(setting: Setting) -> Figure:
    """log D against blocks passed; a layer inside a block lies between two whole numbers."""
    series: list[Series] = []
    for color, (label, sizes) in enumerate(MIXES.items()):
        logs, _ = blocks(setting, sizes, skip=True)
        ends = [0, *block_outputs(sizes)]
        inside = [layer for layer in range(logs.shape[1]) if layer not in ends]
        passed = np.interp(np.arange(logs.shape[1]), ends, np.arange(len(ends)))
        series += [
            points_over_trials(f"{label}: {part}", passed[layers], logs[:, layers], color + shift)
            for part, layers, shift in (("outputs", ends, 0), ("layers inside", inside, len(MIXES)))
        ]
    return Figure(
        title="Separation by block, where blocks are of two kinds",
        caption=f"A first layer and {len(FIRST_MIX)} residual blocks of two and three layers on MNIST at 10×10 pixels, {TRIALS} trainings; "
        "points: means, bars: from the least to the largest. Were the block the unit, both nets would fall along one straight line over "
        "whole numbers. A block of three layers gains more than one of two at the same place, by a third or so, and "
        "later blocks gain less than earlier ones. The last layers inside lie on a line as well as outputs do.",
        x_label="blocks passed (0: input, 1: first layer)",
        y_label="log D",
        series=tuple(series),
    )
