"""The threshold rises with the energy: every slope along the boundary is a sum of positive terms, for all class numbers."""

import math
from itertools import pairwise

import sympy
from flint import arb, arb_series, ctx

from layerpeel.numerics import BALLS, PRECISION, Bracket, log_threshold_minus_one, surface_point, to_bracket
from layerpeel.solvers import bracket_threshold
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
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
"""u = K r_A − K_B, p = −d log r_A/dζ, s, ds/dζ and e^a − 1, all positive by `predict_ingredients`."""
ROOT_A = (ROOM_A + B) / K


def _positive(terms: dict[str, sympy.Expr]) -> dict[str, sympy.Expr]:
    """The same, when the sign of each follows from those of its symbols.

    Raises:
        ArithmeticError: when one does not.
    """
    for label, value in terms.items():
        if value.is_positive is not True:
            raise ArithmeticError(f"{label} = {value} is not a sum of positive terms; write it as one.")
    return terms


def predict_ingredients() -> Quantities:
    """Sums of positive terms in x > 0, m ≥ 0 and K_B > 0.

    1 − r_A² > 0 makes L_A < 0, so a = s/r_A − K_A L_A > s. K/K_B − 1/r_A² > 0 keeps g_A = (1 − K_B/(K r_A))/K_A above its limit
    (1 − √(K_B/K))/K_A > 0, so that R0 ≥ g_A (e^s − 1) grows beyond all bounds with s ≥ K_B log(1 + x).
    """
    margin = sympy.log(1 + K / B * X)
    terms = {
        "p = −d log r_A/dζ": A / (B * (1 + LIFT)),
        "(K r_A)² − K_B²": A * (K * (1 + X) ** 2 + B) / (1 + LIFT),
        "1 − r_A²": A / B * X * (2 + X) / (1 + LIFT),
        "K/K_B − 1/r_A²": A / (B * (1 + X) ** 2),
        "ds/dζ": (1 + X) * B * (margin + K / B * (1 + X) / (1 + K / B * X)),
    }
    return dict(_positive(terms))


def predict_ingredients_swapped() -> Quantities:
    """p with K_B for K_A and the other way round."""
    return {"p = −d log r_A/dζ": B / (A * (1 + LIFT))}


def measure_ingredients(setting: Setting) -> Quantities:
    """The same from r_B, r_A and s themselves; d/dζ is (1 + x) d/dx."""
    return {
        "p = −d log r_A/dζ": -(1 + X) * sympy.diff(sympy.log(ROOT_A_ALONG), X),
        "(K r_A)² − K_B²": (K * ROOT_A_ALONG) ** 2 - B**2,
        "1 − r_A²": 1 - ROOT_A_ALONG**2,
        "K/K_B − 1/r_A²": K / B - 1 / ROOT_A_ALONG**2,
        "ds/dζ": (1 + X) * sympy.diff(S_ALONG, X),
    }


def _slopes(own: sympy.Expr) -> dict[str, sympy.Expr]:
    """dτ/dζ and d log R0/dζ, where a = s/r_A − own·L_A.

    g_A falls along the boundary, at the rate p K_B/u of its logarithm; but a rises by at least own·p K r_A/u, and K_A K r_A > K_B.
    """
    between = (S_SLOPE + S * FALL) / ROOT_A
    share = ROOM_A / (A * (ROOM_A + B))  # g_A
    inside = FALL / ROOM_A * (own * (ROOM_A + B) + ODDS * (own * ROOM_A + (own - 1) * B))
    return {
        "dτ/dζ": OTHERS * (between + own * FALL * (ROOM_A + B) / ROOM_A) + S_SLOPE,
        "d log R0/dζ": share / (1 + share * ODDS) * ((1 + ODDS) * between + inside),
    }


def predict_rising() -> Quantities:
    """Sums of positive terms in u, p, s, ds/dζ, e^a − 1, m and K_B."""
    return dict(_positive(_slopes(A)))


def predict_rising_with_one_margin() -> Quantities:
    """The same with a = s/r_A − L_A: the margin L_A counted once instead of K_A times."""
    return dict(_slopes(sympy.Integer(1)))


