"""The threshold rises with the energy: every slope along the boundary is a sum of positive terms, for all class numbers."""

import math
from functools import cache
from itertools import pairwise

import sympy
from flint import arb, arb_series, ctx

from layerpeel.numerics import BALLS, PRECISION, Bracket, log_threshold_minus_one, surface_point, to_bracket
from layerpeel.solvers import bracket_threshold
from layerpeel.theory._claims import claim, instances
from layerpeel.theory._room import Evidence, Kind, Origin, Room, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import predicted

OTHERS = sympy.Symbol("m", nonnegative=True)
"""K_A − 1: the other majority classes, of which there may be none."""
A, B = OTHERS + 1, sympy.Symbol("K_B", positive=True)
K = A + B
X = sympy.Symbol("x", positive=True)
"""e^ζ − 1 = r_B − 1, which takes every positive value along the boundary."""
LIFT = K / B * ((1 + X) ** 2 - 1)
ROOT_A_ALONG, S_ALONG = (1 + X) / sympy.sqrt(1 + LIFT), (1 + X) * B * sympy.log(1 + K / B * X)
"""r_A and s along the boundary."""
ROOM_A, FALL, S, S_SLOPE, ODDS = sympy.symbols("u p s sigma e", positive=True)
"""u = K r_A − K_B, p = −d log r_A/dζ, s, ds/dζ and e^a − 1, all positive by the first claim."""

SIZES = instances("K_A={}, K_B={}", (5, 5), (3, 7), (7, 3), (1, 2), (2, 2), (1, 100), (100, 2), (50, 50))
PLACES = ("0.01", "0.3", "1", "3", "10")
"""ζ along the boundary: R0 from near one to far beyond any double."""
STEPS = instances("log R0 from E_H={:g} to {:g}", *pairwise((0.25, 0.5, 1.0, 2.0, 4.0)))
WIDTH = 1e-3
"""Relative width of each threshold."""

