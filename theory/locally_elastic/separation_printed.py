"""The separation theorem as printed fails in both parts: growth of class differences is not governed by γ = α − β alone."""

import math
from functools import cache
from typing import Any

import sympy

from numerics import TIME, Bracket
from theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement, Verdict
from theory.locally_elastic._separation import distance_in_deviations, growth, separated_enclosure, slow_count

# Two classes on a line (K = 2, p = 1), means ±1 at time 0, features of variance 1 + t. On a line there is one direction only, so the exact
# probability below is that of separation by any hyperplane. H is a 2×2 matrix; with equal diagonal entries (1, −1) is a left eigenvector of
# M = E ∘ H / 2, and the difference of the class means grows as e^{∫λ} with its eigenvalue λ.

t = TIME
UNCOUPLED = sympy.eye(2)
"""H_ij = 0 between classes."""
OPPOSED = sympy.Matrix([[1, -1], [-1, 1]])
"""Classes seen with opposite signs: positive semidefinite, diagonal one."""

CASES = {
    "uncoupled": (UNCOUPLED, (1 + t) ** -2, (1 + t) ** -2 - 1 / sympy.sqrt(1 + t)),
    "negative rates": (UNCOUPLED, sympy.Integer(-1), sympy.Integer(-2)),
    "opposed": (OPPOSED, sympy.Integer(1), -1 + (1 + t) ** -2),
    "common growth": (UNCOUPLED, sympy.Integer(1), 1 - (1 + t) ** -2),
    "uncoupled, E semidefinite": (UNCOUPLED, 1 / sympy.sqrt(1 + t), -1 / sympy.sqrt(1 + t)),
}
"""(H, α, β). The first three have γ ≫ 1/t, the fourth has γ = (1 + t)^{−2} ≪ 1/t."""

FIXED = 5
"""Samples per class where the theorem lets the number be fixed."""
FAR, NEAR = (1e2, 1e4, 1e6, 1e8), (1.0, 5.0, 30.0, 1e3)
"""Times along which limits are watched: power laws of t need far ones, exponentials do not."""

RESOLUTION = 1e-3
"""The means are within 2e-3 deviations of each other at t = 1e6, and probabilities are even in that distance."""


def _difference_rate(name: str) -> sympy.Expr:
    """λ with (1, −1) M = λ (1, −1)."""
    similarity, intra, inter = CASES[name]
    row = sympy.Matrix([[1, -1]]) * sympy.Matrix([[intra, inter], [inter, intra]]).multiply_elementwise(similarity) / 2
    if sympy.simplify(row[0] + row[1]) != 0:
        raise ArithmeticError(f"case {name}: (1, −1) is no left eigenvector; choose equal diagonal entries.")
    return sympy.simplify(row[0])


@cache
def _probabilities(name: str, times: tuple[float, ...], *, growing: bool = False) -> Quantities:
    rate = _difference_rate(name)
    return {
        f"t = {time:g}": separated_enclosure(distance_in_deviations(growth(rate, time), time), slow_count(time) if growing else FIXED)
        for time in times
    }


def measure_uncoupled(setting: Setting) -> Quantities:
    """Exact probability of separation for H = I, α = (1+t)^{−2}, β = α − (1+t)^{−1/2}."""
    return _probabilities("uncoupled", FAR)


def measure_negative(setting: Setting) -> Quantities:
    """Exact probability of separation for H = I, α = −1, β = −2."""
    return _probabilities("negative rates", NEAR)


def measure_opposed(setting: Setting) -> Quantities:
    """Exact probability of separation for H_12 = −1, α = 1, β = −1 + (1+t)^{−2}: here E is positive definite too."""
    return _probabilities("opposed", FAR)


def measure_common_growth(setting: Setting) -> Quantities:
    """Exact probability of separation for H = I, α = 1, β = 1 − (1+t)^{−2}, with n growing."""
    return _probabilities("common growth", NEAR, growing=True)


def measure_repaired(setting: Setting) -> Quantities:
    """Exact probability of separation for H = I and α = −β = (1+t)^{−1/2}, on the edge of positive semidefinite E."""
    return _probabilities("uncoupled, E semidefinite", (1.0, 10.0, 1e2, 1e3))


