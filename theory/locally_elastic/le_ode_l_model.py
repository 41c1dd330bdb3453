"""Class means of the L-model: two exponents and one integral that is not a function of A and B."""

import numpy as np
import sympy
from scipy.linalg import expm

from layerpeel.numerics import Bracket, ElasticModel, mean_flow
from layerpeel.theory._room import (
    Check,
    Control,
    Evidence,
    Figure,
    Kind,
    Origin,
    Quantities,
    Quantity,
    Room,
    Series,
    Setting,
    Source,
    Statement,
)
from layerpeel.theory.locally_elastic._cases import END, SIZES, cases_of
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
COMMUTATORS = (2, 3, 4, 5)
"""K for which drift and commutator are written out."""

K, intra, inter = sympy.symbols("K alpha beta")
own, mean = sympy.symbols("delta s")
"""δ_i(0) and s̄(0)."""
first, second, shared = sympy.symbols("phi1 phi2 I_beta")
"""φ1 = e^{Γ/K}, φ2 = e^{(A + B/(K−1))/K}, I_β = (1/K)∫β φ2: at time 0 they are 1, 1, 0."""


def _slope(expression: sympy.Expr, classes: sympy.Expr) -> sympy.Expr:
    """d/dt by the chain rule, from what defines φ1, φ2 and I_β; α and β are the rates at any one time."""
    slopes = {
        first: (intra - inter) * first / classes,
        second: (intra + inter / (classes - 1)) * second / classes,
        shared: inter * second / classes,
    }
    return sympy.Add(*(sympy.diff(expression, function) * slope for function, slope in slopes.items()))


def _own_integral(classes: sympy.Expr) -> sympy.Expr:
    """I_γ = (1/K)∫γ φ2 = φ2 − 1 − (K/(K−1)) I_β."""
    return second - 1 - classes / (classes - 1) * shared


def _starts(classes: int) -> sympy.Matrix:
    return sympy.Matrix(classes, classes, lambda k, a: sympy.Symbol(f"x{k}{a}"))


def _closed(classes: int) -> sympy.Matrix:
    """X̄^i(0) + d̂_i [s̄(0)(φ1 − 1) + δ_i(0) I_γ] + I_β Σ_j d̂_j δ_j(0), class after class; pairs of d̂ make it rational."""
    offsets = sympy.eye(classes) - sympy.ones(classes) / classes
    along = [(offsets.row(j) * _starts(classes).row(j).T)[0] / (1 - sympy.Rational(1, classes)) for j in range(classes)]  # s_j/‖d_j‖
    middle = sympy.Add(*along) / classes
    deviations = sympy.Matrix([each - middle for each in along])
    own_parts = [middle * (first - 1) + each * _own_integral(sympy.Integer(classes)) for each in deviations]
    means = _starts(classes) + sympy.diag(*own_parts) * offsets + sympy.ones(classes, 1) * shared * deviations.T * offsets
    return means.reshape(classes**2, 1)


def _paired(vector: sympy.Matrix, classes: int) -> sympy.Expr:
    """The product with a covector of free symbols: one equation between such products stands for K² equations."""
    return (sympy.Matrix(1, classes**2, lambda _, a: sympy.Symbol(f"u{a}")) * vector)[0]


def predict_equation() -> Quantities:
    """dX̄/dt of the closed form: along d̂_i and along Σ_j d̂_j δ_j(0) for every K, and all of it for small K."""
    found: dict[str, Quantity] = {
        "along d̂_i, any K": sympy.expand(_slope(mean * first + own * _own_integral(K), K)),
        "along Σ d̂_j δ_j, any K": _slope(shared, K),
    }
    for k in LITERAL:
        closed = _paired(_closed(k), k)
        found[f"dX̄/dt, K={k}"] = sympy.expand(_slope(closed, sympy.Integer(k)))
        found[f"start, K={k}"] = sympy.expand(closed.subs({first: 1, second: 1, shared: 0}))
    return found


def predict_equation_without_shared() -> Quantities:
    """A false variant: each class moves along its own d̂_i only, by s̄(0) φ1 + δ_i(0) φ2."""
    return {"along d̂_i, any K": _slope(mean * first + own * second, K), "along Σ d̂_j δ_j, any K": sympy.Integer(0)}


