"""Where every sample drives itself, noise grows like the means: γ = ω(1/t) does not separate the I-model."""

import math
from typing import Any

import numpy as np
import sympy
from scipy.integrate import solve_ivp

from layerpeel.numerics import Bracket, ElasticModel, Proportion, euler_chunks, separated_along
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement, Verdict
from layerpeel.theory.locally_elastic._drift import RELATIVE
from layerpeel.theory.locally_elastic._integrated_means import two_parameter
from layerpeel.theory.locally_elastic._paths import SIZED, paths_needed

# Two classes on a line. Samples of equal number drive each other: their difference D obeys dD = (γ/K) D dt + √2 σ dB, whence
# D(t) e^{−γt/K} is normal with mean δ0 and variance 2σ0² + 2σ² ∫_0^t e^{−2γs/K} ds → 2σ0² + σ² K/γ.

DISTANCE, NOISE, SPREAD = 2.0, 1.0, 0.5
"""δ0, σ and σ0 (of the features at time 0)."""
CASES = {"K = 2, γ = 1": (2, 1.0, 0.0), "K = 2, γ = 1, spread": (2, 1.0, SPREAD), "K = 3, γ = 0.5": (3, 0.5, 0.0)}
"""(K, γ, σ0)."""
TIMES = (1.0, 4.0, 16.0, 64.0)

ROUNDING = 1e-9
"""Half-width of what is computed in doubles: moments to 1e-13, and the density of the normal law is below one half."""
NEAR = 1e-6
"""At t = 64 the variance has reached its limit to e^{−21}."""

SAMPLES = 4
"""n per class; one alone is always separated on a line."""
END, STEPS = 14.0, 350
"""With β = −γ a pair's common part is e^{−7} of its difference by then."""
BIAS = 0.005
"""Euler–Maruyama's steps of 0.04 take 1 per cent from the variance, which moves the probabilities up by 0.001 and 0.003."""
BLUR = 0.08
"""Width that confirms a probability of stepped paths."""


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def _at_all_times(value: float) -> Quantities:
    return {f"t = {time:g}": Bracket(value - ROUNDING, value + ROUNDING) for time in TIMES}


def _start(classes: int) -> np.ndarray:
    """Class means on a line, the first and the last δ0 apart."""
    return np.linspace(0.5 * DISTANCE, -0.5 * DISTANCE, classes)[:, None]


# The variance in symbols.


def predict_quotient() -> Quantities:
    """δ0 over the deviation: δ0/√(2σ0² + σ²K/γ), which is δ0/(σ√(K/γ)) for a start without spread."""
    gap, classes, noise, distance, spread = sympy.symbols("gamma K sigma delta0 sigma0", positive=True)
    return {
        "with spread": distance / sympy.sqrt(2 * spread**2 + noise**2 * classes / gap),
        "without": distance / (noise * sympy.sqrt(classes / gap)),
    }


def predict_quotient_single() -> Quantities:
    """A false variant: the noise of one sample in place of that of a difference."""
    gap, classes, noise, distance = sympy.symbols("gamma K sigma delta0", positive=True)
    return {"without": distance / (noise * sympy.sqrt(classes / (2 * gap)))}


def measure_quotient(setting: Setting) -> Quantities:
    """Limit of mean over deviation of D, solved from its moment equations m' = (γ/K) m, v' = 2(γ/K) v + 2σ²."""
    gap, classes, noise, distance, spread = sympy.symbols("gamma K sigma delta0 sigma0", positive=True)
    time, rate = sympy.Symbol("t", positive=True), gap / classes
    mean = _solved(rate, sympy.Integer(0), distance, time)
    found: dict[str, Quantity] = {}
    for label, start in (("with spread", 2 * spread**2), ("without", sympy.Integer(0))):
        variance = _solved(2 * rate, 2 * noise**2, start, time)
        found[label] = sympy.limit(mean * sympy.exp(-rate * time), time, sympy.oo) / sympy.sqrt(
            sympy.limit(sympy.expand(variance * sympy.exp(-2 * rate * time)), time, sympy.oo)
        )
    return found


def _solved(rate: sympy.Expr, push: sympy.Expr, start: sympy.Expr, time: sympy.Symbol) -> sympy.Expr:
    """y with y' = rate · y + push, y(0) = start."""
    unknown: Any = sympy.Function("y")
    equation = sympy.Eq(unknown(time).diff(time), rate * unknown(time) + push)
    solution: Any = sympy.dsolve(equation, unknown(time), ics={unknown(0): start})
    return solution.rhs


