"""The L-model separates when γ or the shared pull of β outgrows √t: γ = ω(1/t) is enough, and not needed."""

import math
from fractions import Fraction
from functools import cache

import numpy as np
import sympy

from layerpeel.numerics import TIME, Bracket, ElasticModel, as_rate, law, logit_directions, separated_probability
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement
from layerpeel.theory.locally_elastic._closed_forms import separated_by_law
from layerpeel.theory.locally_elastic._drift import AGREEMENT, exact_drift, exact_similarity, integrated
from layerpeel.theory.locally_elastic._enclosed_flow import on_logarithms, rational, two_parameter_drift
from layerpeel.theory.locally_elastic._integrated_means import integrated_means, l_model_blocks, two_parameter
from layerpeel.theory.locally_elastic._paths import SHARP, SIZED, constant_noise, ends_of_paths, isotropic, paths_needed, separated_share
from layerpeel.theory.locally_elastic._separation import distance_in_deviations, log_distances, separated_enclosure, slow_count

# Rows of M X̄ differ by (γ/K)(d̂_k s_k − d̂_l s_l), where s_j = d̂_jᵀX̄^j = s̄(0) φ1 + δ_j(0) φ2 with φ1 = e^{Γ/K}, φ2 = e^{(A + B/(K−1))/K}.
# Integrated, with I_γ = (1/K)∫γ φ2:
#     X̄^k − X̄^l = X̄^k(0) − X̄^l(0) + d̂_k u_k − d̂_l u_l,      u_j = s̄(0)(φ1 − 1) + δ_j(0) I_γ.
# For K ≥ 3 d̂_k and d̂_l are independent, and with s̄(0) ≠ 0, δ_k(0) ≠ δ_l(0) the larger of |u_k|, |u_l| is of the order of max(φ1, I_γ):
# this over √t decides. For K = 2, d̂_2 = −d̂_1 and δ_1 + δ_2 = 0 leave φ1 alone: the I-model. With γ = (1+t)^{−r}, r > 1, and β = b/(1+t),
# φ1 is bounded and I_γ grows as t^{b/(K−1) + 1 − r}: the switch is at b = (K−1)(r − 1/2).

CLASSES = 3
PAIRS = ((0, 1), (0, 2), (1, 2))
ALONG = (Fraction(5, 4), Fraction(1, 2), Fraction(-1, 4))
"""Class j starts at ξ_j d_j, d_j = e_j − 1/K, so s_j = ξ_j √(2/3): s̄(0) and the δ_j(0) are in proportion to ½ and (¾, 0, −¾)."""

EXPONENT = Fraction(3, 2)
"""r: γ ≪ 1/t."""
STRONG, WEAK = Fraction(12, 5), Fraction(8, 5)
"""b on both sides of (K−1)(r − 1/2) = 2: distances are t^{±0.2} deviations."""
SLOW, NEGATIVE = Fraction(1, 2), Fraction(-5)
"""r and b of the third case, γ ≫ 1/t against a strong negative β."""
TIMES, EARLY = (1e3, 1e6, 1e9, 1e12), (1e1, 3e1, 1e2, 1e3)

SIZES = (2, 3, 4)
"""Numbers of classes of the symbolic check."""
POWERS = {"K = 3, c = 1, b = 2": (3, 1.0, 2.0), "K = 4, c = 2, b = -1": (4, 2.0, -1.0)}
"""(K, c, b) of γ = c/(1+t), β = b/(1+t), where the closed form is held against an integrator."""
HORIZON = 50.0

NEAR = 1e-3
"""How near to its limit a probability must come."""
INTER, END, SAMPLES = 4.4, 4.0, 4
"""Monte Carlo: b, strong enough that separation is likely early; time, and samples per class."""


# The drift of class differences.


def predict_difference_drift() -> Quantities:
    """yᵀ(d̂_1 d̂_1ᵀ X^1 − d̂_2 d̂_2ᵀ X^2) γ/K for a vector y of symbols: β cancels, but what is left is no difference."""
    return {f"K = {size}": _drift_formula(size) for size in SIZES}


