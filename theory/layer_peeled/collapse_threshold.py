"""Where minority classifiers collapse: the closed form of R0, and the sharp law λ ≥ n_B/N, both against the geometry."""

import math
from functools import cache

import sympy

from layerpeel.numerics import Bracket, collapse_threshold
from layerpeel.solvers import Switch, bracket_threshold, collapse_switch
from layerpeel.theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import optimum, predicted
from layerpeel.theory.layer_peeled._coming_apart import Groups, coming_apart, groups_label, multiplier_there, reported
from layerpeel.theory.layer_peeled._phases import energy_diagram, size_diagram
from layerpeel.theory.layer_peeled._reference import two_groups

CASES = ((5, 5, 5.0), (3, 7, 5.0), (7, 3, 5.0), (5, 5, 10.0), (2, 2, 1.0), (1, 3, 1.0))
"""(K_A, K_B, E_H) at E_W = 1."""


WIDTH = 3e-4
"""Distance in log R of the two ratios at which the search for R0 stops: the certificates decide phases ten times as close."""


def _label(majority: int, minority: int, energy: float) -> str:
    return f"log R0 at K_A={majority}, K_B={minority}, E_H={energy:g}"


def _log_closed_form(majority: int, minority: int, energy: float) -> Bracket:
    found = collapse_threshold(majority, minority, feature_energy=energy, digits=20)
    return Bracket(math.log(float(found.lower)) - 1e-14, math.log(float(found.upper)) + 1e-14, rigorous=True)


def predict_threshold() -> Quantities:
    """log R0 from the closed form, enclosed in ball arithmetic."""
    return {_label(*case): _log_closed_form(*case) for case in CASES}


def predict_threshold_one_percent_off() -> Quantities:
    """log(1.01 R0)."""
    return {_label(*case): _log_closed_form(*case) + Bracket.exactly(math.log(1.01)) for case in CASES}


def predict_threshold_of_one_class_less() -> Quantities:
    """R0 with the budget (K − 1)√(E_H E_W) in place of K√(E_H E_W)."""
    return {_label(a, b, energy): _log_closed_form(a, b, energy * ((a + b - 1) / (a + b)) ** 2) for a, b, energy in CASES}


@cache
def _switch(majority: int, minority: int, energy: float) -> Switch:
    """The ratios between which the margin between minority classes goes, with the semidefinite optima there."""
    return collapse_switch(majority, minority, feature_energy=energy, width=WIDTH)


def measure_threshold(setting: Setting) -> Quantities:
    """log R0 between a ratio where the margin between minority classes is certainly positive, and one where it certainly is zero.

    Both ends are semidefinite programs with their certificate; the multiplier is not looked at.
    """
    return {_label(*case): _switch(*case).bracket for case in CASES}


def _ends(majority: int, minority: int, energy: float) -> tuple[str, str]:
    place = f"K_A={majority}, K_B={minority}, E_H={energy:g}"
    return f"{place}: last with a margin", f"{place}: first without"


def predict_phases() -> Quantities:
    """λ < n_B/N and so 0 where there still is a margin, λ ≥ n_B/N and so 1 where there is none."""
    return {label: Bracket.exactly(phase) for case in CASES for label, phase in zip(_ends(*case), (0.0, 1.0), strict=True)}


def predict_phases_one_percent_late() -> Quantities:
    """By λ ≥ 1.01 n_B/N there is no collapse yet at either end."""
    return {label: Bracket.exactly(0.0) for case in CASES for label in _ends(*case)}


def predict_phases_one_percent_early() -> Quantities:
    """By λ ≥ 0.99 n_B/N both ends are collapsed."""
    return {label: Bracket.exactly(1.0) for case in CASES for label in _ends(*case)}


def measure_phases(setting: Setting) -> Quantities:
    """What `solve` reports of the minority at the two ends, which were found by the margin."""
    found: dict[str, Bracket] = {}
    for case in CASES:
        ends = _switch(*case).optimum_before, _switch(*case).optimum_beyond
        found |= {label: reported(end.solution.collapsed[1]) for label, end in zip(_ends(*case), ends, strict=True)}
    return found


BESIDE: tuple[tuple[int, int, float, tuple[float, ...]], ...] = (
    (5, 5, 5.0, (12.07, 12.18, 12.205, 12.31)),
    (3, 7, 5.0, (243.0, 245.2, 245.8, 248.0)),
    (2, 2, 1.0, (3.345, 3.377, 3.384, 3.415)),
)
"""(K_A, K_B, E_H, ratios) about 1 % and 0.1 % on either side of where the margin goes."""


