"""A feature dimension p: exact from the rank of the optimum on, a warning and no factors below it."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from strategies import log_uniform

from layerpeel.cli import main
from layerpeel.solvers import LayerPeeled, Solution, UnconstrainedFeatures, descend, solve

ROUNDING = 1e-10
"""Relative: a dense SVD and a product of its factors."""

GROUPS = [(2, 90), (3, 9), (1, 2)]


def solved(energy: float, dimension: int | None, route: str = "auto", loss: str = "cross-entropy") -> Solution[LayerPeeled]:
    return solve(LayerPeeled.from_groups(GROUPS, feature_energy=energy, loss=loss), route=route, dimension=dimension)


@pytest.mark.parametrize("route", ["factored", "sdp"])
@pytest.mark.parametrize("loss", ["cross-entropy", "squared", "hinge"])
@pytest.mark.slow
def test_from_the_rank_on_features_in_that_space_make_the_logits(route: str, loss: str) -> None:
    """The minority collapses, so the rank is below K; an interior-point method's noise must not stand in the way."""
    free = solved(0.1, None, route, loss)
    assert free.rank < 6
    assert (free.dimension, free.warnings) == (None, ())
    for p in (free.rank, free.rank + 1, 6, 11):
        found = solved(0.1, p, route, loss)
        assert (found.converged, found.rank, found.warnings, found.low_rank_excess) == (True, free.rank, (), None)
        assert found.value.overlaps(free.value)
        assert found.features.shape == found.classifier.shape == (6, p)
        np.testing.assert_allclose(found.features @ found.classifier.T, found.logits, atol=ROUNDING)
        assert (found.classifier**2).sum() / 6 == pytest.approx(1.0, rel=ROUNDING)
        assert (found.features**2).sum() / 6 == pytest.approx(0.1, rel=ROUNDING)


@settings(max_examples=25)
@given(st.lists(st.integers(1, 500), min_size=3, max_size=6), log_uniform(0.1, 5.0))
@pytest.mark.slow
def test_below_the_rank_the_warning_is_true(counts: list[int], energy: float) -> None:
    """Descent in the factors, whose every point is feasible, cannot get under the optimum by less than the certified excess."""
    problem = LayerPeeled(counts=counts, feature_energy=energy)
    rank = solve(problem).rank
    found = solve(problem, dimension=max(rank - 1, 1))
    if rank == 1:
        assert found.warnings == ()
        return
    (warning,) = found.warnings
    assert f"dimension {rank - 1} is smaller than the rank {rank}" in warning
    assert found.converged  # the value is still the certified lower bound
    reached, *_ = descend(problem, rank - 1, rng=np.random.default_rng(0), starts=1)
    assert reached >= found.value.lower + (found.low_rank_excess or 0.0)
    if found.low_rank_excess is not None:
        assert found.low_rank_excess > 0.0
        assert f"at least {found.low_rank_excess:.3g} more" in warning


def test_no_factors_are_handed_out_below_the_rank() -> None:
    found = solved(2.0, 2)
    for factors in ("features", "classifier"):
        refused(lambda name=factors: getattr(found, name), "the feature dimension 2 is too small", "rank 4", "use dimension >= 4")
    assert found.logits.shape == (6, 6)
    assert len(found.groups) == 3


@pytest.mark.parametrize("loss", ["squared", "hinge"])
def test_without_a_proof_of_the_excess_the_warning_says_so(loss: str) -> None:
    found = solved(0.3, 1, loss=loss)
    assert found.low_rank_excess is None
    (warning,) = found.warnings
    assert "whether it can be attained there is not decided" in warning


def test_the_penalised_form_has_dimensions_too() -> None:
    problem = UnconstrainedFeatures.from_groups(GROUPS, feature_penalty=3e-2, weight_penalty=3e-2)
    free = solve(problem)
    fits, short = solve(problem, dimension=free.rank), solve(problem, dimension=free.rank - 1)
    assert fits.warnings == ()
    np.testing.assert_allclose(fits.features @ fits.classifier.T, fits.logits, atol=ROUNDING)
    assert len(short.warnings) == 1


def test_a_closed_form_keeps_its_rank_and_gains_the_dimension() -> None:
    problem = LayerPeeled.from_groups([(3, 50), (2, 1)], feature_energy=0.5)
    assert (solve(problem).rank, solve(problem).vanished) == (2, (False, True))
    assert (solve(problem, dimension=2).route, solve(problem, dimension=2).features.shape) == ("symmetric", (5, 2))
    assert "smaller than the rank 2" in solve(problem, dimension=1).warnings[0]


@pytest.mark.parametrize("bad", [0, -1, 2.5, float("nan"), "three"])
def test_dimensions_that_are_no_whole_numbers_are_refused(bad: object) -> None:
    refused(lambda: solved(1.0, bad), "the feature dimension", ">= 1", "leave it out")  # pyright: ignore[reportArgumentType]


def test_a_dimension_beyond_memory_is_refused_with_the_numbers() -> None:
    refused(lambda: solved(1.0, 10**12).features, "R^1000000000000", "GB", "smaller dimension")


# The command


SOLVE = ["solve", "--groups", "5x100,5x10", "--feature-energy", "5"]


def test_the_command_warns_beside_its_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SOLVE, "--dimension", "4", "--json"]) == 0
    printed = capsys.readouterr()
    record = json.loads(printed.out)
    assert (record["dimension"], record["rank"]) == (4, 9)
    (warning,) = record["warnings"]
    assert printed.err == f"layerpeel: warning: {warning}\n"
    assert main([*SOLVE, "--dimension", "9", "--json"]) == 0
    printed = capsys.readouterr()
    assert (json.loads(printed.out)["warnings"], printed.err) == ([], "")
    assert main([*SOLVE, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["dimension"] is None


def test_saving_needs_enough_dimensions(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    place = tmp_path / "solution.npz"
    assert main([*SOLVE, "--dimension", "4", "--save", str(place)]) == 2
    assert "too small" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert main([*SOLVE, "--dimension", "12", "--save", str(place)]) == 0
    with np.load(place) as saved:
        assert saved["features"].shape == saved["classifier"].shape == (10, 12)
        np.testing.assert_allclose(saved["features"] @ saved["classifier"].T, saved["logits"], atol=ROUNDING)
