"""Collapse under squared error: continuous with one layer, a jump with two or more.

Reduction. Jensen puts features at their class means (the penalty is strictly convex). With G = H̄ diag(√n), D = diag(√n), X = W_M ⋯ W_1 G:

1. Horn's and Hölder's inequalities and that of the means give, with L = M + 1 factors and μ = (λ_W^M λ_H)^{1/L},
   (λ_W/2) Σ ‖W_i‖² + (λ_H/2) ‖G‖² ≥ (L/2) μ Π ‖·‖^{2/L} ≥ (L/2) μ Σ_j σ_j(X)^{2/L}, with equality for balanced factors.
2. von Neumann's trace inequality: ‖X − D‖² ≥ Σ_j (σ_j − √n_j)², both sorted, with equality for a diagonal X ≥ 0.

So the objective is at least Σ_k (n_k/N) g(z_k), z_k = σ_k/√n_k, with g(z) = ½(1 − z)² + (L/2) m z^{2/L} and m = N μ n_k^{−M/L}
= (b/(M n_k))^{M/L}, b = M N (N λ_W^M λ_H)^{1/M}; and diagonal points attain it. M = 1: g is convex, z = max(0, 1 − √(b/n_k)).
M ≥ 2: g has an infinite slope at zero, a local minimum there for every b > 0, and a second one where m = (1 − z) z^{(M−1)/L}, on the
branch z > (M − 1)/(2M) where the right side falls. It exists up to z = (M − 1)/(2M); it is the lower one up to z = (M − 1)/M:

    switch at b/n_k = (M − 1)^{(M−1)/M}/M,       survival up to b/n_k = (M + 1)^{(M+1)/M} (M − 1)^{(M−1)/M}/(4M).

Both are local minima in all factors too: by 1 and 2 the objective near a diagonal point with local minima z_k is bounded by their sum
there, if the classes kept are the largest ones. If a smaller class is kept and a larger one is not, turning one into the other leaves
every norm as it is and lowers the misfit: a saddle.
"""

import math
from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np
import sympy
from scipy.optimize import root_scalar

from layerpeel.numerics import Bracket
from layerpeel.solvers import DeepLinear, UnconstrainedFeatures, descend_linear, enclose_one_layer, fitted_start, random_start
from layerpeel.theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Room, Series, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import predicted

COUNTS = (12, 6, 2)
"""n_k; the second class is the one whose b/n_k is set."""
DEPTHS = {2: (0.25, 0.48, 0.52), 3: (0.25, 0.51, 0.55), 5: (0.25, 0.59, 0.62)}
"""M ≥ 2, the layers between features and logits, and b/n_2 where the minimum is looked for: far below, at and above the switch."""
UNEQUAL = 3.0
"""λ_H/λ_W: the two penalties are not equal in any measurement."""
LEVELS = (0.5, 1.9, 2.1, 5.9, 6.1, 11.9, 12.1)
"""N²λ_Wλ_H for M = 1, on either side of every count."""

FINE, COARSE = 1e-5, 6e-4
"""Relative widths at which the bisections for the switch and for the end of survival stop; near that end the branch is flat."""
DESCENT = 2e-5
"""Allowance in a logit for where L-BFGS stops: gradients near 1e-9 over the least curvature in z, 1e-3 near the ends of branches; and in a
logit at the switch for how finely that is found. Seen: 1e-8, and 1e-6 at the switch."""
STOPPED = 25 * DESCENT
"""Widest bracket of a logit that still confirms."""
ALIVE = 0.05
"""Own logits above this are those of a class that has not collapsed; branches end at 1/4 and more."""
NUDGE = 1e-3
"""Standard deviation of the noise that takes a start off a stationary point."""


def _switch(layers: int) -> float:
    """b/n at which zero becomes the better minimum."""
    return (layers - 1) ** ((layers - 1) / layers) / layers


def _survival(layers: int) -> float:
    """b/n at which the other minimum ends."""
    return (layers + 1) ** ((layers + 1) / layers) * (layers - 1) ** ((layers - 1) / layers) / (4 * layers)


def _branch(layers: int, level: float) -> float:
    """The larger root of m = (1 − z) z^{(M−1)/(M+1)} at b/n = level; 0 beyond its end."""
    if layers == 1:
        return max(0.0, 1 - math.sqrt(level))
    if level >= _survival(layers):
        return 0.0
    power, m = (layers - 1) / (layers + 1), (level / layers) ** (layers / (layers + 1))
    branch = (layers - 1) / (2 * layers), 1.0
    return root_scalar(lambda z: (1 - z) * z**power - m, bracket=branch, xtol=1e-15).root


