"""The threshold far out: small energies, large energies, and many classes at a fixed energy.

With ε = √(E_H E_W) = τ/K, φ = √(K/K_B), κ = 1 + (K_A − 1)φ and ℓ = log((√(K K_B) − K_B)/K_A):

    ε → 0:               R0 − 1 ~ K ε/(K_A (K − 1))
    ε → ∞:               log R0 = K (φ/κ) ε + (K_A − 1)(φ − 1) ℓ/κ − ½ log(K K_B) + o(1)
    K → ∞, K_A = αK:     R0 − 1 ~ (e^{ε/α} − 1)/K
    K → ∞, K_A fixed:    log R0 = K η − log K + ½ η (1 − e^{−2w}) + o(1),   η = ε/K_A,   w e^w = η.

Proofs: the first by derivatives at ζ = 0 with all class numbers free; all four by enclosures on whole rays.
"""

import math
from collections.abc import Callable, Iterable
from itertools import pairwise

import sympy
from flint import arb, ctx

from layerpeel.numerics import PRECISION, Arithmetic, Bracket, log_threshold_minus_one, surface_point, to_bracket
from layerpeel.solvers import collapse_switch
from layerpeel.theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Room, Series, Setting, Source, Statement
from layerpeel.theory.layer_peeled._rays import large_energies, many_classes, many_minority_classes, small_energies

SIZES = ((5, 5), (3, 7), (7, 3), (1, 2), (2, 2), (1, 100), (100, 2))
"""(K_A, K_B) of the proofs on rays of energies."""
SHARES, FIXED, ROOTS = (0.25, 0.5, 0.75), (1, 2, 5), (0.5, 2.0)
"""α, K_A and ε of the proofs on rays of class numbers."""
SMALL, LARGE, MANY = 1e-7, 1e8, 10**8
"""Where the rays begin: every ε up to the first, every ε from the second on, every K from the third on."""
SHARP = 1e-3
"""Widest enclosure of a ray that still confirms; it is as wide as the next term where the ray begins, at most 6e-5 (101 classes)."""

FALLING, RISING, GROWING, CROWDED = (0.5, 0.1, 0.02, 0.004), (1.0, 2.0, 4.0, 6.0), (10, 50, 250, 2000), (4, 8, 16, 28)
"""Solved: ε towards 0 (K_A = 3, K_B = 2) and ∞ (K_A = K_B = 5), K with K_A = K/2 (ε = 1) and with K_A = 1 (ε = 1/2)."""
NEAR = 0.02
"""How near the last of them must be to the limit: the next terms are 1e-3, 3e-3, 7e-4 and 1.4e-2 there."""

A, B, ZETA = sympy.symbols("K_A K_B zeta", positive=True)
SYMBOLS = Arithmetic(
    exp=sympy.exp, expm1=lambda x: sympy.exp(x) - 1, log=sympy.log, log1p=lambda x: sympy.log(1 + x), sqrt=sympy.sqrt, cap=lambda x: x
)
"""The closed forms with all parameters free."""


def _sizes(majority: int, minority: int) -> str:
    return f"K_A={majority}, K_B={minority}"


def _slope_at_zero(majority: int, minority: int) -> arb:
    classes = majority + minority
    return arb(classes) / (majority * (classes - 1))


def _line_at_infinity(majority: int, minority: int) -> tuple[arb, arb]:
    """Slope in ε and constant of log R0."""
    classes = arb(majority + minority)
    root, split = _phi_and_kappa(majority, minority)
    margin = (((classes * minority).sqrt() - minority) / majority).log()
    return classes * root / split, (majority - 1) * (root - 1) * margin / split - (classes * minority).log() / 2


def _phi_and_kappa(majority: int, minority: int) -> tuple[arb, arb]:
    """φ and κ."""
    root = (arb(majority + minority) / minority).sqrt()
    return root, 1 + (majority - 1) * root


def _crowd_constant(majority: int, root: float) -> arb:
    eta = arb(root) / majority
    return -eta / 2 * (-2 * eta.lambertw()).expm1()


def _enclosed(values: Callable[[], dict[str, arb]]) -> Quantities:
    """Closed forms evaluated in balls."""
    with ctx.workprec(PRECISION):
        return {label: to_bracket(value) for label, value in values().items()}


def predict_tangent() -> Quantities:
    """K/(K_A (K − 1))."""
    return {"d log R0/dε at ε = 0": (A + B) / (A * (A + B - 1))}


def predict_tangent_by_size() -> Quantities:
    """False: 1/K_A, as if K − 1 were K."""
    return {"d log R0/dε at ε = 0": 1 / A}


