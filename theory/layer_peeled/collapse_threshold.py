"""Where minority classifiers collapse: the closed form of R0, and the sharp law λ ≥ n_B/N, both against the geometry."""

import math
from functools import cache

import sympy

from layerpeel.numerics import Bracket, collapse_threshold
from layerpeel.solvers import Switch, bracket_threshold, collapse_switch
from layerpeel.theory import Evidence, Instances, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import optimum, predicted
from layerpeel.theory.layer_peeled._coming_apart import Groups, coming_apart, end, groups_label, multiplier_there, reported
from layerpeel.theory.layer_peeled._in_symbols.boundary import ANGLE, MARGIN_SHARE, OTHER_SHARE, TWICE, consistency, stationarity
from layerpeel.theory.layer_peeled._phases import energy_diagram, size_diagram
from layerpeel.theory.layer_peeled._reference import two_groups

CASES = ((5, 5, 5.0), (3, 7, 5.0), (7, 3, 5.0), (5, 5, 10.0), (2, 2, 1.0), (1, 3, 1.0))
"""(K_A, K_B, E_H) at E_W = 1."""
BESIDE = {(5, 5, 5.0): (12.07, 12.18, 12.205, 12.31), (3, 7, 5.0): (243.0, 245.2, 245.8, 248.0), (2, 2, 1.0): (3.345, 3.377, 3.384, 3.415)}
"""Ratios about 1 % and 0.1 % on either side of where the margin goes."""
LAWS: tuple[Groups, ...] = (((5, 60), (5, 5)), ((3, 100), (7, 2)), ((7, 8), (3, 2)), ((2, 3), (2, 2)), ((1, 6), (3, 1)))
"""Majority and minority, (classes, samples)."""
SMALL_ENERGIES, LARGE_ENERGIES = (1.0, 0.3, 0.1, 0.03), (1.0, 4.0, 9.0, 16.0)
WIDTH = 3e-4
"""Distance in log R of the two ratios at which the search for R0 stops: the certificates decide phases ten times as close."""

ENDS: Instances = {
    f"K_A={a}, K_B={b}, E_H={energy:g}: {name}": (a, b, energy, phase)
    for a, b, energy in CASES
    for phase, name in enumerate(("last with a margin", "first without"))
}
"""Both ends of each search; λ < n_B/N and so 0 at the first, λ ≥ n_B/N and so 1 at the second."""

