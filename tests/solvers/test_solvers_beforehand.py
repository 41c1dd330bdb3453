"""Certificates in doubles whose errors are bounded beforehand: they contain what balls find, and claim nothing where they cannot."""

from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import log_uniform
from test_solvers_in_doubles import case_of

from layerpeel.numerics import PRECISION, GroupMatrix
from layerpeel.solvers import LayerPeeled, certify
from layerpeel.solvers.proof import _certificate
from layerpeel.solvers.proof._beforehand import Beforehand
from layerpeel.solvers.proof._in_balls import InBalls

WIDTH = 1e-11
"""Width of the enclosures against the terms that enter them: exponents of up to a hundred, and sums over a few thousand classes."""

cases = st.fixed_dictionaries(
    {
        "sizes": st.lists(st.sampled_from([1, 1, 1, 2, 5, 1000]), min_size=2, max_size=6),
        "loss": st.just("cross-entropy"),
        "penalised": st.booleans(),
        "weights": st.sampled_from(["class", "sample"]),
        "bias": st.just(False),
        "touching": st.just(True),
        "scale": log_uniform(1e-3, 30.0),
        "root": log_uniform(1e-2, 10.0),
        "seed": st.integers(0, 2**32 - 1),
    }
)


@settings(max_examples=100)
@given(cases, st.sampled_from([0.1, 1.0, 3.0]))
def test_values_contain_those_of_balls(drawn: dict[str, Any], scale: float) -> None:
    case = case_of(**drawn)
    with ctx.workprec(PRECISION):
        sharp, fast = InBalls(*case).loss(arb(scale)), Beforehand(*case).loss(arb(scale))
        assert fast.contains(sharp)
        assert float(fast.rad()) <= WIDTH * float(fast.abs_upper())


@settings(max_examples=100)
@given(cases)
def test_minorants_contain_those_of_balls(drawn: dict[str, Any]) -> None:
    case = case_of(**drawn)
    assert case.tangent is not None
    with ctx.workprec(PRECISION):
        sharp, fast = InBalls(*case).minorant(), Beforehand(*case).minorant()
        size = float(np.abs(case.tangent.outer).max() + np.abs(case.tangent.inner).max() + 1.0)
        assert fast.constant.contains(sharp.constant)
        assert float(fast.constant.rad()) <= WIDTH * size
        assert float(fast.norm.lower()) >= float(sharp.norm.upper()) * (1 - 1e-13)  # both are bounds from above
        assert float(fast.norm) <= float(sharp.norm) * (1.0 + Beforehand(*case)._spare(float(sharp.constant), float(sharp.norm)) + 1e-9)


def test_factors_bound_the_nuclear_norm_whatever_they_are() -> None:
    rng = np.random.default_rng(0)
    problem = LayerPeeled(counts=[9, 8, 7, 6, 5, 4], feature_energy=1.0)
    left, right = np.linalg.qr(rng.standard_normal((6, 3)))[0], np.linalg.qr(rng.standard_normal((6, 3)))[0]
    candidate = GroupMatrix(problem.sizes, np.zeros(6), left @ right.T)
    with ctx.workprec(PRECISION):
        fitting, wrong, none = (
            Beforehand(problem, candidate, None, None, candidate, factors).norm
            for factors in ((left, right), (left, rng.standard_normal((6, 3))), None)
        )
    assert float(fitting) == pytest.approx(3.0, abs=1e-13)
    assert float(fitting.upper()) >= 3.0
    assert float(wrong.upper()) > 3.5
    assert float(none) == pytest.approx(3.0, abs=1e-12)


def test_numbers_near_underflow_and_exponents_beyond_the_doubles_claim_nothing() -> None:
    problem = LayerPeeled(counts=[5, 3, 2], feature_energy=1.0)
    with ctx.workprec(PRECISION):
        for size in (400.0, -800.0):
            candidate = GroupMatrix((1, 1, 1), np.zeros(3), size * np.eye(3))
            evaluation = Beforehand(problem, candidate, None, None, candidate)
            assert not evaluation.minorant().constant.is_finite()


def test_small_gaps_are_left_to_sharper_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = LayerPeeled.from_groups([(3, 40), (1, 17), (2, 5), (1, 2)], feature_energy=0.3)
    zero = GroupMatrix(problem.sizes, np.zeros(4), np.zeros((4, 4)))
    wide, sharp = certify(problem, zero, None, None, zero), certify(problem, zero)
    assert wide.gap == pytest.approx(sharp.gap, rel=0.02)
    assert wide != sharp
    monkeypatch.setattr("layerpeel.solvers.proof._beforehand.SMALL_PART", 1e30)
    again = certify(problem, zero, None, None, zero)
    assert again.value.width < wide.value.width
    assert len(problem.groups) >= _certificate.SEVERAL_GROUPS