def measure_rising(setting: Setting) -> Quantities:
    """τ = (K_A − 1)a + s and log R0 = log(1 + g_A (e^a − 1)) along ζ, by the chain rule."""
    zeta = sympy.Symbol("zeta")
    root, between, inside = (sympy.Function(name)(zeta) for name in ("r", "t", "a"))
    along = {sympy.diff(root, zeta): -FALL * root, sympy.diff(between, zeta): S_SLOPE}
    along[sympy.diff(inside, zeta)] = sympy.diff(between / root - A * sympy.log((K * root - B) / A), zeta).xreplace(along)

    def slope(expression: sympy.Expr) -> sympy.Expr:
        return sympy.diff(expression, zeta).xreplace(along).xreplace({sympy.exp(inside): 1 + ODDS, root: ROOT_A, between: S})

    log_ratio = sympy.log(1 + (1 - B / (K * root)) / A * (sympy.exp(inside) - 1))
    return {"dτ/dζ": slope(OTHERS * inside + between), "d log R0/dζ": slope(log_ratio)}


SIZES = ((5, 5), (3, 7), (7, 3), (1, 2), (2, 2), (1, 100), (100, 2), (50, 50))
"""(K_A, K_B)."""
PLACES = ("0.01", "0.3", "1", "3", "10")
"""ζ along the boundary: R0 from near one to far beyond any double."""


def _label(majority: int, minority: int) -> str:
    return f"K_A={majority}, K_B={minority}"


def _computed(majority: int, minority: int) -> Quantities:
    """Logarithms of the slopes that `numerics.surface_point` carries, and thresholds are computed with, in balls."""
    found: dict[str, Bracket] = {}
    for place in PLACES:
        point = surface_point(BALLS, arb(majority), arb(minority), arb(place), arb(0), arb(0))
        found[f"ζ={place}: log dτ/dζ"] = to_bracket(point.budget_by_zeta.log())
        found[f"ζ={place}: log d log R0/dζ"] = to_bracket(point.log_imbalance_by_zeta.log())
    return found


def predict_computed() -> Quantities:
    """The slopes that the thresholds of this package are computed with."""
    with ctx.workprec(PRECISION):
        return {f"{_label(*sizes)}, {label}": value for sizes in SIZES for label, value in _computed(*sizes).items()}


def predict_computed_swapped() -> Quantities:
    """The same with K_A and K_B exchanged."""
    with ctx.workprec(PRECISION):
        return {f"{_label(*sizes)}, {label}": value for sizes in SIZES for label, value in _computed(*reversed(sizes)).items()}


def _boundary(majority: int, minority: int, zeta: arb) -> tuple[arb_series, arb_series]:
    """Power series of τ and log R0 in ζ, from their definition."""
    k_a, k_b, k = arb(majority), arb(minority), arb(majority + minority)
    root_b = arb_series([zeta, 1]).exp()
    s = root_b * k_b * (1 + (k / k_b) * (root_b - 1)).log()
    root_a = 1 / (k / k_b - (k_a / k_b) / (root_b * root_b)).sqrt()
    a = s / root_a - k_a * ((k * root_a - k_b) / k_a).log()
    return (k_a - 1) * a + s, (1 + (1 - k_b / (k * root_a)) / k_a * (a.exp() - 1)).log()


def measure_computed(setting: Setting) -> Quantities:
    """The slopes as second terms of power series, which know no derivative."""
    found: dict[str, Bracket] = {}
    with ctx.workprec(PRECISION):
        for sizes, place in ((sizes, place) for sizes in SIZES for place in PLACES):
            budget, ratio = _boundary(*sizes, arb(place))
            found[f"{_label(*sizes)}, ζ={place}: log dτ/dζ"] = to_bracket(budget[1].log())
            found[f"{_label(*sizes)}, ζ={place}: log d log R0/dζ"] = to_bracket(ratio[1].log())
    return found


def predict_ends() -> Quantities:
    """τ = 0 and R0 = 1 at ζ = 0: so R0 > 1 for every energy, and finite, since every τ is reached at a finite ζ."""
    return {f"{_label(*sizes)}, {what}": Bracket.exactly(0.0) for sizes in SIZES for what in ("τ at ζ=0", "log R0 at ζ=0")}


def predict_ends_apart() -> Quantities:
    """A threshold of at least 1.01 at every energy."""
    return {f"{_label(*sizes)}, log R0 at ζ=0": Bracket.exactly(math.log(1.01)) for sizes in SIZES}


def measure_ends(setting: Setting) -> Quantities:
    """The boundary at ζ = 0 in balls."""
    found: dict[str, Bracket] = {}
    with ctx.workprec(PRECISION):
        for sizes in SIZES:
            budget, ratio = _boundary(*sizes, arb(0))
            found |= {f"{_label(*sizes)}, τ at ζ=0": to_bracket(budget[0]), f"{_label(*sizes)}, log R0 at ζ=0": to_bracket(ratio[0])}
    return found


