"""Class means of the I-model: a common mode and deviations from it, each with its own exponent."""

import numpy as np

from layerpeel.array_words import Float
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.locally_elastic._cases import END, SIZES, Cases, cases_of, means_by_integrator
from layerpeel.theory.locally_elastic._closed_forms import closed_means
from layerpeel.theory.locally_elastic._drift import AGREEMENT, rate_integral
from layerpeel.theory.locally_elastic._in_symbols import i_model

ROOM = Room.of(
    Statement(
        name="le-ode-i-model",
        title="Class means of the I-model",
        latex=r"\bar X^k(t)=\check X(0)\,e^{(A+(K-1)B)/K}+(\bar X^k(0)-\check X(0))\,e^{(A-B)/K},\qquad "
        r"\check X=\tfrac1K\textstyle\sum_l\bar X^l,\ A=\int_0^t\alpha,\ B=\int_0^t\beta",
        assumptions=("H_ij = I_p for all i, j", "α on the diagonal of E(t), β off it, both integrable", "P = 11ᵀ/K"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, equation (4) and table 1; for constant rates equation (6)"),
        meaning="With isotropic features, class means follow a formula: one common part, and differences that grow only with the lead of "
        "a class's pull on itself over its pull on others. What moves all classes alike does nothing for separation in that model.",
    ),
    claim(
        "equation",
        "the closed form solves dX̄ = M(t) X̄ dt for all α(t), β(t): mode by mode for every K, written out for K = 2 to 4",
        over="",
        predict=i_model.stated,
        measure=i_model.driven,
        by="what the drift makes of each mode, summed over the classes; and the drift, written out, times the closed form",
        false={"wrong-exponent": ("the common mode grows by e^{(A + K B)/K}", i_model.with_every_class)},
        evidence=Evidence.PROOF,
    ),
    claim(
        "integrator",
        "it agrees with an integrator on 105 cases whose rates vary in time",
        over=instances("K={}, 15 cases", *SIZES),
        predict=lambda k: (cases := cases_of("I", k)).digest(closed_means(cases)),
        measure=lambda k: (cases := cases_of("I", k)).digest(means_by_integrator(cases)),
        by="an integrator, which takes the class means to t = 2 from the drift's definition",
        false={
            "wrong-exponent-integrated": (
                "the same, against the integrator",
                lambda k: (cases := cases_of("I", k)).digest(means_by_modes(cases, k)),
            )
        },
        evidence=Evidence.EMPIRICAL.within(
            10 * AGREEMENT,
            "sums over 15 cases of directions and log sizes of the means; the integrator's steps are good to 1e-12, relative",
        ),
    ),
)


def means_by_modes(cases: Cases, others: int) -> Float[np.ndarray, "cases K p"]:
    """Class means at END if the common mode grew by e^{(A + others · B)/K}."""
    classes = cases.start.shape[1]
    gained, shared = rate_integral(cases.intra, END)[:, None, None], rate_integral(cases.inter, END)[:, None, None]
    middle = cases.start.mean(axis=1, keepdims=True)
    return middle * np.exp((gained + others * shared) / classes) + (cases.start - middle) * np.exp((gained - shared) / classes)
