"""Descent on classifier and class means alone, against the certified optimum."""

from typing import Any

import numpy as np
import pytest
from refusals import refused

from layerpeel.gpu_train.experiments import one_thread
from layerpeel.gpu_train.unconstrained import unconstrained_features
from layerpeel.solvers import LayerPeeled, solve


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    one_thread()


def test_descent_stays_on_the_energies_and_reaches_the_certified_optimum() -> None:
    counts = (30, 30, 3, 3)
    found = unconstrained_features(
        counts,
        feature_energy=4.0,
        weight_energy=1.0,
        dimension=6,
        steps=900,
        learning_rate=1.0,
        rng=np.random.default_rng(0),
        every=300,
    )
    assert found.steps.tolist() == [0, 300, 600, 900]
    assert (found.features**2).sum() / 4 == pytest.approx(4.0)
    assert (found.classifier**2).sum() / 4 == pytest.approx(1.0)
    optimum = solve(LayerPeeled(counts=counts, feature_energy=4.0)).value
    assert optimum.lower - 1e-9 <= found.values[-1] <= optimum.upper + 1e-3
    assert np.all(np.diff(found.values) < 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"counts": (3, 0)}, ("count of class 1 is 0",)),
        ({"feature_energy": -1.0}, ("feature energy is -1.0",)),
        ({"weight_energy": float("nan")}, ("weight energy is nan",)),
        ({"learning_rate": 0.0}, ("learning rate is 0.0",)),
        ({"every": 0}, ("interval of records is 0",)),
        ({"dimension": 1.5}, ("dimension is 1.5",)),
    ],
)
def test_unusable_programs_are_refused(options: dict[str, Any], words: tuple[str, ...]) -> None:
    usual: dict[str, Any] = {
        "counts": (3, 1),
        "feature_energy": 5.0,
        "weight_energy": 1.0,
        "dimension": 2,
        "steps": 10,
        "learning_rate": 0.1,
    }
    given = usual | options
    refused(lambda: unconstrained_features(given.pop("counts"), **given, rng=np.random.default_rng(0)), *words)
