"""The separation theorem as printed fails in both parts: growth of class differences is not governed by γ = α − β alone."""

import math

import sympy

from layerpeel.numerics import TIME
from layerpeel.theory import Evidence, Instances, Kind, Origin, Room, Source, Statement, Variant, claim, instances, printed
from layerpeel.theory.locally_elastic._in_symbols.counterexamples import ALPHA, BETA, CASES, FAILING, LEAST, PARTS, K
from layerpeel.theory.locally_elastic._measured.printed_separation import enclosed
from layerpeel.theory.locally_elastic._separation import at_each_time, separated_enclosure, separated_in_doubles, slow_count

# Two classes on a line (K = 2, p = 1), means ±1 at time 0. On a line there is one direction only, so the exact probability below is that of
# separation by any hyperplane. H is a 2×2 matrix; the means are integrated from E and H, nothing else.

FIXED = 5
"""Samples per class where the theorem lets the number be fixed."""
CHANCE = 2 / math.comb(2 * FIXED, FIXED)
"""2/C(2n, n), what exchangeable samples do by chance."""
FOR_MANY = 2 * math.sqrt(math.pi * FIXED) * 0.25**FIXED
"""The same by Stirling's formula."""
ENCLOSED = Evidence.CERTIFIED.within(
    1e-4, "enclosures in ball arithmetic, 1e-14 wide; at the last times the means are within 0.01 deviations of their limit"
)
"""The means are within 0.01 deviations of each other at the last times, and probabilities are even in that distance."""

EVERY = instances(
    "{}: {}", *((name, what) for name in FAILING for what in ("least eigenvalue of H", "diagonal of H", "lim 1/(tγ)", "lim tγ"))
)
POSITIVE = instances("{}: {}", ("opposed", "det E, positive"))
DRIVEN = {"α − (K−1)γ/K": ("opposed", "α − (K−1)γ/K")}


def times(name: str) -> Instances:
    """Those of a case."""
    return instances("t = {:g}", *CASES[name].times)