def predict_separated_far() -> Quantities:
    """One in the limit."""
    return {f"t = {time:g}": Bracket.exactly(1.0) for time in FAR}


def predict_separated_near() -> Quantities:
    """One in the limit."""
    return {f"t = {time:g}": Bracket.exactly(1.0) for time in NEAR}


def predict_mixed_near() -> Quantities:
    """Zero in the limit."""
    return {f"t = {time:g}": Bracket.exactly(0.0) for time in NEAR}


def predict_by_chance_far() -> Quantities:
    """2/C(2n, n): what exchangeable samples do by chance."""
    return {f"t = {time:g}": Bracket.exactly(2 / math.comb(2 * FIXED, FIXED)) for time in FAR}


def predict_by_chance_near() -> Quantities:
    """2/C(2n, n)."""
    return {f"t = {time:g}": Bracket.exactly(2 / math.comb(2 * FIXED, FIXED)) for time in NEAR}


def predict_repaired() -> Quantities:
    """One in the limit."""
    return {f"t = {time:g}": Bracket.exactly(1.0) for time in (1.0, 10.0, 1e2, 1e3)}


def predict_mixed_repaired() -> Quantities:
    """A false variant: growth e^{Γ/K} does not help uncoupled classes."""
    return {f"t = {time:g}": Bracket.exactly(0.0) for time in (1.0, 10.0, 1e2, 1e3)}


def predict_hypotheses() -> Quantities:
    """H has least eigenvalue ≥ 0 and diagonal one; 1/(tγ) → 0 for the first three, tγ → 0 for the fourth; α ≥ (K−1)γ/K iff α+(K−1)β ≥ 0."""
    least = {"uncoupled": 1, "negative rates": 1, "opposed": 0, "common growth": 1}
    classes, alpha, beta = sympy.symbols("K alpha beta", positive=True)
    return (
        {f"{name}: least eigenvalue of H": sympy.Integer(value) for name, value in least.items()}
        | {f"{name}: diagonal of H": sympy.Integer(1) for name in least}
        | {f"{name}: lim 1/(tγ)": sympy.Integer(0) for name in ("uncoupled", "negative rates", "opposed")}
        | {"common growth: lim tγ": sympy.Integer(0), "opposed: det E, positive": (1 + t) ** -2 * (2 - (1 + t) ** -2)}
        | {"α − (K−1)γ/K": (alpha + (classes - 1) * beta) / classes}
    )


def measure_hypotheses(setting: Setting) -> Quantities:
    """The same from H, α and β as given."""
    classes, alpha, beta = sympy.symbols("K alpha beta", positive=True)
    found: dict[str, Any] = {}
    for name, (similarity, intra, inter) in list(CASES.items())[:4]:
        found[f"{name}: least eigenvalue of H"] = sympy.Min(*similarity.eigenvals())
        found[f"{name}: diagonal of H"] = similarity[0, 0] if similarity[0, 0] == similarity[1, 1] else sympy.nan
        found[f"{name}: lim 1/(tγ)"] = sympy.limit(1 / (t * (intra - inter)), t, sympy.oo)
        found[f"{name}: lim tγ"] = sympy.limit(t * (intra - inter), t, sympy.oo)
    _, intra, inter = CASES["opposed"]
    found["opposed: det E, positive"] = sympy.Matrix([[intra, inter], [inter, intra]]).det()
    return found | {"α − (K−1)γ/K": alpha - (classes - 1) * (alpha - beta) / classes}


def predict_hypotheses_singular() -> Quantities:
    """A false variant: E of the third case has a zero eigenvalue."""
    return {"opposed: det E, positive": sympy.Integer(0)}


EXACT = "brackets are enclosures in ball arithmetic, 1e-15 wide"

