"""Slopes along the boundary of collapse: in symbols, as sums of positive terms and by the chain rule, and in power series."""

import sympy
from flint import arb, arb_series, ctx

from layerpeel.numerics import BALLS, PRECISION, Bracket, surface_point, to_bracket

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
FALL_ALONG, SWAPPED_FALL = "p = −d log r_A/dζ", B / (A * (1 + LIFT))
"""How p is called, and what it would be with the groups swapped."""


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
        FALL_ALONG: A / (B * (1 + LIFT)),
        "(K r_A)² − K_B²": A * (K * (1 + X) ** 2 + B) / (1 + LIFT),
        "1 − r_A²": A / B * X * (2 + X) / (1 + LIFT),
        "K/K_B − 1/r_A²": A / (B * (1 + X) ** 2),
        "ds/dζ": (1 + X) * B * (sympy.log(1 + K / B * X) + K / B * (1 + X) / (1 + K / B * X)),
    }


def ingredients_by_derivatives() -> dict[str, sympy.Expr]:
    """The same from r_B, r_A and s themselves; d/dζ is (1 + x) d/dx."""
    return {
        FALL_ALONG: -(1 + X) * sympy.diff(sympy.log(ROOT_A_ALONG), X),
        "(K r_A)² − K_B²": (K * ROOT_A_ALONG) ** 2 - B**2,
        "1 − r_A²": 1 - ROOT_A_ALONG**2,
        "K/K_B − 1/r_A²": K / B - 1 / ROOT_A_ALONG**2,
        "ds/dζ": (1 + X) * sympy.diff(S_ALONG, X),
    }


def slopes(own: sympy.Expr = A) -> dict[str, sympy.Expr]:
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


PLACES = ("0.01", "0.3", "1", "3", "10")
"""ζ along the boundary: R0 from near one to far beyond any double."""


def slopes_of_series(majority: int, minority: int) -> dict[str, Bracket]:
    """The same from the power series."""
    logs: dict[str, Bracket] = {}
    with ctx.workprec(PRECISION):
        for place in PLACES:
            radius, ratio = series_along(majority, minority, arb(place))
            logs[f"ζ={place}: log dτ/dζ"] = to_bracket(radius[1].log())
            logs[f"ζ={place}: log d log R0/dζ"] = to_bracket(ratio[1].log())
    return logs


def start_of_boundary(majority: int, minority: int) -> dict[str, Bracket]:
    """τ and log R0 at ζ = 0."""
    with ctx.workprec(PRECISION):
        radius, ratio = series_along(majority, minority, arb(0))
        return {"τ at ζ=0": to_bracket(radius[0]), "log R0 at ζ=0": to_bracket(ratio[0])}


def series_along(majority: int, minority: int, zeta: arb) -> tuple[arb_series, arb_series]:
    """Power series of τ and log R0 in ζ, from their definition."""
    k_a, k_b, k = arb(majority), arb(minority), arb(majority + minority)
    root_b = arb_series([zeta, 1]).exp()
    s = root_b * k_b * (1 + (k / k_b) * (root_b - 1)).log()
    root_a = 1 / (k / k_b - (k_a / k_b) / (root_b * root_b)).sqrt()
    a = s / root_a - k_a * ((k * root_a - k_b) / k_a).log()
    return (k_a - 1) * a + s, (1 + (1 - k_b / (k * root_a)) / k_a * (a.exp() - 1)).log()


def computed(majority: int, minority: int) -> dict[str, Bracket]:
    """Logarithms of the slopes that `numerics.surface_point` carries, and thresholds are computed with, in balls."""
    logs: dict[str, Bracket] = {}
    with ctx.workprec(PRECISION):
        for place in PLACES:
            point = surface_point(BALLS, arb(majority), arb(minority), arb(place), arb(0), arb(0))
            logs[f"ζ={place}: log dτ/dζ"] = to_bracket(point.radius_by_zeta.log())
            logs[f"ζ={place}: log d log R0/dζ"] = to_bracket(point.log_imbalance_by_zeta.log())
    return logs