def predict_difference_drift_of_i_model() -> Quantities:
    """A false variant: (γ/K) yᵀ(X^1 − X^2)."""
    alpha, beta, y, first, second = _symbols(3)
    return {"K = 3": sympy.expand((alpha - beta) / 3 * (y.T * (first - second))[0])}


def _symbols(size: int) -> tuple[sympy.Symbol, sympy.Symbol, sympy.Matrix, sympy.Matrix, sympy.Matrix]:
    alpha, beta = sympy.symbols("alpha beta")
    y, first, second = (sympy.Matrix(sympy.symbols(f"{name}_1:{size + 1}")) for name in ("y", "X^1", "X^2"))
    return alpha, beta, y, first, second


def _drift_formula(size: int) -> sympy.Expr:
    alpha, beta, y, *means = _symbols(size)
    square = 1 - sympy.Rational(1, size)
    total = sympy.Integer(0)
    for j, sign in ((0, 1), (1, -1)):
        offset = sympy.Matrix([int(i == j) - sympy.Rational(1, size) for i in range(size)])
        total += sign * (y.T * offset)[0] * (offset.T * means[j])[0] / square
    return sympy.expand((alpha - beta) / size * total)


def measure_difference_drift(setting: Setting) -> Quantities:
    """The difference of the first two classes' rows in M X̄, from the matrix M."""
    found: dict[str, Quantity] = {}
    for size in SIZES:
        alpha, beta, y, first, second = _symbols(size)
        rest = sympy.Matrix(sympy.symbols(f"Z_1:{size * (size - 2) + 1}")) if size > 2 else sympy.Matrix(0, 1, [])
        drift = exact_drift(exact_similarity("L", size, size), size, alpha, beta) * sympy.Matrix.vstack(first, second, rest)
        found[f"K = {size}"] = sympy.expand((y.T * (drift[:size, 0] - drift[size : 2 * size, 0]))[0])
    return found


# The closed form against an integrator, γ = c/(1+t) and β = b/(1+t).


def predict_distance() -> Quantities:
    """log ‖X̄^1 − X̄^2‖ at t = 50 from φ1 = (1+t)^{c/K} and I_γ = (c/K) ((1+t)^e − 1)/e, e = c/K + b/(K−1)."""
    found: dict[str, Quantity] = {}
    for label, (classes, constant, inter) in POWERS.items():
        exponent, start = constant / classes + inter / (classes - 1), _generic_start(classes)
        directions = logit_directions(classes)
        along = np.sum(directions * start, axis=1)
        pulled = constant / classes * ((1 + HORIZON) ** exponent - 1) / exponent
        u = along.mean() * ((1 + HORIZON) ** (constant / classes) - 1) + (along - along.mean()) * pulled
        log = math.log(np.linalg.norm(start[0] - start[1] + directions[0] * u[0] - directions[1] * u[1]))
        found[label] = Bracket(log - AGREEMENT, log + AGREEMENT)
    return found


def predict_distance_of_i_model() -> Quantities:
    """A false variant: ‖X̄^1 − X̄^2‖ grows as φ1."""
    return {
        label: Bracket.exactly(
            math.log(np.linalg.norm(_generic_start(classes)[0] - _generic_start(classes)[1])) + constant / classes * math.log1p(HORIZON)
        )
        for label, (classes, constant, _) in POWERS.items()
    }


def _generic_start(classes: int) -> np.ndarray:
    """Class means that lie in no special position."""
    return np.cos(1.0 + np.arange(classes**2, dtype=float) ** 2).reshape(classes, classes)


def measure_distance(setting: Setting) -> Quantities:
    """The same from DOP853 on the system itself."""
    found: dict[str, Quantity] = {}
    for label, (classes, constant, inter) in POWERS.items():
        intra, shared = (np.array([[0.0], [0.0], [1.0], [0.0], [rate]]) for rate in (constant + inter, inter))
        means = integrated("L", intra, shared, _generic_start(classes)[None], np.array([HORIZON]))[0, 0]
        log = math.log(np.linalg.norm(means[0] - means[1]))
        found[label] = Bracket(log - AGREEMENT, log + AGREEMENT)
    return found