def _problem(layers: int, level: float) -> UnconstrainedFeatures:
    """The penalties with λ_H = UNEQUAL λ_W and b/n_2 = level."""
    samples = sum(COUNTS)
    weight = (level * COUNTS[1] / (layers * samples) / (samples * UNEQUAL) ** (1 / layers)) ** (layers / (layers + 1))
    return UnconstrainedFeatures(counts=COUNTS, feature_penalty=UNEQUAL * weight, weight_penalty=weight, loss="squared")


def _kept(layers: int, level: float, kept: Sequence[bool]) -> DeepLinear:
    """Descent from logits 1 of the classes kept."""
    problem = _problem(layers, level)
    return descend_linear(problem, *fitted_start(problem, layers, kept=kept))


def _nudged(layers: int, level: float, kept: Sequence[bool], rng: np.random.Generator) -> DeepLinear:
    """The same with noise on every entry."""
    problem = _problem(layers, level)
    fitted, noise = fitted_start(problem, layers, kept=kept), random_start(problem, layers, scale=NUDGE, rng=rng)
    return descend_linear(problem, [a + b for a, b in zip(fitted[0], noise[0], strict=True)], fitted[1] + noise[1])


def _near(value: float) -> Bracket:
    return Bracket(value - DESCENT, value + DESCENT)


def _one(level: float, count: int) -> str:
    return f"N²λ_Wλ_H={level:g}, n={count}"


def predict_one_layer() -> Quantities:
    """z_k = max(0, 1 − N√(λ_Wλ_H/n_k))."""
    return {_one(level, count): predicted(_branch(1, level / count)) for level in LEVELS for count in COUNTS}


def predict_one_layer_off() -> Quantities:
    """False: collapse at n_k ≤ 1.01 N²λ_Wλ_H."""
    return {_one(level, count): predicted(_branch(1, 1.01 * level / count)) for level in LEVELS for count in COUNTS}


def predict_one_layer_jump() -> Quantities:
    """False: collapse is a jump, from ½ as with two layers."""
    return {_one(5.9, 6): Bracket.exactly(0.5), _one(11.9, 12): Bracket.exactly(0.5)}


def measure_one_layer(setting: Setting) -> Quantities:
    """Own logits of the exact optimum, enclosed by what the end of one descent from a random start proves."""
    found: dict[str, Bracket] = {}
    for level in LEVELS:
        problem = _problem(1, level / COUNTS[1])
        head = descend_linear(problem, *random_start(problem, 1, scale=0.5, rng=setting.rng))
        found |= {_one(level, count): bracket for count, bracket in zip(COUNTS, enclose_one_layer(head), strict=True)}
    return found


def _deep(layers: int, level: float, count: int) -> str:
    return f"M={layers}, b/n_2={level:g}, n={count}"


def predict_minimum() -> Quantities:
    """Per class, the branch below the switch and zero above it; nothing outside of the own logits."""
    found = {f"M={layers}, b/n_2={level:g}, elsewhere": Bracket.exactly(0.0) for layers, levels in DEPTHS.items() for level in levels}
    for layers, levels in DEPTHS.items():
        for level in levels:
            for count in COUNTS:
                own = level * COUNTS[1] / count
                found[_deep(layers, level, count)] = predicted(_branch(layers, own) if own < _switch(layers) else 0.0)
    return found


def predict_minimum_of_one_layer() -> Quantities:
    """False: the law of M = 1 in b for M = 2."""
    return {_deep(2, level, count): predicted(_branch(1, level * COUNTS[1] / count)) for level in DEPTHS[2] for count in COUNTS}


def measure_minimum(setting: Setting) -> Quantities:
    """The best of descents from random starts and from every choice of classes kept."""
    found: dict[str, Bracket] = {}
    for layers, levels in DEPTHS.items():
        for level in levels:
            problem = _problem(layers, level)
            starts = [random_start(problem, layers, scale=scale, rng=setting.rng) for scale in (0.3, 0.6, 1.0) for _ in range(4)]
            starts += [fitted_start(problem, layers, kept=kept) for kept in product((False, True), repeat=len(COUNTS))]
            best = min((descend_linear(problem, *start) for start in starts), key=lambda head: head.value)
            found |= {_deep(layers, level, n): _near(float(z)) for n, z in zip(COUNTS, best.own_logits, strict=True)}
            found[f"M={layers}, b/n_2={level:g}, elsewhere"] = _near(best.stray)
    return found


