"""Two stages: classes leave the unstable point after a time K log(1/σ)/γ in which noise decides, and then grow without it."""

import math

from flint import acb, arb, ctx

from layerpeel.numerics import PRECISION, Bracket, to_bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.locally_elastic._measured import exit_times as exits

CLASSES, EXCESS = 3, 1
"""K and γ."""
EACH, SMALL = 0.01, 1e-4
"""Noise of a class on paths, of a difference in balls."""
PAIR, NOISE = EACH * math.sqrt(2), (0.01, 0.02, 0.03)
MEANS = {"one pair, p=1": (1, 1), "one pair, p=3": (3, 1), "first of three pairs": (1, 3)}
THIRD = instances("classes other than that of noise {}", *NOISE[::-1])
FINE = "30 000 paths give intervals narrower than half of this, and what is missed between steps is less by far"

ROOM = Room.of(
    Statement(
        name="exit-time",
        title="Two stages: noise decides how long classes stay together, then they grow apart without it",
        latex=r"dX=aX\,dt+\sigma\,dB,\ a=\tfrac{\gamma}{K},\ X_0=0\in\mathbb R^p:\quad a\,\mathbb E\,T_r=\log\frac{r\sqrt{2a}}{\sigma}"
        r"-\frac{\psi(p/2)+\log2}{2}+\delta,\quad \delta\text{ between }0\text{ and }\frac{(p-2)\,\sigma^2}{2ar^2}",
        assumptions=(
            "I-model, constant γ > 0; X is the difference of two samples that drive each other (equation (2) read literally)",
            "all samples begin at one point; for p = 1, ar² ≥ 3σ²; for p = 2, δ is below e^{−ar²/σ²}",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, Future Works, Two-Stage Behavior and Exit-Time Analysis; equation (2)"),
        meaning="From a start that tells nothing apart, classes stay mixed for a time like the logarithm of the inverse noise, and chance "
        "decides which pair parts first. Half the noise delays separation by K log 2/γ only; afterwards classes grow apart without it.",
    ),
    claim(
        "expansion",
        "a E T_r is log(r√(2a)/σ) − (ψ(p/2) + log 2)/2, for p = 1 with + (γ_E + log 2)/2, and δ, of the sign of p − 2",
        over=instances("p={}, r={:g}", (1, 1.0), (1, 3.0), (2, 1.0), (3, 1.0), (10, 1.0)),
        predict=lambda p, radius: mean_exit(p, SMALL, radius),
        measure=lambda p, radius: exits.boundary_value(p, SMALL, radius),
        by="the integral that solves the boundary-value problem of the mean exit time, in balls",
        false={
            "without-constant": ("it is log(r√(2a)/σ)", lambda p, radius: mean_exit(p, SMALL, radius, constant=0)),
            "variance-halved": ("it is log(r√a/σ) and the constant", lambda p, radius: mean_exit(p, 2**0.5 * SMALL, radius)),
            "one-feature": ("it has (γ_E + log 2)/2 for every p", lambda p, radius: mean_exit(1, SMALL, radius) if p > 1 else None),
            "other-sign": ("δ has the sign of 2 − p", lambda p, radius: mean_exit(p, SMALL, radius, power=2 - p) if p != 2 else None),
        },
        evidence=Evidence.CERTIFIED.within(1e-6, "at σ = 1e-4 the enclosed δ is at most 4e-7 wide; the measurement is far sharper"),
    ),
    claim(
        "mean-of-paths",
        "so it is for two of three classes, with σ² = σ_k² + σ_l²; the first pair has log(r√(2a)/σ_k) + γ_E/2 − (2/π) Cl₂(π/3)",
        over=MEANS,
        predict=lambda p, pairs: mean_exit(p, PAIR, 1.0) if pairs == 1 else first_exit(),
        measure_all=lambda setting: [exits.mean_exit(setting.rng, p, pairs, EACH) for p, pairs in MEANS.values()],
        by="the mean over paths of the literal drift of three classes, in steps with the exact law of their ends",
        false={
            "noise-of-one-class": ("σ is that of one class", lambda p, pairs: mean_exit(p, EACH, 1.0) if pairs == 1 else None),
            "classes-forgotten": ("a = γ", lambda p, pairs: mean_exit(p, PAIR, 1.0, classes=1) if pairs == 1 else None),
            "features-forgotten": ("three features part like one", lambda p, _: mean_exit(1, PAIR, 1.0) if p > 1 else None),
            # as if the deviations of the classes always pointed along a pair
            "angle-forgotten": ("the first pair has γ_E/2 − log 2", lambda _, pairs: first_exit(angle=False) if pairs > 1 else None),
        },
        evidence=Evidence.STATISTICAL.within(0.4, FINE, headroom=2.0),
        kind=Kind.PROBABILITY,
    ),
    claim(
        "growth",
        "from r to r′ the pair takes the time K log(r′/r)/γ, up to δ: noise has no part in the second stage",
        over="r=1, r′=3",
        predict=lambda: mean_exit(1, PAIR / 10, 3.0) - mean_exit(1, PAIR / 10, 1.0),
        measure_all=lambda setting: [exits.growth(setting.rng, (1.0, 3.0), EACH / 10)],
        by="the mean time between the two on the same paths",
        false={
            "noise-beside": ("it is K log((r′ + σ)/(r + σ))/γ", lambda: CLASSES * math.log((3 + PAIR / 10) / (1 + PAIR / 10))),
            "straight": ("the pair grows at its speed halfway", CLASSES * 2 * (3 - 1) / (3 + 1)),
        },
        evidence=Evidence.STATISTICAL.within(1e-3, FINE, headroom=2.0),
        kind=Kind.PROBABILITY,
    ),
    claim(
        "who-is-first",
        "classes k, l are the first pair with probability arccos(σ_m²/√((σ_m² + σ_k²)(σ_m² + σ_l²)))/π, m the third class, as σ → 0",
        over=THIRD,
        predict=lambda third: chance(third, power=2),
        measure_all=lambda setting: exits.parted_first(setting.rng, NOISE),
        by="how often each pair is the first to be a distance of one apart",
        false={
            "by-variances": ("the chance is as the pair's variance", lambda third: (14e-4 - third**2) / 28e-4),
            "deviations-for-variances": ("it has σ in place of σ²", lambda third: chance(third, power=1)),
        },
        evidence=Evidence.STATISTICAL.within(0.06, FINE, headroom=2.0),
        kind=Kind.PROBABILITY,
    ),
    figures=(lambda _: exits.draw(mean_exit),),
)


def mean_exit(p: int, noise: float, radius: float, *, constant: int = 1, power: int | None = None, classes: int = CLASSES) -> Bracket:
    """E T_r by the expansion; δ between 0 and (power)σ²/(2ar²), power = p − 2."""
    with ctx.workprec(PRECISION):
        rate, other = arb(EXCESS) / classes, arb(p - 2 if power is None else power)
        ratio = rate * (arb(radius) / noise) ** 2
        leading = ((2 * ratio).log() - constant * ((arb(p) / 2).digamma() + arb(2).log())) / 2
        return to_bracket((leading + (other / (2 * ratio)).union(0) + (-ratio).exp().union(0)) / rate)


def first_exit(*, angle: bool = True) -> Bracket:
    """Of three pairs, from the ball of radius one, without what vanishes with σ²."""
    with ctx.workprec(PRECISION):
        rate = arb(EXCESS) / CLASSES
        last = 2 / arb.pi() * acb(0, arb.pi() / 3).exp().polylog(2).imag if angle else arb(2).log()
        return to_bracket((((2 * rate).sqrt() / EACH).log() + arb.const_euler() / 2 - last) / rate) + Bracket(-1e-3, 1e-3)


def chance(third: float, *, power: int) -> float:
    """That the sample of the third class lies between the two others."""
    own, *others = (noise**power for noise in sorted(NOISE, key=lambda noise: noise != third))
    return math.acos(own / math.sqrt((own + others[0]) * (own + others[1]))) / math.pi
