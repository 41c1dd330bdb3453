"""Studies of trained networks: separation by layer, minority classifiers."""

import copy
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refused
from torch import nn

import layerpeel.gpu_train.studies
from layerpeel.gpu_train import Images, digits, geomnist, with_counts
from layerpeel.gpu_train.experiments import one_thread
from layerpeel.gpu_train.networks import feed_forward, residual_feed_forward
from layerpeel.gpu_train.studies import (
    MinorityOutcome,
    SeparationCurves,
    hidden_layers,
    hidden_layers_by_batch,
    minority_outcome,
    minority_outcomes_together,
    separation_at,
    separation_curves,
    separation_curves_together,
)
from layerpeel.gpu_train.training import Recipe, seeded, train
from layerpeel.numerics import separation

SHORT = Recipe(epochs=3, learning_rate=0.05, batch_size=32, optimizer="momentum")


TOGETHER = 1e-3
"""Agreement of what two networks show that were trained alone and together for some 20 steps, in single precision; 1e-5 is usual."""


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    one_thread()


def some_digits() -> Images:
    return digits().chosen(np.arange(0, 1797, 6))


def small() -> nn.Module:
    return feed_forward(64, 10, [20, 20])


# Separation by layer.


def test_curves_begin_before_training_with_the_separation_of_the_input() -> None:
    images = some_digits()
    found = separation_curves(small, images, images, SHORT, np.random.default_rng(0), epochs=(1,))
    assert found.epochs.tolist() == [0, 1, 3]
    assert found.fuzziness.shape == (3, 3)
    raw = separation(images.pixels.reshape(len(images.labels), -1), images.labels)
    assert np.allclose(found.fuzziness[:, 0], raw.fuzziness, rtol=1e-12)
    assert np.array_equal(found.fuzziness, found.test_fuzziness)
    assert np.allclose(found.by_class @ images.counts / images.counts.sum(), found.fuzziness[-1], rtol=1e-9)
    assert np.allclose(found.nc1 * 10, found.fuzziness[:, -1], rtol=0.1)  # equal but for the classes' unequal counts
    assert found.rank_between.tolist() == [9, 9, 9]
    assert found.loss[-1] < found.loss[0]
    assert found.fuzziness[-1, -1] < found.fuzziness[0, -1]


@pytest.mark.parametrize("study", ["separation", "minority"])
def test_a_study_that_was_stopped_ends_in_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study: str) -> None:
    monkeypatch.setattr(layerpeel.gpu_train.studies, "CHECKPOINT_SECONDS", 0.0)
    images, place = some_digits(), tmp_path / "a.checkpoint"
    shares: list[float] = []

    def run(checkpoint: Path | None, stop: float) -> SeparationCurves | MinorityOutcome:
        def progress(share: float) -> None:
            shares.append(share)
            if share >= stop:
                raise KeyboardInterrupt

        rng = np.random.default_rng(3)
        if study == "separation":
            return separation_curves(small, images, images, SHORT, rng, epochs=(1, 2), checkpoint=checkpoint, progress=progress)
        return minority_outcome(small, images, images, range(5, 10), SHORT, rng, checkpoint=checkpoint, progress=progress)

    whole = run(None, 2.0)
    with pytest.raises(KeyboardInterrupt):
        run(place, 0.9)
    del shares[:]
    resumed = run(place, 2.0)
    assert [share for share in shares if share > 0.0] == [1.0]  # two of three epochs were there
    for name, value in asdict(whole).items():
        assert np.array_equal(value, getattr(resumed, name)), name


def test_a_network_that_died_separates_nothing() -> None:
    def dead() -> nn.Module:
        model = small()
        for parameter in model.parameters():
            nn.init.zeros_(parameter)
        return model

    found = separation_curves(dead, some_digits(), some_digits(), SHORT, np.random.default_rng(0))
    assert np.isfinite(found.fuzziness[:, 0]).all()
    assert np.isposinf(found.fuzziness[:, 1:]).all()
    assert np.isposinf(found.nc1).all()
    assert found.rank_between.tolist() == [9, 0, 0]