@cache
def _crossing(layers: int) -> tuple[float, float, float]:
    """(b/n_2 where keeping the second class is better, b/n_2 where it is not, its own logit at the first)."""
    low, high, logit = 0.2, 1.2, math.nan
    while high - low > FINE * low:
        middle = 0.5 * (low + high)
        kept, dropped = (_kept(layers, middle, (True, second, False)) for second in (True, False))
        if kept.own_logits[1] > ALIVE and kept.value < dropped.value:
            low, logit = middle, float(kept.own_logits[1])
        else:
            high = middle
    return low, high, logit


def predict_switch() -> Quantities:
    """(M − 1)^{(M−1)/M}/M."""
    return {f"M={layers}": predicted(_switch(layers)) for layers in DEPTHS}


def predict_switch_off() -> Quantities:
    """False: one per cent more."""
    return {f"M={layers}": predicted(1.01 * _switch(layers)) for layers in DEPTHS}


def predict_switch_of_one_layer() -> Quantities:
    """False: b/n = 1, the threshold of M = 1, for M = 2."""
    return {"M=2": Bracket.exactly(1.0)}


def measure_switch(setting: Setting) -> Quantities:
    """b/n_2 at which the two branches, each followed by descent, change places in value."""
    return {f"M={layers}": Bracket(*_crossing(layers)[:2]) for layers in DEPTHS}


def predict_jump() -> Quantities:
    """(M − 1)/M."""
    return {f"M={layers}": predicted((layers - 1) / layers) for layers in DEPTHS}


def predict_no_jump() -> Quantities:
    """False: zero, collapse is continuous."""
    return {f"M={layers}": Bracket.exactly(0.0) for layers in DEPTHS}


def measure_jump(setting: Setting) -> Quantities:
    """The own logit of the second class just before it drops to zero."""
    return {f"M={layers}": _near(_crossing(layers)[2]) for layers in DEPTHS}


def predict_survival() -> Quantities:
    """(M + 1)^{(M+1)/M} (M − 1)^{(M−1)/M}/(4M)."""
    return {f"M={layers}": predicted(_survival(layers)) for layers in DEPTHS}


def predict_survival_to_switch() -> Quantities:
    """False: no class keeps a logit beyond the switch."""
    return {f"M={layers}": predicted(_switch(layers)) for layers in DEPTHS}


def measure_survival(setting: Setting) -> Quantities:
    """b/n_2 up to which descent, from the last surviving point on, ends with the second class alive."""
    found: dict[str, Bracket] = {}
    for layers in DEPTHS:
        low, high = 0.2, 2.0
        alive = _kept(layers, low, (True, True, False))
        while high - low > COARSE * low:
            middle = 0.5 * (low + high)
            head = descend_linear(_problem(layers, middle), alive.layers, alive.features)
            if head.own_logits[1] > ALIVE:
                low, alive = middle, head
            else:
                high = middle
        found[f"M={layers}"] = Bracket(low, high)
    return found


WELL_BELOW = 0.05
"""b/n_2 at which keeping every class is far better than dropping any."""


def _near_zero(layers: int, count: int) -> str:
    return f"from zero, M={layers}, n={count}"


def _wrong_order(layers: int, count: int) -> str:
    return f"from keeping n=6 alone, M={layers}, n={count}"


def predict_stays() -> Quantities:
    """Zero is left for M = 1 and kept for M ≥ 2; from a smaller class kept, the end is the larger class kept."""
    found = {_near_zero(1, count): predicted(_branch(1, WELL_BELOW * COUNTS[1] / count)) for count in COUNTS}
    for layers in DEPTHS:
        found |= {_near_zero(layers, count): Bracket.exactly(0.0) for count in COUNTS}
        largest = predicted(_branch(layers, WELL_BELOW * COUNTS[1] / COUNTS[0]))
        found |= {_wrong_order(layers, count): largest if count == COUNTS[0] else Bracket.exactly(0.0) for count in COUNTS}
    return found


def predict_zero_stays_with_one_layer() -> Quantities:
    """False: zero is kept for M = 1 too."""
    return {_near_zero(1, count): Bracket.exactly(0.0) for count in COUNTS}


def predict_zero_left() -> Quantities:
    """False: zero is left for M ≥ 2 too, for the far better minimum."""
    return {_near_zero(layers, n): predicted(_branch(layers, WELL_BELOW * COUNTS[1] / n)) for layers in DEPTHS for n in COUNTS}


def predict_any_class_kept() -> Quantities:
    """False: any set of classes can be the one kept."""
    return {_wrong_order(layers, COUNTS[1]): predicted(_branch(layers, WELL_BELOW)) for layers in DEPTHS}