ROOM = Room.of(
    Statement(
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
        meaning="The printed separation theorem fails in both parts: classes may stay mixed although each pulls itself much more than "
        "others, and separate although hardly more. Do not judge by that excess alone; couplings and both pulls themselves count.",
    ),
    claim(
        "hypotheses",
        "the counterexamples satisfy every printed hypothesis, and α ≥ (K−1)γ/K exactly when E is positive semidefinite",
        over=EVERY | POSITIVE | DRIVEN,
        predict=lambda name, what: {
            "least eigenvalue of H": sympy.Integer(LEAST[name]),
            "diagonal of H": sympy.Integer(1),
            "lim 1/(tγ)": sympy.Integer(0) if name != "common growth" else None,
            "lim tγ": sympy.Integer(0) if name == "common growth" else None,
            "det E, positive": 2 * (1 + TIME) ** sympy.Rational(-11, 4),
            "α − (K−1)γ/K": (ALPHA + (K - 1) * BETA) / K,
        }[what],
        measure=lambda name, what: PARTS[what](CASES[name]),
        by="from H, α and β as given: eigenvalues, entries, limits",
        false={"singular": Variant("E of the opposed classes is singular", sympy.Integer(0), over=POSITIVE)},
        evidence=Evidence.PROOF,
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
    ),
    printed(
        "part-i-pace",
        "γ = (1+t)^{−1/2} separates for H = I, α = (1+t)^{−1}",
        over=times("pace"),
        predict=1.0,
        instead=(
            "part-i-pace-instead",
            "there growth √t and noise keep pace: as for means two deviations apart, neither separated nor mixed",
            lambda _: separated_in_doubles(2.0, FIXED),
        ),
        measure=lambda t: separated_enclosure(enclosed("pace")[t], FIXED),
        by="the exact probability around enclosed means for H = I, α = (1+t)^{−1}, β = α − (1+t)^{−1/2}; five samples per class",
        false={
            "pace-by-chance": ("there the means meet, as by chance", CHANCE),
            "pace-of-start": ("one deviation stays, as at time 0", lambda _: separated_in_doubles(1.0, FIXED)),
            "pace-of-noise-alone": at_each_time(
                "the deviation is √t, without the start's", lambda t: separated_in_doubles(2.0 * math.sqrt(1.0 + t), FIXED, t)
            ),
        },
        evidence=ENCLOSED,
    ),
    printed(
        "part-i-negative-rates",
        "γ = 1 separates for H = I, α = −1, β = −2",
        over=times("negative rates"),
        predict=1.0,
        instead=("part-i-negative-rates-instead", "there the means meet at zero: separation as by chance, 2/C(2n, n)", CHANCE),
        measure=lambda t: separated_enclosure(enclosed("negative rates")[t], FIXED),
        by="the exact probability around enclosed means for H = I, α = −1, β = −2; five samples per class",
        false={
            "means-stay": at_each_time("the means stay as they are", lambda t: separated_in_doubles(2.0, FIXED, 1.0 + t)),
            "one-order": ("1/C(2n, n)", CHANCE / 2),
            "stirling": ("2√(πn)/4ⁿ, as for large n", FOR_MANY),
            "undivided": at_each_time(
                "the means shrink as e^A, not as e^{A/K}", lambda t: separated_in_doubles(2.0 * math.exp(-t), FIXED, 1.0 + t)
            ),
        },
        evidence=ENCLOSED,
    ),
    printed(
        "part-i-opposed",
        "γ = 2(1+t)^{−3/4} separates for H_12 = −1 and positive definite E",
        over=times("opposed"),
        predict=1.0,
        instead=(
            "part-i-opposed-instead",
            "there the difference of the means stays bounded: separation as by chance, although E and H are positive semidefinite",
            CHANCE,
        ),
        measure=lambda t: separated_enclosure(enclosed("opposed")[t], FIXED),
        by="the exact probability around enclosed means for H_12 = −1, α = (1+t)^{−3/4} + (1+t)^{−2}/2, β = −(1+t)^{−3/4} + (1+t)^{−2}/2; "
        "five samples per class",
        false={
            "half-a-deviation": ("half a deviation stays", lambda _: separated_in_doubles(0.5, FIXED)),
            "coins": ("2 · 2^{−2n}", 2 * 0.25**FIXED),
            "stirling-opposed": ("2√(πn)/4ⁿ, as for large n", FOR_MANY),
            "opposed-undivided": at_each_time(
                "the difference grows as e^{A + B}, not as e^{(A + B)/K}",
                lambda t: separated_in_doubles(2.0 * math.exp(t / (1.0 + t)), FIXED, 1.0 + t),
            ),
        },
        evidence=ENCLOSED,
    ),
    printed(
        "part-ii-common-growth",
        "γ = (1+t)^{−2} mixes the classes for H = I, α = 1, as n grows like log t",
        over=times("common growth"),
        predict=0.0,
        instead=(
            "part-ii-common-growth-instead",
            "there the class differences grow exponentially: separated with probability tending to one",
            1.0,
        ),
        measure=lambda t: separated_enclosure(enclosed("common growth")[t], slow_count(t)),
        by="the exact probability around enclosed means for H = I, α = 1, β = 1 − (1+t)^{−2}; n = 2 + ⌊log(1 + t)⌋",
        false={
            "ordered-by-chance": at_each_time(
                "samples are ordered by chance, ever less likely as n grows", lambda t: separated_in_doubles(0.0, slow_count(t))
            ),
            "gap-grows": at_each_time(
                "differences grow as e^{Γ/K}", lambda t: separated_in_doubles(2.0 * math.exp(0.5 * t / (1.0 + t)), slow_count(t), 1.0 + t)
            ),
            "one-sample-fewer": at_each_time(
                "n = 1 + ⌊log(1 + t)⌋ samples are separated as often",
                lambda t: separated_in_doubles(2.0 * math.exp(0.5 * t), slow_count(t) - 1, 1.0 + t),
            ),
        },
        evidence=ENCLOSED,
    ),
    claim(
        "part-i-repaired",
        "with E positive semidefinite, γ ≫ 1/t does separate uncoupled classes: α ≥ (K−1)γ/K drives them",
        over=times("semidefinite"),
        predict=1.0,
        measure=lambda t: separated_enclosure(enclosed("semidefinite")[t], FIXED),
        by="the exact probability around enclosed means for H = I, α = −β = (1+t)^{−1/2}; five samples per class",
        false={
            "by-total": at_each_time("uncoupled classes differ by e^{(A + B)/K}", lambda t: separated_in_doubles(2.0, FIXED, 1.0 + t)),
            "repaired-noise-alone": at_each_time(
                "they differ by e^{A/K}, and the deviation is √t, without the start's",
                lambda t: separated_in_doubles(2.0 * math.exp(math.sqrt(1.0 + t) - 1.0), FIXED, t),
            ),
        },
        evidence=ENCLOSED,
        origin=Origin.DERIVED,
    ),
)
