"""Rooms of the locally elastic theory turn when the mathematics is wrong: faults that once left them green."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from types import ModuleType

import numpy as np
import pytest

from layerpeel.numerics import Bracket, ElasticModel, MeanDriftLaw
from layerpeel.numerics.locally_elastic import _euler, _flow
from layerpeel.numerics.locally_elastic._closed_flow import Parts
from layerpeel.theory import Kind, Profile, Room, Setting, Verdict, as_bracket, judge
from layerpeel.theory.locally_elastic import (
    neural_collapse_printed,
    separation_critical_constant,
    separation_i_model,
    separation_l_model,
    separation_literal_drift,
    separation_printed,
)
from layerpeel.theory.locally_elastic._measured import literal_paths

LEVEL = 1e-5
"""Like the suite's own level of one comparison."""


def verdict(room: Room, name: str) -> Verdict:
    """Of one check, as things are now."""
    (check,) = (check for check in room.checks if check.name == name)
    measured = check.measure(Setting(profile=Profile.QUICK, rng=np.random.default_rng(5), level=LEVEL))
    return judge(check.kind or room.statement.kind, check.predict(), measured, resolution=check.resolution, level=LEVEL)


@pytest.mark.parametrize(("room", "name"), [(separation_i_model, "growth"), (separation_critical_constant, "frequency")])
def test_differences_that_grow_without_the_division_by_k_are_noticed(room: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    honest: Callable[..., Parts] = _flow.flow_i_model
    monkeypatch.setattr(
        _flow,
        "flow_i_model",
        lambda model, *rest: replace(found := honest(model, *rest), own_logs=model.num_classes * found.own_logs),
    )
    assert verdict(room.ROOM, name) is Verdict.REFUTED


@pytest.mark.parametrize("room", [separation_i_model, separation_l_model])
def test_noise_of_four_times_the_variance_in_the_law_is_noticed(room: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = MeanDriftLaw.class_covariances.fget
    assert honest is not None
    monkeypatch.setattr(MeanDriftLaw, "class_covariances", property(lambda self: honest(replace(self, accumulated=4.0 * self.accumulated))))
    assert verdict(room.ROOM, "frequency") is Verdict.REFUTED


def test_steps_whose_noise_lacks_the_root_of_their_length_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = _euler.coloured
    step = literal_paths.END / literal_paths.STEPS
    monkeypatch.setattr(_euler, "coloured", lambda normals, *rest, **how: honest(np.sqrt(step) * normals, *rest, **how))
    assert verdict(separation_literal_drift.ROOM, "frequencies") is Verdict.REFUTED


def test_weights_without_the_division_by_k_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = ElasticModel.weights
    monkeypatch.setattr(ElasticModel, "weights", lambda self, times: self.num_classes * honest(self, times))
    assert verdict(separation_literal_drift.ROOM, "frequencies") is Verdict.REFUTED


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"inter": Fraction(-1, 10)}, Verdict.CONFIRMED),
        ({"inter": Fraction(1, 10)}, Verdict.REFUTED),
        ({"inter": Fraction(-1, 10), "intra": Fraction(-1)}, Verdict.REFUTED),
    ],
)
def test_a_counterexample_outside_the_printed_hypotheses_is_noticed(changes: dict[str, Fraction], expected: Verdict) -> None:
    found = neural_collapse_printed.least_rates(replace(neural_collapse_printed.FLIPPED[0], **changes))
    positive = dict.fromkeys(found, Bracket.exactly(0.0))
    assert judge(Kind.LOWER_BOUND, positive, found, resolution=0.0, level=LEVEL) is expected


def test_the_counterexamples_to_separation_are_of_different_kinds() -> None:
    setting = Setting(profile=Profile.QUICK, rng=np.random.default_rng(0), level=LEVEL)
    checks = {check.name: check for check in separation_printed.ROOM.checks}

    def at_last(name: str) -> float:
        return as_bracket(list(checks[name].measure(setting).values())[-1], LEVEL).middle

    pace, chance = at_last("part-i-pace"), at_last("part-i-opposed")
    assert 0.3 < pace < 0.5
    assert chance < 0.01