# Exact probabilities.


@cache
def _distances(exponent: Fraction, inter: Fraction, times: tuple[float, ...]) -> list[list[Bracket]]:
    """‖X̄^k − X̄^l‖ in deviations, by time and pair, for γ = (1 + t)^{−r} and β = b/(1 + t): from E and H in ball arithmetic."""
    rates = ({exponent: Fraction(1), Fraction(1): inter}, {Fraction(1): inter})
    drift = two_parameter_drift(exact_similarity("L", CLASSES, CLASSES), CLASSES, *map(on_logarithms, rates))
    offsets = sympy.eye(CLASSES) - sympy.ones(CLASSES) / CLASSES
    start = sympy.Matrix.vstack(*(sympy.Rational(x) * offsets.col(j) for j, x in enumerate(ALONG)))
    found = log_distances(drift, rational(start), times, PAIRS, classes=CLASSES)
    return [[distance_in_deviations(one, time) for one in row] for time, row in zip(times, found, strict=True)]


def _probabilities(exponent: Fraction, inter: Fraction, times: tuple[float, ...], *, nearest: bool) -> Quantities:
    """Exact probability along the means of the pair that is nearest, or farthest, n = 2 + ⌊log(1 + t)⌋."""
    found: dict[str, Quantity] = {}
    for time, every in zip(times, _distances(exponent, inter, times), strict=True):
        chosen = min(every, key=lambda one: one.lower) if nearest else max(every, key=lambda one: one.upper)
        found[f"t = {time:g}"] = separated_enclosure(chosen, slow_count(time))
    return found


def measure_strong(setting: Setting) -> Quantities:
    """The nearest pair, γ = (1+t)^{−3/2}, β = 2.4/(1+t)."""
    return _probabilities(EXPONENT, STRONG, TIMES, nearest=True)


def measure_weak(setting: Setting) -> Quantities:
    """The farthest pair, γ = (1+t)^{−3/2}, β = 1.6/(1+t)."""
    return _probabilities(EXPONENT, WEAK, TIMES, nearest=False)


def measure_negative(setting: Setting) -> Quantities:
    """The nearest pair, γ = (1+t)^{−1/2}, β = −5/(1+t)."""
    return _probabilities(SLOW, NEGATIVE, EARLY, nearest=True)


def predict_separated() -> Quantities:
    """One."""
    return {f"t = {time:g}": Bracket.exactly(1.0) for time in TIMES}


def predict_mixed() -> Quantities:
    """Zero."""
    return {f"t = {time:g}": Bracket.exactly(0.0) for time in TIMES}


def predict_separated_early() -> Quantities:
    """One: φ1 alone outgrows √t."""
    return {f"t = {time:g}": Bracket.exactly(1.0) for time in EARLY}


def _gap_integral(exponent: Fraction) -> sympy.Expr:
    """Γ(t) for γ = (1 + t)^{−r}, r ≠ 1."""
    power = 1 - sympy.Rational(exponent)
    return ((1 + TIME) ** power - 1) / power


def _by_power_of_inter(inter: Fraction, share: Fraction, times: tuple[float, ...], *, nearest: bool) -> Quantities:
    """The integral in doubles with φ2 = e^{Γ/K} (1 + t)^{share · b} in I_γ, γ = (1 + t)^{−3/2}."""
    gap, second = _gap_integral(EXPONENT), sympy.exp(_gap_integral(EXPONENT) / CLASSES) * (1 + TIME) ** sympy.Rational(share * inter)
    along, frame = np.array([float(x) for x in ALONG]) * math.sqrt(2 / 3), logit_directions(CLASSES)
    found: dict[str, Quantity] = {}
    for time in times:
        grown = math.expm1(float(gap.subs(TIME, time)) / CLASSES)
        pulled = float(as_rate((1 + TIME) ** -sympy.Rational(EXPONENT) * second / CLASSES).integral(time))
        means = (along + along.mean() * grown + (along - along.mean()) * pulled)[:, None] * frame
        distances = [float(np.linalg.norm(means[k] - means[j])) / math.sqrt(1.0 + time) for k, j in PAIRS]
        distance = min(min(distances) if nearest else max(distances), 60.0)
        found[f"t = {time:g}"] = separated_probability(
            distance, deviations=(1.0, 1.0), counts=(slow_count(time), slow_count(time))
        ).bracket()
    return found