def measure_tangent(setting: Setting) -> Quantities:
    """K (d log R0/dζ)/(dτ/dζ) at ζ = 0, differentiated for all class numbers at once."""
    point = surface_point(SYMBOLS, A, B, ZETA, sympy.Integer(0), sympy.Integer(0))
    ratio, budget = (sympy.simplify(sympy.diff(curve, ZETA).subs(ZETA, 0)) for curve in (point.log_imbalance, point.budget))
    return {"d log R0/dε at ε = 0": sympy.simplify((A + B) * ratio / budget)}


def _many(share: float | arb, root: float) -> arb:
    """log(e^{ε/α} − 1)."""
    return (arb(root) / share).expm1().log()


def _leading_terms() -> dict[str, arb]:
    found: dict[str, arb] = {}
    for sizes in SIZES:
        slope, constant = _line_at_infinity(*sizes)
        found |= {
            f"log R0/ε, small ε, {_sizes(*sizes)}": _slope_at_zero(*sizes),
            f"log R0/ε, large ε, {_sizes(*sizes)}": slope,
            f"log R0 − (Kφ/κ)ε, large ε, {_sizes(*sizes)}": constant,
        }
    for root in ROOTS:
        found |= {f"log K(R0 − 1), K_A={share:g} K, ε={root:g}": _many(share, root) for share in SHARES}
        found |= {f"log R0 − Kη + log K, K_A={majority}, ε={root:g}": _crowd_constant(majority, root) for majority in FIXED}
    return found


def predict_rays() -> Quantities:
    """The leading terms."""
    return _enclosed(_leading_terms)


def predict_small_by_size() -> Quantities:
    """False: log R0/ε → 1/K_A as ε → 0."""
    return _enclosed(lambda: {f"log R0/ε, small ε, {_sizes(*sizes)}": arb(1) / sizes[0] for sizes in SIZES})


def predict_large_even() -> Quantities:
    """False: log R0/ε → K/K_A as ε → ∞, as if all singular values shared the energy alike (φ = 1)."""
    return _enclosed(lambda: {f"log R0/ε, large ε, {_sizes(*sizes)}": arb(sum(sizes)) / sizes[0] for sizes in SIZES})


def predict_large_without_half() -> Quantities:
    """False: the constant with log(K K_B), not its half."""
    return _enclosed(
        lambda: {
            f"log R0 − (Kφ/κ)ε, large ε, {_sizes(*sizes)}": _line_at_infinity(*sizes)[1] - arb(sum(sizes) * sizes[1]).log() / 2
            for sizes in SIZES
        }
    )


def predict_many_any_share() -> Quantities:
    """False: R0 − 1 ~ (e^ε − 1)/K, whatever the share."""
    return _enclosed(lambda: {f"log K(R0 − 1), K_A={share:g} K, ε={root:g}": _many(1.0, root) for share in SHARES for root in ROOTS})


def predict_crowd_without_constant() -> Quantities:
    """False: R0 ~ e^{Kη}/K."""
    return {f"log R0 − Kη + log K, K_A={majority}, ε={root:g}": Bracket.exactly(0.0) for majority in FIXED for root in ROOTS}


def measure_rays(setting: Setting) -> Quantities:
    """Enclosures for every ε ≤ SMALL, every ε ≥ LARGE, every K ≥ MANY."""
    return _enclosed(_rays)


def _rays() -> dict[str, arb]:
    found = {f"log R0/ε, small ε, {_sizes(*sizes)}": small_energies(*sizes, SMALL) for sizes in SIZES}
    for sizes in SIZES:
        slope, constant = large_energies(*sizes, LARGE)
        found |= {f"log R0/ε, large ε, {_sizes(*sizes)}": slope, f"log R0 − (Kφ/κ)ε, large ε, {_sizes(*sizes)}": constant}
    for root in ROOTS:
        found |= {f"log K(R0 − 1), K_A={share:g} K, ε={root:g}": many_classes(share, root, MANY).log() for share in SHARES}
        found |= {f"log R0 − Kη + log K, K_A={k}, ε={root:g}": many_minority_classes(k, root, MANY) for k in FIXED}
    return found


def _measured(majority: int, minority: int, root: float, width: float) -> Bracket:
    """log R0 by the enclosed geometry of block-symmetric logits, whose cost does not grow with the classes."""
    return collapse_switch(majority, minority, feature_energy=root, weight_energy=root, route="factored", width=width).bracket


def _excess(classes: int, log_ratio: Bracket) -> Bracket:
    """log K(R0 − 1)."""
    low, high = (math.log(classes * math.expm1(end)) for end in (log_ratio.lower, log_ratio.upper))
    return Bracket(low, high, rigorous=log_ratio.rigorous)


def predict_falling() -> Quantities:
    """K/(K_A (K − 1))."""
    return _enclosed(lambda: {f"ε={root:g}": _slope_at_zero(3, 2) for root in FALLING})


