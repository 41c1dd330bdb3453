"""Penalised norms: where the minority collapses and where everything does, at any price of the bias."""

import math
from collections.abc import Callable

import sympy

from layerpeel.numerics import Bracket
from layerpeel.solvers import Enclosures, UnconstrainedFeatures, bracket_switch, solve
from layerpeel.theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Room, Series, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import predicted

Case = tuple[int, int, int, int, float | None]
"""(K_A, K_B, n_A, n_B, λ_b); None for no bias."""

CASES: tuple[Case, ...] = (
    (5, 5, 500, 100, None),
    (5, 5, 500, 100, 1e-4),
    (5, 5, 500, 100, 1.0),
    (3, 7, 500, 100, None),
    (3, 7, 500, 100, 1e-2),
    (2, 4, 200, 50, 1e-3),
    (4, 2, 90, 60, None),
)
SINGLE: tuple[Case, ...] = ((1, 9, 500, 100, None), (1, 4, 300, 60, None))
"""One majority class."""

LEAST, LARGEST = 1e-3, 1e-1
"""Penalties between which every threshold here lies; both ends are certified too."""
WIDTH = 3e-4
"""Relative width of λ at which the bisection stops; the certificates decide ten times as close."""
PRECISION = 1e-12
"""Relative gap of the points in the figure."""


def _label(case: Case) -> str:
    bias = "no bias" if case[4] is None else f"λ_b={case[4]:g}"
    return f"K_A={case[0]}, K_B={case[1]}, n={case[2]}/{case[3]}, {bias}"


def _samples(case: Case) -> int:
    return case[0] * case[2] + case[1] * case[3]


def _logarithms(values: dict[str, float]) -> Quantities:
    return {label: predicted(math.log(value)) for label, value in values.items()}


def predict_minority() -> Quantities:
    """log λ with λ = √n_B/N."""
    return _logarithms({_label(case): math.sqrt(case[3]) / _samples(case) for case in CASES})


def predict_minority_one_percent_off() -> Quantities:
    """λ = 1.01 √n_B/N."""
    return _logarithms({_label(case): 1.01 * math.sqrt(case[3]) / _samples(case) for case in CASES})


def predict_minority_without_root() -> Quantities:
    """λ = n_B/N, the law of features averaged per class."""
    return _logarithms({_label(case): case[3] / _samples(case) for case in CASES})


def predict_minority_moved_by_bias() -> Quantities:
    """λ = √n_B/N · (1 + λ_b)/(1/K + λ_b): a bias, as it gets cheap, takes over and lifts the threshold."""
    found: dict[str, float] = {}
    for case in CASES:
        if case[4] is not None:
            found[_label(case)] = math.sqrt(case[3]) / _samples(case) * (1 + case[4]) / (1 / (case[0] + case[1]) + case[4])
    return _logarithms(found)


def predict_everything() -> Quantities:
    """log λ with λ = √n_A/N."""
    return _logarithms({_label(case): math.sqrt(case[2]) / _samples(case) for case in CASES})


def predict_everything_one_percent_off() -> Quantities:
    """λ = 0.99 √n_A/N."""
    return _logarithms({_label(case): 0.99 * math.sqrt(case[2]) / _samples(case) for case in CASES})


def predict_everything_with_minority() -> Quantities:
    """λ = √n_B/N: all classes go together."""
    return _logarithms({_label(case): math.sqrt(case[3]) / _samples(case) for case in CASES})


def predict_single() -> Quantities:
    """λ = √((K_B n_A + n_B)/K)/N: one majority class has no margin of its own, and the block between the groups goes last."""
    return _logarithms(
        {_label(case): math.sqrt((case[1] * case[2] + case[3]) / (1 + case[1])) / _samples(case) for case in SINGLE},
    )


def predict_single_as_several() -> Quantities:
    """λ = √n_A/N with one majority class as well."""
    return _logarithms({_label(case): math.sqrt(case[2]) / _samples(case) for case in SINGLE})


def _problem(case: Case, penalty: float) -> UnconstrainedFeatures:
    majority, minority, large, small, bias = case
    return UnconstrainedFeatures.from_groups(
        [(majority, large), (minority, small)], feature_penalty=penalty, weight_penalty=penalty, bias_penalty=bias
    )