ENERGIES = (0.25, 0.5, 1.0, 2.0, 4.0)
WIDTH = 1e-3
"""Relative width of each threshold."""
STEPS = tuple(f"log R0 from E_H={low:g} to {high:g}" for low, high in pairwise(ENERGIES))


def predict_rise() -> Quantities:
    """Zero: log R0 does not fall from one energy to the next."""
    return {step: Bracket.exactly(0.0) for step in STEPS}


def predict_rise_without_root() -> Quantities:
    """The steps of a threshold with the budget K E_H E_W in place of K√(E_H E_W)."""

    def log_threshold(energy: float) -> float:
        return math.log1p(math.exp(log_threshold_minus_one(3, 3, feature_energy=energy**2)))

    return {step: predicted(log_threshold(high) - log_threshold(low)) for step, (low, high) in zip(STEPS, pairwise(ENERGIES), strict=True)}


def measure_rise(setting: Setting) -> Quantities:
    """Increments of log R0, K_A = K_B = 3, between ratios where the margin certainly is positive and certainly is zero."""
    thresholds = [bracket_threshold(3, 3, feature_energy=energy, width=WIDTH) for energy in ENERGIES]
    logs = [Bracket(math.log(each.lower), math.log(each.upper), rigorous=each.rigorous) for each in thresholds]
    return {step: after - before for step, (before, after) in zip(STEPS, pairwise(logs), strict=True)}


ROOM = Room(
    statement=Statement(
        name="threshold-monotone",
        title="The threshold is above one, finite, and rises with the energy",
        latex=r"1<R_0(\tau)<\infty,\qquad \tau\mapsto R_0(\tau)\ \text{increasing},\qquad R_0\to 1\ (\tau\to 0),"
        r"\quad R_0\to\infty\ (\tau\to\infty)",
        assumptions=("two groups of classes, K_B ≥ 2", "cross-entropy loss"),
        kind=Kind.LOWER_BOUND,
        origin=Origin.DERIVED,
        source=Source("su2024", "Minority Collapse, 1–2; monotonicity derived"),
    ),
    checks=(
        Check(
            name="ingredients",
            claim="along the boundary r_A falls between 1 and √(K_B/K), s rises, and R0 grows beyond all bounds, for every K_A and K_B",
            evidence=Evidence.PROOF,
            predict=predict_ingredients,
            measure=measure_ingredients,
            kind=Kind.EQUALITY,
        ),
        Check(
            name="rising",
            claim="τ and R0 both increase along the boundary, on all of ζ > 0: their slopes are sums of positive terms",
            evidence=Evidence.PROOF,
            predict=predict_rising,
            measure=measure_rising,
            kind=Kind.EQUALITY,
        ),
        Check(
            name="as-computed",
            claim="the slopes that thresholds are computed with are those of τ and log R0",
            evidence=Evidence.CERTIFIED,
            predict=predict_computed,
            measure=measure_computed,
            kind=Kind.EQUALITY,
            resolution=1e-12,
            reason="balls, rounded outward to doubles",
        ),
        Check(
            name="ends",
            claim="the boundary starts at τ = 0, R0 = 1, for eight pairs of class numbers",
            evidence=Evidence.CERTIFIED,
            predict=predict_ends,
            measure=measure_ends,
            kind=Kind.EQUALITY,
            resolution=1e-30,
            reason="exact up to the working precision",
        ),
        Check(
            name="by-solves",
            claim="measured thresholds rise with the energy",
            evidence=Evidence.CERTIFIED,
            predict=predict_rise,
            measure=measure_rise,
        ),
    ),
    controls=(
        Control(name="swapped", claim="p is K_B/(K_A (1 + (K/K_B)(r_B² − 1)))", check="ingredients", predict=predict_ingredients_swapped),
        Control(name="one-margin", claim="a = s/r_A − L_A", check="rising", predict=predict_rising_with_one_margin),
        Control(
            name="swapped-computed", claim="they are with K_A and K_B exchanged", check="as-computed", predict=predict_computed_swapped
        ),
        Control(name="never-near-one", claim="R0 is at least 1.01 at every energy", check="ends", predict=predict_ends_apart),
        Control(
            name="without-root",
            claim="log R0 rises as it would with the budget K E_H E_W",
            check="by-solves",
            predict=predict_rise_without_root,
        ),
    ),
)