def predict_falling_linear() -> Quantities:
    """False: zero, since R0 − 1 is of the order of ε² = E_H E_W."""
    return {f"ε={root:g}": Bracket.exactly(0.0) for root in FALLING}


def measure_falling(setting: Setting) -> Quantities:
    """log R0/ε."""
    return {f"ε={root:g}": _measured(3, 2, root, 1e-6) / Bracket.exactly(root) for root in FALLING}


def predict_rising() -> Quantities:
    """K φ/κ."""
    return _enclosed(lambda: {f"ε={low:g} to {high:g}": _line_at_infinity(5, 5)[0] for low, high in pairwise(RISING)})


def predict_rising_even() -> Quantities:
    """False: K/K_A."""
    return {f"ε={low:g} to {high:g}": Bracket.exactly(2.0) for low, high in pairwise(RISING)}


def measure_rising(setting: Setting) -> Quantities:
    """Slopes of log R0 from one energy to the next."""
    logs = {root: _measured(5, 5, root, 1e-3) for root in RISING}
    return {f"ε={low:g} to {high:g}": (logs[high] - logs[low]) / Bracket.exactly(high - low) for low, high in pairwise(RISING)}


def predict_growing() -> Quantities:
    """log(e^{2ε} − 1), ε = 1."""
    return _enclosed(lambda: {f"K={classes}": _many(0.5, 1.0) for classes in GROWING})


def predict_growing_faster() -> Quantities:
    """False: R0 − 1 of the order of 1/K²."""
    return _enclosed(lambda: {f"K={classes}": _many(0.5, 1.0) + (arb(GROWING[0]) / classes).log() for classes in GROWING})


