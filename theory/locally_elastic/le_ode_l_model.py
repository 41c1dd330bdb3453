"""Class means of the L-model: two exponents and one integral that is not a function of A and B."""

import numpy as np
import sympy
from scipy.linalg import expm

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, ElasticModel, mean_flow
from layerpeel.theory._claims import claim, instances
from layerpeel.theory._room import Evidence, Figure, Kind, Origin, Room, Series, Setting, Source, Statement
from layerpeel.theory.locally_elastic._cases import END, SIZES, cases_of, means_by_integrator
from layerpeel.theory.locally_elastic._closed_forms import closed_means
from layerpeel.theory.locally_elastic._drift import (
    AGREEMENT,
    exact_drift,
    exact_similarity,
    integrated,
    rate_integral,
    similarity_blocks,
    weights,
)

LITERAL = (2, 3)
"""K for which the drift is written out; the commutator up to K = 5."""

K, intra, inter = sympy.symbols("K alpha beta")
own, mean = sympy.symbols("delta s")
"""δ_i(0) and s̄(0)."""
first, second, shared = sympy.symbols("phi1 phi2 I_beta")
"""φ1 = e^{Γ/K}, φ2 = e^{(A + B/(K−1))/K}, I_β = (1/K)∫β φ2: at time 0 they are 1, 1, 0."""
GROWN = 1 + (second - 1 - K / (K - 1) * shared) + shared * (1 + 1 / (K - 1))
"""What δ_i(0) has grown by: d̂_iᵀ Σ_j d̂_j δ_j = δ_i + δ_i/(K−1), since the d̂_j sum to zero and have cosines −1/(K−1)."""

INTRA, INTER = np.array([[0.0, 0.0, 1.0, 0.0, 1.0]]).T, np.array([[-0.5, 0.0, 1.0, 0.0, 0.5]]).T
"""α = 1/(1 + t) and β = −t/(2(1 + t)), whose ratio is not constant; as expressions in MODEL."""
MODEL = ElasticModel(blocks="L", num_classes=3, intra="1/(1+t)", inter="-t/(2*(1+t))")
START, LAST = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.3, -0.5]]), 5.0

