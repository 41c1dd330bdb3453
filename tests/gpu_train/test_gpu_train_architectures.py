"""The sources' convolutional networks: which layers are measured, how wide they are, and what is refused."""

import numpy as np
import pytest
import torch
from refusals import refused

from layerpeel.gpu_train import Images
from layerpeel.gpu_train.architectures import alexnet_x, dense_net, lenet, residual_net, vgg13_x
from layerpeel.gpu_train.experiments import Plan
from layerpeel.gpu_train.experiments.architectures import ARCHITECTURES, THIN, architecture_unit, architecture_units
from layerpeel.gpu_train.studies import hidden_layers, principal
from layerpeel.numerics import separation


def noise(channels: int = 1, each: int = 2) -> Images:
    rng = np.random.default_rng(0)
    pixels = rng.random((10 * each, channels, 32, 32), dtype=np.float32)
    return Images(pixels=pixels, labels=np.repeat(np.arange(10), each), num_classes=10, name="noise")


def test_layers_are_measured_before_pooling_and_inputs_as_they_are() -> None:
    widths = {name: [layer.shape[1] for layer in hidden_layers(ARCHITECTURES[name](10), noise())] for name in THIN}
    assert widths["lenet"] == [1024, 6 * 28**2, 16 * 10**2, 120, 84]
    assert widths["alexnet-x-thin"] == [1024, 8 * 32**2, 24 * 16**2, 48 * 8**2, 32 * 8**2, 32 * 8**2, 512, 512]
    assert widths["vgg-13-x-thin"][1:5] == [8 * 32**2, 8 * 32**2, 16 * 16**2, 16 * 16**2]
    assert len(widths["vgg-13-x-thin"]) == 13
    assert widths["residual-mixed"] == [1024] + [8 * 32**2] * 4
    assert [width % side**2 for width, side in zip(widths["dense-net-thin"][1:], (32, 32, 16, 8, 4), strict=True)] == [0] * 5


def test_in_full_they_have_the_sources_widths() -> None:
    with torch.device("meta"):
        alexnet, vgg, dense = alexnet_x(), vgg13_x(channels=3), dense_net()
    convolutions = [module for module in alexnet.modules() if isinstance(module, torch.nn.Conv2d)]
    assert [(part.in_channels, part.out_channels, part.kernel_size[0]) for part in convolutions] == [
        *((32, 64, 5), (64, 192, 5), (192, 384, 5), (384, 256, 5), (256, 256, 5)),
    ]
    linear = [module for module in alexnet.modules() if isinstance(module, torch.nn.Linear)]
    assert [(part.in_features, part.out_features) for part in linear] == [(4096, 4096), (4096, 4096), (4096, 10)]
    first = next(module for module in vgg.modules() if isinstance(module, torch.nn.Conv2d))
    assert (first.in_channels, first.kernel_size[0]) == (48, 5)
    assert sum(isinstance(module, torch.nn.Conv2d) and module.kernel_size[0] == 3 for module in dense.modules()) == 1 + 6 + 12 + 36 + 24
    assert list(dense.children())[-1].in_features == 2208  # of DenseNet161


def test_a_dense_block_keeps_what_it_reads() -> None:
    block = next(module for module in dense_net((2,), thinner=8).modules() if type(module).__name__ == "DenseLayer")
    x = torch.rand(2, 12, 4, 4)
    assert torch.equal(block(x)[:, :12], x)
    assert block(x).shape == (2, 18, 4, 4)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_unit_leaves_d_of_every_layer(channels: int) -> None:
    settings = {"variant": "lenet", "trial": 0, "epochs": 2, "learning_rate": 1e-3, "optimizer": "adam", "batch_size": 10}
    unit = architecture_unit("lenet", settings, (noise(channels), noise(channels)), device="cpu")
    arrays = unit.run(np.random.default_rng(0), None, lambda _share: None)
    assert arrays["fuzziness"].shape == arrays["batch_fuzziness"].shape == (2, 5)
    assert np.isfinite(arrays["fuzziness"]).all()


def test_principal_components_keep_what_they_can_of_separation() -> None:
    images = noise(each=12)
    whole, reduced = hidden_layers(lenet(10), images), principal(hidden_layers, 100)(lenet(10), images)
    assert [layer.shape[1] for layer in reduced] == [100, 100, 100, 100, 84]
    pixels = images.pixels.reshape(120, -1).astype(float)
    (every,) = principal(lambda _model, _images: [pixels], 119)(lenet(10), images)  # all directions of 120 centred samples
    assert separation(every, images.labels).fuzziness == pytest.approx(separation(pixels, images.labels).fuzziness, rel=1e-6)
    centred = pixels - pixels.mean(axis=0)
    singular = np.linalg.svd(centred, compute_uv=False)
    assert np.linalg.norm(reduced[0], axis=0)[::-1] == pytest.approx(singular[:100], rel=1e-5)
    assert whole[-1].shape == (120, 84)


def test_residual_blocks_of_the_source() -> None:
    mixed = residual_net((3, 2), channels=3)
    convolutions = [module for module in mixed.modules() if isinstance(module, torch.nn.Conv2d)]
    assert [(part.in_channels, part.out_channels, part.kernel_size[0]) for part in convolutions] == [
        *((24, 8, 5), (8, 8, 5), (8, 8, 5), (24, 8, 1), (8, 8, 3), (8, 8, 3)),
    ]
    refused(lambda: residual_net((4,)), "block of 4 layers", "2 and 3")


def test_thin_networks_below_the_sources_size() -> None:
    assert {unit.settings["variant"] for unit in architecture_units(Plan(profile="medium"))} == set(THIN)
    assert {unit.settings["variant"] for unit in architecture_units(Plan(profile="sources"))} == set(ARCHITECTURES)


def test_what_cannot_be_built_is_refused() -> None:
    refused(lambda: alexnet_x(thinner=3), "3 times thinner", "divide 16")
    refused(lambda: dense_net(thinner=5), "5 times thinner", "divide 48")
    refused(lambda: dense_net((2, 0)), "layers of a dense block")
    refused(lambda: vgg13_x(thinner=0), "divisor of the widths")
    settings = {"variant": "alexnet", "epochs": 1, "learning_rate": 1e-3}
    refused(lambda: architecture_unit("x", settings, (noise(), noise()), device="cpu"), "architecture 'alexnet' is unknown", "vgg-13-x")
    assert lenet(channels=3)(torch.zeros(1, 3, 32, 32)).shape == (1, 3)
