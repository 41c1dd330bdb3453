"""The second phase: from R1 on the minority classifiers are exactly zero, not only equal."""

import math

import sympy

from numerics import Bracket
from theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from theory._thresholds import vanishing_threshold
from theory.layer_peeled._closed_forms import optimum, predicted
from theory.layer_peeled._reference import two_groups

CASES = ((7, 3, 5.0), (3, 2, 1.0), (4, 2, 1.0), (3, 3, 0.3), (2, 2, 0.05))
"""(K_A, K_B, E_H) at E_W = 1 with a second phase."""

WIDTH = 2e-3
"""Relative width of R1 at which the bisection stops."""


def _label(majority: int, minority: int, energy: float) -> str:
    return f"K_A={majority}, K_B={minority}, E_H={energy:g}"


def predict_threshold() -> Quantities:
    """log R1 from the closed form, enclosed in ball arithmetic."""
    found: dict[str, Bracket] = {}
    for case in CASES:
        threshold = vanishing_threshold(case[0], case[1], feature_energy=case[2], digits=20)
        if threshold is not None:
            found[_label(*case)] = Bracket(math.log(float(threshold.lower)) - 1e-15, math.log(float(threshold.upper)) + 1e-15)
    return found


def predict_threshold_one_percent_off() -> Quantities:
    """log(1.01 R1)."""
    return {label: value + Bracket.exactly(math.log(1.01)) for label, value in predict_threshold().items() if isinstance(value, Bracket)}


def _vanished(majority: int, minority: int, ratio: float, energy: float) -> bool | None:
    """Whether the minority classifiers are zero, from the certified rank of the exact optimum; None when it cannot tell.

    Zero minority classifiers leave K_A centred rows, hence rank ≤ K_A − 1. The other way round, K_A − 1 nonzero singular values inside
    the majority exhaust a rank of K_A − 1, and nothing is left that could reach the minority.
    """
    found = two_groups(majority, minority, ratio, energy)
    rank = found.rank()
    if rank.lower >= majority:
        return False
    return True if rank.upper <= majority - 1 and found.inner_value(0).lower > 0.0 else None


def measure_threshold(setting: Setting) -> Quantities:
    """log R1 by bisection over semidefinite programs whose certified rank decides the phase."""
    brackets: dict[str, Bracket] = {}
    for majority, minority, energy in CASES:
        present, zero = 0.0, 1.0
        while _vanished(majority, minority, math.exp(zero), energy) is not True:
            zero *= 2.0
        while zero - present > WIDTH:
            middle = 0.5 * (present + zero)
            verdict = _vanished(majority, minority, math.exp(middle), energy)
            if verdict is None:
                break
            present, zero = (present, middle) if verdict else (middle, zero)
        brackets[_label(majority, minority, energy)] = Bracket(present, zero, rigorous=True)
    return brackets


NORM_CASES = ((7, 3, 5.0, (1.0, 3.0, 5.0, 5.6, 6.0, 20.0)), (3, 2, 1.0, (1.0, 2.0, 4.0, 6.0, 7.0, 20.0)))
"""(K_A, K_B, E_H, ratios): below R0, between R0 and R1 = 5.705 and 6.611, and beyond."""


def _ratio_label(majority: int, ratio: float) -> str:
    return f"‖w_B‖ at K_A={majority}, R={ratio:g}"


def predict_norm() -> Quantities:
    """‖w_B‖² = √(E_W/E_H) (ρ + b (K_B − 1)/K_B) with ρ = s K_A/(K K_B); zero from R1 on."""
    found: dict[str, Bracket] = {}
    for majority, minority, energy, ratios in NORM_CASES:
        for ratio in ratios:
            best = optimum(majority, minority, ratio, energy)
            square = best.s * majority / ((majority + minority) * minority) + best.b * (minority - 1) / minority
            found[_ratio_label(majority, ratio)] = predicted(math.sqrt(square / math.sqrt(energy)))
    return found


def predict_norm_zero_when_equal() -> Quantities:
    """Zero already where the classifiers only coincide, from R0 on."""
    return {_ratio_label(7, 5.0): Bracket.exactly(0.0), _ratio_label(3, 4.0): Bracket.exactly(0.0)}


