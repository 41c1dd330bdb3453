"""The kit for other people's tests: strategies and what they shrink to, assertions and what they say, rooms that pytest collects."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jaxtyping
import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st
from strategies import OFTEN_ENOUGH, tally

from layerpeel import testing
from layerpeel.numerics import Bracket, Estimate, Proportion, UnusableInput, collapse_threshold, etf_distance, vanishing_threshold
from layerpeel.solvers import LayerPeeled, UnconstrainedFeatures, solve
from layerpeel.testing import assert_encloses, assert_near_optimum, assert_theorem, assert_verdict
from layerpeel.testing import strategies as lp


@pytest.fixture(autouse=True)
def unchecked() -> None:
    """Checked annotations draw random numbers, which Hypothesis forbids inside strategies."""
    jaxtyping.config.update("jaxtyping_disable", True)


# Strategies.


def test_everything_shrinks_to_few_classes_balanced_and_of_energy_one() -> None:
    assert find(lp.energies(), lambda _: True) == find(lp.imbalances(), lambda _: True) == 1.0
    assert find(lp.groups(), lambda _: True) == [(2, 1)]
    assert find(lp.class_counts(), lambda _: True) == [1, 1]
    least = find(lp.two_groups(), lambda _: True)
    assert (least.majority, least.minority, least.imbalance, least.feature_energy) == (1, 2, 1.0, 1.0)
    problem = find(lp.problems(), lambda _: True)
    assert (problem.num_classes, problem.loss) == (2, "cross-entropy")
    assert isinstance(problem, LayerPeeled)
    assert problem.feature_energy == 1.0
    assert find(lp.elastic_models(), lambda _: True).num_classes == 2
    assert find(lp.brackets(), lambda _: True) == Bracket(0.0, 0.0)


@settings(max_examples=60, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.data(), st.sampled_from(lp.REGIONS))
def test_two_groups_are_in_the_region_that_was_asked_for(data: st.DataObject, region: str) -> None:
    drawn = data.draw(lp.two_groups(region=region, most_classes=6))
    collapse = collapse_threshold(drawn.majority, drawn.minority, feature_energy=drawn.feature_energy, digits=17).value or math.inf
    vanishing = vanishing_threshold(drawn.majority, drawn.minority, feature_energy=drawn.feature_energy, digits=17)
    ends = vanishing.value if vanishing is not None and vanishing.value is not None else math.inf
    low, high = {
        "distinct": (1.0, collapse),
        "collapsed": (collapse, ends),
        "vanished": (ends, math.inf),
        "boundary": (collapse, collapse),
    }[region]
    assert low <= drawn.imbalance <= high
    if region != "boundary" and max(drawn.imbalance, 1.0) < 1e6:
        minority = solve(drawn.problem(), route="symmetric").groups[-1]
        assert (minority.collapsed, minority.vanished) == {"distinct": (False, False), "collapsed": (True, False)}.get(region, (True, True))


@given(lp.features(geometry="collapsed"))
def test_collapsed_features_stand_at_their_means(drawn: lp.Features) -> None:
    means = np.array([drawn.features[drawn.labels == k].mean(axis=0) for k in range(drawn.labels.max() + 1)])
    np.testing.assert_allclose(drawn.features, means[drawn.labels], atol=1e-12)
    assert drawn.fuzziness == 0.0


@given(st.sampled_from(["etf", "orthogonal", "collapsed"]).flatmap(lambda geometry: lp.features(geometry=geometry)))
def test_class_means_are_the_frame_that_is_promised(drawn: lp.Features) -> None:
    means = np.array([drawn.features[drawn.labels == k].mean(axis=0) for k in range(drawn.labels.max() + 1)])
    assert etf_distance(means - means.mean(axis=0)) <= 1e-9


def test_strategies_reach_what_they_are_for() -> None:
    seen = tally(lp.problems(), lambda p: [type(p).__name__, p.loss, p.norm_weights, "ties" if max(p.sizes) > 1 else "distinct"])
    wanted = ("LayerPeeled", "UnconstrainedFeatures", "hinge", "squared", "class", "sample", "ties", "distinct")
    assert min(seen[label] for label in wanted) >= OFTEN_ENOUGH
    assert isinstance(find(lp.problems(penalised=True), lambda _: True), UnconstrainedFeatures)
    assert len(set(find(lp.class_counts(balanced=True), lambda counts: len(counts) > 3))) == 1


EMPTY: dict[str, Callable[[], Any]] = {
    "energies": lambda: lp.energies(least=2.0, largest=1.0),
    "an energy of zero": lambda: lp.energies(least=0.0),
    "imbalances": lambda: lp.imbalances(largest=0.5),
    "groups": lambda: lp.groups(most_groups=0),
    "groups of one class": lambda: lp.groups(most_groups=1, most_classes=1),
    "classes": lambda: lp.class_counts(most_classes=1),
    "counts that differ": lambda: lp.class_counts(largest=1, balanced=False),
    "region": lambda: lp.two_groups(region="lost"),
    "losses": lambda: lp.problems(losses=[]),
    "blocks": lambda: lp.elastic_models(blocks=["M"]),
    "geometry": lambda: lp.features(geometry="cube"),
    "spread": lambda: lp.features(geometry="etf", spread=0.0),
    "brackets": lambda: lp.brackets(least=1.0, largest=0.0),
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_range_is_refused_where_the_strategy_is_defined(name: str) -> None:
    with pytest.raises(UnusableInput):
        EMPTY[name]()


def test_brackets_come_from_their_type() -> None:
    testing.register_strategies()
    assert isinstance(find(st.from_type(Bracket), lambda _: True), Bracket)


# Assertions.


def test_assertions_say_both_sides_and_the_distance() -> None:
    assert_encloses(Bracket(1.0, 2.0), Bracket(1.9, 3.0))
    assert_encloses(Estimate(mean=1.0, standard_error=0.1, n=100), 1.2)
    with pytest.raises(AssertionError, match=r"\[1.0, 2.0\] does not meet \[2.5, 3.0\], which lies 0.5 above it"):
        assert_encloses(Bracket(1.0, 2.0), Bracket(2.5, 3.0))
    with pytest.raises(AssertionError, match=r"at level 0.01, which lies .* below it"):
        assert_encloses(Proportion(successes=50, n=100), 0.1, level=0.01)
    solution = solve(LayerPeeled(counts=[50, 20, 5], feature_energy=2.0))
    assert_near_optimum(solution, tolerance=1e-6)
    with pytest.raises(AssertionError, match="times the tolerance 1e-18: route 'factored' encloses"):
        assert_near_optimum(solution, tolerance=1e-18)
    assert_theorem("half-life")
    assert_verdict("half-life", "halving", "confirmed")
    with pytest.raises(AssertionError, match=r"came back confirmed, and refuted was expected\n  .*: predicted .*, measured "):
        assert_verdict("half-life", "halving", "refuted")
    with pytest.raises(UnusableInput, match="has no check 'doubling'"):
        assert_verdict("half-life", "doubling", "confirmed")


# The plugin.

MODULE = """
import os
from pathlib import Path

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances


