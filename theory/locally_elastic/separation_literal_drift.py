"""Where every sample drives itself, noise grows like the means: γ = ω(1/t) does not separate the I-model."""

import math

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Verdict, claim, instances
from layerpeel.theory.locally_elastic._in_symbols import literal_drift
from layerpeel.theory.locally_elastic._measured import literal_paths as paths
from layerpeel.theory.locally_elastic._paths import SIZED

# Two classes on a line. Samples of equal number drive each other: their difference D obeys dD = (γ/K) D dt + √2 σ dB, whence
# D(t) e^{−γt/K} is normal with mean δ0 and variance 2σ0² + 2σ² ∫_0^t e^{−2γs/K} ds → 2σ0² + σ² K/γ.

CASES = {"K = 2, γ = 1": paths.TWO, "K = 2, γ = 1, spread": (2, 1.0, 0.5), "K = 3, γ = 0.5": (3, 0.5, 0.0)}
LAST = 64.0
TIMES = instances("t = {:g}", 1.0, 4.0, 16.0, LAST)

ROUNDING = 1e-9
"""Half-width of what is computed in doubles: moments to 1e-13, and the density of the normal law is below one half."""
NEAR = 1e-6
"""At t = 64 the variance has reached its limit to e^{−21}."""
DOUBLES = "moments in doubles, good to 1e-9; at t = 64 they have reached their limits"

BIAS = 0.005
"""Euler–Maruyama's steps of 0.04 take 1 per cent from the variance, which moves the probabilities up by 0.001 and 0.003."""

ROOM = Room.of(
    Statement(
        name="separation-literal-drift",
        title="With the literal drift γ ≫ 1/t does not separate",
        latex=r"d\tilde X=M\tilde X\,dt+\sigma\,dB:\quad P(\text{pair ordered})\to"
        r"\Phi\!\left(\frac{\delta_0}{\sqrt{2\sigma_0^2+\sigma^2K/\gamma}}\right)<1",
        assumptions=(
            "I-model, constant γ > 0 and noise σ² > 0",
            "samples of equal number drive each other (equation (2) read literally), in place of the class means",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, equations (2) and (7); The Separation Theorem, part 1"),
        meaning="If samples drive themselves instead of being driven by class means, early noise grows as fast as the class difference, "
        "and a chance of failure stays for ever, in the isotropic model with constant pulls. The printed guarantee needs the other "
        "reading.",
    ),
    claim(
        "limit-in-symbols",
        "mean over deviation of a pair's difference tends to δ0/√(2σ0² + σ²K/γ)",
        over={"with spread": (literal_drift.SIGMA0,), "without": (literal_drift.NO_SPREAD,)},
        predict=literal_drift.stated_limit,
        measure=literal_drift.limit_of_quotient,
        by="the limit of mean over deviation of D, solved from its moment equations m' = (γ/K) m, v' = 2(γ/K) v + 2σ²",
        false={"single-noise": ("the noise is σ²K/(2γ)", lambda spread: literal_drift.SINGLE_NOISE if spread == 0 else None)},
        evidence=Evidence.PROOF,
        origin=Origin.DERIVED,
    ),
    claim(
        "pair",
        "two samples of equal number end in order with probability Φ(δ0/√(2σ0² + σ²K/γ))",
        over=CASES,
        predict=lambda classes, excess, spread: in_doubles(limit(classes, excess, 2 * spread**2)),
        measure=lambda *case: paths.from_moments(paths.ordered(LAST, *case), ROUNDING),
        by="the probability that two samples of equal number are ordered, from integrated moments at t = 64, with β = −γ/4",
        false={
            "single-noise-in-numbers": (
                "the limit is Φ(δ0/√(2σ0² + σ²K/(2γ)))",
                lambda classes, excess, spread: in_doubles(limit(classes, 2 * excess, 2 * spread**2)),
            ),
            "single-spread": (
                "the limit is Φ(δ0/√(σ0² + σ²K/γ))",
                lambda classes, excess, spread: in_doubles(limit(classes, excess, spread**2)) if spread else None,
            ),
        },
        evidence=Evidence.EMPIRICAL.within(NEAR, DOUBLES),
        origin=Origin.DERIVED,
    ),
    claim(
        "as-printed",
        "γ = 1 separates with probability → 1",
        over=TIMES,
        predict=Bracket(1.0 - ROUNDING, 1.0 + ROUNDING),
        measure=lambda t: Bracket(0.0, paths.ordered_alike(t) + paths.SAMPLES * ROUNDING),
        by="the probability of separation by any point of the line: between zero and that of all pairs in the same order",
        false={"as-one-pair": ("n samples are separated as often as one pair", lambda _: in_doubles(limit(*paths.TWO)))},
        kind=Kind.LIMIT,
        evidence=Evidence.EMPIRICAL.within(NEAR, DOUBLES),
        origin=Origin.SEED,
        expected=Verdict.REFUTED,
    ),
    claim(
        "all-pairs",
        "all n pairs end in the same order with probability qⁿ + (1 − q)ⁿ < 1, which separation on a line needs",
        over=TIMES,
        predict=lambda _: in_doubles(either_order(limit(*paths.TWO))),
        measure=lambda t: paths.from_moments(paths.ordered_alike(t), paths.SAMPLES * ROUNDING),
        by="the probability that all n pairs of equal number, which are independent, are ordered alike",
        false={
            "one-order": (
                "all pairs end in one order with probability qⁿ",
                lambda _: in_doubles(limit(*paths.TWO) ** paths.SAMPLES),
            )
        },
        kind=Kind.LIMIT,
        evidence=Evidence.EMPIRICAL.within(NEAR, DOUBLES),
        origin=Origin.DERIVED,
    ),
    claim(
        "frequencies",
        "Euler–Maruyama paths with β = −γ end with a pair in order, and with all samples separated, as often as predicted",
        over="",
        predict=lambda: on_steps(limit(*paths.TWO)),
        measure_all=paths.frequencies,
        by="how often Euler–Maruyama paths of the literal drift, β = −γ, end with their first pair ordered, and with all samples separated",
        false={
            "single-noise-on-paths": ("the noise is σ²K/(2γ)", lambda: on_steps(limit(2, 2.0, 0.0))),
            "all-pairs-apart": (
                "n² pairs are ordered independently",
                lambda: {"all": limit(*paths.TWO) ** paths.SAMPLES**2},
            ),
        },
        evidence=Evidence.STATISTICAL.within(paths.BLUR, SIZED, headroom=2.0),
        kind=Kind.PROBABILITY,
        origin=Origin.DERIVED,
    ),
)


def limit(classes: int, excess: float, start: float) -> float:
    """Φ(δ0/√(s² + σ²K/γ)) with s² the variance of a difference at time 0."""
    return 0.5 * math.erfc(-paths.DISTANCE / math.sqrt(start + paths.NOISE**2 * classes / excess) / math.sqrt(2.0))


def either_order(pair: float) -> float:
    """qⁿ + (1 − q)ⁿ."""
    return pair**paths.SAMPLES + (1 - pair) ** paths.SAMPLES


def in_doubles(value: float) -> Bracket:
    """A prediction with its rounding."""
    return Bracket(value - ROUNDING, value + ROUNDING)


def on_steps(pair: float) -> dict[str, Bracket]:
    """What β = −γ attains in the limit, with the bias of steps."""
    values = {"pair": pair, "all": either_order(pair)}
    return {label: Bracket(value - BIAS, min(1.0, value + BIAS)) for label, value in values.items()}
