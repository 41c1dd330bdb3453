"""Where every sample drives itself, noise grows like the means: γ = ω(1/t) does not separate the I-model."""

import math
from typing import Any

import numpy as np
import sympy

from numerics import Bracket, ElasticModel, Proportion, confirming_size, euler_chunks, law, separated_along
from theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement, Verdict

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
END, STEPS = 8.0, 320
SHARP, POWER = 0.1, 0.999
"""Width at which a Monte Carlo interval confirms, and the probability that a true prediction is confirmed."""


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def _at_all_times(value: float) -> Quantities:
    return {f"t = {time:g}": Bracket(value - ROUNDING, value + ROUNDING) for time in TIMES}


def _model(classes: int, gap: float, inter: float) -> ElasticModel:
    return ElasticModel(blocks="I", num_classes=classes, num_features=1, intra=gap + inter, inter=inter, noise=NOISE)


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


def predict_pair_ordered() -> Quantities:
    """A false variant: one, as under the mean drift."""
    return {label: Bracket.exactly(1.0) for label in CASES}


def _pair(classes: int, gap: float, spread: float, time: float) -> float:
    found = law(_model(classes, gap, -0.25 * gap), _start(classes), time, spread=spread, drift="literal")
    covariance = found.covariance(0, 0)[:, 0, :, 0]
    ends = covariance[0, 0] + covariance[-1, -1] - covariance[0, -1] - covariance[-1, 0]
    return _normal(float((found.means[0, 0, 0] - found.means[0, -1, 0]) / math.sqrt(ends)))


def measure_pair(setting: Setting) -> Quantities:
    """Probability that two samples of equal number are ordered, from mean and covariance of the exact law at t = 64."""
    return {label: Bracket(value - ROUNDING, value + ROUNDING) for label, case in CASES.items() for value in [_pair(*case, TIMES[-1])]}


# All samples.


def predict_separated() -> Quantities:
    """One, as part (i) of the printed theorem says."""
    return _at_all_times(1.0)


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


def _ends(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    """For each Euler–Maruyama path of the literal drift: whether its first pair is ordered, and whether all samples are separated.

    With β = γ what a pair has in common grows faster than its difference and spreads the samples of each class.
    """
    paths = confirming_size(predicted=0.5, resolution=SHARP, level=setting.level, power=POWER)  # ½ needs the most
    classes, gap, spread = CASES["K = 2, γ = 1"]
    ordered, separated = [], []
    chunks = euler_chunks(
        _model(classes, gap, gap),
        _start(classes),
        end=END,
        steps=STEPS,
        rng=setting.rng,
        paths=paths,
        samples=SAMPLES,
        spread=spread,
        drift="literal",
    )
    for points in chunks:
        ordered.append(points[:, 0, 0, 0] > points[:, 1, 0, 0])
        separated.append(separated_along(points[:, 0], points[:, 1], np.ones((len(points), 1))))
    return np.concatenate(ordered), np.concatenate(separated)


def predict_pair_frequency() -> Quantities:
    """The limit; at t = 8 its variance is e^{−8} away from it."""
    pair = _limits()["K = 2, γ = 1"]
    return {"pair": Bracket(pair - 5e-4, pair + 5e-4)}


def predict_pair_frequency_ordered() -> Quantities:
    """A false variant: one."""
    return {"pair": Bracket.exactly(1.0)}


def measure_pair_frequency(setting: Setting) -> Quantities:
    """How often the first samples of both classes are ordered."""
    ordered, _ = _ends(setting)
    return {"pair": Proportion(successes=int(ordered.sum()), n=len(ordered))}


def predict_separated_frequency() -> Quantities:
    """At most qⁿ + (1 − q)ⁿ."""
    pair = _limits()["K = 2, γ = 1"]
    return {"all": Bracket.exactly(pair**SAMPLES + (1 - pair) ** SAMPLES)}


def predict_separated_frequency_all() -> Quantities:
    """A false variant: at least nine in ten."""
    return {"all": Bracket.exactly(0.9)}


def measure_separated_frequency(setting: Setting) -> Quantities:
    """How often all samples of both classes are separated."""
    _, separated = _ends(setting)
    return {"all": Proportion(successes=int(separated.sum()), n=len(separated))}


DOUBLES = "moments in doubles, good to 1e-9; at t = 64 they have reached their limits"
SIZED = "the number of paths is the one at which an interval this wide confirms with probability 0.999"

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
        origin=Origin.SEED,
        source=Source("zhang2021", "slides, equations (2) and (7); The Separation Theorem, part 1"),
    ),
    checks=(
        Check(
            name="limit-in-symbols",
            claim="mean over deviation of a pair's difference tends to δ0/√(2σ0² + σ²K/γ)",
            evidence=Evidence.PROOF,
            predict=predict_quotient,
            measure=measure_quotient,
        ),
        Check(
            name="pair",
            claim="two samples of equal number end in order with probability Φ(δ0/√(2σ0² + σ²K/γ))",
            evidence=Evidence.EMPIRICAL,
            predict=predict_pair,
            measure=measure_pair,
            resolution=NEAR,
            reason=DOUBLES,
        ),
        Check(
            name="as-printed",
            claim="γ = 1 separates with probability → 1",
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
        ),
        Check(
            name="pair-frequency",
            claim="Euler–Maruyama paths of the literal drift end with a pair in order as often as predicted",
            evidence=Evidence.STATISTICAL,
            predict=predict_pair_frequency,
            measure=measure_pair_frequency,
            kind=Kind.PROBABILITY,
            resolution=SHARP,
            reason=SIZED,
        ),
        Check(
            name="separated-frequency",
            claim="they end separated at most as often as all pairs are in the same order",
            evidence=Evidence.STATISTICAL,
            predict=predict_separated_frequency,
            measure=measure_separated_frequency,
            kind=Kind.UPPER_BOUND,
            resolution=SHARP,
            reason=SIZED,
        ),
    ),
    controls=(
        Control(name="single-noise", claim="the noise is σ²K/(2γ)", check="limit-in-symbols", predict=predict_quotient_single),
        Control(name="single-noise-in-numbers", claim="the limit is Φ(δ0/√(2σ0² + σ²K/(2γ)))", check="pair", predict=predict_pair_doubled),
        Control(name="ordered", claim="every pair ends in order", check="pair", predict=predict_pair_ordered),
        Control(name="all-ordered", claim="all pairs end in the same order", check="all-pairs", predict=predict_separated),
        Control(name="ordered-on-paths", claim="every path ends in order", check="pair-frequency", predict=predict_pair_frequency_ordered),
        Control(
            name="separated-on-paths",
            claim="nine paths in ten end separated",
            check="separated-frequency",
            predict=predict_separated_frequency_all,
            kind=Kind.LOWER_BOUND,
        ),
    ),
)