def measured(x):
    with Path(os.environ["COUNTED"]).open("a") as file:
        file.write("x")
    return Bracket(x * x - 1e-9, x * x + 1e-9)


def square(name, false, predict):
    return claim(
        name, "x squared is x times x", over=instances("x={}", 2.0, 3.0), predict=predict, measure=measured, by="multiplication",
        false={f"twice-{name}": ("it is <b>2x</b>", false)}, evidence=Evidence.EMPIRICAL.within(1e-7, "rounding"),
    )


ROOM = Room.of(
    Statement(
        name="squares", title="Squares & <script>", latex="x^2", assumptions=("x is a number",), kind=Kind.EQUALITY, origin=Origin.DERIVED,
        source=Source("nobody2026", "page 1"),
    ),
    square("right", lambda x: Bracket.exactly(2.5 * x), lambda x: Bracket.exactly(x * x)),
    square("wrong", lambda x: Bracket.exactly(2.5 * x), lambda x: Bracket.exactly(x**3)),
    square("toothless", lambda x: Bracket.exactly(x * x), lambda x: Bracket.exactly(x * x)),
)


def test_beside_it():
    pass
"""


def pytest_run(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    environment = {**os.environ, "COUNTED": str(folder / "counted"), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
@pytest.mark.slow
def test_a_room_in_anyones_module_is_collected_measured_once_and_reported(tmp_path: Path, workers: tuple[str, ...]) -> None:
    (tmp_path / "test_squares.py").write_text(MODULE, encoding="utf-8")
    done = pytest_run(tmp_path, *workers, "--theorem-report", "report", "--theorem-seed", "7", "--junit-xml", "junit.xml")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 failed, 2 passed" in done.stdout
    assert "check wrong came back refuted, and confirmed was expected" in done.stdout
    assert "x=3.0: predicted 27" in done.stdout
    assert "false variant twice-toothless came back confirmed" in done.stdout
    assert (tmp_path / "counted").read_text() == "x" * 6  # three checks of two labels, once
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert (report["seed"], [room["name"] for room in report["rooms"]], report["summary"]["green"]) == (7, ["squares"], False)
    assert (tmp_path / "report" / "report.html").read_text(encoding="utf-8").count("<script>") == 1  # the page's own
    cases = {case.get("name"): case for case in ET.parse(tmp_path / "junit.xml").iter("testcase")}
    said = {entry.get("name"): entry.get("value") for entry in cases["right"].iter("property")}
    assert (said["verdict"], said["evidence"]) == ("confirmed", "empirical")


@pytest.mark.slow
def test_a_room_that_raises_at_import_is_an_error_of_its_module(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text("ROOM = 1 / 0\n", encoding="utf-8")
    (tmp_path / "test_other.py").write_text("ROOM = 'a place'\n\n\ndef test_nothing():\n    pass\n", encoding="utf-8")
    done = pytest_run(tmp_path)
    assert done.returncode == 2
    assert "ZeroDivisionError" in done.stdout
    assert "1 error" in done.stdout
    assert pytest_run(tmp_path, "test_other.py").returncode == 0


def test_the_plugin_imports_nothing_heavy() -> None:
    program = (
        "import sys, layerpeel.testing.plugin; print(sorted(set(sys.modules) & {'numpy', 'flint', 'hypothesis', 'pydantic', 'torch'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
