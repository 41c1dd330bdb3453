"""What blocks of two and of three layers gain in trained residual nets, and its picture."""

from collections.abc import Mapping

import numpy as np

from layerpeel.numerics import fit_decay
from layerpeel.theory import Figure, Profile, Series, Setting, instances
from layerpeel.theory._trials import points_over_trials
from layerpeel.theory.equi_separation._networks import Sizes, block_outputs, blocks_trained

MIXES: dict[str, Sizes] = instances("blocks of {}, {}, {}, {}", (2, 3, 2, 3), (3, 2, 3, 2))
FIRST_MIX, _ = MIXES.values()
EPOCHS = {Profile.QUICK: 12, Profile.FULL: 100}
"""Passes over the data."""
TRIALS = 18
"""Independent trainings of each net: the interval then reaches .9 standard deviations to each side."""
ADVANTAGE = "advantage of block outputs over "


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
