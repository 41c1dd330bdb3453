"""Networks that are trained together: what each would become alone, whatever the layers, optimisers and batches."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from refusals import refused
from torch import nn

from layerpeel.gpu_train import Images, digits, with_counts
from layerpeel.gpu_train.experiments import one_thread
from layerpeel.gpu_train.networks import feed_forward, residual_feed_forward
from layerpeel.gpu_train.stacked import stacked, unstack
from layerpeel.gpu_train.training import Recipe, TrainingDiverged, seeded, train, train_together

TRIALS = 3

IN_DOUBLES = 1e-12
"""Agreement of one forward pass in double precision: sums of a hundred terms in another order."""

TRAINED = 1e-11
"""Agreement of weights after a few epochs in double precision, as a share of how far training moved them: a dozen steps amplify 1e-16 by
no more than 1e3: 3e-14 was seen at most."""

SINGLE = 1e-6
"""Agreement of mean losses, which are kept in single precision."""


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    one_thread()


def images_of(rng: np.random.Generator) -> Images:
    return with_counts(digits(), (11,) * 10, rng)


def without_bias() -> nn.Module:
    model = feed_forward(64, 10, [12])
    model[-1].register_parameter("bias", None)
    return model


BUILDS: dict[str, Callable[[], nn.Module]] = {
    "batch norm": lambda: feed_forward(64, 10, [12, 9]),
    "no batch norm": lambda: feed_forward(64, 10, [12, 9], batch_norm=False),
    "linear": lambda: feed_forward(64, 10, [12, 9], linear=True),
    "classifier alone": lambda: feed_forward(64, 10, [], batch_norm=False),
    "without last bias": without_bias,
    "residual": lambda: residual_feed_forward(64, 10, 12, 2, 3),
}


def built(name: str) -> tuple[list[nn.Module], list[Images], list[np.random.Generator]]:
    """Networks in double precision, images and generators of three trials, all from their own streams.

    Shifts of batch norm do not start at zero: where the loss does not depend on one, Adam would make steps of its gradient's rounding.
    """
    rngs = np.random.default_rng(8).spawn(TRIALS)
    images, models = [images_of(rng) for rng in rngs], [seeded(BUILDS[name], rng).double() for rng in rngs]
    for model, rng in zip(models, rngs, strict=True):
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d):
                nn.init.constant_(module.bias, 0.3 + rng.random())
    return models, images, rngs


def state(model: nn.Module) -> np.ndarray:
    return torch.cat([value.flatten().double() for value in model.state_dict().values()]).numpy()


@pytest.mark.parametrize("name", BUILDS)
@pytest.mark.parametrize("training", [True, False])
def test_each_slice_is_what_its_own_model_makes_of_its_own_samples(name: str, training: bool) -> None:
    models, images, _ = built(name)
    inputs = torch.from_numpy(np.stack([each.pixels.reshape(110, -1) for each in images])).double()
    for model in models:
        model.train(training)
    together = stacked(models).train(training)
    found = together(inputs.transpose(1, 2)).transpose(1, 2)
    for trial, model in enumerate(models):
        assert torch.allclose(found[trial], model(inputs[trial]), rtol=0, atol=IN_DOUBLES)
        for key, value in model.state_dict().items():  # running statistics too
            assert torch.allclose(together.state_dict()[key][trial], value, rtol=0, atol=IN_DOUBLES)


@pytest.mark.parametrize("name", BUILDS)
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_trials_trained_together_end_as_they_end_alone(name: str, optimizer: str) -> None:
    # 110 images in batches of 33: three of them and a last one of eleven.
    recipe = Recipe(epochs=3, learning_rate=0.01, batch_size=33, optimizer=optimizer, weight_decay=1e-3)
    models, images, rngs = built(name)
    alone = copy.deepcopy(models)
    losses = train_together(models, images, recipe, copy.deepcopy(rngs))
    for trial, model in enumerate(alone):
        start = state(model)
        expected = train(model, images[trial], recipe, rngs[trial])
        assert np.linalg.norm(state(models[trial]) - state(model)) < TRAINED * np.linalg.norm(state(model) - start)
        assert losses[trial] == pytest.approx(expected, rel=SINGLE)
    assert len({round(float(loss), 6) for loss in losses[:, -1]}) == TRIALS


def test_networks_are_looked_at_with_the_weights_of_that_epoch() -> None:
    models, images, rngs = built("batch norm")
    recipe, seen = Recipe(epochs=4, learning_rate=0.05, batch_size=50), dict[int, np.ndarray]()
    look = {"look": lambda epoch: seen.update({epoch: state(models[0])}), "epochs": (0, 1, 3)}
    train_together(models, images, recipe, rngs, **look)
    assert list(seen) == [1, 3, 4]
    again, images, rngs = built("batch norm")
    alone = dict[int, np.ndarray]()
    train(again[0], images[0], recipe, rngs[0], after_epoch=lambda epoch, _loss: alone.update({epoch: state(again[0])}))
    for epoch, found in seen.items():
        assert np.linalg.norm(alone[epoch] - found) < TRAINED * np.linalg.norm(found)


def test_a_frozen_layer_stays_as_it_was() -> None:
    models, images, rngs = built("batch norm")
    for model in models:
        model.get_submodule("1.0").requires_grad_(False)
    before = [copy.deepcopy(model.state_dict()) for model in models]
    train_together(models, images, Recipe(epochs=1, learning_rate=0.1), rngs)
    for model, old in zip(models, before, strict=True):
        assert torch.equal(model.state_dict()["1.0.weight"], old["1.0.weight"])
        assert not torch.equal(model.state_dict()["2.0.weight"], old["2.0.weight"])


def test_what_cannot_be_trained_together_is_refused() -> None:
    models, images, rngs = built("batch norm")
    recipe = Recipe(epochs=1, learning_rate=0.1)
    refused(lambda: train_together(models, images[:2], recipe, rngs), "3 networks", "2 sets of images")
    fewer = [images[0].chosen(np.arange(100)), *images[1:]]
    refused(lambda: train_together(models, fewer, recipe, rngs), "[100, 110]", "all sets one size")
    refused(lambda: stacked([]), "no networks")
    refused(lambda: stacked([models[0], built("linear")[0][0]]), "2 shapes")
    refused(lambda: stacked([nn.Sequential(nn.Linear(2, 2), nn.Dropout())]), "such a Dropout cannot be stacked")


@pytest.mark.parametrize("option", [{"affine": False}, {"track_running_stats": False}, {"momentum": None}], ids=str)
def test_batch_norm_of_another_kind_is_refused(option: dict[str, Any]) -> None:
    refused(
        lambda: stacked([nn.Sequential(nn.BatchNorm1d(2, **option))]), "such a BatchNorm1d cannot be stacked", "batch norm with running"
    )


def test_one_trial_that_diverges_stops_all() -> None:
    models, images, rngs = built("no batch norm")
    with torch.no_grad():
        next(models[1].parameters()).fill_(float("inf"))
    with pytest.raises(TrainingDiverged, match=r"the loss is nan at iteration 1, in epoch 1 of 2: no checkpoint was kept; lower the"):
        train_together(models, images, Recipe(epochs=2, learning_rate=0.01), rngs)


def test_a_model_gets_back_its_own_slice() -> None:
    models, _, _ = built("residual")
    before = [state(model) for model in models]
    together = stacked(models)
    for model in models:
        model.load_state_dict(models[0].state_dict())
    unstack(together, models)
    for model, old in zip(models, before, strict=True):
        assert np.array_equal(state(model), old)
