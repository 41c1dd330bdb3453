"""What rooms on trained networks do around the training: sets of images, halves of networks, counts, and what their controls say."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("mlxtend")

import layerpeel.gpu_train.networks
from layerpeel import gpu_train
from layerpeel.numerics import refitted_means
from layerpeel.theory import Kind, Profile, Verdict, catalogue, judge
from layerpeel.theory._judge import as_bracket
from layerpeel.theory._trials import TRIAL_LEVEL
from layerpeel.theory.layer_peeled import _imbalanced_networks as imbalanced
from layerpeel.theory.layer_peeled import minority_collapse_in_networks as minority
from layerpeel.theory.layer_peeled._measured import collapsing_networks
from layerpeel.theory.locally_elastic import _ensembles as ensembles
from layerpeel.theory.locally_elastic import label_noise_transition, le_sde_imitates
from layerpeel.theory.locally_elastic._measured import imitated_means, transition_of_labels

ROOMS = (
    "minority-collapse-in-networks",
    "networks-follow-the-per-sample-model",
    "oversampling-in-networks",
    "label-noise-transition",
    "le-sde-imitates",
    "local-elasticity",
)


@pytest.mark.parametrize("name", ROOMS)
def test_no_control_is_refuted_by_the_bound_that_its_check_confirms(name: str) -> None:
    room = catalogue()[name][1]
    for check in room.checks:
        kind, claimed = check.kind or room.statement.kind, check.predict()
        for control in room.controls:
            if control.check == check.name and (control.kind or kind) is not kind:
                shared = [label for label in control.predict() if label in claimed]
                assert kind not in (Kind.UPPER_BOUND, Kind.LOWER_BOUND) or not shared, control.name


# Ensembles: one image per step, on two sets of images.


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The pixels of every set that is drawn."""
    found: list[np.ndarray] = []
    draw = gpu_train.geomnist

    def recorded(samples: int, rng: np.random.Generator) -> gpu_train.Images:
        images = draw(2, rng)
        found.append(images.pixels)
        return images

    monkeypatch.setattr(gpu_train, "geomnist", recorded)
    return found


def test_networks_are_split_over_sets_of_images_that_differ(drawn: list[np.ndarray]) -> None:
    runs = ensembles.trained.__wrapped__(0.5, 6, ensembles.EVALUATIONS, 3)
    assert len(runs) == ensembles.IMAGE_SETS == 2
    assert all(run.accuracy.shape == (3, ensembles.EVALUATIONS + 1) for run in runs)
    assert len(drawn) == 4
    assert not any(np.array_equal(drawn[i], drawn[j]) for i in range(4) for j in range(i))
    again = ensembles.trained.__wrapped__(0.5, 6, ensembles.EVALUATIONS, 3)
    np.testing.assert_array_equal(runs[1].logits, again[1].logits)
    assert "given these sets" in ensembles.GIVEN_IMAGES
    for room in (label_noise_transition.ROOM, le_sde_imitates.ROOM):
        assert ensembles.GIVEN_IMAGES in room.statement.assumptions


TIMES = np.linspace(0.0, 1.0, 41)
STEADY = (3.0 * TIMES, 0.6 * TIMES)
"""A and B of constant strengths."""

TURNED = (0.6 * TIMES, 1.5 * TIMES)
"""Those of strengths under which classes draw together."""


