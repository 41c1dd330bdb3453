"""Weight decay to zero: the optimum takes the direction of simplex-encoded labels, at a logarithmic pace."""

import math
from itertools import product

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import predicted
from layerpeel.theory.layer_peeled._encoded_labels import between, minority_cosine, slopes_apart, value_of
from layerpeel.theory.layer_peeled._measured import small_decays as decays

LAST_DEPTHS = instances("log(1/λ) = {}", 28, 56)
SPLITS = instances(
    "{}, K_A={}, K_B={}, R={}",
    *((group, *case) for case, group in product(((2, 2, 10), decays.FOLLOWED, (5, 2, 100)), decays.GROUPS)),
)
"""Where the growth is measured."""
SETTLED = 0.01
"""Share by which growth between the last two λ may still differ from its limit: its error is of order 1/log²(1/λ) = 1e-4 to 1e-3."""
FIRST_ORDER = "what is left is of order 1/log(1/λ), 1/56 at the last λ"

ROOM = Room.of(
    Statement(
        name="seli-limit",
        title="Vanishing weight decay and simplex-encoded labels",
        latex=r"\frac{Z}{\|Z\|}\to\frac{(I-\frac1K\mathbf 1\mathbf 1^{\!\top})\,Y}{\|\cdot\|}\quad(\lambda\to0),\qquad"
        r"\sigma\propto\sqrt R,\ \sqrt{\tfrac{RK_B+K_A}K},\ 1",
        assumptions=(
            "one row of logits per sample, so that in class means the matrix is diag(√n) Z",
            "cross-entropy with ½λ_W‖W‖² + ½λ_H Σ‖h‖² over all samples, λ = √(λ_W λ_H)",
            "K_A classes with R samples, K_B with one, in the numbers",
        ),
        kind=Kind.LIMIT,
        origin=Origin.LITERATURE,
        source=Source("thrampoulidis2022", "the SELI geometry under vanishing regularization; its rate is derived"),
        meaning="As weight decay goes to zero, the model's logits for two sizes of classes take a known geometry that is not the balanced "
        "one. They approach it only with the logarithm of the decay, so do not expect a trained network to be near it.",
    ),
    claim(
        "majority-over-minority",
        "the singular value inside the majority tends to √R times that inside the minority",
        over=decays.DEPTHS,
        predict=predicted(math.sqrt(decays.RATIO)),
        measure=lambda depth: decays.over_minority(depth, "majority"),
        by="the singular value of diag(√n) Z inside the majority over the one inside the minority, at certified optima",
        false={
            "balanced-values": ("singular values become equal", predicted(1.0)),
            "one-sample-fewer": ("it tends to √(R − 1) times", predicted(math.sqrt(decays.RATIO - 1))),
        },
        evidence=Evidence.CERTIFIED.within(0.15, "what is left is √R times the offset of the margins over log(1/λ), 0.115 at the last λ"),
    ),
    claim(
        "between-over-minority",
        "the singular value between the groups tends to √((R K_B + K_A)/K) times that inside the minority",
        over=decays.DEPTHS,
        predict=lambda _: predicted(between(*decays.FOLLOWED)),
        measure=lambda depth: decays.over_minority(depth, "between"),
        by="the singular value between the groups over the one inside the minority, at certified optima",
        false={
            "balanced-values-between": ("all of them do", predicted(1.0)),
            "halves": ("it tends to √((R + 1)/2) at any split", predicted(math.sqrt((decays.RATIO + 1) / 2))),
            "one-sample-fewer-between": (
                "it tends to √(((R − 1) K_B + K_A)/K) times",
                lambda _: predicted(between(decays.MAJORITY, decays.MINORITY, decays.RATIO - 1)),
            ),
            # each group's count with its own number of classes
            "swapped": (
                "it tends to √((R K_A + K_B)/K)",
                lambda _: predicted(between(decays.MINORITY, decays.MAJORITY, decays.RATIO)),
            ),
        },
        evidence=Evidence.CERTIFIED.within(0.05, FIRST_ORDER),
    ),
    claim(
        "classifier-cosine",
        "the cosine between two minority classifiers tends to (s K_A − K)/(s K_A + K(K_B − 1)), s = √((R K_B + K_A)/K)",
        over=decays.DEPTHS,
        predict=lambda _: predicted(minority_cosine(*decays.FOLLOWED)),
        measure=lambda depth: decays.path(*decays.FOLLOWED)[depth].classifier_cosine(1, 1),
        by="the cosine between two minority classifiers, at certified optima",
        false={
            "etf": ("classifiers become a simplex ETF", predicted(-1 / (decays.MAJORITY + decays.MINORITY - 1))),
            "value-of-the-majority": (
                "s is √R, the singular value inside the majority",
                lambda _: predicted(minority_cosine(*decays.FOLLOWED, s=math.sqrt(decays.RATIO))),
            ),
        },
        evidence=Evidence.CERTIFIED.within(0.01, FIRST_ORDER),
    ),
    claim(
        "growth",
        "per unit of log(1/λ) the singular values grow by √R, √((R K_B + K_A)/K) and 1",
        over=SPLITS,
        predict=lambda group, *split: settled(value_of(group, *split)),
        measure=decays.growth,
        by="the growth of each singular value between the last two λ, per unit of log(1/λ)",
        false={
            # singular values of the counts instead of their roots
            "without-root": ("they grow by R, (R K_B + K_A)/K and 1", lambda group, *split: settled(value_of(group, *split), power=2)),
            "growth-of-halves": (
                "between groups they grow by √((R + 1)/2) at any split",
                lambda group, *split: settled(math.sqrt((split[2] + 1) / 2) if group == "between" else value_of(group, *split)),
            ),
        },
        origin=Origin.DERIVED,
        evidence=Evidence.CERTIFIED.within(0.3, "the prediction's allowance of one per cent on either side, of up to √100"),
        kind=Kind.EQUALITY,
    ),
    claim(
        "offset",
        "the margins of majority and minority keep a constant distance, so their ratio converges like 1/log(1/λ)",
        over=decays.DEPTHS,
        predict=lambda _: predicted(math.log(decays.MAJORITY / decays.MINORITY) + slopes_apart(*decays.FOLLOWED)),
        measure=lambda depth: decays.path(*decays.FOLLOWED)[depth].inner_value(0) - decays.path(*decays.FOLLOWED)[depth].inner_value(1),
        by="the margin between two majority classes minus that between two minority classes, at certified optima",
        false={
            "no-offset": ("the margins meet in the end", predicted(0.0)),
            "other-classes": (
                "K_A/K_B in it is (K_A − 1)/(K_B − 1), of the other classes of a group",
                lambda _: predicted(math.log((decays.MAJORITY - 1) / (decays.MINORITY - 1)) + slopes_apart(*decays.FOLLOWED)),
            ),
        },
        origin=Origin.DERIVED,
        evidence=Evidence.CERTIFIED.within(0.05, FIRST_ORDER),
    ),
    claim(
        "pace",
        "the error of the ratio halves when log(1/λ) doubles",
        over=LAST_DEPTHS,
        predict=predicted(2.0),
        measure=decays.divided_by,
        by="[q(L/4) − q(L/2)]/[q(L/2) − q(L)] of the ratio q of singular values, L = log(1/λ): what its error is divided by per doubling; "
        "it asks for no limit",
        false={
            "square": ("the error is of order 1/log²(1/λ)", predicted(4.0)),
            "power-law": (
                "the error is of order λ^{1/4}",
                lambda depth: predicted((math.exp(-depth / 16) - math.exp(-depth / 8)) / (math.exp(-depth / 8) - math.exp(-depth / 4))),
            ),
        },
        origin=Origin.DERIVED,
        evidence=Evidence.CERTIFIED.within(0.3, "the quotient itself is off by a term of order 1/log(1/λ), 0.22 at the last λ"),
    ),
    figures=(decays.draw_limit,),
)


def settled(value: float, power: int = 1) -> Bracket:
    """A power of the value, with the first power's allowance for growth that has not settled."""
    return Bracket(value**power - SETTLED * value, value**power + SETTLED * value)
