"""What a trained network says of its norms, against features that are at rest by construction, and against autograd."""

import numpy as np
import pytest
from refusals import refused

pytest.importorskip("torch")

import torch
from torch import nn

from layerpeel.gpu_train import Images, geomnist, with_counts
from layerpeel.gpu_train.networks import feed_forward
from layerpeel.gpu_train.stationarity import last_features


def blank(counts: list[int]) -> Images:
    """Images whose pixels say their class, and nothing else."""
    labels = np.repeat(np.arange(len(counts)), counts)
    pixels = np.eye(len(counts), dtype=np.float32)[labels].reshape(len(labels), 1, 1, -1)
    return Images(pixels=pixels, labels=labels, num_classes=len(counts), name="blank")


@pytest.mark.parametrize("exponent", [0.0, 1.0])
def test_the_exponent_is_that_of_the_penalty_under_which_features_rest(exponent: float) -> None:
    images = blank([40, 40, 5, 5])
    body, head = nn.Linear(4, 4, bias=False).double(), nn.Linear(4, 4, bias=False).double()  # a column of features for each class
    pixels, labels = torch.from_numpy(images.pixels).double().flatten(1), torch.from_numpy(images.labels)
    weights = torch.from_numpy(images.counts.astype(float)) ** exponent
    weights = 0.05 * weights / weights.sum()

    def value() -> torch.Tensor:
        loss = nn.functional.cross_entropy(head(body(pixels)), labels)
        return loss + 0.5 * (weights * (body.weight**2).sum(dim=0)).sum() + 0.5 * 0.01 * (head.weight**2).sum()

    search = torch.optim.LBFGS(
        [body.weight, head.weight], max_iter=2000, tolerance_grad=1e-12, tolerance_change=1e-16, line_search_fn="strong_wolfe"
    )

    def step() -> torch.Tensor:
        search.zero_grad()
        found = value()
        found.backward()
        return found

    search.step(step)
    found = last_features(nn.Sequential(nn.Flatten(), body, head), images)
    assert found.exponent == pytest.approx(exponent, abs=1e-4)
    np.testing.assert_allclose(found.pull, weights.numpy() * found.squares, rtol=1e-4)
    assert found.normalised_energy is None


def test_the_norm_is_that_of_batch_norm_and_less_behind_a_relu() -> None:
    images = with_counts(geomnist(20, np.random.default_rng(0)), (20, 12, 3), np.random.default_rng(1))
    for last_relu in (False, True):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(3)
            model = feed_forward(1024, 3, [30, 20], last_relu=last_relu)
            norm = [module for module in model.modules() if isinstance(module, nn.BatchNorm1d)][-1]
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        found = last_features(model, images)
        assert found.normalised_energy is not None
        if last_relu:
            assert found.energy < 0.9 * found.normalised_energy
        else:
            assert found.energy == pytest.approx(found.normalised_energy, rel=1e-12)
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
        assert model.training


def test_classes_are_summed_over_their_own_images() -> None:
    images = with_counts(geomnist(10, np.random.default_rng(0)), (10, 5, 2), np.random.default_rng(1))
    model = feed_forward(1024, 3, [20], batch_norm=False).double()
    features = model[1](torch.from_numpy(images.pixels).double().flatten(1)).detach().requires_grad_()
    loss = nn.functional.cross_entropy(model[2](features), torch.from_numpy(images.labels))
    (slope,) = torch.autograd.grad(loss, features)
    gains = -(slope * features.detach()).sum(dim=1).numpy()
    found = last_features(model, images)
    np.testing.assert_allclose(found.pull, [gains[images.labels == k].sum() for k in range(3)], rtol=1e-10)
    assert found.energy == pytest.approx(float((features.detach() ** 2).sum()) / 17)


def test_what_has_no_exponent_and_what_is_refused() -> None:
    images = blank([3, 3])
    assert np.isnan(last_features(nn.Sequential(nn.Flatten(), nn.Linear(2, 2), nn.Linear(2, 2)), images).exponent)
    refused(lambda: last_features(nn.Sequential(nn.Flatten(), nn.ReLU()), images), "linear classifier")
    lacking = Images(pixels=images.pixels, labels=images.labels, num_classes=3, name="blank")
    refused(lambda: last_features(nn.Sequential(nn.Flatten(), nn.Linear(2, 3)), lacking), "each needs one")