def predict_strong_by_k() -> Quantities:
    """A false variant: β enters as B/K, K for K − 1, so that 2.4 is below the switch."""
    return _by_power_of_inter(STRONG, Fraction(1, CLASSES), TIMES, nearest=True)


def predict_weak_undivided() -> Quantities:
    """A false variant: β enters as B, as if K − 1 classes pulled K − 1 times as much: 1.6 is far beyond the switch."""
    return _by_power_of_inter(WEAK, Fraction(1), TIMES, nearest=False)


def predict_negative_as_first_order() -> Quantities:
    """A false variant: a difference grows as e^{(A + B/(K−1))/K}, as deviations δ do; β = −5/(1 + t) takes t^{5/2} from it."""
    found: dict[str, Quantity] = {}
    for time in EARLY:
        gained = float(_gap_integral(SLOW).subs(TIME, time)) / CLASSES + float(NEGATIVE) / (CLASSES - 1) * math.log1p(time)
        distance = min(math.exp(gained) / math.sqrt(1.0 + time), 60.0)
        found[f"t = {time:g}"] = separated_probability(
            distance, deviations=(1.0, 1.0), counts=(slow_count(time), slow_count(time))
        ).bracket()
    return found


# Monte Carlo.

DIRECTION = logit_directions(CLASSES)[0] - logit_directions(CLASSES)[1]


def _start() -> np.ndarray:
    return np.array([float(x) for x in ALONG])[:, None] * (np.eye(CLASSES) - 1 / CLASSES)


def _separated_with(intra: str, inter: str) -> Quantities:
    model = ElasticModel(blocks="L", num_classes=CLASSES, intra=intra, inter=inter, noise=1)
    return {"classes 1 and 2": separated_by_law(law(model, _start(), END, spread=1), samples=SAMPLES, pair=(0, 1), along=DIRECTION)}


def predict_frequency() -> Quantities:
    """The exact law of numerics along d̂_1 − d̂_2, before anything is drawn."""
    return _separated_with(f"(1 + t)**(-{float(EXPONENT)}) + {INTER}/(1 + t)", f"{INTER}/(1 + t)")


def predict_frequency_of_i_model() -> Quantities:
    """A false variant: without the pull of β."""
    return _separated_with(f"(1 + t)**(-{float(EXPONENT)})", "0")


def predict_frequency_by_k() -> Quantities:
    """A false variant: the pull of β is B/K, K for K − 1, that is b is smaller by (K − 1)/K."""
    weaker = INTER * (CLASSES - 1) / CLASSES
    return _separated_with(f"(1 + t)**(-{float(EXPONENT)}) + {weaker}/(1 + t)", f"{weaker}/(1 + t)")


def measure_frequency(setting: Setting) -> Quantities:
    """How often paths around integrated means end with classes 1 and 2 separated along d̂_1 − d̂_2."""

    def elasticity(time: float) -> np.ndarray:
        inter = INTER / (1.0 + time)
        return two_parameter((1.0 + time) ** -float(EXPONENT) + inter, inter, CLASSES)

    ends = ends_of_paths(
        integrated_means(elasticity, l_model_blocks(CLASSES), _start(), (END,)).means(0),
        constant_noise(1.0, END, CLASSES, CLASSES),
        spread=isotropic(1.0, CLASSES, CLASSES),
        rng=setting.rng,
        paths=paths_needed(setting.level),
        samples=SAMPLES,
    )
    return {"classes 1 and 2": separated_share(ends, (0, 1), DIRECTION)}


EXACT = "brackets are enclosures in ball arithmetic: means by Taylor steps with a proved remainder, their order by one integral"

