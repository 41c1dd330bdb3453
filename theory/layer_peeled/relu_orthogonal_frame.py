"""Features after a ReLU: class means are orthogonal, and classes collapse one by one.

Proof by duality. CE(z, k) = S(p_β) − β⟨t_k, z⟩ + KL(p_β ‖ softmax z) with t_k = e_k − 1/K, p_β = e_k − β t_k and its entropy S. Put in, and
minimised over W, the objective is at least Σ_k (n_k/N) S(p_{β_k}) + Σ (…)‖h‖² + (1/(2λ_W N² K)) Σ_{k≠l} β_k β_l ⟨s_k, s_l⟩, s_k the sum
of the features of class k. H ≥ 0 makes the last sum non-negative, and (…) is non-negative for β_k² ≤ N²λ_Wλ_H K/((K − 1) n_k). Hence

    f* = Σ_k (n_k/N) S(p_{β_k}),   β_k = min(1, N√(λ_Wλ_H K/((K − 1) n_k))),

attained by orthogonal class means, whose problems separate. Equality forces softmax z = p_{β_k} and ⟨s_k, s_l⟩ = 0: with
q_k = β_k (K − 1)/K the own class has probability 1 − q_k, margin log((K − 1)(1/q_k − 1)), and no features once β_k = 1.
"""

import math
from collections.abc import Callable
from itertools import combinations

import numpy as np
import sympy

from layerpeel.numerics import Bracket
from layerpeel.solvers import NonNegative, NonNegativeEnclosure, UnconstrainedFeatures, descend_nonnegative, enclose_nonnegative
from layerpeel.theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Room, Series, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import predicted

CASES = (
    ((12, 6, 3, 2), 1.1),
    ((12, 6, 3, 2), 2.22),
    ((12, 6, 3, 2), 2.28),
    ((12, 6, 3, 2), 4.47),
    ((12, 6, 3, 2), 4.53),
    ((5, 5, 5), 1.0),
    ((20, 4), 1.98),
    ((20, 4), 2.02),
)
"""(n_k, N²λ_Wλ_H). A class collapses at n_k (K − 1)/K: 2.25 and 4.5 for n = 3 and 6 with K = 4, 2 for n = 4 with K = 2."""
UNEQUAL = 3.0
"""λ_H/λ_W."""
DIMENSIONS = 4
"""p/K: with fewer dimensions most random starts lose a class on their way."""
STARTS, CLOSED = 50, 1e-12
"""Most random starts, and the gap at which the certificate says that no more are needed; four out of five starts reach it."""
ROUNDING = 1e-6
"""Allowance in a norm of features for where L-BFGS stops."""


def _label(counts: tuple[int, ...], level: float, what: str) -> str:
    return f"{what}, n={'/'.join(map(str, counts))}, N²λ_Wλ_H={level:g}"


def _error(count: int, classes: int, level: float) -> float:
    """q_k, the probability of a wrong class; (K − 1)/K, all classes alike, once collapsed."""
    return min(math.sqrt(level * (classes - 1) / (classes * count)), (classes - 1) / classes)


def _margin(error: float, classes: int) -> float:
    return math.log((classes - 1) * (1 / error - 1))


def _margins(rule: Callable[[int, int, float], float]) -> dict[str, Bracket]:
    """Margins for a rule (n_k, K, N²λ_Wλ_H) ↦ q_k."""
    return {
        _label(counts, level, f"class {k + 1}"): predicted(_margin(rule(count, len(counts), level), len(counts)))
        for counts, level in CASES
        for k, count in enumerate(counts)
    }


def _problem(counts: tuple[int, ...], level: float) -> UnconstrainedFeatures:
    weight = math.sqrt(level / UNEQUAL) / sum(counts)
    return UnconstrainedFeatures(counts=counts, weight_penalty=weight, feature_penalty=UNEQUAL * weight)


def _solved(counts: tuple[int, ...], level: float, rng: np.random.Generator) -> tuple[NonNegative, NonNegativeEnclosure]:
    found: list[tuple[NonNegative, NonNegativeEnclosure]] = []
    for _ in range(STARTS):
        point = descend_nonnegative(_problem(counts, level), DIMENSIONS * len(counts), rng=rng, starts=1)
        found.append((point, enclose_nonnegative(point)))
        if found[-1][1].value.width <= CLOSED:
            break
    return min(found, key=lambda each: each[1].value.width)