ROOM = Room(
    statement=Statement(
        name="separation-printed",
        title="The separation theorem as printed fails in both parts",
        latex=r"\gamma=\omega(1/t)\Rightarrow P(\text{separable})\to1,\qquad \gamma=o(1/t),\ n\to\infty\Rightarrow P(\text{separable})\to0",
        assumptions=(
            "γ = α − β > 0, H positive semidefinite with positive diagonal",
            "each sample driven by the class means (slides, equation (7)); distinct class means at time 0",
        ),
        kind=Kind.LIMIT,
        origin=Origin.SEED,
        source=Source("zhang2021", "poster, Theorem (Separation of LE-SDE); slides, The Separation Theorem"),
    ),
    checks=(
        Check(
            name="hypotheses",
            claim="the counterexamples satisfy every printed hypothesis, and α ≥ (K−1)γ/K exactly when E is positive semidefinite",
            evidence=Evidence.PROOF,
            predict=predict_hypotheses,
            measure=measure_hypotheses,
            kind=Kind.EQUALITY,
        ),
        Check(
            name="part-i-uncoupled",
            claim="γ = (1+t)^{−1/2} separates for H = I, α = (1+t)^{−2}",
            evidence=Evidence.CERTIFIED,
            predict=predict_separated_far,
            measure=measure_uncoupled,
            resolution=RESOLUTION,
            reason=EXACT,
            expected=Verdict.REFUTED,
        ),
        Check(
            name="part-i-uncoupled-instead",
            claim="there the classes become exchangeable: separation as by chance, 2/C(2n, n)",
            evidence=Evidence.CERTIFIED,
            predict=predict_by_chance_far,
            measure=measure_uncoupled,
            resolution=RESOLUTION,
            reason=EXACT,
        ),
        Check(
            name="part-i-negative-rates",
            claim="γ = 1 separates for H = I, α = −1, β = −2",
            evidence=Evidence.CERTIFIED,
            predict=predict_separated_near,
            measure=measure_negative,
            resolution=RESOLUTION,
            reason=EXACT,
            expected=Verdict.REFUTED,
        ),
        Check(
            name="part-i-negative-rates-instead",
            claim="there the means meet at zero: separation as by chance, 2/C(2n, n)",
            evidence=Evidence.CERTIFIED,
            predict=predict_by_chance_near,
            measure=measure_negative,
            resolution=RESOLUTION,
            reason=EXACT,
        ),
        Check(
            name="part-i-opposed",
            claim="γ → 2 separates for H_12 = −1 and positive definite E",
            evidence=Evidence.CERTIFIED,
            predict=predict_separated_far,
            measure=measure_opposed,
            resolution=RESOLUTION,
            reason=EXACT,
            expected=Verdict.REFUTED,
        ),
        Check(
            name="part-i-opposed-instead",
            claim="there the difference of the means stays bounded: separation as by chance, although E and H are positive semidefinite",
            evidence=Evidence.CERTIFIED,
            predict=predict_by_chance_far,
            measure=measure_opposed,
            resolution=RESOLUTION,
            reason=EXACT,
        ),
        Check(
            name="part-ii-common-growth",
            claim="γ = (1+t)^{−2} mixes the classes for H = I, α = 1, as n grows like log t",
            evidence=Evidence.CERTIFIED,
            predict=predict_mixed_near,
            measure=measure_common_growth,
            resolution=RESOLUTION,
            reason=EXACT,
            expected=Verdict.REFUTED,
        ),
        Check(
            name="part-ii-common-growth-instead",
            claim="there the class differences grow exponentially: separated with probability tending to one",
            evidence=Evidence.CERTIFIED,
            predict=predict_separated_near,
            measure=measure_common_growth,
            resolution=RESOLUTION,
            reason=EXACT,
        ),
        Check(
            name="part-i-uncoupled-repaired",
            claim="with E positive semidefinite, γ ≫ 1/t does separate uncoupled classes: α ≥ (K−1)γ/K drives them",
            evidence=Evidence.CERTIFIED,
            predict=predict_repaired,
            measure=measure_repaired,
            resolution=RESOLUTION,
            reason=EXACT,
        ),
    ),
    controls=(
        Control(name="singular", claim="E of the opposed classes is singular", check="hypotheses", predict=predict_hypotheses_singular),
        Control(
            name="separates-after-all",
            claim="the bounded difference separates in the end",
            check="part-i-uncoupled-instead",
            predict=predict_separated_far,
        ),
        Control(
            name="mixed-after-all",
            claim="uncoupled classes are never separated, whatever E",
            check="part-i-uncoupled-repaired",
            predict=predict_mixed_repaired,
        ),
    ),
)