ROOM = Room(
    statement=Statement(
        name="separation-l-model",
        title="When the L-model separates",
        latex=r"K\geq3:\ \frac{\max(e^{\Gamma/K},\,I_\gamma)}{\sqrt t}\to\infty\ \text{separates},\ \to0\text{ mixes};\quad"
        r"I_\gamma=\frac1K\int\gamma\,e^{\frac1K\left(A+\frac B{K-1}\right)}",
        assumptions=(
            "L-model, γ > 0; constant noise; each sample driven by the class means",
            "Σ_j d̂_jᵀX̄^j(0) ≠ 0, and the d̂_jᵀX̄^j(0) are all different",
            "n → ∞ slowly where classes mix",
        ),
        kind=Kind.LIMIT,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, The Separation Theorem, for the L-model"),
    ),
    checks=(
        Check(
            name="difference-drift",
            claim="d(X̄^k − X̄^l)/dt = (γ/K)(d̂_k s_k − d̂_l s_l)",
            evidence=Evidence.PROOF,
            predict=predict_difference_drift,
            measure=measure_difference_drift,
            kind=Kind.EQUALITY,
        ),
        Check(
            name="distance",
            claim="with γ = c/(1+t), β = b/(1+t), class differences follow φ1 and I_γ",
            evidence=Evidence.EMPIRICAL,
            predict=predict_distance,
            measure=measure_distance,
            kind=Kind.EQUALITY,
            resolution=25 * AGREEMENT,
            reason="the integrator is good to 1e-12 per step; more than ten times what is allowed for it",
        ),
        Check(
            name="inter-strong",
            claim="γ = (1+t)^{−3/2} and β = 2.4/(1+t): every pair separates although γ ≪ 1/t",
            evidence=Evidence.CERTIFIED,
            predict=predict_separated,
            measure=measure_strong,
            resolution=NEAR,
            reason=EXACT,
        ),
        Check(
            name="inter-weak",
            claim="γ = (1+t)^{−3/2} and β = 1.6/(1+t): every pair mixes",
            evidence=Evidence.CERTIFIED,
            predict=predict_mixed,
            measure=measure_weak,
            resolution=NEAR,
            reason=EXACT,
        ),
        Check(
            name="inter-negative",
            claim="γ = (1+t)^{−1/2} separates every pair also against β = −5/(1+t): part (i) holds for any β",
            evidence=Evidence.CERTIFIED,
            predict=predict_separated_early,
            measure=measure_negative,
            resolution=NEAR,
            reason=EXACT,
        ),
        Check(
            name="frequency",
            claim="paths are separated as often as the exact law predicts",
            evidence=Evidence.STATISTICAL,
            predict=predict_frequency,
            measure=measure_frequency,
            kind=Kind.PROBABILITY,
            resolution=SHARP,
            reason=SIZED,
            headroom=2.0,
        ),
    ),
    controls=(
        Control(
            name="as-the-i-model",
            claim="the drift of a difference is γ/K times the difference",
            check="difference-drift",
            predict=predict_difference_drift_of_i_model,
        ),
        Control(name="first-mode-only", claim="differences grow as e^{Γ/K}", check="distance", predict=predict_distance_of_i_model),
        Control(name="by-k", claim="β enters as B/K", check="inter-strong", predict=predict_strong_by_k, kind=Kind.PROBABILITY),
        Control(name="as-printed", claim="γ ≪ 1/t mixes the classes whatever β", check="inter-strong", predict=predict_mixed),
        Control(name="by-all", claim="β enters as B", check="inter-weak", predict=predict_weak_undivided, kind=Kind.PROBABILITY),
        Control(
            name="as-deviations",
            claim="differences grow as deviations do, β < 0 weakens them",
            check="inter-negative",
            predict=predict_negative_as_first_order,
            kind=Kind.PROBABILITY,
        ),
        Control(name="without-pull", claim="β does not move class differences", check="frequency", predict=predict_frequency_of_i_model),
        Control(name="pull-by-k", claim="β pulls with B/K", check="frequency", predict=predict_frequency_by_k),
    ),
)