def _margins(offset: float) -> Quantities:
    return {
        f"margin at K_A={a}, K_B={b}, R={ratio:g}": predicted(optimum(a, b, ratio * offset, energy).b)
        for a, b, energy, ratios in BESIDE
        for ratio in ratios
    }


def predict_margins() -> Quantities:
    """The inner singular value b of the minority, on the explicit surface of optima: it goes linearly, and is zero from R0 on."""
    return _margins(1.0)


def predict_margins_one_percent_late() -> Quantities:
    """The same at R/1.01: as if the threshold were 1 % larger."""
    return _margins(1 / 1.01)


def measure_margins(setting: Setting) -> Quantities:
    """The margin between two minority classes of the semidefinite optimum, enclosed by its distance to the computed point alone."""
    return {
        f"margin at K_A={a}, K_B={b}, R={ratio:g}": two_groups(a, b, ratio, energy).inner_value(1)
        for a, b, energy, ratios in BESIDE
        for ratio in ratios
    }


LAWS: tuple[Groups, ...] = (
    ((5, 60), (5, 5)),
    ((3, 100), (7, 2)),
    ((7, 8), (3, 2)),
    ((2, 3), (2, 2)),
    ((1, 6), (3, 1)),
)
"""Majority and minority, (classes, samples)."""


def predict_law() -> Quantities:
    """λ N/n_B = 1 where the minority comes apart."""
    return {groups_label(groups): Bracket.exactly(1.0) for groups in LAWS}


def predict_law_one_percent_off() -> Quantities:
    """λ = 1.01 n_B/N."""
    return {groups_label(groups): Bracket.exactly(1.01) for groups in LAWS}


def predict_law_with_share() -> Quantities:
    """λ = (n_B/N)(K_B − 1)/K_B: with the factor that the margin between groups has."""
    return {groups_label(groups): Bracket.exactly(1 - 1 / groups[1][0]) for groups in LAWS}


def measure_law(setting: Setting) -> Quantities:
    """λ N/n_B, enclosed, at the energy where the margin between minority classes certainly goes from zero to positive."""
    return {groups_label(groups): multiplier_there(coming_apart(groups, 1), 1) for groups in LAWS}


SMALL_ENERGIES, LARGE_ENERGIES = (1.0, 0.3, 0.1, 0.03), (1.0, 4.0, 9.0, 16.0)


def predict_small() -> Quantities:
    """R0 → 1 as the energy goes to zero."""
    return {f"R0 at E_H={energy:g}": Bracket.exactly(1.0) for energy in SMALL_ENERGIES}


def predict_small_two() -> Quantities:
    """R0 → 2: a threshold that would leave small energies with room."""
    return {f"R0 at E_H={energy:g}": Bracket.exactly(2.0) for energy in SMALL_ENERGIES}


def measure_small(setting: Setting) -> Quantities:
    """R0 by the certified margin along falling energies, K_A = K_B = 5."""
    return {f"R0 at E_H={energy:g}": bracket_threshold(5, 5, feature_energy=energy, width=1e-2) for energy in SMALL_ENERGIES}


def predict_large() -> Quantities:
    """1/R0 → 0 as the energy grows."""
    return {f"1/R0 at E_H={energy:g}": Bracket.exactly(0.0) for energy in LARGE_ENERGIES}


def predict_bounded() -> Quantities:
    """1/R0 → 1/100: a threshold that stays bounded."""
    return {f"1/R0 at E_H={energy:g}": Bracket.exactly(0.01) for energy in LARGE_ENERGIES}


def measure_large(setting: Setting) -> Quantities:
    """1/R0 by the certified margin along growing energies, K_A = K_B = 5."""
    found: dict[str, Bracket] = {}
    for energy in LARGE_ENERGIES:
        ratio = bracket_threshold(5, 5, feature_energy=energy, width=1e-2)
        found[f"1/R0 at E_H={energy:g}"] = Bracket(1 / ratio.upper, 1 / ratio.lower, rigorous=ratio.rigorous)
    return found


A, B = sympy.symbols("K_A K_B", positive=True)
X, ROOT_A, ROOT_B = sympy.symbols("x r_A r_B", positive=True)
TOTAL = A + B


