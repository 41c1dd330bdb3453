"""Residual blocks as the unit of equi-separation: nets that mix blocks of two and three layers show what a block gains, and what a layer.

The source says that the block is the unit. Then a block gains as much whether it holds two layers or three; were the layer the unit, as in
a plain net, a block of three would gain one and a half times as much as one of two. Both orders of the mix are trained, so that the place
of a block in the net counts for neither.
"""

import numpy as np

from layerpeel.theory import (
    Evidence,
    Kind,
    Origin,
    Room,
    Source,
    Statement,
    Variant,
    Verdict,
    claim,
    instances,
)
from layerpeel.theory._trials import intervals_over_trials
from layerpeel.theory.equi_separation._measured import residual_blocks as blocks
from layerpeel.theory.equi_separation._networks import WIDTH

SHARPNESS = 0.4
"""Widest interval of the logarithm of a ratio of gains that still says which unit it is: log 1.5 is .405."""
SHARP_ENOUGH = "narrower than what separates the two units; an interval over eighteen trainings is .17 wide, half that over seventy"

NO_MORE = 0.1
"""Advantage of blocks, in log D, that is no more than trainings differ by; log D falls by about two over the blocks."""

RATIO = "log of the gain of three layers over that of two"
RISING = (*blocks.MIXES, "plain net")

ROOM = Room.of(
    Statement(
        name="residual-block-is-the-unit",
        title="Residual blocks are the unit of equi-separation",
        latex=r"\log D_{b-1}-\log D_b\ \text{is the same for all residual blocks } b\text{, of two layers or of three}",
        assumptions=(
            (
                f"a first layer and {len(blocks.FIRST_MIX)} residual blocks, two layers and three in turn, of width {WIDTH}, "
                "with batch norm and ReLU"
            ),
            "MNIST at 10×10 pixels, 100 images a class; both orders of the mix, so that a block's place counts for neither kind",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("he2023", "residual networks; su2024, Part II, the mix of blocks of two and three layers"),
        meaning="The source counts a residual block as one unit of equal gain, yet in small MNIST networks a block of three layers gains "
        "more than one of two, if less than twice as much. Do not take blocks of different depth as equal steps.",
    ),
    claim(
        "equal-gains",
        'as "all modules are created equal" reads for blocks: a block gains as much whether it holds two layers or three',
        over=RATIO,
        predict=0.0,
        measure_all=lambda setting: intervals_over_trials({RATIO: blocks.gain_ratio(blocks.mixes(setting, skip=True))}),
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
        measure_all=lambda setting: intervals_over_trials({RATIO: blocks.gain_ratio(blocks.mixes(setting, skip=True))}),
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
        measure_all=lambda setting: intervals_over_trials({RATIO: blocks.gain_ratio(blocks.mixes(setting, skip=False))}),
        by="the same for stretches of two and three layers of a plain net",
        false={"stretches-are-the-unit": ("a stretch of a plain net gains as much whether it holds two layers or three", 0.0)},
        evidence=Evidence.EMPIRICAL.within(SHARPNESS, SHARP_ENOUGH, headroom=2.0),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
    ),
    claim(
        "no-better-at-equal-points",
        "on equally many points a line fits block outputs no better, by more than .1 in log D, than the last layers inside",
        over=f"{blocks.ADVANTAGE}last layers inside",
        predict=NO_MORE,
        measure_all=lambda setting: intervals_over_trials(
            blocks.advantages(blocks.mixes(setting, skip=True))
            | {f"plain net: {label}": values for label, values in blocks.advantages(blocks.mixes(setting, skip=False)).items()}
        ),
        by="the largest residual of log D over the last layers inside the blocks, less that over the block outputs; over first layers "
        "likewise; for the control, over all layers from the input on, less that over the block outputs from the input on: a line over "
        "twelve points counts the fall of the first layer, as large as a block's, as one step among eleven; and all of it for stretches "
        "of a plain net",
        false={
            "unequal-points": Variant(
                "nor does it fit block outputs better than all layers, which are twice as many",
                NO_MORE,
                over=f"{blocks.ADVANTAGE}all layers",
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
        measure_all=lambda setting: intervals_over_trials(blocks.rises(setting)),
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
    figures=(blocks.draw_blocks,),
)