def _is_zero(optimum: Enclosures) -> bool | None:
    """True when the optimal logits certainly have rank zero (up to the bias), False when they certainly do not."""
    rank = optimum.rank()
    return False if rank.lower > 0 else True if rank.upper == 0 else None


def _switched(case: Case, verdict: Callable[[Enclosures], bool | None]) -> Bracket:
    """log λ between a penalty at which the verdict is certainly no and one at which it certainly is yes."""
    return bracket_switch(
        lambda log_penalty: _problem(case, math.exp(log_penalty)),
        verdict,
        before=math.log(LEAST),
        beyond=math.log(LARGEST),
        width=WIDTH,
        route="factored",
    ).bracket


def measure_minority(setting: Setting) -> Quantities:
    """Bisection over certified solves: is the margin between two minority classes certainly zero, or certainly positive?"""
    return {_label(case): _switched(case, lambda optimum: optimum.coincide(1)) for case in CASES}


def measure_everything(setting: Setting) -> Quantities:
    """Bisection over certified solves: is the rank certainly zero, or certainly not?"""
    return {_label(case): _switched(case, _is_zero) for case in CASES}


def measure_single(setting: Setting) -> Quantities:
    """The same with one majority class."""
    return {_label(case): _switched(case, _is_zero) for case in SINGLE}


KA, KB, LARGE, SMALL = sympy.symbols("K_A K_B n_A n_B", positive=True)
SHARE = sympy.Symbol("p", positive=True)
"""Probability of one majority class at Z = 0: 1/K without a bias, n_A/N with a free one, in between otherwise."""
ALL, SIZE = KA + KB, KA * LARGE + KB * SMALL


def predict_slope() -> Quantities:
    """At Z = 0 the slope N diag(1/√n) ∇f is steepest inside the majority, whatever the bias.

    Its norm is √n_A there. Between the groups, the square of its norm is below n_A at both ends of the range of p and convex in p.
    """
    return {
        "n_A − (norm between groups)² at p = 1/K": KA * (LARGE - SMALL) / ALL,
        "n_A − (norm between groups)² at p = n_A/N": KA * LARGE * (LARGE - SMALL) / SIZE,
        "second derivative in p": 2 * ALL * KA * (SMALL + KA * LARGE / KB),
        "determinant between groups": sympy.Integer(0),
        "inside the majority": LARGE,
    }


def predict_slope_linear() -> Quantities:
    """A false variant: the square grows linearly in p."""
    return {"second derivative in p": sympy.Integer(0)}


def measure_slope(setting: Setting) -> Quantities:
    """The same from the slope diag(√n)(I − 1pᵀ), up to its sign.

    Between the groups it is the block diag(√n)(I − r qᵀ) with r = (√K_A, √K_B), q = (p√K_A, p'√K_B) and K_A p + K_B p' = 1: of rank
    one, so that its norm is its Frobenius norm. Inside the majority it maps v ⊥ 1 of length one.
    """
    other = (1 - KA * SHARE) / KB
    r, q = sympy.Matrix([sympy.sqrt(KA), sympy.sqrt(KB)]), sympy.Matrix([SHARE * sympy.sqrt(KA), other * sympy.sqrt(KB)])
    block = sympy.diag(sympy.sqrt(LARGE), sympy.sqrt(SMALL)) * (sympy.eye(2) - r * q.T)
    square = sympy.expand((block.T * block).trace())
    pair = sympy.Matrix([1, -1]) / sympy.sqrt(2)
    inside = sympy.sqrt(LARGE) * (pair - sympy.ones(2, 1) * (sympy.Matrix([[SHARE, SHARE]]) * pair)[0])
    return {
        "n_A − (norm between groups)² at p = 1/K": LARGE - square.subs(SHARE, 1 / ALL),
        "n_A − (norm between groups)² at p = n_A/N": LARGE - square.subs(SHARE, LARGE / SIZE),
        "second derivative in p": sympy.diff(square, SHARE, 2),
        "determinant between groups": sympy.simplify(block.det()),
        "inside the majority": inside.dot(inside),
    }


DRAWN: Case = (5, 5, 500, 100, None)