ROOM = Room.of(
    Statement(
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
        meaning="In the model with two sizes of classes, all rare classes share one classifier exactly from a certain imbalance on, which "
        "class numbers and norms determine. Compute it before you train; it averages norms over classes and has no bias.",
    ),
    claim(
        "consistency",
        "its s, a, θ and margins belong together",
        over="",
        predict=lambda: dict.fromkeys(consistency(1), sympy.Integer(0)),
        measure=lambda: consistency(1),
        by="the margins from their definition a (K_A − 1)/K_A + q_A s cos θ, with the closed form's s, θ and r_A substituted",
        false={"wrong-root": ("r_A = r_B/(1 + X)", lambda: {ANGLE: consistency(2)[ANGLE]})},
        evidence=Evidence.PROOF,
    ),
    claim(
        "stationarity",
        "the closed form satisfies the stationarity conditions at b = 0, Nλ = 1, for every K_A, K_B and ζ",
        over="",
        predict=lambda: dict.fromkeys(stationarity(MARGIN_SHARE), sympy.Integer(1)),
        measure=lambda: stationarity(MARGIN_SHARE),
        by="the conditions with e^{L_A} = (K r_A − K_B)/K_A substituted, all symbols free, and the two ways of writing R0",
        false={"wrong-size": ("R0 with K_A in place of K", lambda: {TWICE: stationarity(OTHER_SHARE)[TWICE]})},
        evidence=Evidence.PROOF,
    ),
    claim(
        "closed-form",
        "R0 is the closed form (compared in logarithms)",
        over=instances("log R0 at K_A={}, K_B={}, E_H={:g}", *CASES),
        predict=lambda a, b, energy: log_closed_form(a, b, energy),
        measure=lambda a, b, energy: switch(a, b, energy).bracket,
        by="log R0 between a ratio where the margin between minority classes is certainly positive, and one where it certainly is zero: "
        "semidefinite programs with their certificate; the multiplier is not looked at",
        false={
            "one-percent-off": ("R0 is 1 % larger", lambda *case: log_closed_form(*case) + Bracket.exactly(math.log(1.01))),
            "one-class-less": (
                "the radius is (K − 1)√(E_H E_W)",
                lambda a, b, energy: log_closed_form(a, b, energy * ((a + b - 1) / (a + b)) ** 2),
            ),
        },
        evidence=Evidence.CERTIFIED.within(
            4e-3, "semidefinite programs certify a margin, and its absence, at two ratios 3e-4 apart; mistakes of .05 % would show"
        ),
    ),
    claim(
        "margin",
        "the margin between two minority classes goes linearly to zero at R0 and stays there",
        over=instances("margin at K_A={0}, K_B={1}, R={3:g}", *((*case, ratio) for case, ratios in BESIDE.items() for ratio in ratios)),
        predict=lambda a, b, energy, ratio: predicted(optimum(a, b, ratio, energy).b),
        measure=lambda a, b, energy, ratio: two_groups(a, b, ratio, energy).inner_value(1),
        by="the margin between two minority classes of the semidefinite optimum, enclosed by its distance to the computed point alone",
        false={
            "margin-one-percent-late": (
                "the margin goes 1 % later",
                lambda a, b, energy, ratio: predicted(optimum(a, b, ratio / 1.01, energy).b),
            ),
            "margin-slightly-late": (
                "the margin goes 0.05 % later",
                lambda a, b, energy, ratio: predicted(optimum(a, b, ratio / 1.0005, energy).b),
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-4, "a fifth of the least margin that is seen 0.1 % before R0"),
    ),
    claim(
        "sharp-law",
        "the minority comes apart exactly where λ = n_B/N",
        over={groups_label(groups): groups for groups in LAWS},
        predict=1.0,
        measure=lambda *groups: multiplier_there(coming_apart(groups, 1), 1),
        by="λ N/n_B, enclosed, at the energy where the margin between minority classes certainly goes from zero to positive",
        false={
            "law-one-percent-off": ("λ = 1.01 n_B/N", 1.01),
            "law-with-share": ("λ = (n_B/N)(K_B − 1)/K_B", lambda _, minority: 1 - 1 / minority[0]),
        },
        evidence=Evidence.CERTIFIED.within(4e-3, "the energies on either side are 3e-4 apart, and λ moves about as much"),
    ),
    claim(
        "reported-phase",
        "the phase that `solve` reports by λ ≥ n_B/N is the one that the margin shows, as close to R0 as it can be certified",
        over=ENDS,
        predict=lambda a, b, energy, phase: phase,
        measure=lambda a, b, energy, phase: reported(end(switch(a, b, energy), phase).solution.collapsed[1]),
        by="what `solve` reports of the minority at the two ends, which were found by the margin",
        false={"reported-late": ("λ ≥ 1.01 n_B/N is what counts", 0.0), "reported-early": ("λ ≥ 0.99 n_B/N is what counts", 1.0)},
        evidence=Evidence.CERTIFIED.within(0.0, "a yes or a no"),
    ),
    claim(
        "small-energy",
        "R0 → 1 as E_H E_W → 0",
        over=instances("R0 at E_H={:g}", *SMALL_ENERGIES),
        predict=1.0,
        measure=lambda energy: bracket_threshold(5, 5, feature_energy=energy, width=1e-2),
        by="R0 by the certified margin along falling energies, K_A = K_B = 5",
        false={"limit-two": ("R0 → 2 as the energy vanishes", 2.0)},
        evidence=Evidence.CERTIFIED.within(0.1, "R0 − 1 is about a third of √(E_H E_W) at the end of the sequence"),
        kind=Kind.LIMIT,
    ),
    claim(
        "large-energy",
        "R0 → ∞, that is 1/R0 → 0, as E_H E_W → ∞",
        over=instances("1/R0 at E_H={:g}", *LARGE_ENERGIES),
        predict=0.0,
        measure=lambda energy: inverse(bracket_threshold(5, 5, feature_energy=energy, width=1e-2)),
        by="1/R0 by the certified margin along growing energies, K_A = K_B = 5",
        false={"bounded": ("R0 stays below 100", 0.01)},
        evidence=Evidence.CERTIFIED.within(5e-3, "1/R0 falls by a factor of eight per step, and ends near 1/475"),
        kind=Kind.LIMIT,
    ),
    figures=(lambda _: energy_diagram(5, 5), lambda _: energy_diagram(7, 3), lambda _: size_diagram(5.0)),
)


@cache
def switch(majority: int, minority: int, energy: float) -> Switch:
    """The ratios between which the margin between minority classes goes, with the semidefinite optima there."""
    return collapse_switch(majority, minority, feature_energy=energy, width=WIDTH)


def inverse(ratio: Bracket) -> Bracket:
    """1/R."""
    return Bracket(1 / ratio.upper, 1 / ratio.lower, rigorous=ratio.rigorous)


def log_closed_form(majority: int, minority: int, energy: float) -> Bracket:
    """log R0 from the closed form, enclosed in ball arithmetic."""
    closed = collapse_threshold(majority, minority, feature_energy=energy, digits=20)
    return Bracket(math.log(float(closed.lower)) - 1e-14, math.log(float(closed.upper)) + 1e-14, rigorous=True)
