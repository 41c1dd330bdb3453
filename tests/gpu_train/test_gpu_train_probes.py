"""Probes against layers computed one by one."""

import copy

import numpy as np
import pytest
import torch
from refusals import refused
from torch import nn

from layerpeel.gpu_train import digits
from layerpeel.gpu_train.device_moments import DeviceMoments
from layerpeel.gpu_train.experiments import one_thread
from layerpeel.gpu_train.networks import feed_forward, layer_outputs, small_alexnet
from layerpeel.gpu_train.probes import probe
from layerpeel.gpu_train.training import Recipe, seeded, train
from layerpeel.numerics import ClassMoments, neural_collapse, separation


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
    model = seeded(lambda: feed_forward(64, 10, [5], batch_norm=False), np.random.default_rng(0)).bfloat16()
    assert isinstance(model, nn.Sequential)
    found = probe(model, [(inputs.bfloat16(), labels) for inputs, labels in batches()], 10)
    outputs = torch.cat([model[:2](inputs.bfloat16()).detach() for inputs, _ in batches()]).double().numpy()
    assert found.layers[0].fuzziness == pytest.approx(separation(outputs, digits().labels, eps=2.0**-7).fuzziness, rel=1e-9)


class Twice(nn.Module):
    """A net that uses its one ReLU after each of two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.relu, self.head = nn.Linear(64, 20), nn.Linear(20, 20), nn.ReLU(inplace=True), nn.Linear(20, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.relu(self.second(self.relu(self.first(x.flatten(1))))))


def test_a_module_that_runs_twice_is_refused_and_others_are_measured_before_later_layers_change_them() -> None:
    model = seeded(Twice, np.random.default_rng(0))
    refused(lambda: probe(model, batches(), 10), "layer 'relu' runs 2 times in one forward pass", "a module of its own")
    assert not any(module._forward_hooks for module in model.modules())
    found = probe(model, batches(), 10, layers=["second", "first"], classifier="head")
    assert [layer.collapse.nc3 for layer in found.layers] == [None, None]  # the classifier reads them after a ReLU that works in place
    assert isinstance(model, Twice)
    with torch.no_grad():
        outputs = model.first(torch.from_numpy(digits().pixels).flatten(1)).double().numpy()
    assert found.layers[1].fuzziness == pytest.approx(separation(outputs, digits().labels).fuzziness, rel=1e-5)


@pytest.mark.parametrize("names", [["1", "2"], ["2", "1"], ["1", "2.1", "2", "2.2"]])
def test_nc3_is_that_of_what_the_classifier_reads_in_whatever_order(names: list[str]) -> None:
    model = seeded(lambda: feed_forward(64, 10, [20, 20]), np.random.default_rng(0))
    found = {layer.name: layer.collapse.nc3 for layer in probe(model, batches(), 10, layers=names).layers}
    head = model.get_submodule("3").weight
    assert isinstance(head, torch.Tensor)
    expected = neural_collapse(layer_outputs(model, digits().pixels)["2"], digits().labels, head.detach().double().numpy()).nc3
    for name, nc3 in found.items():
        assert nc3 == (pytest.approx(expected, rel=1e-5) if name in {"2", "2.2"} else None), name  # "2.2" is the last part of "2"


def test_the_output_of_a_pooling_layer_is_what_the_classifier_reads_once_it_is_flat() -> None:
    model = seeded(
        lambda: nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(6, 10)),
        np.random.default_rng(0),
    )
    found = probe(model, batches(), 10, layers=["2"]).layers[0]
    assert found.collapse.nc3 is not None


def test_without_a_linear_head_and_in_batches_of_one() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.Sequential(), nn.LogSoftmax(dim=1))
    some = [(inputs, labels) for inputs, labels in batches(30)[:4]]
    found = probe(model, some, 10)
    assert (found.classifier, found.classifier_cosines, found.weight_energy) == (None, None, None)
    assert [layer.name for layer in found.layers] == ["1", "2"]
    assert {layer.collapse.nc3 for layer in found.layers} == {None}
    alone = [(inputs[i : i + 1], labels[i : i + 1].double()) for inputs, labels in some for i in range(len(labels))]
    again = probe(model, alone, 10)
    assert again.accuracy == pytest.approx(found.accuracy, abs=0.01)
    assert again.layers[0].fuzziness == pytest.approx(found.layers[0].fuzziness, rel=1e-5)
    empty = probe(nn.Sequential(), [(torch.eye(4), torch.arange(4))], 4)
    assert (empty.layers, empty.accuracy) == ((), 1.0)


def test_every_module_comes_back_in_its_own_mode() -> None:
    model = feed_forward(64, 10, [20, 20]).train()
    frozen = model.get_submodule("1.1").eval()
    before = {name: module.training for name, module in model.named_modules()}
    probe(model, batches(), 10)
    refused(lambda: probe(model, batches(), 5), "outside 0 ... 4")
    assert {name: module.training for name, module in model.named_modules()} == before
    assert not frozen.training


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_the_type_of_a_layer_decides_what_is_rounding(kind: torch.dtype) -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 3), nn.Linear(3, 50), nn.Linear(50, 10))

    model = seeded(build, np.random.default_rng(0)).to(kind)
    found = probe(model, [(inputs.to(kind), labels) for inputs, labels in batches()], 10)
    narrow, wide = found.layers
    assert wide.statistics.eps == torch.finfo(kind).eps
    exact = nn.Sequential(nn.Flatten(), model[1], model[2]).double()  # pyright: ignore[reportIndexIssue]
    outputs = layer_outputs(exact, torch.from_numpy(digits().pixels).to(kind).double().numpy())["2"]
    assert separation(outputs, digits().labels).rank_between == 3
    assert wide.fuzziness == pytest.approx(separation(outputs, digits().labels).fuzziness, rel=0.02)
    assert narrow.fuzziness == pytest.approx(wide.fuzziness, rel=0.02)  # an injective map keeps D
    assert wide.collapse.nc1 == pytest.approx(narrow.collapse.nc1, rel=0.02)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_no_signal_of_a_real_network_is_taken_for_rounding(batch_norm: bool) -> None:
    rng, images = np.random.default_rng(0), digits()
    model = seeded(lambda: feed_forward(64, 10, [100] * 8, batch_norm=batch_norm), rng)
    exact = copy.deepcopy(model)
    for epochs in (0, 12):
        if epochs:
            train(model, images, Recipe(epochs=epochs, learning_rate=0.1), rng)
        exact.load_state_dict(model.state_dict())
        single, double = layer_outputs(model, images.pixels), layer_outputs(exact.double(), images.pixels.astype(float))
        for name in list(single)[:-1]:
            found, expected = separation(single[name], images.labels), separation(double[name], images.labels)
            assert (found.rank_between, expected.rank_between) == (9, 9)
            assert found.fuzziness == pytest.approx(expected.fuzziness, rel=1e-5)  # differences near 1e-4 of the size, ε = 1e-7


def test_layers_and_classifier_by_name() -> None:
    model = seeded(lambda: small_alexnet(10, side=8), np.random.default_rng(0))
    found = probe(model, batches(), 10, layers=["2.1", "3"], classifier="4")
    assert [layer.name for layer in found.layers] == ["2.1", "3"]
    assert found.layers[1].collapse.nc3 is not None


class Saying(nn.Module):
    """Returns no tensor."""

    def forward(self, _: torch.Tensor) -> str:
        return "words"


class Words(nn.Module):
    """A model that says something."""

    def __init__(self) -> None:
        super().__init__()
        self.words = Saying()

    def forward(self, x: torch.Tensor) -> str:
        return self.words(x)


class Named(nn.Module):
    """Takes its inputs by name, and returns its logits in a dictionary, behind a recurrent layer that returns a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.turn, self.head = nn.GRU(8, 12, batch_first=True), nn.Linear(12, 10)

    def forward(self, pixel_values: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        hidden, _ = self.turn(pixel_values.squeeze(1) * mask[:, None, None])
        return {"logits": self.head(hidden.mean(dim=1))}


def test_dictionaries_longer_tuples_and_layers_that_return_tuples() -> None:
    model = seeded(Named, np.random.default_rng(0))
    given = [{"pixel_values": x, "mask": torch.ones(len(x)), "labels": y[:, None], "index": y} for x, y in batches()]
    found = probe(model, given, 10, layers=["turn"], classifier="head", pool="tokens", nc4=True)
    with torch.no_grad():
        hidden = model.get_submodule("turn")(torch.from_numpy(digits().pixels).squeeze(1))[0].mean(dim=1)
    expected = neural_collapse(
        hidden.double().numpy(), digits().labels, found.classifier, model.get_parameter("head.bias").detach().numpy()
    )
    layer = found.layers[0]
    assert layer.fuzziness == pytest.approx(separation(hidden.numpy(), digits().labels).fuzziness, rel=1e-5)
    assert layer.collapse.nc3 == pytest.approx(expected.nc3, rel=1e-5)
    assert layer.collapse.nc4 == pytest.approx(expected.nc4, abs=2e-3)
    plain = feed_forward(64, 10, [20])
    three = probe(plain, [(x, y, torch.arange(len(y))) for x, y in batches()], 10)
    by_key = probe(plain, [{"image": x, "target": y} for x, y in batches()], 10)
    assert three.layers[0].fuzziness == by_key.layers[0].fuzziness == probe(plain, batches(), 10).layers[0].fuzziness


def test_nc4_is_streamed_by_class() -> None:
    model, images = trained(), digits()
    found = probe(model, batches(), 10, nc4=True).layers
    assert (found[0].collapse.nc4, found[0].nc4_by_class) == (None, None)  # the classifier does not read it
    outputs = layer_outputs(model, images.pixels)
    features, said = outputs["2"].astype(float), outputs["3"].argmax(axis=1)
    means = np.stack([features[images.labels == k].mean(axis=0) for k in range(10)])
    near = ((features[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert found[1].nc4_by_class is not None
    for k in range(10):
        assert found[1].nc4_by_class[k] == pytest.approx(np.mean((said != near)[images.labels == k]), abs=6e-3)
    assert found[1].collapse.nc4 == pytest.approx(np.mean(said != near), abs=2e-3)
    assert 0.0 < (found[1].collapse.nc4 or 0.0) < 0.5


def test_classes_without_samples_and_labels_that_do_not_count_are_left_out() -> None:
    model, images = trained(), digits()
    few = [(x, torch.where((y == 3) | (y == 8), -100, y)) for x, y in batches()]
    found = probe(model, few, 10, nc4=True)
    kept = ~np.isin(images.labels, (3, 8))
    assert (found.absent, found.classes.tolist()) == ((3, 8), [0, 1, 2, 4, 5, 6, 7, 9])
    numbers = np.unique(images.labels[kept], return_inverse=True)[1]
    features = layer_outputs(model, images.pixels)["2"][kept].astype(float)
    expected = neural_collapse(features, numbers, found.classifier)
    assert found.layers[1].fuzziness == pytest.approx(separation(features, numbers).fuzziness, rel=1e-5)
    assert found.layers[1].collapse.nc3 == pytest.approx(expected.nc3, rel=1e-5)
    assert len(found.accuracy_by_class) == 8
    assert found.accuracy == pytest.approx(found.layers[0].statistics.counts @ found.accuracy_by_class / kept.sum())


def test_a_head_of_one_row_decides_between_two_classes() -> None:
    images = digits()
    two = images.labels < 2
    pixels, labels = torch.from_numpy(images.pixels[two]), torch.from_numpy(images.labels[two])
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 5), nn.Linear(5, 1))
    found = probe(model, [(pixels, labels)], 2, nc4=True)
    with torch.no_grad():
        right = ((model(pixels)[:, 0] > 0).long() == labels).double().mean()
    assert found.accuracy == pytest.approx(float(right))
    assert found.layers[0].collapse.nc3 is not None
    assert found.classifier is not None
    assert np.array_equal(found.classifier[0], -found.classifier[1])


def test_sums_in_doubles_lose_nothing_under_an_offset() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 3000)
    features = 1e4 + rng.normal(size=(5, 16))[labels] + 0.1 * rng.normal(size=(3000, 16))
    single = features.astype(np.float32)
    moments = DeviceMoments(7, 16, torch.device("cpu"))
    for part in np.array_split(np.arange(3000), 13):
        moments.update(torch.from_numpy(single[part]), torch.from_numpy(labels[part]))
    exact = ClassMoments(5, 16)
    exact.update(single.astype(float), labels, eps=float(np.finfo(np.float32).eps))
    found, wanted = moments.compute(torch.arange(5)), exact.compute()
    assert np.allclose(found.means, wanted.means, rtol=1e-14)
    assert np.allclose(found.within, wanted.within, rtol=1e-9, atol=1e-9 * wanted.within.max())
    assert np.allclose(found.variances, wanted.variances, rtol=1e-9)
    assert found.eps == wanted.eps
    refused(lambda: moments.update(torch.ones(2, 3), torch.zeros(2)), "3 features where 16 were announced")
    refused(lambda: moments.update(torch.ones(2, 16), torch.zeros(3)), "labels of shape (3,)")
    refused(lambda: DeviceMoments(2, 3, torch.device("cpu"), torch.zeros(5)), "it must hold 20 doubles")
    refused(lambda: moments.update(torch.ones(2, 16), torch.tensor([0, 9])), "label 9 of sample 1 is outside 0 ... 6")
    refused(lambda: DeviceMoments(0, 3, torch.device("cpu")), "the number of classes")


def test_unusable_probes() -> None:
    model = feed_forward(64, 10, [5])
    refused(lambda: probe(model, batches(), 10, layers=["7"]), "layer '7' does not exist")
    refused(lambda: probe(model, batches(), 10, classifier="1"), "the classifier is a Sequential")
    refused(lambda: probe(model, [], 10), "no batch")
    refused(lambda: probe(model, batches(), 5), "outside 0 ... 4")
    refused(lambda: probe(model, [(x, labels.repeat(2, 1)) for x, labels in batches()], 10), "labels of shape (2, 64) do not fit")
    refused(lambda: probe(model, [(x, labels[:9]) for x, labels in batches()], 10), "layer '1': 64 outputs for 9 labels")
    refused(lambda: probe(model, [(x, labels + 0.5) for x, labels in batches()], 10), "are not whole numbers")
    refused(lambda: probe(model, [x for x, _ in batches()], 10), "a batch holds a Tensor")
    refused(lambda: probe(model, [{"x": x} for x, _ in batches()], 10), "a batch has the keys x: its labels must be")
    refused(lambda: probe(model, [{"labels": y} for _, y in batches()], 10), "no inputs among them")
    refused(lambda: probe(model, (batch for batch in batches()), 10, nc4=True), "come only once")
    refused(lambda: probe(model, batches(), 10, pool="max"), "pool is 'max'")
    refused(lambda: probe(model, [(x, torch.full_like(y, -100)) for x, y in batches()], 10), "no batch with a label that counts")
    refused(lambda: probe(Words(), batches(), 10, layers=[]), "the model returns something without a tensor")
    refused(lambda: probe(Words(), batches(), 10, layers=["words"]), "layer 'words' returns a str")
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
