"""The second phase: from R1 on the minority classifiers are exactly zero, not only equal."""

import math
from functools import cache

import sympy

from layerpeel.numerics import Bracket, vanishing_threshold
from layerpeel.solvers import Enclosures, LayerPeeled, Switch, bracket_switch, solve_blocks
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import optimum, predicted
from layerpeel.theory.layer_peeled._coming_apart import reported
from layerpeel.theory.layer_peeled._reference import two_groups

CASES = ((7, 3, 5.0), (3, 2, 1.0), (4, 2, 1.0), (3, 3, 0.3), (2, 2, 0.05))
"""(K_A, K_B, E_H) at E_W = 1 with a second phase."""

WIDTH = 3e-4
"""Distance in log R at which the search for R1 stops: what the certificates still decide, with room to spare."""


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


def predict_threshold_with_other_margin() -> Quantities:
    """R1 with v = K_B e^{−a} in place of K_B e^{−a(K_A−1)/K_A}: the margin between majority classes taken for that to the minority."""
    found: dict[str, Bracket] = {}
    for majority, minority, energy in CASES:
        classes = majority + minority
        a = classes * math.sqrt(energy) / (majority - 1)
        u, v = (majority - 1) * math.exp(-a), minority * math.exp(-a)
        m = majority / (majority - 1) * (u + v * (majority - 1) / majority) / (1 + u + v)
        square = m**2 * majority * minority / classes - majority * (v / (1 + u + v)) ** 2
        found[_label(majority, minority, energy)] = predicted(0.5 * math.log(minority * majority**2 / classes**2 / square))
    return found


def _vanished(found: Enclosures) -> bool | None:
    """Whether the minority classifiers are zero: no, where their norm certainly is positive.

    Yes, where neither the block between the groups nor the one inside the minority can carry anything.
    """
    present, zero = found.classifier_norm(1).lower > 0.0, found.between_vanishes and found.inner_vanishes(1)
    if present and zero:
        raise ArithmeticError(f"the minority's norm is enclosed away from zero and at zero: {found.solution!r}; report this case.")
    return False if present else True if zero else None


NEAR_BALANCE, FAR = 1.01, 1000.0
"""Ratios on either side of R1, which is below 13 in every case that has one."""


@cache
def _switch(majority: int, minority: int, energy: float) -> Switch:
    """The ratios, in logarithms, between which the norm goes, with the semidefinite optima there."""
    return bracket_switch(
        lambda log_ratio: LayerPeeled.from_imbalance(majority, minority, math.exp(log_ratio), feature_energy=energy),
        _vanished,
        before=math.log(NEAR_BALANCE),
        beyond=math.log(FAR),
        width=WIDTH,
    )


def measure_threshold(setting: Setting) -> Quantities:
    """log R1 between a ratio where the minority's norm certainly is positive, and one where it certainly is zero."""
    return {_label(*case): _switch(*case).bracket for case in CASES}


def _ends(majority: int, minority: int, energy: float) -> tuple[str, str]:
    place = _label(majority, minority, energy)
    return f"{place}: last with a norm", f"{place}: first without"


def predict_phases() -> Quantities:
    """0 where there still is a norm, 1 where there is none."""
    return {label: Bracket.exactly(phase) for case in CASES for label, phase in zip(_ends(*case), (0.0, 1.0), strict=True)}


def predict_phases_with_collapse() -> Quantities:
    """1 at both ends: vanished as soon as collapsed."""
    return {label: Bracket.exactly(1.0) for case in CASES for label in _ends(*case)}


def measure_phases(setting: Setting) -> Quantities:
    """What `solve` reports of the minority at the two ends, which were found by the norm."""
    found: dict[str, Bracket] = {}
    for case in CASES:
        ends = _switch(*case).optimum_before, _switch(*case).optimum_beyond
        found |= {label: reported(end.solution.vanished[1]) for label, end in zip(_ends(*case), ends, strict=True)}
    return found


NORM_CASES = ((7, 3, 5.0, (1.0, 3.0, 5.0, 5.6, 6.0, 20.0)), (3, 2, 1.0, (1.0, 2.0, 4.0, 6.0, 7.0, 20.0)))
"""(K_A, K_B, E_H, ratios): below R0, between R0 and R1 = 5.705 and 6.611, and beyond."""


def _ratio_label(majority: int, ratio: float) -> str:
    return f"‖w_B‖² at K_A={majority}, R={ratio:g}"


def _squares(of_inner: int) -> Quantities:
    """‖w_B‖² with b (K_B − of_inner)/K_B."""
    found: dict[str, Bracket] = {}
    for majority, minority, energy, ratios in NORM_CASES:
        for ratio in ratios:
            best = optimum(majority, minority, ratio, energy)
            square = best.s * majority / ((majority + minority) * minority) + best.b * (minority - of_inner) / minority
            found[_ratio_label(majority, ratio)] = predicted(square / math.sqrt(energy))
    return found


def predict_norm() -> Quantities:
    """‖w_B‖² = √(E_W/E_H) (ρ + b (K_B − 1)/K_B) with ρ = s K_A/(K K_B); zero from R1 on."""
    return _squares(1)


def predict_norm_without_share() -> Quantities:
    """The same with b in place of b (K_B − 1)/K_B."""
    return _squares(0)


def predict_norm_zero_when_equal() -> Quantities:
    """Zero already where the classifiers only coincide, from R0 on."""
    return {_ratio_label(7, 5.0): Bracket.exactly(0.0), _ratio_label(3, 4.0): Bracket.exactly(0.0)}


def measure_norm(setting: Setting) -> Quantities:
    """The squared norm of the minority classifiers in the semidefinite program's own block X_WW, where no ratio of energies is put in."""
    found: dict[str, Bracket] = {}
    for majority, minority, energy, ratios in NORM_CASES:
        for ratio in ratios:
            blocks = solve_blocks(LayerPeeled.from_imbalance(majority, minority, ratio, feature_energy=energy))
            norm = blocks.classifier_norm(len(blocks.problem.groups) - 1)
            found[_ratio_label(majority, ratio)] = Bracket(norm.lower**2, norm.upper**2, rigorous=True)
    return found


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
            reason="semidefinite programs certify a norm, and its absence, at two ratios 3e-4 apart; mistakes of .05 % would show",
        ),
        Check(
            name="reported-phase",
            claim="the phase that `solve` reports is the one that the norm shows, as close to R1 as it can be certified",
            evidence=Evidence.CERTIFIED,
            predict=predict_phases,
            measure=measure_phases,
            resolution=0.0,
            reason="a yes or a no",
        ),
        Check(
            name="classifier-norm",
            claim="‖w_B‖² is the closed form below R1, and zero beyond",
            evidence=Evidence.CERTIFIED,
            predict=predict_norm,
            measure=measure_norm,
            resolution=1e-3,
            reason="a sixth of what is left 2 % before R1",
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
        Control(name="other-margin", claim="v is K_B e^{−a}", check="closed-form", predict=predict_threshold_with_other_margin),
        Control(
            name="with-collapse", claim="collapsed is reported as vanished", check="reported-phase", predict=predict_phases_with_collapse
        ),
        Control(name="without-share", claim="b counts in full in ‖w_B‖²", check="classifier-norm", predict=predict_norm_without_share),
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
