"""The softmax drift linearized around class means: the sign of its Jacobian, its kernel, the remainder's order, the two residues."""

import math
from itertools import product

import numpy as np
from flint import arb, ctx

from layerpeel.numerics import PRECISION, Bracket, to_bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Verdict, claim, instances
from layerpeel.theory.locally_elastic._in_symbols import linearization as in_symbols
from layerpeel.theory.locally_elastic._softmax_in_balls import order, residue_over_miss, residues

ORDERS = (2, 3, 10)
"""K of the measured order."""
SIGNS = {"−": -1, "+": 1}
"""Of J in the linear part."""
ORDER_ACCURACY = 1e-4
"""Largest distance of a measured order from a whole number: between these distances the next order is 1e-9 of the leading one, unless that
one happens to be small."""

ERRORS = instances("1 − p̄_k = {:g}", 1e-2, 1e-4, 1e-8, 1e-16)
"""Near convergence."""
CLASSES = 3

ROOM = Room.of(
    Statement(
        name="linearization",
        title="Why a linear drift: the softmax around class means",
        latex=r"e_k-\sigma(X)=e_k-\bar p_k-J_k(X-\varphi)+O(\|X-\varphi\|^2),\ J_k=\operatorname{diag}(\bar p_k)-\bar p_k\bar p_k^{\top};"
        r"\quad R(z)=e_k-\sigma(z)+J_kz:\ R(c,\dots,c)=e_k-\tfrac1K,\ R(\varphi)\to0\ (\bar p_k\to e_k)",
        assumptions=("softmax cross-entropy, p̄_k = σ(φ)", "logits of one class at a time: J is block diagonal"),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("zhang2021", "slides, Justifications for Linearization, equations (11) to (18)"),
        meaning="Around class means the softmax gradient is linear up to a second-order remainder, with a minus where equations (12) and "
        "(15) of the slides print a plus. Use the corrected sign, and expect the linear picture to hold near the means only.",
    ),
    claim(
        "identities",
        "the gradient of e_k − σ is −J; J has exactly the constant vectors in its kernel; equal logits leave a constant residue",
        over="",
        predict=in_symbols.stated,
        measure=in_symbols.differentiated,
        by="differentiation, for symbolic logits; the class is the first one",
        false={
            # the printed equations (12) and (15)
            "plus": ("the gradient of e_k − σ is +J", in_symbols.with_plus),
            "drifting-residue": ("the residue at equal logits grows with them", in_symbols.drifting_residue),
        },
        evidence=Evidence.PROOF,
    ),
    claim(
        "printed-sign",
        "as printed in (12) and (15), with +J, the remainder is of second order",
        over=instances("K={}, e_k − σ = {}J", *product(ORDERS, SIGNS)),
        predict=lambda _, sign: 2.0 if sign == "+" else None,
        measure_all=lambda setting: [order(setting.rng, k, SIGNS[sign]) for k, sign in product(ORDERS, SIGNS)],
        by="the slope of log ‖remainder‖ against log ‖X − φ‖ between two distances, over random φ and directions",
        false={"constant-left": ("with +J a constant is left", lambda _, sign: 0.0 if sign == "+" else None)},
        evidence=Evidence.CERTIFIED.within(ORDER_ACCURACY, "slopes between distances 1e-9 and 1e-12"),
        expected=Verdict.REFUTED,
    ),
    claim(
        "order",
        "with −J the remainder is of second order",
        over=instances("K={}, e_k − σ = {}J", *product(ORDERS, SIGNS)),
        predict=lambda _, sign: 2.0 if sign == "−" else None,
        measure_all=lambda setting: [order(setting.rng, k, SIGNS[sign]) for k, sign in product(ORDERS, SIGNS)],
        by="the slope of log ‖remainder‖ against log ‖X − φ‖ between two distances, over random φ and directions",
        false={
            "first-order": ("the remainder is of first order", lambda _, sign: 1.0 if sign == "−" else None),
            "third-order": ("the remainder is of third order", lambda _, sign: 3.0 if sign == "−" else None),
        },
        evidence=Evidence.CERTIFIED.within(ORDER_ACCURACY, "slopes between distances 1e-9 and 1e-12"),
        origin=Origin.DERIVED,
    ),
    claim(
        "near-convergence",
        "the residue at φ∞ vanishes as p̄_k tends to e_k",
        over=ERRORS,
        predict=0.0,
        measure_all=lambda setting: residues(setting.rng.dirichlet(np.ones(CLASSES - 1)).tolist(), [error for (error,) in ERRORS.values()]),
        by="‖e_k − p̄_k + J φ∞‖ in balls, the rest of the probability split at random among the other classes",
        # as near initialization
        false={"constant": ("near convergence the residue stays constant", math.sqrt(1 - 1 / CLASSES))},
        evidence=Evidence.CERTIFIED.within(1e-13, "at 1 − p̄_k = 1e-16 the residue is about 40 times that"),
        kind=Kind.LIMIT,
    ),
    claim(
        "pace",
        "it vanishes more slowly than e_k − p̄_k, by the factor 1 + p̄_k log((K−1) p̄_k/(1 − p̄_k)) when errors are even",
        over=ERRORS,
        predict=lambda error: slower_by(error, others=CLASSES - 1),
        measure=lambda error: residue_over_miss(error, CLASSES),
        by="the ratio of the two norms in balls, the rest of the probability split evenly",
        false={
            "proportional": ("the residue is e_k − p̄_k alone", 1.0),
            "all-classes": ("the factor is 1 + p̄_k log(K p̄_k/(1 − p̄_k))", lambda error: slower_by(error, others=CLASSES)),
        },
        evidence=Evidence.CERTIFIED.within(1e-12, "balls of 128 bits"),
        origin=Origin.DERIVED,
    ),
)


def slower_by(error: float, *, others: int) -> Bracket:
    """1 + p̄_k log(others · p̄_k/(1 − p̄_k)), enclosed."""
    with ctx.workprec(PRECISION):
        own = 1 - arb(error)
        return to_bracket(1 + own * (others * own / error).log())
