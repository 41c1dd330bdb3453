"""Weight decay to zero: the optimum takes the direction of simplex-encoded labels, at a logarithmic pace."""

import math
from collections.abc import Callable
from functools import cache

from layerpeel.numerics import Bracket
from layerpeel.solvers import Enclosures, Solution, UnconstrainedFeatures, solve
from layerpeel.theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Room, Series, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import predicted

FOLLOWED = (2, 4, 10)
"""(K_A, K_B, R): K_A classes of R samples and K_B of one, an unequal split, where limits are followed."""
INSTANCES = ((2, 2, 10), (2, 4, 10), (5, 2, 100))
"""(K_A, K_B, R) where the growth is measured."""
DEPTHS = (7, 14, 28, 56)
"""log(1/λ): doubled each time, down to λ = 5e-25."""
PRECISION = 1e-11
"""Relative gap asked of the solver: it places logits to about 1e-4, out of logits as large as log(1/λ)."""


def _label(depth: int) -> str:
    return f"log(1/λ) = {depth}"


def _along(value: float) -> Quantities:
    """The same limit at every λ."""
    return {_label(depth): predicted(value) for depth in DEPTHS}


def _between(majority: int, minority: int, ratio: float) -> float:
    """√((R K_B + K_A)/K), the length of diag(√n)(√K_B, −√K_A)/√K: R multiplies K_B/K, the majority's share of that vector's square."""
    return math.sqrt((ratio * minority + majority) / (majority + minority))


def predict_majority() -> Quantities:
    """√R, from (I − 11ᵀ/K) with the row of every class repeated for its samples."""
    return _along(math.sqrt(FOLLOWED[2]))


def predict_between() -> Quantities:
    """√((R K_B + K_A)/K)."""
    return _along(_between(*FOLLOWED))


def predict_between_of_halves() -> Quantities:
    """False: √((R + 1)/2), which holds for half and half."""
    return _along(math.sqrt((FOLLOWED[2] + 1) / 2))


def predict_between_swapped() -> Quantities:
    """False: √((R K_A + K_B)/K), each group's count with its own number of classes."""
    majority, minority, ratio = FOLLOWED
    return _along(_between(minority, majority, ratio))


def predict_equal_values() -> Quantities:
    """One: a simplex ETF has equal singular values."""
    return _along(1.0)


def predict_cosine() -> Quantities:
    """(s K_A − K)/(s K_A + K(K_B − 1)) with s = √((R K_B + K_A)/K), from WWᵀ ∝ (YᵀY)^{1/2} = √R P_A ⊕ P_B ⊕ s vvᵀ."""
    majority, minority, _ = FOLLOWED
    between, classes = _between(*FOLLOWED), majority + minority
    return _along((between * majority - classes) / (between * majority + classes * (minority - 1)))


def predict_cosine_of_etf() -> Quantities:
    """−1/(K − 1): classifiers end as for balanced classes."""
    return _along(-1 / (FOLLOWED[0] + FOLLOWED[1] - 1))


def predict_offset() -> Quantities:
    """log[√R (K_A/K_B) (1 − K_A/(K s))/(1 − √R K_B/(K s))]: the margins of majority and minority never meet.

    The slope diag(1/√n)∇f is −λ times the polar factor P of Y. Between two classes of a group it is e^{−margin} √n_k/N to leading order,
    and P has the entry −(1 − l v)/K_g there, with l and v the entries of the singular vectors of diag(√n)(I − 11ᵀ/K) between the groups:
    v² is K_B/K in the majority and K_A/K in the minority, and l = √n v/s.
    """
    majority, minority, ratio = FOLLOWED
    scaled = _between(*FOLLOWED) * (majority + minority)
    one, other = 1 - majority / scaled, 1 - math.sqrt(ratio) * minority / scaled
    return _along(math.log(math.sqrt(ratio) * majority * one / (minority * other)))


def predict_no_offset() -> Quantities:
    """Zero: the margins meet in the end."""
    return _along(0.0)


def _growth_labels(majority: int, minority: int, ratio: int) -> tuple[str, str, str]:
    where = f"K_A={majority}, K_B={minority}, R={ratio}"
    return f"majority, {where}", f"minority, {where}", f"between, {where}"


SETTLED = 0.01
"""Share by which growth between the last two λ may still differ from its limit: its error is of order 1/log²(1/λ) = 1e-4 to 1e-3."""


def _growth(power: float = 1.0, between: Callable[[int, int, float], float] = _between) -> dict[str, Bracket]:
    """√R, 1 and √((R K_B + K_A)/K) to a power, with the allowance for the first power."""
    found: dict[str, Bracket] = {}
    for majority, minority, ratio in INSTANCES:
        values = math.sqrt(ratio), 1.0, between(majority, minority, ratio)
        for label, value in zip(_growth_labels(majority, minority, ratio), values, strict=True):
            limit, allowance = value**power, SETTLED * value
            found[label] = Bracket(limit - allowance, limit + allowance)
    return found