def measure_stays(setting: Setting) -> Quantities:
    """Own logits at the end of descents that start NUDGE away from zero, and from a wrong choice of the class kept."""
    found: dict[str, Bracket] = {}
    for layers in (1, *DEPTHS):
        logits = _nudged(layers, WELL_BELOW, (False, False, False), setting.rng).own_logits
        found |= {_near_zero(layers, count): _near(float(z)) for count, z in zip(COUNTS, logits, strict=True)}
    for layers in DEPTHS:
        logits = _nudged(layers, WELL_BELOW, (False, True, False), setting.rng).own_logits
        found |= {_wrong_order(layers, count): _near(float(z)) for count, z in zip(COUNTS, logits, strict=True)}
    return found


MORE, X = sympy.symbols("M_minus_1 z", positive=True)
M = MORE + 1
SLOPE = (1 - X) * X ** (MORE / (M + 1))
"""m on the stationary branch."""


def predict_scalar() -> Quantities:
    """Where the two minima have the same value, where the branch ends, and b/n there."""
    return {
        "g at z = (M − 1)/M": sympy.Rational(1, 2),
        "dm/dz at z = (M − 1)/(2M)": sympy.Integer(0),
        "log b/n at z = (M − 1)/M": MORE / M * sympy.log(MORE) - sympy.log(M),
        "log b/n at z = (M − 1)/(2M)": (M + 1) / M * sympy.log(M + 1) + MORE / M * sympy.log(MORE) - sympy.log(4 * M),
    }


def predict_scalar_other_exponent() -> Quantities:
    """False: (M − 1)^{(M−1)/(M+1)}/M, the exponent of m in place of that of b/n."""
    return {"log b/n at z = (M − 1)/M": MORE / (M + 1) * sympy.log(MORE) - sympy.log(M)}


def measure_scalar(setting: Setting) -> Quantities:
    """g = ½(1 − z)² + ((M + 1)/2) m z^{2/(M+1)} and b/n = M m^{(M+1)/M} on the branch, for every M > 1."""
    value = (1 - X) ** 2 / 2 + (M + 1) / 2 * SLOPE * X ** (2 / (M + 1))
    level = sympy.expand_log(sympy.log(M) + (M + 1) / M * sympy.log(SLOPE), force=True)
    switch, end = MORE / M, MORE / (2 * M)
    return {
        "g at z = (M − 1)/M": sympy.simplify(sympy.powsimp(value.subs(X, switch))),
        "dm/dz at z = (M − 1)/(2M)": sympy.simplify(sympy.diff(sympy.log(SLOPE), X).subs(X, end)),
        "log b/n at z = (M − 1)/M": level.subs(X, switch),
        "log b/n at z = (M − 1)/(2M)": level.subs(X, end),
    }


def draw_branches(setting: Setting) -> Figure:
    """Own logit against b/n: one curve that ends at zero, or two branches that overlap."""
    series: list[Series] = []
    marks: list[tuple[float, str, int]] = []
    for color, layers in enumerate((1, 2, 3)):
        end = 1.0 if layers == 1 else _survival(layers)
        places = [end * (1 - (1 - step / 80) ** 2) for step in range(81)]
        heights = [_branch(layers, place * (1 - 1e-12)) for place in places]
        series.append(Series(label=f"M = {layers}, closed form", x=tuple(places), y=tuple(heights), style="line", color=color))
        points = [end * part for part in (0.1, 0.3, 0.5, 0.7, 0.9, 0.97)]
        head, found = _kept(layers, points[0], (True, True, True)), list[float]()
        for point in points:
            head = descend_linear(_problem(layers, point), head.layers, head.features)
            found.append(float(head.own_logits[1]))
        series.append(Series(label=f"M = {layers}, descent", x=tuple(points), y=tuple(found), style="points", color=color))
        marks.append((1.0 if layers == 1 else _switch(layers), f"collapse, M = {layers}", color))
    return Figure(
        title="Own logit under squared error: continuous with one layer, a jump with more",
        caption="Lines: the minimum away from zero. Marks: where zero becomes the better one. For M ≥ 2 the other minimum survives beyond "
        "its mark, and zero is a minimum everywhere. Points: descent on all factors, each from the one before.",
        x_label="b / n_k",
        y_label="own logit z_k",
        series=tuple(series),
        marks=tuple(marks),
    )


