"""Probes against layers computed one by one."""

import numpy as np
import pytest
import torch
from refusals import refused
from torch import nn

from gpu_train import digits
from gpu_train.experiments import one_thread
from gpu_train.networks import feed_forward, layer_outputs, small_alexnet
from gpu_train.probes import probe
from gpu_train.training import Recipe, seeded, train
from numerics import neural_collapse, separation


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    one_thread()


def batches(size: int = 64) -> list[tuple[torch.Tensor, torch.Tensor]]:
    images = digits()
    pixels, labels = torch.from_numpy(images.pixels), torch.from_numpy(images.labels)
    return [(pixels[start : start + size], labels[start : start + size]) for start in range(0, len(labels), size)]


def trained() -> nn.Module:
    rng = np.random.default_rng(0)
    model = seeded(lambda: feed_forward(64, 10, [30, 20]), rng)
    train(model, digits(), Recipe(epochs=3, learning_rate=0.1), rng)
    return model


def test_a_probe_agrees_with_the_layers_in_memory() -> None:
    model, images = trained(), digits()
    model.train()
    found = probe(model, batches(), 10)
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())
    outputs = layer_outputs(model, images.pixels)
    assert [layer.name for layer in found.layers] == ["1", "2"]
    head = list(model.children())[-1]
    assert isinstance(head, nn.Linear)
    weights = head.weight.detach().double().numpy()
    for layer in found.layers:
        features = outputs[layer.name].astype(float)
        assert layer.fuzziness == pytest.approx(separation(features, images.labels).fuzziness, rel=1e-5)
        expected = neural_collapse(features, images.labels, weights if layer.name == "2" else None)
        assert layer.collapse.nc1 == pytest.approx(expected.nc1, rel=1e-5)
        assert layer.collapse.cdnv == pytest.approx(expected.cdnv, rel=1e-5)
        assert (layer.collapse.nc3 is None) == (layer.name == "1")
        energy = np.mean([(features[images.labels == k] ** 2).sum(axis=1).mean() for k in range(10)])
        assert layer.energy == pytest.approx(energy, rel=1e-5)
    assert found.classifier is not None
    assert np.array_equal(found.classifier, weights)
    assert found.weight_energy == pytest.approx((weights**2).sum() / 10)
    assert found.classifier_cosines is not None
    assert np.allclose(np.diag(found.classifier_cosines), 1.0)
    assert found.accuracy == pytest.approx(np.mean(outputs["3"].argmax(axis=1) == images.labels), abs=2e-3)


def test_a_model_in_bfloat16_is_measured_as_it_is() -> None:
    model = feed_forward(64, 10, [5], batch_norm=False).bfloat16()
    found = probe(model, [(inputs.bfloat16(), labels) for inputs, labels in batches()], 10)
    outputs = torch.cat([model[:2](inputs.bfloat16()).detach() for inputs, _ in batches()]).double().numpy()
    assert found.layers[0].fuzziness == pytest.approx(separation(outputs, digits().labels).fuzziness, rel=1e-9)


def test_layers_and_classifier_by_name() -> None:
    model = seeded(lambda: small_alexnet(10, side=8), np.random.default_rng(0))
    found = probe(model, batches(), 10, layers=["2.1", "3"], classifier="4")
    assert [layer.name for layer in found.layers] == ["2.1", "3"]
    assert found.layers[1].collapse.nc3 is not None


def test_unusable_probes() -> None:
    model = feed_forward(64, 10, [5])
    refused(lambda: probe(model, batches(), 10, layers=["7"]), "layer '7' does not exist")
    refused(lambda: probe(model, batches(), 10, classifier="1"), "the classifier is a Sequential")
    refused(lambda: probe(model, [], 10), "no batch")
    refused(lambda: probe(model, batches(), 5), "outside 0 ... 4")
    refused(lambda: probe(model, batches()[:1], 12), "class 10 has no sample")
    wide = nn.Sequential(nn.Flatten(), nn.Linear(64, 300_000), nn.Linear(300_000, 10))
    refused(lambda: probe(wide, batches(2), 10), "300000 outputs", "GB")
    assert not any(module._forward_hooks for module in wide.modules())


def test_outputs_that_cannot_be_measured_are_refused_with_their_layer() -> None:
    model = feed_forward(64, 10, [5, 5])
    singles = torch.from_numpy(digits().pixels[:10]), torch.arange(10)
    refused(lambda: probe(model, [singles], 10), "layer '1': every class has a single sample")
    for wrong in (float("nan"), float("inf")):
        inputs = singles[0].repeat(2, 1, 1, 1)
        inputs[3, 0, 4, 4] = wrong
        refused(lambda inputs=inputs: probe(model, [(inputs, torch.arange(20) % 10)], 10), "layer '1': row 3 of the features is not finite")
    with torch.no_grad():
        for parameter in model[2].parameters():
            parameter.mul_(0.0)
    refused(lambda: probe(model, batches(), 10), "layer '2': all class means coincide")
    assert not any(module._forward_hooks for module in model.modules())