def predict_growth() -> Quantities:
    """√R, 1 and √((R K_B + K_A)/K) per unit of log(1/λ)."""
    return _growth()


def predict_growth_without_root() -> Quantities:
    """False: R, 1 and (R K_B + K_A)/K, singular values of the counts instead of their roots."""
    return _growth(2.0)


def predict_growth_of_halves() -> Quantities:
    """False: √((R + 1)/2) between the groups, whatever their sizes."""
    return _growth(between=lambda majority, minority, ratio: math.sqrt((ratio + 1) / 2))


def predict_pace() -> Quantities:
    """Two: an error C/log(1/λ) halves when log(1/λ) doubles."""
    return {_label(depth): predicted(2.0) for depth in DEPTHS[2:]}


def predict_pace_of_square() -> Quantities:
    """Four: an error C/log²(1/λ)."""
    return {_label(depth): predicted(4.0) for depth in DEPTHS[2:]}


def predict_pace_of_power() -> Quantities:
    """(λ^{α/4} − λ^{α/2})/(λ^{α/2} − λ^α) with α = 1/4: an error C λ^{1/4}."""
    found: dict[str, Bracket] = {}
    for depth in DEPTHS[2:]:
        steps = [math.exp(-share * depth / 4) for share in (0.25, 0.5, 1.0)]
        found[_label(depth)] = predicted((steps[0] - steps[1]) / (steps[1] - steps[2]))
    return found


@cache
def _path(majority: int, minority: int, ratio: int) -> tuple[Enclosures, ...]:
    """Certified optima along the decreasing λ, each started at its predecessor."""
    found: list[Enclosures] = []
    start: Solution | None = None
    for depth in DEPTHS:
        penalty = math.exp(-depth)
        problem = UnconstrainedFeatures.from_groups([(majority, ratio), (minority, 1)], feature_penalty=penalty, weight_penalty=penalty)
        start = solve(problem, route="factored", tolerance=PRECISION, start=start)
        found.append(Enclosures(start))
    return tuple(found)


def _followed(quantity: Callable[[Enclosures], Bracket]) -> dict[str, Bracket]:
    return {_label(depth): quantity(optimum) for depth, optimum in zip(DEPTHS, _path(*FOLLOWED), strict=True)}


def _majority(optimum: Enclosures) -> Bracket:
    """Singular value inside the majority over that inside the minority."""
    majority, minority, *_ = optimum.singular_values()
    return majority / minority


def measure_majority(setting: Setting) -> Quantities:
    """Singular value of diag(√n) Z inside the majority over the one inside the minority."""
    return _followed(_majority)


def measure_between(setting: Setting) -> Quantities:
    """Singular value between the groups over the one inside the minority."""
    return _followed(lambda optimum: optimum.singular_values()[2] / optimum.singular_values()[1])


def measure_cosine(setting: Setting) -> Quantities:
    """Cosine between two minority classifiers."""
    return _followed(lambda optimum: optimum.classifier_cosine(1, 1))


def measure_offset(setting: Setting) -> Quantities:
    """Margin between two majority classes minus that between two minority classes."""
    return _followed(lambda optimum: optimum.inner_value(0) - optimum.inner_value(1))


def measure_growth(setting: Setting) -> Quantities:
    """Growth of each singular value between the last two λ, per unit of log(1/λ)."""
    found: dict[str, Bracket] = {}
    for case in INSTANCES:
        before, after = _path(*case)[-2:]
        span = Bracket.exactly(DEPTHS[-1] - DEPTHS[-2])
        for g, label in enumerate(_growth_labels(*case)):
            found[label] = (after.singular_values()[g] - before.singular_values()[g]) / span
    return found


def measure_pace(setting: Setting) -> Quantities:
    """[q(L/4) − q(L/2)]/[q(L/2) − q(L)] of the ratio q of singular values, L = log(1/λ): what its error is divided by per doubling.

    It asks for no limit.
    """
    values = list(_followed(_majority).values())
    return {_label(DEPTHS[i]): (values[i - 2] - values[i - 1]) / (values[i - 1] - values[i]) for i in range(2, len(DEPTHS))}


