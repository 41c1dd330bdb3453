"""Ensembles: the same bits after a resume, the law of label errors, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refused
from torch import nn

from layerpeel.gpu_train import Images, geomnist
from layerpeel.gpu_train._images import corrupted
from layerpeel.gpu_train.ensembles import OneByOne, train_one_by_one
from layerpeel.gpu_train.experiments import one_thread
from layerpeel.gpu_train.networks import feed_forward
from layerpeel.gpu_train.training import TrainingDiverged, seeded
from layerpeel.numerics import Proportion

RECIPE = OneByOne(iterations=60, learning_rate=0.01, trials=3, every=20, label_error=0.2)

SUMS = 1e-11
"""Agreement of two orders of summation over 130 steps in double precision, as a share of how far training moved the logits."""


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    one_thread()


@pytest.fixture(scope="module")
def shapes() -> Images:
    return geomnist(8, np.random.default_rng(0))


def net() -> nn.Module:
    return feed_forward(1024, 3, [8], batch_norm=False)


def test_the_first_evaluation_is_that_of_the_initial_networks(shapes: Images) -> None:
    found = train_one_by_one(net, shapes, shapes, RECIPE, np.random.default_rng(1))
    assert found.times.tolist() == [0, 20, 40, 60]
    assert found.logits.shape == (3, 4, 3, 3)
    rng = np.random.default_rng(1)
    for trial in range(3):
        with torch.no_grad():
            logits = seeded(net, rng)(torch.from_numpy(shapes.pixels)).numpy()
        means = np.array([logits[shapes.labels == k].mean(axis=0) for k in range(3)])
        assert np.allclose(found.logits[trial, 0], means, atol=1e-5)
        assert found.accuracy[trial, 0] == pytest.approx((logits.argmax(axis=1) == shapes.labels).mean(), abs=1e-6)
        shifted = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        assert found.loss[trial, 0] == pytest.approx(-shifted[np.arange(24), shapes.labels].mean(), rel=1e-4)


def test_one_step_is_that_of_plain_gradient_descent(shapes: Images) -> None:
    one = shapes.chosen(np.array([0]))  # with one image the order is known
    recipe = OneByOne(iterations=1, learning_rate=0.1, trials=2, every=1)
    found = train_one_by_one(net, one, shapes, recipe, np.random.default_rng(2))
    rng = np.random.default_rng(2)
    for trial in range(2):
        model = seeded(net, rng)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        nn.functional.cross_entropy(model(torch.from_numpy(one.pixels)), torch.from_numpy(one.labels)).backward()
        optimizer.step()
        with torch.no_grad():
            logits = model(torch.from_numpy(shapes.pixels)).numpy()
        means = np.array([logits[shapes.labels == k].mean(axis=0) for k in range(3)])
        assert np.allclose(found.logits[trial, 1], means, atol=1e-4)


@pytest.mark.parametrize("widths", [(), (8,), (8, 5)])
def test_a_first_layer_that_is_moved_once_in_a_block_ends_where_steps_take_it(shapes: Images, widths: tuple[int, ...]) -> None:
    def build() -> nn.Module:
        return feed_forward(1024, 3, widths, batch_norm=False).double()

    recipe = OneByOne(iterations=130, learning_rate=0.01, trials=3, every=130, label_error=0.2)  # two whole blocks and a part
    found = train_one_by_one(build, shapes, shapes, recipe, np.random.default_rng(5))
    # A layer that does nothing, and that only the plain path knows.
    plain = train_one_by_one(lambda: nn.Sequential(nn.Identity(), build()), shapes, shapes, recipe, np.random.default_rng(5))
    moved = np.abs(plain.logits[:, -1] - plain.logits[:, 0]).max()
    assert np.abs(found.logits - plain.logits).max() < SUMS * moved
    assert moved > 0.1


def test_a_first_layer_without_bias_is_trained_step_by_step(shapes: Images) -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(1024, 3, bias=False)).double()

    recipe = OneByOne(iterations=20, learning_rate=0.01, trials=2, every=20)
    found = train_one_by_one(build, shapes, shapes, recipe, np.random.default_rng(5))
    plain = train_one_by_one(lambda: nn.Sequential(nn.Identity(), build()), shapes, shapes, recipe, np.random.default_rng(5))
    assert np.array_equal(found.logits, plain.logits)
    assert np.abs(plain.logits[:, -1] - plain.logits[:, 0]).max() > 0.1


def test_a_resumed_ensemble_ends_in_the_same_bits(shapes: Images, tmp_path: Path) -> None:
    whole = train_one_by_one(net, shapes, shapes, RECIPE, np.random.default_rng(5))
    place = tmp_path / "run" / "checkpoint.pt"

    def stop(done: int) -> None:
        if done == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_one_by_one(net, shapes, shapes, RECIPE, np.random.default_rng(5), checkpoint=place, progress=stop)
    steps = list[int]()
    resumed = train_one_by_one(net, shapes, shapes, RECIPE, np.random.default_rng(99), checkpoint=place, resume=True, progress=steps.append)
    assert steps == [60]
    for name in ("times", "logits", "accuracy", "loss"):
        assert np.array_equal(getattr(resumed, name), getattr(whole, name)), name
    other = OneByOne(iterations=60, learning_rate=0.02, trials=3, every=20, label_error=0.2)

    def no(build: Callable[[], torch.nn.Module], images: Images, recipe: OneByOne, *words: str) -> None:
        refused(lambda: train_one_by_one(build, images, shapes, recipe, np.random.default_rng(5), checkpoint=place, resume=True), *words)

    no(net, shapes, other, "another recipe")
    no(net, geomnist(8, np.random.default_rng(1)), RECIPE, "another set of images")
    no(lambda: feed_forward(1024, 3, [9], batch_norm=False), shapes, RECIPE, "another network")


def test_checkpoints_of_an_ensemble_keep_their_distance(shapes: Images, tmp_path: Path) -> None:
    place = tmp_path / "checkpoint.pt"
    train_one_by_one(net, shapes, shapes, RECIPE, np.random.default_rng(5), checkpoint=place, checkpoint_interval=1e6)
    assert not place.exists()


def test_the_last_block_may_be_shorter(shapes: Images) -> None:
    found = train_one_by_one(net, shapes, shapes, OneByOne(iterations=25, trials=2, every=10), np.random.default_rng(0))
    assert found.times.tolist() == [0, 10, 20, 25]


def test_an_ensemble_learns(shapes: Images) -> None:
    recipe = OneByOne(iterations=1500, learning_rate=0.01, trials=4, every=1500)
    found = train_one_by_one(net, shapes, shapes, recipe, np.random.default_rng(3))
    assert found.accuracy[:, -1].mean() > 0.8
    assert found.loss[:, -1].mean() < 0.7 * found.loss[:, 0].mean()


@pytest.mark.parametrize("error", [0.0, 0.3, 1.0])
def test_labels_are_wrong_with_the_stated_probability_and_then_any_other(error: float) -> None:
    images = Images(pixels=np.zeros((900, 1, 1, 1), np.float32), labels=np.repeat([0, 1, 2], 300), num_classes=3, name="zeros")
    labels = corrupted(images.labels, (20, 900), 3, error, np.random.default_rng(0))
    assert labels.shape == (20, 900)
    wrong = labels != images.labels
    if error in {0.0, 1.0}:
        assert wrong.mean() == error
    else:
        assert Proportion(successes=int(wrong.sum()), n=wrong.size).interval(1e-6).contains(error)
        assert len({row.tobytes() for row in wrong}) == 20  # every trial has errors of its own
    if error > 0.0:
        next_one = ((labels - images.labels) % 3 == 1)[wrong]
        assert Proportion(successes=int(next_one.sum()), n=next_one.size).interval(1e-6).contains(0.5)


def test_batch_norm_cannot_learn_from_single_images(shapes: Images) -> None:
    refused(
        lambda: train_one_by_one(lambda: feed_forward(1024, 3, [8]), shapes, shapes, RECIPE, np.random.default_rng(0)),
        "batch norm cannot learn from single images",
    )


def test_dropout_and_an_empty_class_are_refused(shapes: Images) -> None:
    def dropping() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(1024, 3))

    refused(lambda: train_one_by_one(dropping, shapes, shapes, RECIPE, np.random.default_rng(0)), "dropout")
    two = shapes.chosen(np.flatnonzero(shapes.labels < 2))
    refused(lambda: train_one_by_one(net, shapes, two, RECIPE, np.random.default_rng(0)), "class 2 has no image", "GeoMNIST")


def test_a_diverging_ensemble_names_the_iteration(shapes: Images) -> None:
    recipe = OneByOne(iterations=60, learning_rate=1e30, trials=2, every=20)
    with pytest.raises(TrainingDiverged, match=r"a logit is not finite at iteration 20 of 60: no checkpoint was kept; lower"):
        train_one_by_one(net, shapes, shapes, recipe, np.random.default_rng(0))


def test_unusable_recipes() -> None:
    refused(lambda: OneByOne(iterations=0), "number of iterations is 0")
    refused(lambda: OneByOne(iterations=1, trials=0), "number of trials is 0")
    refused(lambda: OneByOne(iterations=1, every=0), "interval of evaluations is 0")
    refused(lambda: OneByOne(iterations=1, learning_rate=0.0), "learning rate is 0.0")
    refused(lambda: OneByOne(iterations=1, label_error=1.5), "label-error probability is 1.5")