def measure_equation(setting: Setting) -> Quantities:
    """The drift times the closed form.

    For every K, (M X̄)^i = [γ s_i d̂_i + β Σ_j s_j d̂_j]/K with s_i = d̂_iᵀX̄^i. The d̂_j sum to zero and have cosines −1/(K−1), so
    d̂_iᵀ Σ_j d̂_j δ_j = δ_i + δ_i/(K−1), and s̄ drops out of Σ_j s_j d̂_j.
    """
    mean_now = mean + mean * (first - 1)
    growth = 1 + _own_integral(K) + shared * (1 + 1 / (K - 1))
    found: dict[str, Quantity] = {
        "along d̂_i, any K": (intra - inter) * (mean_now + own * growth) / K,
        "along Σ d̂_j δ_j, any K": inter * growth / K,
    }
    for k in LITERAL:
        found[f"dX̄/dt, K={k}"] = sympy.expand(_paired(exact_drift(exact_similarity("L", k, k), k, intra, inter) * _closed(k), k))
        found[f"start, K={k}"] = sympy.expand(_paired(_starts(k).reshape(k * k, 1), k))
    return found


def predict_commutator() -> Quantities:
    """(K − 2)/(K²(K − 1)): zero for two classes only."""
    return {f"K={k}": sympy.Rational(k - 2, k * k * (k - 1)) for k in COMMUTATORS}


def predict_commuting() -> Quantities:
    """A false variant: drifts at different times commute, and the flow is exp(∫M)."""
    return {f"K={k}": sympy.Integer(0) for k in COMMUTATORS if k > 2}


def measure_commutator(setting: Setting) -> Quantities:
    """‖C‖² (Frobenius) for C = [M_α, M_β], where M = α M_α + β M_β; hence [M(s), M(t)] = (α(s)β(t) − β(s)α(t)) C."""
    found: dict[str, Quantity] = {}
    for k in COMMUTATORS:
        alone, between = (exact_drift(exact_similarity("L", k, k), k, sympy.Integer(a), sympy.Integer(1 - a)) for a in (1, 0))
        commutator = alone * between - between * alone
        found[f"K={k}"] = (commutator * commutator.T).trace()
    return found


def predict_means() -> Quantities:
    """The closed form at t = 2."""
    cases = {k: cases_of("L", k) for k in SIZES}
    return {f"K={k}, 15 cases": each.digest(closed_means(each), AGREEMENT / 4) for k, each in cases.items()}


def predict_means_as_exponential() -> Quantities:
    """exp(∫M) X̄(0); the same as the closed form for K = 2 only."""
    found: dict[str, Quantity] = {}
    for k in SIZES[1:]:
        cases = cases_of("L", k)
        found[f"K={k}, 15 cases"] = cases.digest(_exponential(cases.intra, cases.inter, cases.start, END), AGREEMENT / 4)
    return found


def _exponential(intra_numbers: np.ndarray, inter_numbers: np.ndarray, start: np.ndarray, time: float) -> np.ndarray:
    """exp(∫M) X̄(0) at one time, for each case."""
    count, classes, _ = start.shape
    integrals = weights(rate_integral(intra_numbers, time), rate_integral(inter_numbers, time), classes)
    generators = np.einsum("cij,iajb->ciajb", integrals, similarity_blocks("L", classes, classes)).reshape(count, classes**2, classes**2)
    return (expm(generators) @ start.reshape(count, -1, 1)).reshape(start.shape)


def measure_means(setting: Setting) -> Quantities:
    """Class means at t = 2 by an integrator, from the drift's definition."""
    found: dict[str, Quantity] = {}
    for k in SIZES:
        cases = cases_of("L", k)
        means = integrated("L", cases.intra, cases.inter, cases.start, np.array([END]))[0]
        found[f"K={k}, 15 cases"] = cases.digest(means, AGREEMENT / 4)
    return found


INTRA, INTER = np.array([0.0, 0.0, 1.0, 0.0, 1.0]), np.array([-0.5, 0.0, 1.0, 0.0, 0.5])
"""α = 1/(1 + t) and β = −t/(2(1 + t)), whose ratio is not constant."""

START = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.3, -0.5]])
LAST = 5.0


