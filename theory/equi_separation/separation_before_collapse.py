"""Separation before collapse: the straight line through log D is there while the last layer is still far from neural collapse.

With classes of one size, K·NC1 of the last layer is D of the last layer: NC1 is the line's own end point. So what the order of events says
is that log D is straight before it is steep. Test images, which take no part in the line, say whether the last layer goes on separating.
"""

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory._trials import intervals_over_trials
from layerpeel.theory.equi_separation._measured import appearance as law

STILL_TO_FALL = 2.0
"""Factor by which NC1 must still fall after that: less would be the last stretch of one and the same process."""

LEFT = {law.NC1_LEFT: (float(np.log(STILL_TO_FALL)),), law.TEST_LEFT: (0.0,)}
"""What must at least be left: NC1 still has a way before it; D on test images, which no training makes vanish, at least some."""

ROOM = Room.of(
    Statement(
        name="separation-before-collapse",
        title="Equi-separation appears before neural collapse",
        latex=r"D_t\approx c\,\rho^{\,t}\ \text{holds at an epoch at which}\ \mathrm{NC1}\gg\mathrm{NC1}(\text{end})",
        assumptions=(
            "feed-forward nets with batch norm and ReLU; MNIST at 10×10 pixels, 100 images a class",
            "the end of training stands for collapse: NC1 falls, but not to zero",
            "classes of one size, so K·NC1 is D of the last layer exactly: the line's end point, and no second measure",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("he2023", "the law emerges during training; su2024, Part II"),
        meaning="In MNIST networks with batch norm the straight line through the layers is there while within-class spread at the last "
        "layer still has to halve or more. It is learned, since before training fuzziness rises with depth; so look for it early.",
    ),
    claim(
        "law-first",
        "when log D has come to lie on a straight line, NC1 still falls to a half or less, and D on test images still falls too",
        over=LEFT,
        predict=Bracket.exactly,
        measure_all=lambda setting: intervals_over_trials(
            law.left_of(law.watched(setting)) | {f"linear: {label}": values for label, values in law.left_of(law.linear(setting)).items()}
        ),
        by="log NC1 and log D on test images at the moment from which r stays below the limit, less the same after training, over trials",
        false={
            "linear-net": Variant(
                "in a net without nonlinearity too NC1 and D on test images still fall when the law appears: there it never does",
                Bracket.exactly,
                over={f"linear: {label}": least for label, least in LEFT.items()},
            ),
            "test-images-collapse-too": Variant(
                "D on test images falls as far as NC1 does: to a tenth or less",
                Bracket.exactly,
                over={law.TEST_LEFT: (float(np.log(10.0)),)},
            ),
        },
        evidence=Evidence.EMPIRICAL,
        kind=Kind.LOWER_BOUND,
    ),
    claim(
        "learned",
        "before training D rises with depth: the law is learned",
        over="r before training",
        predict=0.0,
        measure_all=lambda setting: law.correlations_at_ends(law.watched(setting)),
        by="Pearson's r of depth and log D at random weights and after training, over trials",
        false={"after-training": Variant("after training too D rises with depth", 0.0, over=instances("r after training", ()))},
        evidence=Evidence.EMPIRICAL,
        kind=Kind.LOWER_BOUND,
    ),
    figures=(law.draw_order,),
)