def test_measuring_in_between_does_not_change_the_training() -> None:
    images = some_digits()
    seldom, often = (separation_curves(small, images, images, SHORT, np.random.default_rng(4), epochs=when) for when in ((), (1, 2)))
    assert np.array_equal(seldom.loss, often.loss)
    assert np.array_equal(seldom.fuzziness, often.fuzziness[[0, -1]])


@pytest.mark.parametrize(("frozen", "kept"), [("none", []), ("bottom", [1, 2]), ("top", [3, 4])])
def test_a_frozen_half_keeps_its_weights(frozen: str, kept: list[int]) -> None:
    images, built = some_digits(), list[nn.Module]()
    before: list[dict[str, torch.Tensor]] = []

    def build() -> nn.Module:
        built.append(feed_forward(64, 10, [12] * 4))
        before.append(copy.deepcopy(built[0].state_dict()))
        return built[0]

    separation_curves(build, images, images, SHORT, np.random.default_rng(0), frozen=frozen)
    after = built[0].state_dict()
    same = [layer for layer in range(1, 5) if torch.equal(before[0][f"{layer}.0.weight"], after[f"{layer}.0.weight"])]
    assert same == kept


def test_images_that_leave_nothing_to_measure_are_refused() -> None:
    images = some_digits()
    rng = np.random.default_rng(0)
    single = with_counts(images, [1] * 10, rng)
    missing = images.chosen(np.flatnonzero(images.labels != 1))
    for train_on, test_on in ((single, images), (images, single), (missing, images), (images, missing)):
        refused(lambda a=train_on, b=test_on: separation_curves(small, a, b, SHORT, rng), "one of each and two of some")
    refused(lambda: separation_curves(small, images, images, SHORT, rng, epochs=(99,)), "epoch 99", "has 3")


def test_an_unknown_half_is_refused() -> None:
    images = some_digits()
    refused(
        lambda: separation_curves(small, images, images, SHORT, np.random.default_rng(0), frozen="left"), "'left'", "none, bottom or top"
    )


def own_images(rngs: list[np.random.Generator]) -> list[Images]:
    return [with_counts(digits(), (20,) * 10, rng) for rng in rngs]


def test_layers_inside_children_are_measured_by_name() -> None:
    recipe = Recipe(epochs=2, learning_rate=0.05, batch_size=32)

    def build() -> nn.Module:
        return residual_feed_forward(64, 10, 20, 2, 2)

    rngs = np.random.default_rng(7).spawn(2)
    images = own_images(rngs)
    found = separation_at(build, images, ["1", "2.branch.2", "2", "3"], recipe, rngs)
    assert found.shape == (2, 5)
    rngs = np.random.default_rng(7).spawn(2)
    for row, seen, rng in zip(found, own_images(rngs), rngs, strict=True):
        model = seeded(build, rng)
        train(model, seen, recipe, rng)
        outer = [separation(layer, seen.labels).fuzziness for layer in hidden_layers(model, seen)]
        assert np.allclose(row[[0, 1, 3, 4]], outer, rtol=TOGETHER)
        assert np.abs(row[2] / outer - 1.0).min() > 10 * TOGETHER
    refused(lambda: separation_at(build, images, ["9"], recipe, rngs), "layer '9' does not exist")


# Side by side.