def predict_value() -> Quantities:
    """Σ_k (n_k/N) S(1 − q_k, q_k/(K − 1), …)."""
    found: dict[str, Bracket] = {}
    for counts, level in CASES:
        errors = [_error(count, len(counts), level) for count in counts]
        entropies = [-(1 - q) * math.log(1 - q) - q * math.log(q / (len(counts) - 1)) for q in errors]
        total = sum(count * entropy for count, entropy in zip(counts, entropies, strict=True)) / sum(counts)
        found[_label(counts, level, "value")] = predicted(total)
    return found


def predict_value_of_etf() -> Quantities:
    """False: for balanced classes the value of a simplex ETF, which features of any sign attain.

    Logits m(I − 11ᵀ/K) then cost λ√n ‖m(I − 11ᵀ/K)‖_* = λ√n m (K − 1), in place of λ√n m √(K(K − 1)).
    """
    counts, level = CASES[5]
    classes, count = len(counts), counts[0]
    error = math.sqrt(level / count) * (classes - 1) / classes
    return {_label(counts, level, "value"): predicted(-(1 - error) * math.log(1 - error) - error * math.log(error / (classes - 1)))}


def measure_value(setting: Setting) -> Quantities:
    """The best point found, and the dual bound."""
    return {_label(counts, level, "value"): _solved(counts, level, setting.rng)[1].value for counts, level in CASES}


def predict_margins() -> Quantities:
    """log((K − 1)(1/q_k − 1)), q_k = N√(λ_Wλ_H(K − 1)/(K n_k)); zero for n_k ≤ N²λ_Wλ_H K/(K − 1)."""
    return _margins(_error)


def predict_margins_without_factor() -> Quantities:
    """False: q_k = N√(λ_Wλ_H/n_k), the factor (K − 1)/K forgotten."""
    return _margins(lambda count, classes, level: min(math.sqrt(level / count), (classes - 1) / classes))


def predict_margins_one_percent_off() -> Quantities:
    """False: one per cent more regularisation."""
    return _margins(lambda count, classes, level: _error(count, classes, 1.01 * level))


def measure_margins(setting: Setting) -> Quantities:
    """Margins of the exact optimum, enclosed."""
    return {
        _label(counts, level, f"class {k + 1}"): margin
        for counts, level in CASES
        for k, margin in enumerate(_solved(counts, level, setting.rng)[1].margins)
    }


def _pairs(counts: tuple[int, ...], level: float) -> list[tuple[int, int]]:
    """Pairs of classes that have not collapsed."""
    alive = [k for k, count in enumerate(counts) if count > level * len(counts) / (len(counts) - 1)]
    return [(k, j) for k in alive for j in alive if k < j]


def _cosines(value: Callable[[int], float]) -> dict[str, Bracket]:
    return {
        _label(counts, level, f"classes {k + 1} and {j + 1}"): predicted(value(len(counts)))
        for counts, level in CASES
        for k, j in _pairs(counts, level)
    }


def predict_orthogonal() -> Quantities:
    """Cosine 0."""
    return _cosines(lambda classes: 0.0)


def predict_etf() -> Quantities:
    """False: cosine −1/(K − 1), a simplex ETF of the class means."""
    return _cosines(lambda classes: -1 / (classes - 1))


def measure_cosines(setting: Setting) -> Quantities:
    """Cosines between class means of the exact optimum, enclosed; nothing is known where a mean may vanish."""
    found: dict[str, Bracket] = {}
    for counts, level in CASES:
        overlaps = _solved(counts, level, setting.rng)[1].overlaps
        for k, j in combinations(range(len(counts)), 2):
            found[_label(counts, level, f"classes {k + 1} and {j + 1}")] = overlaps.get((k, j), Bracket(-1.0, 1.0, rigorous=True))
    return found