def measure_norm(setting: Setting) -> Quantities:
    """The norm of the exact optimum's minority classifiers, enclosed by the certificate."""
    return {
        _ratio_label(majority, ratio): two_groups(majority, minority, ratio, energy).classifier_norm(1 if ratio > 1.0 else 0)
        for majority, minority, energy, ratios in NORM_CASES
        for ratio in ratios
    }


FAR = 1000.0
"""A ratio far beyond R1, which is below 13 in every case that has one."""
ENERGIES = ((5, 5, (1.9, 2.5, 3.9, 5.0)), (3, 7, (0.13, 0.18, 0.28, 0.36)), (2, 2, (0.12, 0.16, 0.24, 0.31)))
"""(K_A, K_B, energies): two on either side of the largest that has a second phase."""


def predict_existence() -> Quantities:
    """Rank K_A − 1 where τ/(K_A − 1) < K_A ln[(K_A/K_B) r/(1 − r)] with r = √(K_B/K), rank K_A elsewhere."""
    found: dict[str, Bracket] = {}
    for majority, minority, energies in ENERGIES:
        classes = majority + minority
        r = math.sqrt(minority / classes)
        limit = majority * math.log(majority / minority * r / (1 - r))
        for energy in energies:
            exists = classes * math.sqrt(energy) / (majority - 1) < limit
            found[_label(majority, minority, energy)] = Bracket.exactly(float(majority - 1 if exists else majority))
    return found


def predict_existence_everywhere() -> Quantities:
    """Rank K_A − 1 at every energy: as if a large ratio were enough."""
    return {
        _label(majority, minority, energy): Bracket.exactly(float(majority - 1))
        for majority, minority, energies in ENERGIES
        for energy in energies
    }


def predict_existence_without_root() -> Quantities:
    """The condition with r = K_B/K: the logarithm is ln 1 = 0, and no energy has a second phase."""
    return {
        _label(majority, minority, energy): Bracket.exactly(float(majority))
        for majority, minority, energies in ENERGIES
        for energy in energies
    }


def measure_existence(setting: Setting) -> Quantities:
    """Rank of the exact optimum at R = FAR, enclosed from both sides."""
    return {
        _label(majority, minority, energy): two_groups(majority, minority, FAR, energy).rank()
        for majority, minority, energies in ENERGIES
        for energy in energies
    }


A, B = sympy.symbols("K_A K_B", positive=True)
X, OMEGA = sympy.symbols("x omega", positive=True)
TOTAL = A + B
LIMIT = B / A * (sympy.sqrt(TOTAL / B) - 1)
"""e^{−a/K_A} where a = K_A ln[(K_A/K_B) r/(1 − r)], r = √(K_B/K)."""


def _in_margins() -> sympy.Expr:
    """R1² from u = (K_A − 1)e^{−a} and v = K_B e^{−a(K_A−1)/K_A}."""
    u, v = (A - 1) * X, B * X / OMEGA
    m = A / (A - 1) * (u + v * (A - 1) / A) / (1 + u + v)
    return B * A**2 / TOTAL**2 / (m**2 * A * B / TOTAL - A * (v / (1 + u + v)) ** 2)


def predict_boundary() -> Quantities:
    """R1² in the margins m, v/D and in the roots r_A, r_B; λ/c_B = r_B there; no room is left at the limit of existence.

    r_A ≤ 1 makes r_B ≥ 1, so λ ≥ c_B and the minority has no singular value of its own either: R1 ≥ R0.
    """
    root_a = (A * OMEGA + B) / TOTAL
    root_b_squared = A / TOTAL / (1 - B / TOTAL / root_a**2)
    lift = 1 + (1 / X - 1) * (1 - B / TOTAL / root_a) / A
    return {
        "R1², in margins": _in_margins(),
        "R1², in roots": root_b_squared * lift**2,
        "(λ/c_B)² at R1": root_b_squared,
        "room at the limit of existence": sympy.Integer(0),
    }


def predict_boundary_one_class_more() -> Quantities:
    """R1² for one minority class too many."""
    return {"R1², in margins": _in_margins().subs(B, B + 1)}