def half(seed: int, strengths: tuple[np.ndarray, np.ndarray], model: str = "I") -> SimpleNamespace:
    """Logits of networks that follow a model exactly, (networks, times, class, logit)."""
    rng = np.random.default_rng(seed)
    start = np.eye(3) + 0.3 + 0.05 * rng.normal(size=(imitated_means.NETWORKS // 2, 3, 3))
    return SimpleNamespace(times=1600 * TIMES, logits=np.array([refitted_means(first, *strengths, model=model) for first in start]))


def curves(monkeypatch: pytest.MonkeyPatch, *halves: SimpleNamespace) -> dict[str, float]:
    monkeypatch.setattr(imitated_means, "trained", lambda *_arguments, **_options: halves)
    found = imitated_means.mean_difference(0)
    assert all(len(values) == imitated_means.NETWORKS // imitated_means.PER_GROUP for values in found.values())
    return {name: float(values.mean()) for name, values in found.items()}


def test_strengths_of_one_half_are_scored_on_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    same = curves(monkeypatch, half(1, STEADY), half(2, STEADY))
    assert same["I"] < 1e-9
    assert same["common factor"] > 0.05
    assert same["frozen"] > same["common factor"]
    # In sample, each half would be followed as exactly as before.
    assert curves(monkeypatch, half(1, STEADY), half(2, TURNED))["I"] > 0.1


def test_one_common_factor_is_the_i_model_without_action_across_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = (2.0 * TIMES, 0.0 * TIMES)
    found = curves(monkeypatch, half(1, alone), half(2, alone))
    assert found["common factor"] < 1e-9
    assert found["I"] < 1e-9 < found["frozen"]


def in_sample(monkeypatch: pytest.MonkeyPatch, model: str) -> dict[str, float]:
    halves = half(1, STEADY, model), half(2, STEADY, model)
    monkeypatch.setattr(imitated_means, "trained", lambda *_arguments, **_options: halves)
    monkeypatch.setattr(imitated_means, "SINCE", 160)
    setting: Any = SimpleNamespace(profile=Profile.QUICK, seed=0)
    return {name: value.middle for name, value in imitated_means.in_sample(setting).items()}


def test_means_that_follow_the_l_model_are_imitated_exactly_by_its_strengths_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    found = in_sample(monkeypatch, "L")
    assert abs(found[le_sde_imitates.L_ALONG]) < 1e-9
    assert abs(found[le_sde_imitates.L_PLAIN]) < 1e-9
    assert found[le_sde_imitates.FORGOTTEN] < -0.1  # the same strengths without their 1/K


def test_strengths_of_either_model_drive_the_l_model_as_in_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    # Means that follow the I-model exactly are not imitated exactly by its strengths, which are tried under the other model.
    assert in_sample(monkeypatch, "I")["I under the L-model, along d_k"] > 1e-6  # 1e-4; under its own it is rounding


# Imbalanced networks.


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The networks that are built; one each, trained for one epoch."""
    found: list[Any] = []
    build = layerpeel.gpu_train.networks.feed_forward

    def recorded(*arguments: Any, **options: Any) -> Any:
        found.append(build(*arguments, **options))
        return found[-1]

    monkeypatch.setattr(layerpeel.gpu_train.networks, "feed_forward", recorded)
    monkeypatch.setattr(imbalanced, "TRIALS", {Profile.QUICK: 1})
    return found


ONCE = imbalanced.Training(weight_decay=0.01, quick=1, full=1)


def test_counts_are_what_networks_are_shown(built: list[Any]) -> None:
    (found,) = imbalanced.trained.__wrapped__(Profile.QUICK, 30.0, 2.0, 0, ONCE)
    assert found.counts.tolist() == found.last.counts.tolist() == [100] * 5 + [6] * 5
    # Energies of classes lie between the least and the largest; so does their mean weighted by the 530 images.
    assert 0.5 < found.outcome.sample_energy / found.outcome.feature_energy < 2.0
    assert 0.0 < found.last.energy < (found.last.normalised_energy or 0.0)
    assert built[0][-1].bias is not None


def test_networks_are_built_as_their_training_says(built: list[Any]) -> None:
    (found,) = imbalanced.trained.__wrapped__(Profile.QUICK, 50.0, 1.0, 0, replace(ONCE, last_relu=False))
    assert found.outcome.classifier.shape == (10, imbalanced.WIDTH)
    assert found.last.energy == pytest.approx(found.last.normalised_energy, rel=1e-12)
    (found,) = imbalanced.trained.__wrapped__(Profile.QUICK, 50.0, 1.0, 0, replace(ONCE, batch_norm=False))
    assert found.last.normalised_energy is None
    assert [len(model[1]) for model in built] == [3, 2]


def test_networks_that_did_not_learn_the_minority_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def network(cosine: float, accuracy: float) -> Any:
        outcome = SimpleNamespace(minority_cosine=cosine, training_accuracy=np.array([1.0] * 5 + [accuracy] * 5))
        return imbalanced.Trained(outcome=outcome, counts=np.array([100] * 5 + [10] * 5), last=None)  # pyright: ignore[reportArgumentType]

    trials = (*(network(0.3, 1.0) for _ in range(5)), network(0.9, 0.4))
    monkeypatch.setattr(imbalanced, "foreseen", lambda *_arguments: np.full(6, 0.1))
    assert imbalanced.misfit(trials, "sample").middle == pytest.approx(0.2)
    assert [each.learned for each in trials] == [True] * 5 + [False]


def test_ratios_are_met_exactly_by_whole_images() -> None:
    assert all(imbalanced.MOST % ratio == 0 for ratios in collapsing_networks.MEASURED.values() for ratio in ratios)
    assert all({ratio for (ratio,) in minority.RATIOS.values()} <= set(ratios) for ratios in collapsing_networks.MEASURED.values())


@pytest.mark.parametrize(("majority", "rare"), [(100, 3), (100, 2)])
def test_the_model_is_asked_at_the_counts_and_at_its_own_energy(monkeypatch: pytest.MonkeyPatch, majority: int, rare: int) -> None:
    asked: list[tuple[float, float]] = []
    solve = imbalanced.solve

    def recorded(problem: Any, *, route: str) -> Any:
        asked.append((problem.groups[0].samples / problem.groups[-1].samples, problem.feature_energy))
        return solve(problem, route=route)

    monkeypatch.setattr(imbalanced, "solve", recorded)
    outcome: Any = SimpleNamespace(feature_energy=5.0, sample_energy=4.0, weight_energy=1.0)
    last: Any = None
    network = imbalanced.Trained(outcome=outcome, counts=np.array([majority] * 5 + [rare] * 5), last=last)
    by_class, by_sample = (imbalanced.foreseen.__wrapped__((network,), mean)[0] for mean in ("class", "sample"))
    assert asked == [(majority / rare, 5.0), (majority / rare, 4.0)]
    assert by_class == pytest.approx(1.0, abs=1e-6)  # beyond R0 = 12.2 of K_A = 5, E_H = 5
    assert 0.0 < by_sample <= 1.0


# Control by data: what passes and what fails the check of learning.


@pytest.mark.parametrize(("critical", "verdict"), [(0.33, Verdict.REFUTED), (0.6, Verdict.CONFIRMED)])
def test_chance_labels_could_have_taught_something(monkeypatch: pytest.MonkeyPatch, critical: float, verdict: Verdict) -> None:
    levels = {transition_of_labels.BELOW: 0.6, transition_of_labels.CRITICAL: critical, transition_of_labels.ABOVE: 0.1}
    noise = np.random.default_rng(5).normal(0.0, 0.02, (2, 8, 41))
    monkeypatch.setattr(
        transition_of_labels,
        "trained",
        lambda error, *_others: tuple(SimpleNamespace(accuracy=levels[error] + part) for part in noise),
    )
    setting: Any = SimpleNamespace(profile=Profile.QUICK, seed=0)
    room = label_noise_transition.ROOM
    measured = room.checks[0].measure(setting)
    assert judge(Kind.LOWER_BOUND, room.checks[0].predict(), measured, resolution=0.0, level=TRIAL_LEVEL) is Verdict.CONFIRMED
    (control,) = (control for control in room.controls if control.name == "learned-from-chance")
    assert judge(Kind.LOWER_BOUND, control.predict(), measured, resolution=0.0, level=TRIAL_LEVEL) is verdict
    found = as_bracket(measured["gain at p = 2/3"], TRIAL_LEVEL)
    assert found.middle == pytest.approx(critical - 1 / 3, abs=0.02)
