"""Outputs of layers by hooks: what they return, and what they leave behind."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from refusals import refused
from torch import nn

from layerpeel.gpu_train.networks import evaluating, feed_forward, layer_outputs, vgg, watching

PIXELS = np.random.default_rng(0).random((7, 1, 8, 8), dtype=np.float32)


class Branching(nn.Module):
    """One layer that runs twice, one that never does, and one that returns a tuple, whose first tensor counts."""

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.idle, self.pair = nn.Linear(64, 64), nn.Linear(64, 2), nn.LSTM(64, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pair(self.shared(self.shared(x.flatten(1))))[0]


def modes(model: nn.Module) -> list[bool]:
    return [module.training for module in model.modules()]


def test_evaluating_restores_the_mode_of_every_module_also_after_an_error() -> None:
    model = feed_forward(64, 10, [20, 20]).train()
    model.get_submodule("2.1").eval()
    before = modes(model)
    assert len(set(before)) == 2
    with evaluating(model):
        assert not any(modes(model))
        assert not model(torch.from_numpy(PIXELS)).requires_grad
    assert modes(model) == before
    with pytest.raises(KeyError), evaluating(model):
        raise KeyError
    assert modes(model) == before
    assert torch.is_grad_enabled()


def test_layer_outputs_leave_frozen_modules_frozen_and_no_hooks() -> None:
    model = feed_forward(64, 10, [20, 20]).train()
    model.get_submodule("1.1").eval()
    before, state = modes(model), {name: value.clone() for name, value in model.state_dict().items()}
    layer_outputs(model, PIXELS, batch=1)  # batch norm could not train on one image
    assert modes(model) == before
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_a_layer_that_works_in_place_does_not_change_the_one_before_it() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 5), nn.ReLU(inplace=True))
    outputs = layer_outputs(model, PIXELS)
    assert outputs["1"].min() < 0.0
    assert np.array_equal(outputs["2"], np.maximum(outputs["1"], 0.0))


@pytest.mark.parametrize(("kind", "stored"), [(torch.float64, np.float64), (torch.float16, np.float16), (torch.bfloat16, np.float32)])
def test_outputs_keep_their_type_and_their_values(kind: torch.dtype, stored: type) -> None:
    class Converted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(64, 5).to(kind)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x.flatten(1).to(kind))

    model = Converted()
    found = layer_outputs(model, PIXELS)["inner"]
    assert found.dtype == stored
    with torch.no_grad():
        assert np.array_equal(found.astype(float), model(torch.from_numpy(PIXELS)).double().numpy())


def test_of_a_tuple_the_first_tensor_is_what_a_layer_returns() -> None:
    model = Branching()
    with torch.no_grad():
        expected = model(torch.from_numpy(PIXELS))
    assert np.array_equal(layer_outputs(model, PIXELS, layers=["pair"])["pair"], expected.numpy())


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (["shared"], "layer 'shared' runs 2 times in one forward pass"),
        (["idle"], "layer 'idle' runs 0 times in one forward pass"),
        (["other"], "layer 'other' does not exist: the model has shared, idle, pair"),
    ],
)
def test_layers_without_one_output_are_refused(layers: list[str], words: str) -> None:
    model = Branching()
    refused(lambda: layer_outputs(model, PIXELS, layers=layers), words)
    assert not any(module._forward_hooks for module in model.modules())


def test_no_images_are_refused() -> None:
    refused(lambda: layer_outputs(feed_forward(64, 10, [5]), PIXELS[:0]), "there are no images")


@pytest.mark.parametrize("build", [nn.Flatten, nn.Sequential, lambda: nn.Sequential(nn.Sequential(), nn.Flatten())])
def test_models_without_parameters_or_layers(build: Callable[[], nn.Module]) -> None:
    model = build()
    outputs = layer_outputs(model, PIXELS)
    assert list(outputs) == [name for name, _ in model.named_children()]
    for output in outputs.values():
        assert np.array_equal(output, PIXELS.reshape(7, 64))


def test_watching_hands_over_what_layers_read() -> None:
    model, seen = feed_forward(64, 10, [20, 20], batch_norm=False), {}
    with watching(model, ["3", "2"], lambda name, read, output: seen.update({name: (read[0].clone(), output)})) as forward:
        logits = forward(torch.from_numpy(PIXELS))
    assert torch.equal(seen["3"][0], seen["2"][1])
    assert torch.equal(seen["3"][1], logits)


def test_the_last_relu_alone_can_be_left_out() -> None:
    model = feed_forward(64, 10, [20, 20], last_relu=False)
    kinds = [[type(part) for part in child.children()] for child in list(model.children())[1:-1]]
    assert kinds == [[nn.Linear, nn.BatchNorm1d, nn.ReLU], [nn.Linear, nn.BatchNorm1d]]


def test_a_thin_vgg_has_a_share_of_the_channels() -> None:
    wide, thin = vgg(11, channels=1), vgg(11, channels=1, thinner=8)
    channels = [[module.out_channels for module in model.modules() if isinstance(module, nn.Conv2d)] for model in (wide, thin)]
    assert channels[0] == [8 * number for number in channels[1]]
    assert channels[1] == [8, 16, 32, 32, 64, 64, 64, 64]
    refused(lambda: vgg(11, thinner=7), "must divide 64")
    refused(lambda: vgg(11, thinner=0), "the divisor of the channels")