def predict_norms() -> Quantities:
    """‖h_k‖² = margin_k √((K − 1)/K) √(λ_W/(λ_H n_k)): features and classifier share the cost of a class equally."""
    found: dict[str, Bracket] = {}
    for counts, level in CASES:
        classes = len(counts)
        for k, count in enumerate(counts):
            length = _margin(_error(count, classes, level), classes) * math.sqrt((classes - 1) / classes)
            found[_label(counts, level, f"‖h‖² of class {k + 1}")] = predicted(max(length, 0.0) / math.sqrt(UNEQUAL * count))
    return found


def predict_norms_alike() -> Quantities:
    """False: ‖h_k‖² proportional to the margin alone, with the factor of class 1."""
    return {
        _label(counts, level, f"‖h‖² of class {k + 1}"): predicted(
            _margin(_error(count, len(counts), level), len(counts)) * math.sqrt((len(counts) - 1) / len(counts) / (UNEQUAL * counts[0]))
        )
        for counts, level in CASES
        for k, count in enumerate(counts)
    }


def measure_norms(setting: Setting) -> Quantities:
    """‖h_k‖² of the class means at the best point found."""
    found: dict[str, Bracket] = {}
    for counts, level in CASES:
        squares = np.sum(_solved(counts, level, setting.rng)[0].means ** 2, axis=1)
        for k, square in enumerate(squares.tolist()):
            found[_label(counts, level, f"‖h‖² of class {k + 1}")] = Bracket(square - ROUNDING, square + ROUNDING)
    return found


OTHERS, ODDS = sympy.symbols("K_minus_1 o", positive=True)
"""K − 1, and the odds (1 − q)/q of the own class."""
WRONG = 1 / (1 + ODDS)
"""q."""


def predict_gapless() -> Quantities:
    """The margin log((K − 1)(1/q − 1)), the entropy S(1 − q, q/(K − 1), …) as value there, and q = (K − 1)/K where the margin is zero."""
    return {
        "slope at the margin": sympy.Integer(0),
        "value at the margin": -(1 - WRONG) * sympy.log(ODDS / (1 + ODDS)) + WRONG * sympy.log(OTHERS * (1 + ODDS)),
        "q at margin 0": OTHERS / (OTHERS + 1),
    }


def predict_gapless_half() -> Quantities:
    """False: the margin vanishes at q = ½ for any K."""
    return {"q at margin 0": sympy.Rational(1, 2)}


def measure_gapless(setting: Setting) -> Quantities:
    """Orthogonal class means cost class k (n_k/N)[log(1 + (K − 1)e^{−m}) + q m] at margin m, convex in m."""
    m = sympy.Symbol("m", real=True)
    cost, margin = sympy.log(1 + OTHERS * sympy.exp(-m)) + WRONG * m, sympy.log(OTHERS * ODDS)
    (odds,) = sympy.solve(sympy.Eq(OTHERS * ODDS, 1), ODDS)
    return {
        "slope at the margin": sympy.simplify(sympy.diff(cost, m).subs(m, margin)),
        "value at the margin": sympy.expand_log(sympy.log(sympy.factor((1 + OTHERS * sympy.exp(-m)).subs(m, margin))) + WRONG * margin),
        "q at margin 0": sympy.simplify(WRONG.subs(ODDS, odds)),
    }


def draw_margins(setting: Setting) -> Figure:
    """Margins against the regularisation: each class has its own threshold."""
    counts = CASES[0][0]
    classes = len(counts)
    top = 1.15 * counts[0] * (classes - 1) / classes
    levels = [top * ((step + 1) / 120) ** 2 for step in range(120)]
    measured = [(level, _solved(counts, level, setting.rng)[1].margins) for level in (0.2, 0.6, 1.2, 2.0, 3.5, 5.5, 8.0)]
    series: list[Series] = []
    for k, count in enumerate(counts):
        heights = [max(_margin(_error(count, classes, level), classes), 0.0) for level in levels]
        series += [
            Series(label=f"n = {count}, closed form", x=tuple(levels), y=tuple(heights), style="line", color=k),
            Series(
                label=f"n = {count}, certified",
                x=tuple(level for level, _ in measured),
                y=tuple(margins[k].middle for _, margins in measured),
                low=tuple(margins[k].lower for _, margins in measured),
                high=tuple(margins[k].upper for _, margins in measured),
                style="points",
                color=k,
            ),
        ]
    return Figure(
        title="Margins with non-negative features: each class collapses at its own threshold",
        caption="K = 4 classes of 12, 6, 3 and 2 samples. Lines: closed form. Points: descent over W and H ≥ 0, with certified "
        "enclosures of the exact optimum. Marks: n_k (K − 1)/K.",
        x_label="N² λ_W λ_H",
        y_label="margin",
        series=tuple(series),
        marks=tuple((count * (classes - 1) / classes, f"collapse, n = {count}", k) for k, count in enumerate(counts)),
    )