def _boundary(margin_share: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
    """y = e^{−m_A}, D_A and R0 on the boundary, for x = e^{−a} and e^{L_A} = margin_share."""
    y = X / margin_share
    d_a = 1 + (A - 1) * X + B * y
    ratio = 1 + (1 / X - 1) * margin_share / (TOTAL * ROOT_A)
    return y, d_a, ratio


def _stationarity(margin_share: sympy.Expr) -> dict[str, sympy.Expr]:
    """Left sides over right sides of the stationarity conditions at b = 0 and Nλ = 1, on the closed form."""
    y, d_a, ratio = _boundary(margin_share)
    odds_b = B / (TOTAL * ROOT_B - A)  # e^{−m_B} = e^{−L_B}
    cosine, sine = sympy.sqrt(B / TOTAL) / ROOT_A, sympy.sqrt(A / TOTAL) / ROOT_B
    return {
        "a: R(K_A x + K_B y)/D_A": ratio * (A * X + B * y) / d_a,
        "t_A: R√(K K_B) y/(D_A cos θ)": ratio * sympy.sqrt(TOTAL * B) * y / (d_a * cosine),
        "t_B: √(K K_A) e^{−m_B}/(D_B sin θ)": sympy.sqrt(TOTAL * A) * odds_b / ((B + A * odds_b) * sine),
        "R0 in θ over R0 in ζ": (1 + (A - 1) * X + B * y) / (A * X + B * y) / ratio,
    }


SPREAD, MARGIN_A, MARGIN_B = sympy.symbols("a L_A L_B", positive=True)


def _consistency(power: int) -> dict[str, sympy.Expr]:
    """The relations between a, s, θ and the margins that the conditions above take for granted; all vanish for power = 1."""
    cosine, sine = sympy.sqrt(B / TOTAL) / ROOT_A, sympy.sqrt(A / TOTAL) / ROOT_B
    q_a, q_b = sympy.sqrt(TOTAL) / (A * sympy.sqrt(B)), sympy.sqrt(TOTAL) / (B * sympy.sqrt(A))
    lift = (TOTAL / B) * (ROOT_B**2 - 1)
    root_a_squared = ROOT_B**2 / (1 + lift) ** power
    return {
        "m_A − (a + L_A), with s = r_A (a + K_A L_A)": SPREAD * (A - 1) / A
        + q_a * ROOT_A * (SPREAD + A * MARGIN_A) * cosine
        - (SPREAD + MARGIN_A),
        "m_B − L_B, with s = r_B K_B L_B": q_b * ROOT_B * B * MARGIN_B * sine - MARGIN_B,
        "cos²θ + sin²θ − 1": (B / TOTAL) / root_a_squared + sine**2 - 1,
    }


def predict_consistency() -> Quantities:
    """Zero."""
    return {label: sympy.Integer(0) for label in _consistency(1)}


def predict_inconsistency() -> Quantities:
    """What cos²θ + sin²θ − 1 would be with r_A = r_B/(1 + X): not zero."""
    label = "cos²θ + sin²θ − 1"
    return {label: _consistency(2)[label]}


def measure_consistency(setting: Setting) -> Quantities:
    """The margins from their definition a (K_A − 1)/K_A + q_A s cos θ, with the closed form's s, θ and r_A substituted."""
    return dict(_consistency(1))


def predict_stationarity() -> Quantities:
    """Every condition holds with multiplier Nλ = 1, and the two ways of writing R0 agree."""
    return {label: sympy.Integer(1) for label in _stationarity(X)}


def measure_stationarity(setting: Setting) -> Quantities:
    """The conditions with e^{L_A} = (K r_A − K_B)/K_A substituted, all symbols free."""
    return dict(_stationarity((TOTAL * ROOT_A - B) / A))


def predict_stationarity_off() -> Quantities:
    """What the conditions give when R0 is written with K_A for K: not one."""
    label = "R0 in θ over R0 in ζ"
    return {label: _stationarity((A * ROOT_A - B) / A)[label]}


def draw_energies(setting: Setting) -> Figure:
    """Phase diagram of energy and imbalance, K_A = K_B = 5."""
    return energy_diagram(5, 5)


def draw_energies_of_many(setting: Setting) -> Figure:
    """Phase diagram of energy and imbalance, K_A = 7, K_B = 3, where the minority may vanish."""
    return energy_diagram(7, 3)


def draw_sizes(setting: Setting) -> Figure:
    """Phase diagram of class number and imbalance at E_H = 5."""
    return size_diagram(5.0)


ROOM = Room(
    statement=Statement(
        name="collapse-threshold",
        title="Where minority classifiers collapse",
        latex=r"w_k=w_l\ (k,l\text{ minority})\iff R\geq R_0\iff \lambda\geq\frac{n_B}{N};\qquad "
        r"R_0=1+\frac{(e^{a}-1)\,(K r_A-K_B)}{K K_A\, r_A},\quad \tau=(K_A-1)a+s",
        assumptions=(
            "two groups of classes, K_B ≥ 2",
            "cross-entropy loss",
            "on the boundary, with r_B = e^ζ: s = r_B K_B L_B, a = s/r_A − K_A L_A, and r_A, L_A, L_B explicit in ζ",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("su2024", "Minority Collapse, 1–2 (existence of R0); closed form derived"),
    ),
    checks=(
        Check(
            name="closed-form",
            claim="R0 is the closed form (compared in logarithms)",
            evidence=Evidence.CERTIFIED,
            predict=predict_threshold,
            measure=measure_threshold,
            resolution=4e-3,
            reason="semidefinite programs certify a margin, and its absence, at two ratios 3e-4 apart; mistakes of .05 % would show",
        ),
        Check(
            name="margin",
            claim="the margin between two minority classes goes linearly to zero at R0 and stays there",
            evidence=Evidence.CERTIFIED,
            predict=predict_margins,
            measure=measure_margins,
            resolution=1e-4,
            reason="a fifth of the least margin that is seen 0.1 % before R0",
        ),
        Check(
            name="sharp-law",
            claim="the minority comes apart exactly where λ = n_B/N",
            evidence=Evidence.CERTIFIED,
            predict=predict_law,
            measure=measure_law,
            resolution=4e-3,
            reason="the energies on either side are 3e-4 apart, and λ moves about as much",
        ),
        Check(
            name="reported-phase",
            claim="the phase that `solve` reports by λ ≥ n_B/N is the one that the margin shows, as close to R0 as it can be certified",
            evidence=Evidence.CERTIFIED,
            predict=predict_phases,
            measure=measure_phases,
            resolution=0.0,
            reason="a yes or a no",
        ),
        Check(
            name="small-energy",
            claim="R0 → 1 as E_H E_W → 0",
            evidence=Evidence.CERTIFIED,
            predict=predict_small,
            measure=measure_small,
            kind=Kind.LIMIT,
            resolution=0.1,
            reason="R0 − 1 is about a third of √(E_H E_W) at the end of the sequence",
        ),
        Check(
            name="large-energy",
            claim="R0 → ∞, that is 1/R0 → 0, as E_H E_W → ∞",
            evidence=Evidence.CERTIFIED,
            predict=predict_large,
            measure=measure_large,
            kind=Kind.LIMIT,
            resolution=5e-3,
            reason="1/R0 falls by a factor of eight per step, and ends near 1/475",
        ),
        Check(
            name="stationarity",
            claim="the closed form satisfies the stationarity conditions at b = 0, Nλ = 1, for every K_A, K_B and ζ",
            evidence=Evidence.PROOF,
            predict=predict_stationarity,
            measure=measure_stationarity,
        ),
        Check(
            name="consistency",
            claim="its s, a, θ and margins belong together",
            evidence=Evidence.PROOF,
            predict=predict_consistency,
            measure=measure_consistency,
        ),
    ),
    controls=(
        Control(name="one-percent-off", claim="R0 is 1 % larger", check="closed-form", predict=predict_threshold_one_percent_off),
        Control(
            name="one-class-less",
            claim="the budget is (K − 1)√(E_H E_W)",
            check="closed-form",
            predict=predict_threshold_of_one_class_less,
        ),
        Control(
            name="margin-one-percent-late", claim="the margin goes 1 % later", check="margin", predict=predict_margins_one_percent_late
        ),
        Control(name="law-one-percent-off", claim="λ = 1.01 n_B/N", check="sharp-law", predict=predict_law_one_percent_off),
        Control(name="law-with-share", claim="λ = (n_B/N)(K_B − 1)/K_B", check="sharp-law", predict=predict_law_with_share),
        Control(
            name="reported-late", claim="λ ≥ 1.01 n_B/N is what counts", check="reported-phase", predict=predict_phases_one_percent_late
        ),
        Control(
            name="reported-early", claim="λ ≥ 0.99 n_B/N is what counts", check="reported-phase", predict=predict_phases_one_percent_early
        ),
        Control(name="limit-two", claim="R0 → 2 as the energy vanishes", check="small-energy", predict=predict_small_two),
        Control(name="bounded", claim="R0 stays below 100", check="large-energy", predict=predict_bounded),
        Control(name="wrong-root", claim="r_A = r_B/(1 + X)", check="consistency", predict=predict_inconsistency),
        Control(name="wrong-size", claim="R0 with K_A in place of K", check="stationarity", predict=predict_stationarity_off),
    ),
    figures=(draw_energies, draw_energies_of_many, draw_sizes),
)