ROOM = Room.of(
    Statement(
        name="threshold-monotone",
        title="The threshold is above one, finite, and rises with the energy",
        latex=r"1<R_0(\tau)<\infty,\qquad \tau\mapsto R_0(\tau)\ \text{increasing},\qquad R_0\to 1\ (\tau\to 0),"
        r"\quad R_0\to\infty\ (\tau\to\infty)",
        assumptions=("two groups of classes, K_B ≥ 2", "cross-entropy loss"),
        kind=Kind.LOWER_BOUND,
        origin=Origin.DERIVED,
        source=Source("su2024", "Minority Collapse, 1–2; monotonicity derived"),
    ),
    claim(
        "ingredients",
        "along the boundary r_A falls between 1 and √(K_B/K), s rises, and R0 grows beyond all bounds, for every K_A and K_B",
        over="",
        predict=lambda: positive(ingredients()),
        measure=lambda: {
            P: -(1 + X) * sympy.diff(sympy.log(ROOT_A_ALONG), X),
            "(K r_A)² − K_B²": (K * ROOT_A_ALONG) ** 2 - B**2,
            "1 − r_A²": 1 - ROOT_A_ALONG**2,
            "K/K_B − 1/r_A²": K / B - 1 / ROOT_A_ALONG**2,
            "ds/dζ": (1 + X) * sympy.diff(S_ALONG, X),
        },
        by="sums of positive terms in x > 0, m ≥ 0 and K_B > 0, against r_B, r_A and s themselves; d/dζ is (1 + x) d/dx",
        false={"swapped": ("p is K_B/(K_A (1 + (K/K_B)(r_B² − 1)))", lambda: {P: B / (A * (1 + LIFT))})},
        evidence=Evidence.PROOF,
        kind=Kind.EQUALITY,
    ),
    claim(
        "rising",
        "τ and R0 both increase along the boundary, on all of ζ > 0: their slopes are sums of positive terms",
        over="",
        predict=lambda: positive(slopes(A)),
        measure=lambda: slopes_by_chain_rule(),
        by="τ = (K_A − 1)a + s and log R0 = log(1 + g_A (e^a − 1)) along ζ, by the chain rule",
        false={"one-margin": ("a = s/r_A − L_A", lambda: slopes(sympy.Integer(1)))},
        evidence=Evidence.PROOF,
        kind=Kind.EQUALITY,
    ),
    claim(
        "as-computed",
        "the slopes that thresholds are computed with are those of τ and log R0",
        over=SIZES,
        predict=lambda majority, minority: computed_slopes(majority, minority),
        measure=lambda majority, minority: slopes_of_series(majority, minority),
        by="the slopes as second terms of power series, which know no derivative",
        false={
            "swapped-computed": (
                "they are with K_A and K_B exchanged",
                lambda majority, minority: computed_slopes(minority, majority),
            ),
            "one-class-more": (
                "they are with K_B + 1 for K_B",
                lambda majority, minority: computed_slopes(majority, minority + 1),
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-12, "balls, rounded outward to doubles"),
        kind=Kind.EQUALITY,
    ),
    claim(
        "ends",
        "the boundary starts at τ = 0, R0 = 1, for eight pairs of class numbers",
        over=SIZES,
        predict=lambda *_: {"τ at ζ=0": Bracket.exactly(0.0), "log R0 at ζ=0": Bracket.exactly(0.0)},
        measure=lambda majority, minority: start(majority, minority),
        by="the boundary at ζ = 0 in balls; R0 > 1 for every energy, and finite, since every τ is reached at a finite ζ",
        false={
            "never-near-one": ("R0 is at least 1.01 at every energy", lambda *_: {"log R0 at ζ=0": Bracket.exactly(math.log(1.01))}),
            "by-classes": (
                "it starts where both groups have as many samples, R0 = K_B/K_A",
                lambda a, b: {"log R0 at ζ=0": Bracket.exactly(math.log(b / a))} if a != b else None,
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-30, "exact up to the working precision"),
        kind=Kind.EQUALITY,
    ),
    claim(
        "by-solves",
        "measured thresholds rise with the energy",
        over=STEPS,
        predict=Bracket.exactly(0.0),
        measure=lambda low, high: log_threshold(high) - log_threshold(low),
        by="increments of log R0, K_A = K_B = 3, between ratios where the margin certainly is positive and certainly is zero",
        false={
            "without-root": (
                "log R0 rises as it would with the radius K E_H E_W",
                lambda low, high: predicted(log_closed_form(high**2) - log_closed_form(low**2)),
            ),
        },
        evidence=Evidence.CERTIFIED,
    ),
)

P = "p = −d log r_A/dζ"


def positive(terms: dict[str, sympy.Expr]) -> dict[str, sympy.Expr]:
    """The same, when the sign of each follows from those of its symbols.

    Raises:
        ArithmeticError: when one does not.
    """
    for label, value in terms.items():
        if value.is_positive is not True:
            raise ArithmeticError(f"{label} = {value} is not a sum of positive terms; write it as one.")
    return terms


def ingredients() -> dict[str, sympy.Expr]:
    """Sums of positive terms in x > 0, m ≥ 0 and K_B > 0.

    1 − r_A² > 0 makes L_A < 0, so a = s/r_A − K_A L_A > s. K/K_B − 1/r_A² > 0 keeps g_A = (1 − K_B/(K r_A))/K_A above its limit
    (1 − √(K_B/K))/K_A > 0, so that R0 ≥ g_A (e^s − 1) grows beyond all bounds with s ≥ K_B log(1 + x).
    """
    return {
        P: A / (B * (1 + LIFT)),
        "(K r_A)² − K_B²": A * (K * (1 + X) ** 2 + B) / (1 + LIFT),
        "1 − r_A²": A / B * X * (2 + X) / (1 + LIFT),
        "K/K_B − 1/r_A²": A / (B * (1 + X) ** 2),
        "ds/dζ": (1 + X) * B * (sympy.log(1 + K / B * X) + K / B * (1 + X) / (1 + K / B * X)),
    }


def slopes(own: sympy.Expr) -> dict[str, sympy.Expr]:
    """dτ/dζ and d log R0/dζ, where a = s/r_A − own·L_A; own = K_A is true.

    g_A falls along the boundary, at the rate p K_B/u of its logarithm; but a rises by at least own·p K r_A/u, and K_A K r_A > K_B.
    """
    between = (S_SLOPE + S * FALL) * K / (ROOM_A + B)
    share = ROOM_A / (A * (ROOM_A + B))  # g_A
    inside = FALL / ROOM_A * (own * (ROOM_A + B) + ODDS * (own * ROOM_A + (own - 1) * B))
    return {
        "dτ/dζ": OTHERS * (between + own * FALL * (ROOM_A + B) / ROOM_A) + S_SLOPE,
        "d log R0/dζ": share / (1 + share * ODDS) * ((1 + ODDS) * between + inside),
    }


def slopes_by_chain_rule() -> dict[str, sympy.Expr]:
    """The same from τ, a and log R0, differentiated as functions of ζ."""
    zeta = sympy.Symbol("zeta")
    root, between, inside = (sympy.Function(name)(zeta) for name in ("r", "t", "a"))
    along = {sympy.diff(root, zeta): -FALL * root, sympy.diff(between, zeta): S_SLOPE}
    along[sympy.diff(inside, zeta)] = sympy.diff(between / root - A * sympy.log((K * root - B) / A), zeta).xreplace(along)

    def slope(expression: sympy.Expr) -> sympy.Expr:
        there = {sympy.exp(inside): 1 + ODDS, root: (ROOM_A + B) / K, between: S}
        return sympy.diff(expression, zeta).xreplace(along).xreplace(there)

    log_ratio = sympy.log(1 + (1 - B / (K * root)) / A * (sympy.exp(inside) - 1))
    return {"dτ/dζ": slope(OTHERS * inside + between), "d log R0/dζ": slope(log_ratio)}


def computed_slopes(majority: int, minority: int) -> dict[str, Bracket]:
    """Logarithms of the slopes that `numerics.surface_point` carries, and thresholds are computed with, in balls."""
    found: dict[str, Bracket] = {}
    with ctx.workprec(PRECISION):
        for place in PLACES:
            point = surface_point(BALLS, arb(majority), arb(minority), arb(place), arb(0), arb(0))
            found[f"ζ={place}: log dτ/dζ"] = to_bracket(point.radius_by_zeta.log())
            found[f"ζ={place}: log d log R0/dζ"] = to_bracket(point.log_imbalance_by_zeta.log())
    return found


def slopes_of_series(majority: int, minority: int) -> dict[str, Bracket]:
    """The same from the power series."""
    found: dict[str, Bracket] = {}
    with ctx.workprec(PRECISION):
        for place in PLACES:
            radius, ratio = boundary(majority, minority, arb(place))
            found[f"ζ={place}: log dτ/dζ"] = to_bracket(radius[1].log())
            found[f"ζ={place}: log d log R0/dζ"] = to_bracket(ratio[1].log())
    return found


def start(majority: int, minority: int) -> dict[str, Bracket]:
    """τ and log R0 at ζ = 0."""
    with ctx.workprec(PRECISION):
        radius, ratio = boundary(majority, minority, arb(0))
        return {"τ at ζ=0": to_bracket(radius[0]), "log R0 at ζ=0": to_bracket(ratio[0])}


def boundary(majority: int, minority: int, zeta: arb) -> tuple[arb_series, arb_series]:
    """Power series of τ and log R0 in ζ, from their definition."""
    k_a, k_b, k = arb(majority), arb(minority), arb(majority + minority)
    root_b = arb_series([zeta, 1]).exp()
    s = root_b * k_b * (1 + (k / k_b) * (root_b - 1)).log()
    root_a = 1 / (k / k_b - (k_a / k_b) / (root_b * root_b)).sqrt()
    a = s / root_a - k_a * ((k * root_a - k_b) / k_a).log()
    return (k_a - 1) * a + s, (1 + (1 - k_b / (k * root_a)) / k_a * (a.exp() - 1)).log()


@cache
def log_threshold(energy: float) -> Bracket:
    """log R0 by solves, K_A = K_B = 3."""
    found = bracket_threshold(3, 3, feature_energy=energy, width=WIDTH)
    return Bracket(math.log(found.lower), math.log(found.upper), rigorous=found.rigorous)


def log_closed_form(energy: float) -> float:
    """log R0 in closed form, K_A = K_B = 3."""
    return math.log1p(math.exp(log_threshold_minus_one(3, 3, feature_energy=energy)))