def predict_example() -> Quantities:
    """Class 1 at t = 5 by the closed form, which knows α and β as expressions."""
    model = ElasticModel(blocks="L", num_classes=3, intra="1/(1+t)", inter="-t/(2*(1+t))")
    return _first_class(mean_flow(model, START, [LAST]).means[0])


def predict_example_as_exponential() -> Quantities:
    """Class 1 at t = 5 by exp(∫M)."""
    return _first_class(_exponential(INTRA[:, None], INTER[:, None], START[None], LAST)[0])


def measure_example(setting: Setting) -> Quantities:
    """Class 1 at t = 5 by an integrator."""
    return _first_class(integrated("L", INTRA[:, None], INTER[:, None], START[None], np.array([LAST]))[0, 0])


def _first_class(means: np.ndarray) -> Quantities:
    return {f"component {a + 1}": Bracket(x - AGREEMENT / 4, x + AGREEMENT / 4) for a, x in enumerate(means[0].tolist())}


def draw_error(setting: Setting) -> Figure:
    """How far the closed form and exp(∫M) are from integrated means, over time, for the rates of the example."""
    times = np.linspace(0.1, LAST, 50)
    reference = integrated("L", INTRA[:, None], INTER[:, None], START[None], times)[:, 0]
    closed = mean_flow(ElasticModel(blocks="L", num_classes=3, intra="1/(1+t)", inter="-t/(2*(1+t))"), START, times).means
    exponential = np.stack([_exponential(INTRA[:, None], INTER[:, None], START[None], time)[0] for time in times.tolist()])
    sizes = np.linalg.norm(reference, axis=(1, 2))
    curves = {
        label: np.maximum(np.linalg.norm(found - reference, axis=(1, 2)) / sizes, 1e-16)
        for label, found in (("closed form", closed), ("exponential of the integrated drift", exponential))
    }
    return Figure(
        title="The L-model's drifts at different times do not commute",
        caption="Relative distance from integrated class means for K = 3, α = 1/(1+t), β = −t/(2(1+t)).",
        x_label="t",
        y_label="relative distance",
        series=tuple(
            Series(label=label, x=tuple(times.tolist()), y=tuple(curve.tolist()), style="line", color=color)
            for color, (label, curve) in enumerate(curves.items())
        ),
        log_y=True,
    )


ROOM = Room(
    statement=Statement(
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
    checks=(
        Check(
            name="equation",
            claim="the closed form solves dX̄ = M(t) X̄ dt for all α(t), β(t): in both directions for every K, written out for K = 2 and 3",
            evidence=Evidence.PROOF,
            predict=predict_equation,
            measure=measure_equation,
        ),
        Check(
            name="commutator",
            claim="M = α M_α + β M_β with ‖[M_α, M_β]‖² = (K−2)/(K²(K−1)): for K ≥ 3 drifts commute only while α/β is constant",
            evidence=Evidence.PROOF,
            predict=predict_commutator,
            measure=measure_commutator,
        ),
        Check(
            name="integrator",
            claim="the closed form agrees with an integrator on 105 cases whose rates vary in time",
            evidence=Evidence.EMPIRICAL,
            predict=predict_means,
            measure=measure_means,
            resolution=10 * AGREEMENT,
            reason="sums over 15 cases of directions and log sizes of the means; the integrator's steps are good to 1e-12, relative",
        ),
        Check(
            name="example",
            claim="the closed form agrees with an integrator for α = 1/(1+t), β = −t/(2(1+t)) at t = 5",
            evidence=Evidence.EMPIRICAL,
            predict=predict_example,
            measure=measure_example,
            resolution=10 * AGREEMENT,
            reason="means of order one; the integrator's steps are good to 1e-12",
        ),
    ),
    controls=(
        Control(
            name="own-directions-only",
            claim="each class moves along its own d̂_i only",
            check="equation",
            predict=predict_equation_without_shared,
        ),
        Control(name="commuting", claim="drifts at different times commute", check="commutator", predict=predict_commuting),
        Control(name="exponential", claim="the flow is exp(∫M), 105 cases", check="integrator", predict=predict_means_as_exponential),
        Control(name="exponential-example", claim="the flow is exp(∫M), example", check="example", predict=predict_example_as_exponential),
    ),
    figures=(draw_error,),
)