def draw_limit(setting: Setting) -> Figure:
    """The ratios of singular values against 1/log(1/λ), and their limits at zero."""
    majority, minority, ratio = FOLLOWED
    series = []
    limits = ("inside the majority", 0, math.sqrt(ratio)), ("between the groups", 2, _between(*FOLLOWED))
    for color, (name, place, limit) in enumerate(limits):
        ratios = [optimum.singular_values()[place] / optimum.singular_values()[1] for optimum in _path(*FOLLOWED)]
        series += [
            Series(
                label=name,
                x=tuple(1 / depth for depth in DEPTHS),
                y=tuple(ratio.middle for ratio in ratios),
                style="points",
                color=color,
                low=tuple(ratio.lower for ratio in ratios),
                high=tuple(ratio.upper for ratio in ratios),
            ),
            Series(label=f"limit {name}", x=(0.0, 1 / DEPTHS[0]), y=(limit, limit), style="line", color=color),
        ]
    return Figure(
        title="Singular values as weight decay goes to zero",
        caption=f"K_A = {majority}, K_B = {minority}, R = {ratio}: singular values of diag(√n) Z over the one inside the minority. In "
        "1/log(1/λ) they approach √R and √((R K_B + K_A)/K) along straight lines.",
        x_label="1/log(1/λ)",
        y_label="ratio of singular values",
        series=tuple(series),
    )


FIRST_ORDER = "what is left is of order 1/log(1/λ), 1/56 at the last λ"

ROOM = Room(
    statement=Statement(
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
    ),
    checks=(
        Check(
            name="majority-over-minority",
            claim="the singular value inside the majority tends to √R times that inside the minority",
            evidence=Evidence.CERTIFIED,
            predict=predict_majority,
            measure=measure_majority,
            resolution=0.15,
            reason="what is left is √R times the offset of the margins over log(1/λ), 0.115 at the last λ",
        ),
        Check(
            name="between-over-minority",
            claim="the singular value between the groups tends to √((R K_B + K_A)/K) times that inside the minority",
            evidence=Evidence.CERTIFIED,
            predict=predict_between,
            measure=measure_between,
            resolution=0.05,
            reason=FIRST_ORDER,
        ),
        Check(
            name="classifier-cosine",
            claim="the cosine between two minority classifiers tends to (s K_A − K)/(s K_A + K(K_B − 1)), s = √((R K_B + K_A)/K)",
            evidence=Evidence.CERTIFIED,
            predict=predict_cosine,
            measure=measure_cosine,
            resolution=0.01,
            reason=FIRST_ORDER,
        ),
        Check(
            name="growth",
            claim="per unit of log(1/λ) the singular values grow by √R, √((R K_B + K_A)/K) and 1",
            origin=Origin.DERIVED,
            evidence=Evidence.CERTIFIED,
            predict=predict_growth,
            measure=measure_growth,
            kind=Kind.EQUALITY,
            resolution=0.3,
            reason="the prediction's allowance of one per cent on either side, of up to √100",
        ),
        Check(
            name="offset",
            claim="the margins of majority and minority keep a constant distance, so their ratio converges like 1/log(1/λ)",
            origin=Origin.DERIVED,
            evidence=Evidence.CERTIFIED,
            predict=predict_offset,
            measure=measure_offset,
            resolution=0.05,
            reason=FIRST_ORDER,
        ),
        Check(
            name="pace",
            claim="the error of the ratio halves when log(1/λ) doubles",
            origin=Origin.DERIVED,
            evidence=Evidence.CERTIFIED,
            predict=predict_pace,
            measure=measure_pace,
            resolution=0.3,
            reason="the quotient itself is off by a term of order 1/log(1/λ), 0.22 at the last λ",
        ),
    ),
    controls=(
        Control(name="balanced-values", claim="singular values become equal", check="majority-over-minority", predict=predict_equal_values),
        Control(name="balanced-values-between", claim="all of them do", check="between-over-minority", predict=predict_equal_values),
        Control(
            name="halves", claim="it tends to √((R + 1)/2) at any split", check="between-over-minority", predict=predict_between_of_halves
        ),
        Control(name="swapped", claim="it tends to √((R K_A + K_B)/K)", check="between-over-minority", predict=predict_between_swapped),
        Control(name="etf", claim="classifiers become a simplex ETF", check="classifier-cosine", predict=predict_cosine_of_etf),
        Control(name="without-root", claim="they grow by R, (R K_B + K_A)/K and 1", check="growth", predict=predict_growth_without_root),
        Control(
            name="growth-of-halves",
            claim="between groups they grow by √((R + 1)/2) at any split",
            check="growth",
            predict=predict_growth_of_halves,
        ),
        Control(name="no-offset", claim="the margins meet in the end", check="offset", predict=predict_no_offset),
        Control(name="square", claim="the error is of order 1/log²(1/λ)", check="pace", predict=predict_pace_of_square),
        Control(name="power-law", claim="the error is of order λ^{1/4}", check="pace", predict=predict_pace_of_power),
    ),
    figures=(draw_limit,),
)