def test_curves_of_trials_that_are_trained_together_are_those_of_each_alone() -> None:
    rngs = np.random.default_rng(7).spawn(2)
    images, tests = own_images(rngs), own_images(rngs)
    found = separation_curves_together(small, images, tests, SHORT, rngs, epochs=(1,))
    rngs = np.random.default_rng(7).spawn(2)
    images, tests = own_images(rngs), own_images(rngs)
    for together, seen, test, rng in zip(found, images, tests, rngs, strict=True):
        alone = separation_curves(small, seen, test, SHORT, rng, epochs=(1,))
        for name, value in asdict(alone).items():
            rounding = 1e-12 if name in {"epochs", "rank_between"} else 0.02 if name == "accuracy" else TOGETHER
            expected = {"test_fuzziness": value[:, -1:], "batch_fuzziness": value[:, :0]}.get(name, value) if np.ndim(value) == 2 else value
            assert np.shape(getattr(together, name)) == np.shape(expected), name
            assert np.allclose(getattr(together, name), expected, rtol=rounding), name
    assert abs(found[0].fuzziness[-1, -1] / found[1].fuzziness[-1, -1] - 1.0) > 10 * TOGETHER


def test_minority_outcomes_of_trials_that_are_trained_together_are_those_of_each_alone() -> None:
    rngs = np.random.default_rng(7).spawn(2)
    images = own_images(rngs)
    found = minority_outcomes_together(small, images, images, range(5, 10), SHORT, rngs)
    rngs = np.random.default_rng(7).spawn(2)
    images = own_images(rngs)
    for (together, model), seen, rng in zip(found, images, rngs, strict=True):
        alone = minority_outcome(small, seen, seen, range(5, 10), SHORT, rng)
        for name in ("classifier", "feature_energy", "weight_energy", "minority_cosine", "majority_cosine", "loss"):
            assert np.allclose(getattr(together, name), getattr(alone, name), rtol=TOGETHER, atol=TOGETHER), name
        assert np.array_equal(model.get_parameter("3.weight").detach().double().numpy(), together.classifier)


# Minority classifiers.


def test_the_energies_and_cosines_are_those_of_the_definition() -> None:
    images = with_counts(digits(), [40] * 5 + [4] * 5, np.random.default_rng(1))
    built = list[nn.Sequential]()

    def build() -> nn.Module:
        built.append(feed_forward(64, 10, [20]))
        return built[0]

    found = minority_outcome(build, images, images, range(5, 10), SHORT, np.random.default_rng(0))
    features = hidden_layers(built[0], images)[-1]
    energy = np.mean([(features[images.labels == k] ** 2).sum(axis=1).mean() for k in range(10)])
    assert found.feature_energy == pytest.approx(energy, rel=1e-5)
    assert found.weight_energy == pytest.approx((found.classifier**2).sum() / 10)
    pairs = [(k, j) for k in range(5, 10) for j in range(5, 10) if k < j]
    units = found.classifier / np.linalg.norm(found.classifier, axis=1, keepdims=True)
    assert found.minority_cosine == pytest.approx(np.mean([units[k] @ units[j] for k, j in pairs]))
    common = [(k, j) for k in range(5) for j in range(5) if k < j]
    assert found.majority_cosine == pytest.approx(np.mean([units[k] @ units[j] for k, j in common]))
    assert found.accuracy.shape == (10,)


def test_a_network_that_ends_in_something_else_is_refused() -> None:
    images = some_digits()

    def build() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.Identity())

    refused(lambda: minority_outcome(build, images, images, [9], SHORT, np.random.default_rng(0)), "Identity", "linear classifier")


def test_in_training_mode_batch_norm_takes_the_statistics_of_batches_and_keeps_its_own() -> None:
    images = geomnist(40, np.random.default_rng(0))  # one batch of 120
    model = feed_forward(1024, 3, [20, 10])
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    raw, first, second = hidden_layers_by_batch(model, images)
    assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())
    np.testing.assert_array_equal(raw, images.pixels.reshape(120, -1))
    model.train()
    with torch.no_grad():
        expected = model[1](model[0](torch.from_numpy(images.pixels)))
        np.testing.assert_allclose(first, expected.numpy(), atol=1e-5)
        np.testing.assert_allclose(second, model[2](expected).numpy(), atol=1e-5)
    assert np.abs(hidden_layers(model, images)[1] - first).max() > 0.1