def measure_growing(setting: Setting) -> Quantities:
    """log K(R0 − 1), half of the classes in the majority."""
    return {f"K={classes}": _excess(classes, _measured(classes // 2, classes // 2, 1.0, 1e-6)) for classes in GROWING}


def predict_crowded() -> Quantities:
    """½ η (1 − e^{−2w}), η = ½."""
    return _enclosed(lambda: {f"K={classes}": _crowd_constant(1, 0.5) for classes in CROWDED})


def predict_crowded_without_logarithm() -> Quantities:
    """False: R0 of the order of e^{Kη}, so that log K is left over."""
    return _enclosed(lambda: {f"K={classes}": arb(classes).log() for classes in CROWDED})


def measure_crowded(setting: Setting) -> Quantities:
    """log R0 − K ε + log K for one majority class."""
    return {f"K={k}": _measured(1, k - 1, 0.5, 1e-4) + Bracket.exactly(math.log(k) - 0.5 * k) for k in CROWDED}


def draw_energies(setting: Setting) -> Figure:
    """R0 between its leading terms at both ends."""
    places = [10 ** (-2.5 + 3.4 * step / 60) for step in range(61)]
    slope, constant = (float(value) for value in _line_at_infinity(5, 5))
    exact = [math.exp(log_threshold_minus_one(5, 5, feature_energy=e, weight_energy=e)) for e in places]
    measured = [(e, _measured(5, 5, e, 1e-4)) for e in (0.01, 0.05, 0.2, 1.0, 3.0, 6.0)]
    return Figure(
        title="The threshold at small and large energies, K_A = K_B = 5",
        caption="R0 − 1 against ε = √(E_H E_W), both axes logarithmic: tangent at zero, exponential growth far out. "
        "Points: bisection over certified solves.",
        x_label="root energy ε",
        y_label="R0 − 1",
        series=(
            _series("closed form", zip(places, exact, strict=True), "line", 0),
            _series("Kε/(K_A(K − 1))", ((e, float(_slope_at_zero(5, 5)) * e) for e in places if e < 3), "line", 1),
            _series("exponential in ε", ((e, math.exp(slope * e + constant)) for e in places if e > 0.7), "line", 2),
            _series("certified solves", ((e, math.expm1(log_ratio.middle)) for e, log_ratio in measured), "points", 0),
        ),
        log_x=True,
        log_y=True,
    )


def draw_classes(setting: Setting) -> Figure:
    """R0 − 1 against the number of classes."""
    series: list[Series] = []
    for color, root in enumerate((0.5, 1.0, 2.0)):
        halves = [2, 3, 5, 8, 15, 30, 60, 150, 500, 1500]
        exact = [math.exp(log_threshold_minus_one(half, half, feature_energy=root, weight_energy=root)) for half in halves]
        measured = [(2 * half, math.expm1(_measured(half, half, root, 1e-5).middle)) for half in (5, 30, 150)]
        series += [
            _series(f"ε = {root:g}, closed form", ((2 * half, y) for half, y in zip(halves, exact, strict=True)), "line", color),
            _series(
                f"ε = {root:g}, (exp(2ε) − 1)/K", ((2 * half, math.expm1(2 * root) / (2 * half)) for half in halves), "line", color + 3
            ),
            _series(f"ε = {root:g}, certified solves", measured, "points", color),
        ]
    return Figure(
        title="The threshold for many classes, half of them in the majority",
        caption="R0 − 1 at fixed energies falls like 1/K. Points: bisection over certified solves.",
        x_label="classes K",
        y_label="R0 − 1",
        series=tuple(series),
        log_x=True,
        log_y=True,
    )


def _series(label: str, points: Iterable[tuple[float, float]], style: str, color: int) -> Series:
    x, y = zip(*points, strict=True)
    return Series(label=label, x=tuple(float(place) for place in x), y=y, style=style, color=color)


def _solved(name: str, claim: str, predict: Callable[[], Quantities], measure: Callable[[Setting], Quantities], reason: str) -> Check:
    return Check(
        name=name,
        claim=claim,
        evidence=Evidence.CERTIFIED,
        predict=predict,
        measure=measure,
        kind=Kind.LIMIT,
        resolution=NEAR,
        reason=f"the next term of the expansion at the last instance: {reason}",
    )


ROOM = Room(
    statement=Statement(
        name="asymptotics",
        title="The threshold at extreme energies and for many classes",
        latex=r"R_0-1\sim\tfrac{K\varepsilon}{K_A(K-1)}\ (\varepsilon\to0),\quad"
        r"\log R_0\sim\tfrac{K\varphi}{\kappa}\,\varepsilon\ (\varepsilon\to\infty),\quad"
        r"R_0-1\sim\tfrac{e^{\varepsilon/\alpha}-1}{K}\ (K\to\infty,\ K_A=\alpha K)",
        assumptions=(
            "two groups of classes, K_B ≥ 2, cross-entropy loss",
            "ε = √(E_H E_W), φ = √(K/K_B), κ = 1 + (K_A − 1)φ",
            "the tangent at ε = 0 for all class numbers; on rays the class numbers, shares and energies listed",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("su2024", "Minority Collapse, for the threshold; its asymptotics derived"),
    ),
    checks=(
        Check(
            name="tangent",
            claim="d log R0/dε = K/(K_A (K − 1)) at ε = 0, for all class numbers",
            evidence=Evidence.PROOF,
            predict=predict_tangent,
            measure=measure_tangent,
        ),
        Check(
            name="rays",
            claim="the leading terms hold to 0.001 for every ε ≤ 1e-7, every ε ≥ 1e8, and every K ≥ 1e8 at fixed energies",
            evidence=Evidence.PROOF,
            predict=predict_rays,
            measure=measure_rays,
            resolution=SHARP,
            reason="an enclosure of a whole ray is as wide as the next term where the ray begins",
        ),
        _solved(
            "small-energies", "measured log R0/ε, 3 classes against 2, approaches the tangent", predict_falling, measure_falling, "1e-3"
        ),
        _solved("large-energies", "the slope of measured log R0, 5 against 5, approaches Kφ/κ", predict_rising, measure_rising, "3e-3"),
        _solved("many-classes", "measured log K(R0 − 1) approaches log(e^{2ε} − 1), K_A = K/2", predict_growing, measure_growing, "7e-4"),
        _solved(
            "many-minority-classes",
            "measured log R0 − Kε + log K approaches its constant, K_A = 1",
            predict_crowded,
            measure_crowded,
            "1.4e-2, and for more classes R0 is beyond what certificates resolve",
        ),
    ),
    controls=(
        Control(name="tangent-by-size", claim="the tangent is 1/K_A", check="tangent", predict=predict_tangent_by_size),
        Control(name="small-by-size", claim="log R0/ε → 1/K_A as ε → 0", check="rays", predict=predict_small_by_size),
        Control(name="even-split", claim="log R0/ε → K/K_A as ε → ∞", check="rays", predict=predict_large_even),
        Control(name="half-forgotten", claim="the constant holds log(K K_B)", check="rays", predict=predict_large_without_half),
        Control(name="share-forgotten", claim="R0 − 1 ~ (e^ε − 1)/K for any share", check="rays", predict=predict_many_any_share),
        Control(name="constant-forgotten", claim="R0 ~ e^{Kη}/K at fixed K_A", check="rays", predict=predict_crowd_without_constant),
        Control(name="exponent", claim="R0 − 1 is of the order of E_H E_W", check="small-energies", predict=predict_falling_linear),
        Control(name="even-split-solved", claim="the slope approaches K/K_A", check="large-energies", predict=predict_rising_even),
        Control(name="inverse-square", claim="R0 − 1 falls like 1/K²", check="many-classes", predict=predict_growing_faster),
        Control(
            name="no-logarithm", claim="R0 grows like e^{Kη}", check="many-minority-classes", predict=predict_crowded_without_logarithm
        ),
    ),
    figures=(draw_energies, draw_classes),
)