# One pair of samples, exactly.


def _limits(*, doubled: bool = False) -> dict[str, float]:
    return {
        label: _normal(DISTANCE / math.sqrt(2 * spread**2 + NOISE**2 * classes / gap / (2 if doubled else 1)))
        for label, (classes, gap, spread) in CASES.items()
    }


def predict_pair() -> Quantities:
    """Φ(δ0/√(2σ0² + σ²K/γ))."""
    return {label: Bracket(value - ROUNDING, value + ROUNDING) for label, value in _limits().items()}


def predict_pair_doubled() -> Quantities:
    """A false variant: Φ(δ0/(σ√(K/(2γ))))."""
    return {label: Bracket.exactly(value) for label, value in _limits(doubled=True).items()}


def _pair(classes: int, gap: float, spread: float, time: float) -> float:
    """P(D > 0) from the moments of one sample of each class, m' = Em/K and V' = (EV + VE)/K + σ²I with β = −γ/4, integrated."""
    drift, start = two_parameter(0.75 * gap, -0.25 * gap, classes) / classes, _start(classes)[:, 0]

    def slope(_: float, state: np.ndarray) -> np.ndarray:
        mean, covariance = state[:classes], state[classes:].reshape(classes, classes)
        pushed = drift @ covariance
        return np.concatenate([drift @ mean, (pushed + pushed.T + NOISE**2 * np.eye(classes)).ravel()])

    begun = np.concatenate([start, (spread**2 * np.eye(classes)).ravel()])
    state = solve_ivp(slope, (0.0, time), begun, method="DOP853", rtol=RELATIVE, atol=RELATIVE).y[:, -1]
    mean, covariance = state[:classes], state[classes:].reshape(classes, classes)
    ends = covariance[0, 0] + covariance[-1, -1] - covariance[0, -1] - covariance[-1, 0]
    return _normal(float((mean[0] - mean[-1]) / math.sqrt(ends)))


def measure_pair(setting: Setting) -> Quantities:
    """Probability that two samples of equal number are ordered, from integrated moments at t = 64."""
    return {label: Bracket(value - ROUNDING, value + ROUNDING) for label, case in CASES.items() for value in [_pair(*case, TIMES[-1])]}


# All samples.


def predict_separated() -> Quantities:
    """One, as part (i) of the printed theorem says."""
    return _at_all_times(1.0)


def predict_as_one_pair() -> Quantities:
    """A false variant: n samples are separated as often as one pair is ordered."""
    return _at_all_times(_limits()["K = 2, γ = 1"])


def predict_one_order() -> Quantities:
    """A false variant: qⁿ, without the other order."""
    return _at_all_times(_limits()["K = 2, γ = 1"] ** SAMPLES)


def predict_bounded() -> Quantities:
    """No more than qⁿ + (1 − q)ⁿ with q = Φ(δ0/(σ√(K/γ))), in the limit."""
    pair = _limits()["K = 2, γ = 1"]
    return _at_all_times(pair**SAMPLES + (1 - pair) ** SAMPLES)


def _all_pairs(time: float) -> float:
    pair = _pair(*CASES["K = 2, γ = 1"], time)
    return pair**SAMPLES + (1 - pair) ** SAMPLES


def measure_all_pairs(setting: Setting) -> Quantities:
    """Probability that all n pairs of equal number, which are independent, are ordered alike."""
    return {
        f"t = {time:g}": Bracket(bound - SAMPLES * ROUNDING, bound + SAMPLES * ROUNDING) for time in TIMES for bound in [_all_pairs(time)]
    }


def measure_separated_at_most(setting: Setting) -> Quantities:
    """Probability of separation by any point of the line: between zero and that of all pairs in the same order."""
    return {f"t = {time:g}": Bracket(0.0, _all_pairs(time) + SAMPLES * ROUNDING) for time in TIMES}


def predict_frequencies() -> Quantities:
    """q and qⁿ + (1 − q)ⁿ, which β = −γ attains in the limit."""
    return _frequencies(_limits()["K = 2, γ = 1"])


def _frequencies(pair: float) -> Quantities:
    values = {"pair": pair, "all": pair**SAMPLES + (1 - pair) ** SAMPLES}
    return {label: Bracket(value - BIAS, min(1.0, value + BIAS)) for label, value in values.items()}