ROOM = Room(
    statement=Statement(
        name="mse-collapse",
        title="Under squared error collapse is continuous with one layer and a jump with more",
        latex=r"M=1:\ z_k=\max\left(0,1-N\sqrt{\lambda_W\lambda_H/n_k}\right);\qquad M\geq2:\ z_k=0\iff"
        r"\frac{b}{n_k}\geq\frac{(M-1)^{(M-1)/M}}{M},\quad b=MN(N\lambda_W^M\lambda_H)^{1/M}",
        assumptions=(
            "½ of the mean squared error, no bias, weight decay λ_W on each of M layers and λ_H on the features",
            "layers as wide as there are classes",
            "any counts; at the switch itself both are minima",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.LITERATURE,
        source=Source("dang2023", "imbalanced data, bias-free; the windows in which both minima exist are derived"),
    ),
    checks=(
        Check(
            name="one-layer",
            claim="M = 1: z_k = max(0, 1 − N√(λ_Wλ_H/n_k)), on both sides of every threshold",
            evidence=Evidence.CERTIFIED,
            predict=predict_one_layer,
            measure=measure_one_layer,
            resolution=1e-5,
            reason="the enclosure is as wide as the root of the loss's rounding, 1e-7",
        ),
        Check(
            name="minimum",
            claim="M ≥ 2: the best point found has diagonal logits, zero exactly for the classes beyond the switch",
            evidence=Evidence.EMPIRICAL,
            predict=predict_minimum,
            measure=measure_minimum,
            resolution=STOPPED,
            reason="where descent stops is granted 2e-5 to either side",
        ),
        Check(
            name="switch",
            claim="M ≥ 2: zero becomes the better minimum at b/n = (M − 1)^{(M−1)/M}/M",
            evidence=Evidence.EMPIRICAL,
            predict=predict_switch,
            measure=measure_switch,
            resolution=1e-4,
            reason="values that differ by rounding, 1e-16, are 1e-12 apart in b/n; the bisection stops at 1e-5",
        ),
        Check(
            name="jump",
            claim="M ≥ 2: the logit drops from (M − 1)/M to zero there",
            evidence=Evidence.EMPIRICAL,
            predict=predict_jump,
            measure=measure_jump,
            resolution=STOPPED,
            reason="where descent stops is granted 2e-5 to either side",
        ),
        Check(
            name="survival",
            claim="M ≥ 2: the other minimum survives up to b/n = (M + 1)^{(M+1)/M}(M − 1)^{(M−1)/M}/(4M)",
            evidence=Evidence.EMPIRICAL,
            predict=predict_survival,
            measure=measure_survival,
            resolution=1e-2,
            reason="the bisection stops at a relative 6e-4",
        ),
        Check(
            name="local-minima",
            claim="zero is a local minimum for M ≥ 2 and not for M = 1; a smaller class is not kept where a larger one is dropped",
            evidence=Evidence.EMPIRICAL,
            predict=predict_stays,
            measure=measure_stays,
            resolution=STOPPED,
            reason="where descent stops is granted 2e-5 to either side",
        ),
        Check(
            name="scalar",
            claim="per class, the values of both minima and the end of the branch, for every M",
            origin=Origin.DERIVED,
            evidence=Evidence.PROOF,
            predict=predict_scalar,
            measure=measure_scalar,
        ),
    ),
    controls=(
        Control(name="one-layer-off", claim="M = 1 collapses at n_k ≤ 1.01 N²λ_Wλ_H", check="one-layer", predict=predict_one_layer_off),
        Control(name="one-layer-jump", claim="M = 1 jumps", check="one-layer", predict=predict_one_layer_jump),
        Control(name="one-layer-law", claim="M = 2 follows the law of M = 1", check="minimum", predict=predict_minimum_of_one_layer),
        Control(name="switch-off", claim="the switch is one per cent higher", check="switch", predict=predict_switch_off),
        Control(name="switch-of-one-layer", claim="M = 2 switches at b/n = 1", check="switch", predict=predict_switch_of_one_layer),
        Control(name="continuous", claim="collapse is continuous for M ≥ 2", check="jump", predict=predict_no_jump),
        Control(name="no-survival", claim="the branch ends at the switch", check="survival", predict=predict_survival_to_switch),
        Control(name="zero-kept", claim="zero holds for M = 1", check="local-minima", predict=predict_zero_stays_with_one_layer),
        Control(name="zero-left", claim="zero does not hold for M ≥ 2", check="local-minima", predict=predict_zero_left),
        Control(name="any-class", claim="any class can be the one kept", check="local-minima", predict=predict_any_class_kept),
        Control(name="other-exponent", claim="b/n is (M − 1)^{(M−1)/(M+1)}/M", check="scalar", predict=predict_scalar_other_exponent),
    ),
    figures=(draw_branches,),
)
