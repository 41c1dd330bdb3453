"""Everything that runs on a GPU, against the same on the CPU."""

import numpy as np
import pytest
import torch

from layerpeel.gpu_train import Images, digits, geomnist
from layerpeel.gpu_train.elasticity import local_elasticity
from layerpeel.gpu_train.ensembles import OneByOne, train_one_by_one
from layerpeel.gpu_train.networks import feed_forward, layer_outputs, small_alexnet
from layerpeel.gpu_train.probes import probe
from layerpeel.gpu_train.studies import minority_outcome, separation_curves
from layerpeel.gpu_train.training import Recipe, seeded, train
from layerpeel.gpu_train.unconstrained import unconstrained_features

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU, and there is none"),
]

ROUNDING = 1e-2
"""A GPU adds in another order, in single precision, and steps amplify that: losses and fuzziness agree to a hundredth at least."""

SHORT = Recipe(epochs=5, learning_rate=0.1)


def some_digits() -> Images:
    return digits().chosen(np.arange(0, 1797, 6))


def net(batch_norm: bool = True) -> torch.nn.Module:
    return seeded(lambda: feed_forward(64, 10, [20, 20], batch_norm=batch_norm), np.random.default_rng(1))


def test_training_reaches_the_same_loss() -> None:
    on_cpu, on_gpu = (train(net(), some_digits(), SHORT, np.random.default_rng(0), device=device) for device in ("cpu", "cuda"))
    assert np.allclose(on_cpu, on_gpu, rtol=ROUNDING)


def test_ensembles_give_the_same_logits() -> None:
    shapes, recipe = geomnist(8, np.random.default_rng(0)), OneByOne(iterations=40, trials=3, every=20)
    on_cpu, on_gpu = (
        train_one_by_one(small_alexnet, shapes, shapes, recipe, np.random.default_rng(0), device=device) for device in ("cpu", "cuda")
    )
    assert np.allclose(on_cpu.logits, on_gpu.logits, rtol=ROUNDING, atol=1e-4)


def test_studies_measure_the_same() -> None:
    images = some_digits()
    curves = [separation_curves(net, images, images, SHORT, np.random.default_rng(0), device=device) for device in ("cpu", "cuda")]
    assert np.allclose(curves[0].fuzziness, curves[1].fuzziness, rtol=10 * ROUNDING)
    outcomes = [minority_outcome(net, images, images, range(5, 10), SHORT, np.random.default_rng(0), device=d) for d in ("cpu", "cuda")]
    assert outcomes[0].feature_energy == pytest.approx(outcomes[1].feature_energy, rel=10 * ROUNDING)


def test_layers_and_probes_of_a_model_on_the_gpu() -> None:
    images, model = some_digits(), net()
    there = net().to("cuda")
    inputs, labels = torch.from_numpy(images.pixels), torch.from_numpy(images.labels)
    for name, output in layer_outputs(model, images.pixels).items():
        assert np.allclose(output, layer_outputs(there, images.pixels)[name], rtol=ROUNDING, atol=1e-3)
    found = [probe(m, [(inputs, labels)], 10) for m in (model, there)]
    assert found[0].layers[-1].fuzziness == pytest.approx(found[1].layers[-1].fuzziness, rel=ROUNDING)


def test_free_variables_and_local_elasticity() -> None:
    options = {"feature_energy": 5.0, "weight_energy": 1.0, "dimension": 4, "steps": 50, "learning_rate": 0.5}
    runs = [unconstrained_features((3, 3, 1), **options, rng=np.random.default_rng(0), device=d) for d in ("cpu", "cuda")]
    assert np.allclose(runs[0].values, runs[1].values, rtol=1e-9)
    images, model = some_digits(), net(batch_norm=False)
    moves = [local_elasticity(model, images, np.random.default_rng(0), learning_rate=0.1, sources=1, device=d) for d in ("cpu", "cuda")]
    assert np.allclose(moves[0], moves[1], rtol=1e-6)