def predict_frequencies_single() -> Quantities:
    """A false variant: with the noise of one sample."""
    return _frequencies(_limits(doubled=True)["K = 2, γ = 1"])


def predict_frequencies_squared() -> Quantities:
    """A false variant: as if all n² pairs were ordered independently."""
    pair = _limits()["K = 2, γ = 1"]
    return {"all": Bracket.exactly(pair**SAMPLES**2)}


def measure_frequencies(setting: Setting) -> Quantities:
    """How often Euler–Maruyama paths of the literal drift, β = −γ, end with their first pair ordered, and with all samples separated."""
    classes, gap, spread = CASES["K = 2, γ = 1"]
    model = ElasticModel(blocks="I", num_classes=classes, num_features=1, intra=0.0, inter=-gap, noise=NOISE)
    paths = paths_needed(setting.level, resolution=BLUR)
    counts = np.zeros(2, dtype=int)
    for points in euler_chunks(
        model,
        _start(classes),
        end=END,
        steps=STEPS,
        rng=setting.rng,
        paths=paths,
        samples=SAMPLES,
        spread=spread,
        drift="literal",
    ):
        counts[0] += int((points[:, 0, 0, 0] > points[:, 1, 0, 0]).sum())
        counts[1] += int(separated_along(points[:, 0], points[:, 1], np.ones((len(points), 1))).sum())
    return {label: Proportion(successes=int(count), n=paths) for label, count in zip(("pair", "all"), counts, strict=True)}


DOUBLES = "moments in doubles, good to 1e-9; at t = 64 they have reached their limits"

ROOM = Room(
    statement=Statement(
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
    ),
    checks=(
        Check(
            name="limit-in-symbols",
            claim="mean over deviation of a pair's difference tends to δ0/√(2σ0² + σ²K/γ)",
            evidence=Evidence.PROOF,
            predict=predict_quotient,
            measure=measure_quotient,
            origin=Origin.DERIVED,
        ),
        Check(
            name="pair",
            claim="two samples of equal number end in order with probability Φ(δ0/√(2σ0² + σ²K/γ))",
            evidence=Evidence.EMPIRICAL,
            predict=predict_pair,
            measure=measure_pair,
            resolution=NEAR,
            reason=DOUBLES,
            origin=Origin.DERIVED,
        ),
        Check(
            name="as-printed",
            claim="γ = 1 separates with probability → 1",
            origin=Origin.SEED,
            evidence=Evidence.EMPIRICAL,
            predict=predict_separated,
            measure=measure_separated_at_most,
            kind=Kind.LIMIT,
            resolution=NEAR,
            reason=DOUBLES,
            expected=Verdict.REFUTED,
        ),
        Check(
            name="all-pairs",
            claim="all n pairs end in the same order with probability qⁿ + (1 − q)ⁿ < 1, which separation on a line needs",
            evidence=Evidence.EMPIRICAL,
            predict=predict_bounded,
            measure=measure_all_pairs,
            kind=Kind.LIMIT,
            resolution=NEAR,
            reason=DOUBLES,
            origin=Origin.DERIVED,
        ),
        Check(
            name="frequencies",
            claim="Euler–Maruyama paths with β = −γ end with a pair in order, and with all samples separated, as often as predicted",
            evidence=Evidence.STATISTICAL,
            predict=predict_frequencies,
            measure=measure_frequencies,
            kind=Kind.PROBABILITY,
            resolution=BLUR,
            reason=SIZED,
            headroom=2.0,
            origin=Origin.DERIVED,
        ),
    ),
    controls=(
        Control(name="single-noise", claim="the noise is σ²K/(2γ)", check="limit-in-symbols", predict=predict_quotient_single),
        Control(name="single-noise-in-numbers", claim="the limit is Φ(δ0/√(2σ0² + σ²K/(2γ)))", check="pair", predict=predict_pair_doubled),
        Control(name="as-one-pair", claim="n samples are separated as often as one pair", check="as-printed", predict=predict_as_one_pair),
        Control(name="one-order", claim="all pairs end in one order with probability qⁿ", check="all-pairs", predict=predict_one_order),
        Control(name="single-noise-on-paths", claim="the noise is σ²K/(2γ)", check="frequencies", predict=predict_frequencies_single),
        Control(
            name="all-pairs-apart", claim="n² pairs are ordered independently", check="frequencies", predict=predict_frequencies_squared
        ),
    ),
)
