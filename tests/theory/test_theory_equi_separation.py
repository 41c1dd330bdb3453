"""What the rooms on equi-separation compute from curves, on curves whose answer is known; no network is trained."""

import numpy as np
import pytest

from layerpeel.theory import Check, Control, Kind, Profile, Room, Setting, Verdict, as_bracket, judge
from layerpeel.theory.equi_separation import equi_separation_invariances as invariances
from layerpeel.theory.equi_separation import equi_separation_law as law
from layerpeel.theory.equi_separation import robustness_amgm as robustness
from layerpeel.theory.equi_separation._in_symbols import scatter
from layerpeel.theory.equi_separation._measured import appearance, moved_features, residual_blocks, shapes, splits
from layerpeel.theory.equi_separation._networks import (
    _network_of_blocks,
    _places,
    block_outputs,
    correlation_over_trials,
    factor_over_trials,
)

LAYERS = np.arange(7.0)


def power_of(fuzziness: np.ndarray) -> float:
    """The best power of depth."""
    return shapes.best_power(np.log(fuzziness))


def obeys(fuzziness: np.ndarray) -> bool:
    """Whether one curve passes all bounds on shape and slope."""
    fit = shapes.fit(fuzziness)
    return (
        fit["decay ratio"] < law.BOUNDS["decay ratio"]
        and fit["Pearson's r"] <= law.STRAIGHT
        and fit["largest residual"] <= law.RESIDUAL
        and 1 / law.POWER <= power_of(fuzziness) <= law.POWER
    )


# The law.


def test_an_exact_law_wins() -> None:
    fit = shapes.fit(8.0 * 0.9**LAYERS)
    assert fit["decay ratio"] == pytest.approx(0.9)
    assert fit["log fall"] == pytest.approx(6 * np.log(0.9))
    assert fit["Pearson's r"] == pytest.approx(-1.0)
    assert fit["largest residual"] < 1e-12
    assert power_of(8.0 * 0.9**LAYERS) == pytest.approx(1.0)
    assert obeys(8.0 * 0.9**LAYERS)  # a small fall is a law as well


@pytest.mark.parametrize(
    ("name", "logs", "power"),
    [
        ("quadratic", -(LAYERS**2), 2.0),
        ("root", -np.sqrt(LAYERS), 0.5),
        ("rising", LAYERS, 1.0),
        ("first layer alone", -(LAYERS > 0).astype(float), 0.05),
        ("last layer alone", -(LAYERS == 6).astype(float), 20.0),
    ],
)
def test_what_is_no_law_loses(name: str, logs: np.ndarray, power: float) -> None:
    assert power_of(np.exp(logs)) == pytest.approx(power, rel=0.02), name
    assert not obeys(np.exp(logs))


def test_curves_are_nearly_as_correlated_as_lines_so_the_power_is_needed() -> None:
    fit = shapes.fit(np.exp(-(LAYERS**2) / 6))
    assert fit["Pearson's r"] == pytest.approx(-0.96, abs=0.01)
    assert fit["largest residual"] == pytest.approx(5 / 36)  # |t² − 6t + 5| over 36, at t = 0
    slight = np.exp(-(LAYERS**1.4))
    assert shapes.fit(slight)["Pearson's r"] <= law.STRAIGHT
    assert power_of(slight) == pytest.approx(1.4, rel=0.02)
    assert not obeys(slight)


def test_shape_does_not_depend_on_the_fall() -> None:
    bent = -LAYERS - 0.3 * np.sin(LAYERS)
    small, large = np.exp(0.01 * bent), np.exp(3.0 * bent)
    for quantity in ("Pearson's r", "largest residual"):
        assert shapes.fit(small)[quantity] == pytest.approx(shapes.fit(large)[quantity])
    assert power_of(small) == pytest.approx(power_of(large))


# Intervals over trials.


def test_intervals_respect_what_is_possible() -> None:
    correlations = [-0.9, -0.2, -0.7, -0.95, -0.5]
    found = correlation_over_trials(correlations)
    assert -1.0 < found.lower < np.tanh(np.mean(np.arctanh(correlations))) < found.upper < 1.0
    ratios = [0.01, 0.3, 0.02, 0.6, 0.1]
    factor = factor_over_trials(ratios)
    assert 0.0 < factor.lower < np.exp(np.mean(np.log(ratios))) < factor.upper
    assert np.sqrt(factor.lower * factor.upper) == pytest.approx(np.exp(np.mean(np.log(ratios))))


# When the law appears.

EPOCHS = np.array([0.0, 1.0, 2.0, 4.0, 8.0])


@pytest.mark.parametrize(
    ("correlations", "when"),
    [
        ([0.9, 0.5, -0.5, -0.96, -0.98], 6.0),  # halfway from −.96 to −.98, between epochs 4 and 8
        ([0.9, 0.5, -0.96, -0.98, -0.99], 3.0),
        ([0.9, -0.99, -0.96, -0.98, -0.99], 3.0),  # it has to stay
        ([-0.98, -0.98, -0.98, -0.98, -0.98], 0.0),
        ([0.9, 0.5, 0.0, -0.5, -0.9], 8.0),  # never
        ([0.9, -0.98, -0.98, -0.98, -0.9], 8.0),
    ],
)
def test_the_law_appears_where_it_comes_to_stay(correlations: list[float], when: float) -> None:
    assert appearance.appearance(EPOCHS, np.array(correlations)) == pytest.approx(when)