def measure_boundary(setting: Setting) -> Quantities:
    """R² at which ‖outer block of the gradient‖ = λ, the gradient taken at Z = a(I − 11ᵀ/K_A) on the majority and zero elsewhere.

    A majority row has probabilities 1/D (own), x/D (other majority) and x/(ωD) (minority); a minority row has 1/K each. The inner
    gradient of the majority is λ, since a > 0.
    """
    d = 1 + (A - 1) * X + B * X / OMEGA
    own, other, outside = 1 / d, X / d, X / (OMEGA * d)
    # Squared lengths of the rows (⟨u_g, ∇f u_A⟩, ⟨u_g, ∇f u_B⟩) over the unit vectors of the groups, for c_A = 1 and for c_B = 1. Rows of
    # ∇f sum to zero, so both are multiples of one vector and the norm of the block is the root of their weighted sum.
    row_a = (own - 1 + (A - 1) * other) ** 2 + outside**2 * A * B
    row_b = A * B / TOTAL**2 + (B / TOTAL - 1) ** 2
    inner = 1 - own + other
    # R² row_a + row_b = R² inner²: beyond that R the norm is below λ, and zero minority classifiers are optimal.
    squared = row_b / (inner**2 - row_a)
    return {
        "R1², in margins": squared,
        "R1², in roots": squared,
        "(λ/c_B)² at R1": squared * inner**2,
        "room at the limit of existence": (inner**2 - row_a).subs(OMEGA, LIMIT),
    }


ROOM = Room(
    statement=Statement(
        name="vanishing-threshold",
        title="Where minority classifiers vanish",
        latex=r"w_k=0\ (k\text{ minority})\iff R\geq R_1,\qquad "
        r"R_1^2=\frac{K_B K_A^2/K^2}{m^2K_AK_B/K-K_A(v/D)^2};\qquad "
        r"R_1<\infty\iff\frac{\tau}{K_A-1}<K_A\ln\frac{K_A\,r}{K_B(1-r)},\ r=\sqrt{K_B/K}",
        assumptions=(
            "two groups of classes, K_A ≥ 2, K_B ≥ 2",
            "cross-entropy loss",
            "a = τ/(K_A − 1), u = (K_A − 1)e^{−a}, v = K_B e^{−a(K_A−1)/K_A}, D = 1 + u + v, m = (K_A/(K_A − 1))(u + v(K_A − 1)/K_A)/D",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("fang2021", "Minority Collapse, which stops at equal classifiers; the second phase is derived"),
    ),
    checks=(
        Check(
            name="closed-form",
            claim="R1 is the closed form (compared in logarithms)",
            evidence=Evidence.CERTIFIED,
            predict=predict_threshold,
            measure=measure_threshold,
            resolution=4e-3,
            reason="bisection to 2e-3 in log R; the certified rank still decides at 1e-3 from R1",
        ),
        Check(
            name="classifier-norm",
            claim="‖w_B‖ is the closed form below R1, and zero beyond",
            evidence=Evidence.CERTIFIED,
            predict=predict_norm,
            measure=measure_norm,
            resolution=1e-2,
            reason="a norm is the root of an entry enclosed to about 1e-5, so zero is enclosed to a few 1e-3",
        ),
        Check(
            name="existence",
            claim="at R = 1000 the rank is K_A − 1 (vanished) exactly below the largest energy with a second phase, and K_A above",
            evidence=Evidence.CERTIFIED,
            predict=predict_existence,
            measure=measure_existence,
            resolution=0.0,
            reason="a whole number",
        ),
        Check(
            name="boundary",
            claim="‖outer gradient‖ = λ at zero minority gives R1, in both ways of writing it, for every K_A, K_B and energy",
            evidence=Evidence.PROOF,
            predict=predict_boundary,
            measure=measure_boundary,
        ),
    ),
    controls=(
        Control(name="one-percent-off", claim="R1 is 1 % larger", check="closed-form", predict=predict_threshold_one_percent_off),
        Control(
            name="zero-when-equal",
            claim="equal minority classifiers are zero classifiers",
            check="classifier-norm",
            predict=predict_norm_zero_when_equal,
        ),
        Control(name="always", claim="every energy has a second phase", check="existence", predict=predict_existence_everywhere),
        Control(
            name="without-root", claim="the condition with r = K_B/K: never", check="existence", predict=predict_existence_without_root
        ),
        Control(name="one-class-more", claim="R1 with K_B + 1 for K_B", check="boundary", predict=predict_boundary_one_class_more),
    ),
)