ROOM = Room(
    statement=Statement(
        name="relu-orthogonal-frame",
        title="With non-negative features class means are orthogonal and classes collapse one by one",
        latex=r"H\geq0:\quad \langle h_k,h_l\rangle=0,\qquad m_k=\log\left((K-1)\left(\tfrac1{q_k}-1\right)\right),\quad"
        r"q_k=N\sqrt{\tfrac{\lambda_W\lambda_H(K-1)}{K n_k}},\qquad h_k=0\iff n_k\leq N^2\lambda_W\lambda_H\tfrac{K}{K-1}",
        assumptions=(
            "cross-entropy, no bias, features ≥ 0, weight decay λ_W on the classifier and λ_H on the features",
            "any counts; a feature dimension of at least as many as there are classes",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.LITERATURE,
        source=Source("dang2024", "the unconstrained ReLU feature model with imbalanced classes; the dual proof is ours"),
    ),
    checks=(
        Check(
            name="value",
            claim="the optimal value is Σ (n_k/N) S(1 − q_k, q_k/(K − 1), …)",
            evidence=Evidence.CERTIFIED,
            predict=predict_value,
            measure=measure_value,
            resolution=1e-9,
            reason="descent ends within rounding of the dual bound, and the closed form is granted 1e-10",
        ),
        Check(
            name="margins",
            claim="margins are log((K − 1)(1/q_k − 1)) and zero from n_k ≤ N²λ_Wλ_H K/(K − 1) on, one per cent on either side",
            evidence=Evidence.CERTIFIED,
            predict=predict_margins,
            measure=measure_margins,
            resolution=1e-4,
            reason="the enclosure goes with the root of the gap, 1e-14 and less",
        ),
        Check(
            name="orthogonal",
            claim="class means are orthogonal",
            evidence=Evidence.CERTIFIED,
            predict=predict_orthogonal,
            measure=measure_cosines,
            resolution=1e-6,
            reason="cosines are bounded by the gap, over the squared norms of features",
        ),
        Check(
            name="norms",
            claim="‖h_k‖² = m_k √((K − 1)/K) √(λ_W/(λ_H n_k))",
            evidence=Evidence.EMPIRICAL,
            predict=predict_norms,
            measure=measure_norms,
            resolution=3e-5,
            reason="where descent stops is granted 1e-6 to either side",
        ),
        Check(
            name="gapless",
            claim="orthogonal class means attain the dual bound, for all K and n_k",
            origin=Origin.DERIVED,
            evidence=Evidence.PROOF,
            predict=predict_gapless,
            measure=measure_gapless,
        ),
    ),
    controls=(
        Control(name="etf-value", claim="balanced classes reach the value of a simplex ETF", check="value", predict=predict_value_of_etf),
        Control(name="factor-forgotten", claim="q_k = N√(λ_Wλ_H/n_k)", check="margins", predict=predict_margins_without_factor),
        Control(name="one-percent-off", claim="margins of 1.01 N²λ_Wλ_H", check="margins", predict=predict_margins_one_percent_off),
        Control(name="etf", claim="class means form a simplex ETF", check="orthogonal", predict=predict_etf),
        Control(name="norms-alike", claim="‖h_k‖² goes with the margin alone", check="norms", predict=predict_norms_alike),
        Control(name="half", claim="the margin vanishes at q = ½", check="gapless", predict=predict_gapless_half),
    ),
    figures=(draw_margins,),
)