ROOM = Room.of(
    Statement(
        name="le-ode-l-model",
        title="Class means of the L-model",
        latex=r"\bar X^i(t)=\bar X^i(0)+\hat d_i\bigl[\bar s(0)(\varphi_1-1)+\delta_i(0)I_\gamma\bigr]+I_\beta\sum_j\hat d_j\delta_j(0),"
        r"\quad\varphi_1=e^{\Gamma/K},\ \varphi_2=e^{(A+B/(K-1))/K},\ I_\beta=\tfrac1K\int_0^t\beta\varphi_2,"
        r"\ I_\gamma=\varphi_2-1-\tfrac{K}{K-1}I_\beta",
        assumptions=(
            "p = K and H_ij = d̂_j d̂_jᵀ, d̂_j = d_j/‖d_j‖, d_j = e_j − 1/K",
            "α on the diagonal of E(t), β off it, both integrable; A, B, Γ integrals of α, β, α − β",
            "s_j = d̂_jᵀX̄^j, s̄ their mean, δ_j = s_j − s̄",
            "P = 11ᵀ/K",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, equation (4) and table 1; equation (6) for constant rates"),
    ),
    claim(
        "equation",
        "the closed form solves dX̄ = M(t) X̄ dt for all α(t), β(t): in both directions for every K, written out for K = 2 and 3",
        over="",
        predict=lambda: {
            "along d̂_i, any K": sympy.expand(slope(mean * first + own * own_integral(K), K)),
            "along Σ d̂_j δ_j, any K": slope(shared, K),
            **{f"dX̄/dt, K={k}": sympy.expand(slope(paired(closed(k)), sympy.Integer(k))) for k in LITERAL},
            **{f"start, K={k}": paired(closed(k).subs({first: 1, second: 1, shared: 0})) for k in LITERAL},
        },
        measure=lambda: {
            # (M X̄)^i = [γ s_i d̂_i + β Σ_j s_j d̂_j]/K with s_i = d̂_iᵀX̄^i, and s̄ drops out of Σ_j s_j d̂_j
            "along d̂_i, any K": (intra - inter) * (mean + mean * (first - 1) + own * GROWN) / K,
            "along Σ d̂_j δ_j, any K": inter * GROWN / K,
            **{f"dX̄/dt, K={k}": paired(exact_drift(exact_similarity("L", k, k), k, intra, inter) * closed(k)) for k in LITERAL},
            **{f"start, K={k}": paired(starts(k).reshape(k * k, 1)) for k in LITERAL},
        },
        by="the drift times the closed form, along d̂_i and along Σ d̂_j δ_j for every K, and written out",
        false={
            "own-directions-only": (
                "each class moves along its own d̂_i only",
                lambda: {
                    "along d̂_i, any K": slope(mean * first + own * second, K),
                    "along Σ d̂_j δ_j, any K": sympy.Integer(0),
                },
            ),
        },
        evidence=Evidence.PROOF,
    ),
    claim(
        "commutator",
        "M = α M_α + β M_β with ‖[M_α, M_β]‖² = (K−2)/(K²(K−1)): for K ≥ 3 drifts commute only while α/β is constant",
        over=instances("K={}", 2, 3, 4, 5),
        predict=lambda k: sympy.Rational(k - 2, k * k * (k - 1)),
        measure=lambda k: squared_commutator(k),
        by="the squared Frobenius norm of the commutator, written out; [M(s), M(t)] is α(s)β(t) − β(s)α(t) times it",
        false={
            "commuting": ("drifts at different times commute", lambda k: sympy.Integer(0) if k > 2 else None),
            "without-one-class-less": ("‖[M_α, M_β]‖² = (K−2)/K³", lambda k: sympy.Rational(k - 2, k**3) if k > 2 else None),
        },
        evidence=Evidence.PROOF,
    ),
    claim(
        "integrator",
        "the closed form agrees with an integrator on 105 cases whose rates vary in time",
        over=instances("K={}, 15 cases", *SIZES),
        predict=lambda k: (cases := cases_of("L", k)).digest(closed_means(cases)),
        measure=lambda k: (cases := cases_of("L", k)).digest(means_by_integrator(cases)),
        by="an integrator, which takes the class means to t = 2 from the drift's definition",
        false={
            "exponential": (
                "the flow is exp(∫M), 105 cases",
                # for two classes drifts commute
                lambda k: (cases := cases_of("L", k)).digest(exponential(cases.intra, cases.inter, cases.start, END)) if k > 2 else None,
            ),
        },
        evidence=Evidence.EMPIRICAL.within(
            10 * AGREEMENT,
            "sums over 15 cases of directions and log sizes of the means; the integrator's steps are good to 1e-12, relative",
        ),
    ),
    claim(
        "example",
        "the closed form agrees with an integrator for α = 1/(1+t), β = −t/(2(1+t)) at t = 5",
        over=instances("component {}", 1, 2, 3),
        predict=lambda a: Bracket.around(mean_flow(MODEL, START, [LAST]).means[0, 0, a - 1], AGREEMENT / 4),
        measure_all=lambda _: [
            Bracket.around(entry, AGREEMENT / 4) for entry in integrated("L", INTRA, INTER, START[None], np.array([LAST]))[0, 0, 0]
        ],
        by="an integrator",
        false={
            "exponential-example": (
                "the flow is exp(∫M), example",
                lambda a: Bracket.around(exponential(INTRA, INTER, START[None], LAST)[0, 0, a - 1], AGREEMENT / 4),
            ),
        },
        evidence=Evidence.EMPIRICAL.within(10 * AGREEMENT, "means of order one; the integrator's steps are good to 1e-12"),
    ),
    figures=(lambda setting: draw_error(setting),),
)


def slope(expression: sympy.Expr, classes: sympy.Expr) -> sympy.Expr:
    """d/dt by the chain rule, from what defines φ1, φ2 and I_β; α and β are the rates at any one time."""
    slopes = {
        first: (intra - inter) * first / classes,
        second: (intra + inter / (classes - 1)) * second / classes,
        shared: inter * second / classes,
    }
    return sympy.Add(*(sympy.diff(expression, function) * change for function, change in slopes.items()))


def own_integral(classes: sympy.Expr) -> sympy.Expr:
    """I_γ = (1/K)∫γ φ2 = φ2 − 1 − (K/(K−1)) I_β."""
    return second - 1 - classes / (classes - 1) * shared


def starts(classes: int) -> sympy.Matrix:
    """X̄(0), free."""
    return sympy.Matrix(classes, classes, lambda k, a: sympy.Symbol(f"x{k}{a}"))


def closed(classes: int) -> sympy.Matrix:
    """X̄^i(0) + d̂_i [s̄(0)(φ1 − 1) + δ_i(0) I_γ] + I_β Σ_j d̂_j δ_j(0), class after class; pairs of d̂ make it rational."""
    offsets = sympy.eye(classes) - sympy.ones(classes) / classes
    along = [(offsets.row(j) * starts(classes).row(j).T)[0] / (1 - sympy.Rational(1, classes)) for j in range(classes)]  # s_j/‖d_j‖
    middle = sympy.Add(*along) / classes
    deviations = sympy.Matrix([each - middle for each in along])
    own_parts = [middle * (first - 1) + each * own_integral(sympy.Integer(classes)) for each in deviations]
    means = starts(classes) + sympy.diag(*own_parts) * offsets + sympy.ones(classes, 1) * shared * deviations.T * offsets
    return means.reshape(classes**2, 1)


def paired(vector: sympy.Matrix) -> sympy.Expr:
    """The product with a covector of free symbols: one equation between such products stands for K² equations."""
    return sympy.expand((sympy.Matrix(1, vector.rows, lambda _, a: sympy.Symbol(f"u{a}")) * vector)[0])


def squared_commutator(classes: int) -> sympy.Expr:
    """‖C‖² for C = [M_α, M_β], where M = α M_α + β M_β."""
    similarity = exact_similarity("L", classes, classes)
    alone, between = (exact_drift(similarity, classes, sympy.Integer(a), sympy.Integer(1 - a)) for a in (1, 0))
    commutator = alone * between - between * alone
    return (commutator * commutator.T).trace()


def exponential(intra: np.ndarray, inter: np.ndarray, start: Float[np.ndarray, "cases K K"], time: float) -> Float[np.ndarray, "cases K K"]:
    """exp(∫M) X̄(0) at one time, for each case."""
    count, classes, _ = start.shape
    integrals = weights(rate_integral(intra, time), rate_integral(inter, time), classes)
    generators = np.einsum("cij,iajb->ciajb", integrals, similarity_blocks("L", classes, classes)).reshape(count, classes**2, classes**2)
    return (expm(generators) @ start.reshape(count, -1, 1)).reshape(start.shape)


def draw_error(_: Setting) -> Figure:
    """How far the closed form and exp(∫M) are from integrated means, over time, for the rates of the example."""
    times = np.linspace(0.1, LAST, 50)
    reference = integrated("L", INTRA, INTER, START[None], times)[:, 0]
    exponentials = np.stack([exponential(INTRA, INTER, START[None], time)[0] for time in times.tolist()])
    sizes = np.linalg.norm(reference, axis=(1, 2))
    curves = {"closed form": mean_flow(MODEL, START, times).means, "exponential of the integrated drift": exponentials}
    return Figure(
        title="The L-model's drifts at different times do not commute",
        caption="Relative distance from integrated class means for K = 3, α = 1/(1+t), β = −t/(2(1+t)).",
        x_label="t",
        y_label="relative distance",
        series=tuple(
            Series.line(label, times, np.maximum(np.linalg.norm(found - reference, axis=(1, 2)) / sizes, 1e-16), color)
            for color, (label, found) in enumerate(curves.items())
        ),
        log_y=True,
    )