def test_what_is_left_is_counted_from_there_on() -> None:
    logs = np.array([3.0, 2.0, 1.0, 0.0, -4.0])
    assert appearance.left(EPOCHS, np.array([0.9, 0.5, -0.5, -0.96, -0.98]), logs) == pytest.approx(2.0)
    assert appearance.left(EPOCHS, np.array([0.9, 0.5, 0.0, -0.5, -0.9]), logs) == 0.0
    rows = np.exp([LAYERS, -LAYERS])
    assert appearance.correlations(rows).tolist() == pytest.approx([1.0, -1.0])


# Blocks of two layers and of three.


def test_layers_are_named_in_order_and_exist() -> None:
    layers, entries = _places((2, 3), skip=True)
    assert layers == ["1", "2.branch.2", "2", "3.branch.2", "3.branch.5", "3"]
    assert entries == ["2.branch.1", "3.branch.1"]
    assert [layers[place - 1] for place in block_outputs((2, 3))] == ["1", "2", "3"]
    assert _places((2, 3), skip=False) == (["1", "2", "3", "4", "5", "6"], ["2.1", "4.1"])
    torch = pytest.importorskip("torch")
    for skip in (True, False):
        model = _network_of_blocks((2, 3), skip=skip)
        modules = dict(model.named_modules())
        layers, entries = _places((2, 3), skip=skip)
        assert all(isinstance(modules[name], torch.nn.BatchNorm1d) for name in entries)
        assert sum(isinstance(module, torch.nn.Linear) for module in modules.values()) == 1 + len(layers)
        inside = [modules[name] for name in layers if "branch" in name]
        assert all(isinstance(module, torch.nn.ReLU) for module in inside)


@pytest.mark.parametrize(("unit", "expected"), [("block", 0.0), ("layer", np.log(1.5))])
def test_the_unit_is_found_whatever_later_blocks_gain(unit: str, expected: float) -> None:
    mixes = {}
    for sizes in residual_blocks.MIXES.values():
        gains = [(1.0 if unit == "block" else size) * share for size, share in zip(sizes, (0.4, 0.3, 0.2, 0.1), strict=True)]
        ends = np.concatenate([[2.0], 2.0 - np.cumsum(gains)])
        logs = np.interp(np.arange(1 + block_outputs(sizes)[-1]), block_outputs(sizes), ends)
        mixes[sizes] = np.vstack([logs, 2 * logs])
    assert residual_blocks.gain_ratio(mixes) == pytest.approx([expected] * 2)


def test_both_orders_are_there() -> None:
    first, second = residual_blocks.MIXES.values()
    assert first == second[::-1]
    assert {*first} == {2, 3}


# A check that cannot be refuted shows nothing.


def claimed(room: Room, name: str) -> tuple[Check, list[Control]]:
    """A check of a room, and its false variants."""
    (check,) = (check for check in room.checks if check.name == name)
    return check, [control for control in room.controls if control.check == name]


def setting(seed: int = 0) -> Setting:
    """A stream of its own."""
    return Setting(profile=Profile.QUICK, rng=np.random.default_rng(seed), level=1e-5)


def test_a_change_of_a_third_is_refuted_and_rounding_is_not() -> None:
    check, _ = claimed(invariances.ROOM, "in-doubles")
    for change, verdict in (
        (0.3, Verdict.REFUTED),
        (-0.3, Verdict.REFUTED),
        (1e-12, Verdict.CONFIRMED),
        (3 * moved_features.ROUNDING, Verdict.REFUTED),
    ):
        found = dict.fromkeys(check.predict(), moved_features.largest([0.0, change]))
        assert judge(Kind.EQUALITY, check.predict(), found, resolution=check.resolution, level=1e-5) is verdict


def test_a_search_that_ends_elsewhere_is_refuted() -> None:
    check, (unequal,) = claimed(robustness.ROOM, "search-ends-there")
    found = check.measure(setting())
    for label in unequal.predict():
        assert as_bracket(found[label], 0.5).middle == pytest.approx(splits.SLIGHTLY, abs=0.1 * robustness.SEARCH_ACCURACY)
    assert judge(Kind.EQUALITY, check.predict(), found, resolution=check.resolution, level=1e-5) is Verdict.CONFIRMED
    assert judge(Kind.EQUALITY, unequal.predict(), found, resolution=check.resolution, level=1e-5) is Verdict.REFUTED


def test_splits_near_the_equal_one_are_tried_and_lie_above_the_floor() -> None:
    check, _ = claimed(robustness.ROOM, "no-split-below")
    found = check.measure(setting(1))
    for label, floor in check.predict().items():
        above = as_bracket(found[label], 0.5).lower - as_bracket(floor, 0.5).upper
        assert 0.0 < above < 1e-10 * as_bracket(floor, 0.5).upper


def test_what_is_assumed_of_matrices_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    check, _ = claimed(invariances.ROOM, "for-all-data")
    proved, predicted = check.measure(setting()), check.predict()
    assert all(proved[label] == expected for label, expected in predicted.items())
    # A map that is not orthogonal, and centring that does not send 1 to zero.
    for rule, label in ((scatter.Q * scatter.QT, "orthogonal: S'P'S'"), (scatter.C * scatter.ONE, scatter.SCATTER)):
        monkeypatch.setattr(scatter, "RULES", tuple(each for each in scatter.RULES if each[0] != rule))
        assert check.measure(setting())[label] != predicted[label]
