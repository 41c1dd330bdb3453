"""Direct local elasticity, against a step by hand and against what a linear classifier must do."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from refusals import refused
from torch import nn

from layerpeel.gpu_train import Images
from layerpeel.gpu_train.elasticity import local_elasticity
from layerpeel.gpu_train.experiments import one_thread
from layerpeel.gpu_train.networks import feed_forward
from layerpeel.gpu_train.training import seeded


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    one_thread()


def few(counts: list[int], seed: int = 0) -> Images:
    """Random images: three classes around different means."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    pixels = rng.normal(size=(len(labels), 1, 3, 3)) + 2.0 * rng.normal(size=(len(counts), 1, 3, 3))[labels]
    return Images(pixels=pixels.astype(np.float32), labels=labels, num_classes=len(counts), name="random")


def one_by_hand(model: nn.Module, images: Images, row: int, rate: float) -> np.ndarray:
    """Moves of all logits after one step at one image, over the move at that image; by an optimiser of torch."""
    other, pixels = copy.deepcopy(model).double(), torch.from_numpy(images.pixels).double()
    before = other(pixels).detach()
    optimizer = torch.optim.SGD(other.parameters(), lr=rate)
    nn.functional.cross_entropy(other(pixels[row : row + 1]), torch.from_numpy(images.labels[row : row + 1])).backward()
    optimizer.step()
    moves = (other(pixels) - before).norm(dim=1).detach().numpy()
    return moves / moves[row]


def test_local_elasticity_is_the_move_of_the_logits_after_one_step() -> None:
    images = few([3, 2, 4])
    model = seeded(lambda: feed_forward(9, 3, [8], batch_norm=False), np.random.default_rng(0))
    weights = copy.deepcopy(model.state_dict())
    found = local_elasticity(model, images, np.random.default_rng(0), learning_rate=0.01, sources=10)
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())
    assert model.training
    expected = np.zeros((3, 3))
    for own in range(3):
        rows = np.flatnonzero(images.labels == own)
        for row in rows:
            moves = one_by_hand(model, images, int(row), 0.01)
            for other in range(3):
                chosen = [i for i in np.flatnonzero(images.labels == other) if i != row]
                expected[own, other] += moves[chosen].mean() / len(rows)
    assert np.allclose(found, expected, rtol=1e-9)


def test_a_linear_classifier_moves_by_the_inner_product_of_the_images_whatever_its_weights() -> None:
    images = few([2, 2])
    flat = images.pixels.reshape(4, -1).astype(float)
    kernel = np.abs(flat @ flat.T + 1.0)  # the one is the bias
    ratios = kernel / np.diag(kernel)[:, None]
    expected = [[(ratios[0, 1] + ratios[1, 0]) / 2, ratios[:2, 2:].mean()], [ratios[2:, :2].mean(), (ratios[2, 3] + ratios[3, 2]) / 2]]
    for seed in (0, 1):
        model = seeded(lambda: feed_forward(9, 2, [], batch_norm=False), np.random.default_rng(seed))
        found = local_elasticity(model, images, np.random.default_rng(0), learning_rate=0.5, sources=2)
        assert np.allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(("margin", "certain"), [(10.0, False), (900.0, True)])
def test_images_labelled_with_near_certainty_still_move_and_others_are_refused(margin: float, certain: bool) -> None:
    pixels = np.array([-1.0, -0.9, 1.0, 0.9], np.float32).reshape(4, 1, 1, 1)
    images = Images(pixels=pixels, labels=np.array([0, 0, 1, 1]), num_classes=2, name="two")
    model = feed_forward(1, 2, [], batch_norm=False)
    model.load_state_dict({"1.weight": torch.tensor([[-margin], [margin]]), "1.bias": torch.zeros(2)})

    def probe() -> np.ndarray:
        return local_elasticity(model, images, np.random.default_rng(0), learning_rate=1e-3, sources=2)

    if certain:
        refused(probe, "labelled with certainty", "earlier")
    else:
        logits = model(torch.from_numpy(images.pixels))
        assert float(nn.functional.cross_entropy(logits, torch.from_numpy(images.labels)).detach()) == 0.0  # in single precision
        assert np.allclose(np.diag(probe()), 1.0, rtol=0.01)


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda call, images: call(images, learning_rate=0.0, sources=1), ("learning rate is 0.0",)),
        (lambda call, images: call(images, learning_rate=0.1, sources=0), ("number of sources is 0",)),
        (lambda call, _: call(few([3, 1]), learning_rate=0.1, sources=1), ("class 1", "1 images")),
    ],
)
def test_unusable_probes_are_refused(change: Callable[..., object], parts: tuple[str, ...]) -> None:
    model = seeded(lambda: feed_forward(9, 2, [], batch_norm=False), np.random.default_rng(0))

    def call(images: Images, *, learning_rate: float, sources: int) -> object:
        return local_elasticity(model, images, np.random.default_rng(0), learning_rate=learning_rate, sources=sources)

    refused(lambda: change(call, few([2, 2])), *parts)
