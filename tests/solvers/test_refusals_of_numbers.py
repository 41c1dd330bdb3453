"""Numbers that mean nothing where they are given: each is one sentence, and never a crash or a number of its own."""

from collections.abc import Callable

import numpy as np
import pytest
import sympy
from refusals import refused

from layerpeel.numerics import (
    GroupMatrix,
    enclose_expression,
    energy_radius,
    fit_decay,
    logit_directions,
    simulated_refutations,
    tail_index,
    two_group_optimum,
)
from layerpeel.solvers import (
    LayerPeeled,
    UnconstrainedFeatures,
    certify,
    certify_distance,
    certify_multiplier,
    descend,
    descend_nonnegative,
    dual_slope,
    solve_samples,
)

RNG = np.random.default_rng(0)
PROBLEM = LayerPeeled(counts=[3, 3, 2, 2], feature_energy=1.0)
STRANGER = GroupMatrix((3,), np.array([1.0]), np.zeros((1, 1)))
OWN = GroupMatrix.average(np.eye(4), PROBLEM.sizes)
TIMES = np.arange(1.0, 100.0)
POWER = {"n": 10, "predicted": 0.5, "truth": 0.5, "level": 0.05, "repeats": 3}

CASES: dict[str, tuple[Callable[[], object], str]] = {
    "another problem's candidate": (lambda: certify(PROBLEM, STRANGER), "groups of (3,) classes"),
    "another problem's tangent": (lambda: certify(PROBLEM, OWN, None, None, STRANGER), "groups of (3,) classes"),
    "a bias of another length": (lambda: certify(PROBLEM, OWN, None, np.zeros(3)), "3 numbers for 2 groups"),
    "a stranger's multiplier": (lambda: certify_multiplier(PROBLEM, STRANGER), "groups of (3,) classes"),
    "a stranger's distance": (lambda: certify_distance(PROBLEM, STRANGER), "groups of (3,) classes"),
    "a stranger's slope": (lambda: dual_slope(PROBLEM, STRANGER), "groups of (3,) classes"),
    "no majority": (lambda: two_group_optimum(0, 2, 2.0, 1.0), "majority classes is 0"),
    "no minority": (lambda: two_group_optimum(2, 0, 2.0, 1.0), "minority classes is 0"),
    "one direction": (lambda: logit_directions(1), "number of classes is 1"),
    "a negative energy": (lambda: energy_radius(3, -1.0, 1.0), "feature energy is -1"),
    "no start": (lambda: descend(PROBLEM, 2, rng=RNG, starts=0), "starts is 0"),
    "no dimension": (lambda: descend(PROBLEM, 0, rng=RNG), "dimension is 0"),
    "no start at all": (
        lambda: descend_nonnegative(UnconstrainedFeatures(counts=[2, 2], feature_penalty=0.1, weight_penalty=0.1), 2, rng=RNG, starts=0),
        "starts is 0",
    ),
    "an unknown solver": (lambda: solve_samples([2, 2], [1, 1], feature_energy=1.0, solver="x"), "solver 'x' is unknown"),
    "no spacing": (lambda: tail_index(TIMES, 1 / TIMES, spacing=0), "spacing is 0"),
    "no trial": (lambda: simulated_refutations(RNG, **{**POWER, "n": 0}), "trials is 0"),
    "a level of one": (lambda: simulated_refutations(RNG, **{**POWER, "level": 1.0}), "level is 1.0"),
    "a level of two": (lambda: fit_decay(np.array([4.0, 2.0, 1.0]), level=2.0), "level is 2.0"),
    "too many symbols": (lambda: enclose_expression(sympy.Add(*sympy.symbols("x:30"))), "30 symbols"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_number_without_meaning_is_refused(name: str) -> None:
    refused(*CASES[name])