def draw_margins(setting: Setting) -> Figure:
    """Margins inside the two groups against the penalty, with the thresholds."""
    penalties = [LEAST * 10 ** (0.05 * step) for step in range(21)]
    found = [Enclosures(solve(_problem(DRAWN, penalty), route="factored", tolerance=PRECISION)) for penalty in penalties]
    series = []
    for g, name in enumerate(("majority", "minority")):
        margins = [optimum.inner_value(g) for optimum in found]
        series.append(
            Series(
                label=f"between two {name} classes",
                x=tuple(penalties),
                y=tuple(margin.middle for margin in margins),
                style="points",
                color=g,
                low=tuple(margin.lower for margin in margins),
                high=tuple(margin.upper for margin in margins),
            )
        )
    total = _samples(DRAWN)
    return Figure(
        title="The two thresholds of the penalty",
        caption="K_A = K_B = 5, 500 and 100 samples per class, no bias: margins of the certified optimum.",
        x_label="penalty λ = √(λ_W λ_H)",
        y_label="margin (logit)",
        series=tuple(series),
        marks=((math.sqrt(DRAWN[3]) / total, "√n_B/N", 1), (math.sqrt(DRAWN[2]) / total, "√n_A/N", 0)),
        log_x=True,
    )


ROOM = Room(
    statement=Statement(
        name="hong-ling-thresholds",
        title="Minority collapse and total collapse under weight decay",
        latex=r"w_k=w_l\ (k,l\ \text{minority})\iff\lambda\geq\frac{\sqrt{n_B}}{N},\qquad"
        r"Z=0\iff\lambda\geq\frac{\sqrt{n_A}}{N},\qquad\lambda=\sqrt{\lambda_W\lambda_H}",
        assumptions=(
            "two groups of classes, n_A > n_B, K_A ≥ 2 and K_B ≥ 2",
            "cross-entropy, with ½λ_W‖W‖² + ½λ_H Σ‖h‖² over all samples",
            "no bias, or one with any penalty ½λ_b‖b‖²",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.LITERATURE,
        source=Source("hong2023", "the sharp threshold of minority collapse"),
    ),
    checks=(
        Check(
            name="minority",
            claim="minority classifiers coincide from λ = √n_B/N on, at any price of the bias",
            evidence=Evidence.CERTIFIED,
            predict=predict_minority,
            measure=measure_minority,
            resolution=4e-3,
            reason="certificates tell the phases at two penalties 3e-4 apart; mistakes of .05 % would show",
        ),
        Check(
            name="everything",
            claim="all logits are zero (up to the bias) from λ = √n_A/N on, at any price of the bias",
            evidence=Evidence.CERTIFIED,
            predict=predict_everything,
            measure=measure_everything,
            resolution=4e-3,
            reason="certificates tell the phases at two penalties 3e-4 apart; mistakes of .05 % would show",
        ),
        Check(
            name="one-majority-class",
            claim="with one majority class, all logits are zero from λ = √((K_B n_A + n_B)/K)/N on",
            evidence=Evidence.CERTIFIED,
            predict=predict_single,
            measure=measure_single,
            origin=Origin.DERIVED,
            resolution=4e-3,
            reason="certificates tell the phases at two penalties 3e-4 apart; mistakes of .05 % would show",
        ),
        Check(
            name="slope-at-zero",
            claim="at Z = 0 the slope is steepest inside the majority, at any price of the bias",
            evidence=Evidence.PROOF,
            predict=predict_slope,
            measure=measure_slope,
            origin=Origin.DERIVED,
        ),
    ),
    controls=(
        Control(
            name="one-percent-off",
            claim="the minority collapses from 1.01 √n_B/N on",
            check="minority",
            predict=predict_minority_one_percent_off,
        ),
        Control(name="without-root", claim="the minority collapses from n_B/N on", check="minority", predict=predict_minority_without_root),
        Control(
            name="moved-by-the-bias",
            claim="the cheaper the bias, the later the minority collapses",
            check="minority",
            predict=predict_minority_moved_by_bias,
        ),
        Control(
            name="everything-one-percent-off",
            claim="all logits are zero from 0.99 √n_A/N on",
            check="everything",
            predict=predict_everything_one_percent_off,
        ),
        Control(
            name="all-at-once",
            claim="all logits are zero as soon as the minority collapses",
            check="everything",
            predict=predict_everything_with_minority,
        ),
        Control(
            name="one-as-several",
            claim="√n_A/N holds for one majority class too",
            check="one-majority-class",
            predict=predict_single_as_several,
        ),
        Control(name="linear", claim="the norm between groups is linear in p", check="slope-at-zero", predict=predict_slope_linear),
    ),
    figures=(draw_margins,),
)
