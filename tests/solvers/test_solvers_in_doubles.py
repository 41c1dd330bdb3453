"""Certificates in doubles against the same in balls: two arithmetics that must overlap, and the first no wider than it says."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import log_uniform

from layerpeel.numerics import PRECISION, GroupMatrix
from layerpeel.solvers import LOSSES, LayerPeeled, Problem, UnconstrainedFeatures, certify, solve
from layerpeel.solvers.proof._in_balls import InBalls
from layerpeel.solvers.proof._in_doubles import InDoubles

WIDTH = 1e-11
"""Width of the enclosures in doubles against the terms that enter them: exponents of up to a hundred, a dozen operations."""


class Case(NamedTuple):
    """A program with a candidate that need not be good, and a dual point."""

    problem: Problem
    candidate: GroupMatrix
    shares: GroupMatrix | None
    bias: np.ndarray | None
    tangent: GroupMatrix | None


def case_of(
    *, sizes: list[int], loss: str, penalised: bool, weights: str, bias: bool, touching: bool, scale: float, root: float, seed: int
) -> Case:
    rng = np.random.default_rng(seed)
    samples = rng.choice(10_000, len(sizes), replace=False) + 1
    groups = [(size, int(count)) for size, count in zip(sizes, samples, strict=True)]
    options: dict[str, Any] = {"loss": loss, "norm_weights": weights, "bias_penalty": 0.01 if bias else None}
    if penalised:
        problem: Problem = UnconstrainedFeatures.from_groups(groups, feature_penalty=root, weight_penalty=root / 2, **options)
    else:
        problem = LayerPeeled.from_groups(groups, feature_energy=root, weight_energy=2 * root, **options)

    def random_matrix() -> GroupMatrix:
        inner = np.where(np.array(sizes) > 1, rng.standard_normal(len(sizes)), 0.0)
        return GroupMatrix(tuple(sizes), scale * inner, scale * rng.standard_normal((len(sizes), len(sizes))))

    shares = random_matrix() if loss == "hinge" else None
    return Case(
        problem,
        random_matrix(),
        shares,
        rng.standard_normal(len(sizes)) if bias else None,
        random_matrix() if touching and shares is None else None,
    )


cases = st.fixed_dictionaries(
    {
        "sizes": st.lists(st.sampled_from([1, 1, 1, 2, 5, 1000]), min_size=2, max_size=6),
        "loss": st.sampled_from(LOSSES),
        "penalised": st.booleans(),
        "weights": st.sampled_from(["class", "sample"]),
        "bias": st.booleans(),
        "touching": st.booleans(),
        "scale": log_uniform(1e-3, 30.0),
        "root": log_uniform(1e-2, 10.0),
        "seed": st.integers(0, 2**32 - 1),
    }
)


@settings(max_examples=100)
@given(cases, st.sampled_from([0.1, 1.0, 3.0]))
def test_losses_overlap_and_are_narrow(drawn: dict[str, Any], scale: float) -> None:
    case = case_of(**drawn)
    with ctx.workprec(PRECISION):
        sharp, fast = InBalls(*case).loss(arb(scale)), InDoubles(*case).loss(arb(scale))
        assert sharp.overlaps(fast)
        assert float(fast.rad()) <= WIDTH * float(fast.abs_upper())
        # The norm that scales the candidate, or is penalised, is only an upper bound, and each arithmetic has its own.
        sharp, fast = InBalls(*case).objective(), InDoubles(*case).objective()
        assert float(abs(sharp - fast).upper()) <= WIDTH * float(fast.abs_upper())


@settings(max_examples=100)
@given(cases)
def test_minorants_overlap_and_are_narrow(drawn: dict[str, Any]) -> None:
    case = case_of(**drawn)
    with ctx.workprec(PRECISION):
        touching = case.candidate if case.tangent is None else case.tangent
        sharp, fast = InBalls(*case), InDoubles(*case)
        sharp.scale = fast.scale = arb(1)  # see above
        (constant, norm, drift), (constant_fast, norm_fast, drift_fast) = sharp.minorant(), fast.minorant()
        # The constant is a value minus an inner product, and rounded on the scale of both.
        size = float(np.abs(touching.outer).max() + np.abs(touching.inner).max() + 1.0) ** 2 * sum(case.problem.sizes)
        assert constant.overlaps(constant_fast)
        assert drift.overlaps(drift_fast)
        assert float(norm_fast) == pytest.approx(float(norm), rel=WIDTH)
        assert float(constant_fast.rad()) <= WIDTH * size
        assert float(drift_fast.rad()) <= WIDTH * (float(drift_fast.abs_upper()) + 1.0)


@pytest.mark.parametrize("loss", LOSSES)
def test_whole_certificates_overlap(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = solve(LayerPeeled.from_groups([(3, 40), (1, 17), (2, 5), (1, 2)], feature_energy=0.3, loss=loss), route="factored")
    monkeypatch.setattr("layerpeel.solvers.proof._certificate.MANY_GROUPS", 1)
    again = certify(found.problem, found.matrix, found.shares, found.group_bias, found.tangent)
    assert again.value.overlaps(found.value)
    assert again != found.certificate  # it was the other arithmetic
    assert again.gap == pytest.approx(found.certificate.gap, abs=1e-12)


def test_exponents_beyond_the_doubles_prove_nothing_instead_of_something_wrong() -> None:
    problem = LayerPeeled(counts=[5, 3, 2], feature_energy=1.0)
    candidate = GroupMatrix((1, 1, 1), np.zeros(3), np.diag([-800.0, 800.0, 0.0]))
    with ctx.workprec(PRECISION):
        fast = InDoubles(problem, candidate, None, None, candidate).minorant()
        assert not fast.constant.is_finite()
