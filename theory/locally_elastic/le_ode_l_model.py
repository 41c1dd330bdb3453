"""Class means of the L-model: two exponents and one integral that is not a function of A and B."""

import numpy as np
import sympy

from layerpeel.numerics import Bracket, mean_flow
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.locally_elastic._cases import END, SIZES, cases_of, means_by_integrator
from layerpeel.theory.locally_elastic._closed_forms import closed_means, exponential_flow
from layerpeel.theory.locally_elastic._drift import AGREEMENT, integrated
from layerpeel.theory.locally_elastic._in_symbols import l_model
from layerpeel.theory.locally_elastic._measured.closed_and_integrated import INTER, INTRA, LAST, MODEL, START, draw_error

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
        meaning="In the model of logits, class means follow a formula with two growth rates and one integral over their course. For three "
        "classes or more the totals of the two pulls do not say where the means end: it matters when they act.",
    ),
    claim(
        "equation",
        "the closed form solves dX̄ = M(t) X̄ dt for all α(t), β(t): in both directions for every K, written out for K = 2 and 3",
        over="",
        predict=l_model.stated,
        measure=l_model.driven,
        by="the drift times the closed form, along d̂_i and along Σ d̂_j δ_j for every K, and written out",
        false={"own-directions-only": ("each class moves along its own d̂_i only", lambda: l_model.OWN_DIRECTIONS_ONLY)},
        evidence=Evidence.PROOF,
    ),
    claim(
        "commutator",
        "M = α M_α + β M_β with ‖[M_α, M_β]‖² = (K−2)/(K²(K−1)): for K ≥ 3 drifts commute only while α/β is constant",
        over=instances("K={}", 2, 3, 4, 5),
        predict=lambda k: sympy.Rational(k - 2, k * k * (k - 1)),
        measure=l_model.squared_commutator,
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
                lambda k: (
                    (cases := cases_of("L", k)).digest(exponential_flow(cases.intra, cases.inter, cases.start, END)) if k > 2 else None
                ),
            )
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
        predict=lambda a: mean_flow(MODEL, START, [LAST]).means[0, 0, a - 1],
        measure_all=lambda _: [
            Bracket.around(entry, AGREEMENT / 4) for entry in integrated("L", INTRA, INTER, START[None], np.array([LAST]))[0, 0, 0]
        ],
        by="an integrator",
        false={
            "exponential-example": (
                "the flow is exp(∫M), example",
                lambda a: exponential_flow(INTRA, INTER, START[None], LAST)[0, 0, a - 1],
            )
        },
        rounding=AGREEMENT / 4,
        evidence=Evidence.EMPIRICAL.within(10 * AGREEMENT, "means of order one; the integrator's steps are good to 1e-12"),
    ),
    figures=(draw_error,),
)
