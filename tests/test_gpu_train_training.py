"""Training: the same bits after a resume, a divergence that says where, checkpoints that survive a crash."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refused

from gpu_train import Images, digits
from gpu_train.networks import feed_forward, layer_outputs, residual_feed_forward, resnet18, small_alexnet, vgg
from gpu_train.training import (
    Recipe,
    TrainingDiverged,
    accuracy_by_class,
    choose_device,
    seeded,
    train,
    write_checkpoint,
)
from numerics import UnusableInput


def some_digits() -> Images:
    return digits().chosen(np.arange(0, 1797, 6))


def net() -> torch.nn.Module:
    return seeded(lambda: feed_forward(64, 10, [20, 20]), np.random.default_rng(1))


def weights(model: torch.nn.Module) -> np.ndarray:
    return torch.cat([value.flatten().double() for value in model.state_dict().values()]).numpy()


def test_training_learns_and_lowers_the_loss() -> None:
    images, model = some_digits(), net()
    losses = train(model, images, Recipe(epochs=20, learning_rate=0.1, batch_size=32), np.random.default_rng(0))
    assert losses[-1] < 0.2 * losses[0]
    assert accuracy_by_class(model, images).mean() > 0.95


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_a_resumed_run_ends_in_the_same_bits(tmp_path: Path, optimizer: str) -> None:
    images, recipe = some_digits(), Recipe(epochs=4, learning_rate=0.01, batch_size=50, optimizer=optimizer, weight_decay=1e-3)
    whole = net()
    losses = train(whole, images, recipe, np.random.default_rng(5))
    place = tmp_path / "run" / "checkpoint.pt"

    def stop(epoch: int, _loss: float) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(net(), images, recipe, np.random.default_rng(5), checkpoint=place, after_epoch=stop)
    resumed = seeded(lambda: feed_forward(64, 10, [20, 20]), np.random.default_rng(99))
    assert train(resumed, images, recipe, np.random.default_rng(77), checkpoint=place, resume=True) == losses
    assert np.array_equal(weights(resumed), weights(whole))


def test_checkpoints_keep_the_log_and_their_distance(tmp_path: Path) -> None:
    recipe, place = Recipe(epochs=3, learning_rate=0.01), tmp_path / "checkpoint.pt"
    log: list[tuple[int, bool]] = []

    def note(epoch: int, _loss: float) -> None:
        log.append((epoch, place.exists()))

    train(net(), some_digits(), recipe, np.random.default_rng(5), checkpoint=place, checkpoint_interval=1e6, log=log, after_epoch=note)
    assert (log, place.exists()) == ([(1, False), (2, False), (3, False)], False)
    log.clear()
    train(net(), some_digits(), recipe, np.random.default_rng(5), checkpoint=place, log=log, after_epoch=note)
    assert log == [(1, False), (2, True), (3, True)]
    found: list[tuple[int, bool]] = [(99, False)]
    train(net(), some_digits(), recipe, np.random.default_rng(5), checkpoint=place, resume=True, log=found, after_epoch=note)
    assert found == log


def test_the_same_seed_gives_the_same_bits_and_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert np.array_equal(weights(net()), weights(net()))
    train(net(), some_digits(), Recipe(epochs=1, learning_rate=0.1), np.random.default_rng(0))
    assert torch.equal(before, torch.get_rng_state())


def test_a_diverging_run_names_the_epoch_and_the_last_good_checkpoint(tmp_path: Path) -> None:
    images, place = some_digits(), tmp_path / "checkpoint.pt"
    broken = Images(pixels=images.pixels, labels=images.labels, num_classes=10, name="digits")
    recipe = Recipe(epochs=5, learning_rate=1e30, drops=())
    model = seeded(lambda: feed_forward(64, 10, [20], batch_norm=False), np.random.default_rng(0))
    with pytest.raises(TrainingDiverged, match=r"the loss is (nan|inf) in epoch \d of 5: .*lower the learning rate"):
        train(model, broken, recipe, np.random.default_rng(0), checkpoint=place)


def test_a_kill_while_writing_leaves_the_previous_checkpoint(tmp_path: Path) -> None:
    place = tmp_path / "checkpoint.pt"
    write_checkpoint(place, {"value": torch.arange(3)})
    script = textwrap.dedent(f"""
        import os, pathlib, signal, torch
        from gpu_train import training
        def half(state, file):
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        torch.save = half
        training.write_checkpoint(pathlib.Path({str(place)!r}), {{"value": torch.zeros(3)}})
    """)
    done = subprocess.run([sys.executable, "-c", script], check=False, env={**os.environ, "PYTHONPATH": os.getcwd()})  # noqa: PTH109
    assert done.returncode == -signal.SIGKILL
    assert torch.load(place, weights_only=True)["value"].tolist() == [0, 1, 2]


def test_a_full_disk_leaves_the_previous_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "checkpoint.pt"
    write_checkpoint(place, {"value": torch.arange(3)})

    def full(_state: object, _file: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    refused(lambda: write_checkpoint(place, {}), "cannot be written", "No space left", "previous one is untouched")
    monkeypatch.undo()
    assert torch.load(place, weights_only=True)["value"].tolist() == [0, 1, 2]
    assert list(tmp_path.iterdir()) == [place]


def test_a_checkpoint_of_another_run_or_damaged_is_refused(tmp_path: Path) -> None:
    images, place, rng = some_digits(), tmp_path / "checkpoint.pt", np.random.default_rng(0)
    recipe = Recipe(epochs=1, learning_rate=0.1)
    train(net(), images, recipe, rng, checkpoint=place)
    other = Recipe(epochs=1, learning_rate=0.2)
    refused(lambda: train(net(), images, other, rng, checkpoint=place, resume=True), "another recipe")
    wide = feed_forward(64, 10, [30, 20])
    refused(lambda: train(wide, images, recipe, rng, checkpoint=place, resume=True), "another network")
    place.write_bytes(place.read_bytes()[:100])
    refused(lambda: train(net(), images, recipe, rng, checkpoint=place, resume=True), "cannot be read")


def test_unusable_recipes_and_devices() -> None:
    refused(lambda: Recipe(epochs=0, learning_rate=0.1), "number of epochs is 0")
    refused(lambda: Recipe(epochs=1, learning_rate=-1.0), "learning rate is -1.0")
    refused(lambda: Recipe(epochs=1, learning_rate=0.1, optimizer="lion"), "optimizer 'lion'", "momentum")
    refused(lambda: Recipe(epochs=1, learning_rate=0.1, weight_decay=-1.0), "weight decay is -1.0")
    refused(lambda: choose_device("tpu"), "device 'tpu' is unknown")
    if not torch.cuda.is_available():
        refused(lambda: choose_device("cuda"), "device 'cuda' is not there")
    refused(lambda: vgg(12), "depth 12")


def test_the_learning_rate_drops_at_one_and_two_thirds() -> None:
    recipe = Recipe(epochs=600, learning_rate=0.1)
    rates = [recipe.rate_at(epoch) for epoch in range(600)]
    assert [i + 1 for i, (now, then) in enumerate(pairwise(rates)) if then < now] == [200, 400]
    assert (rates[0], rates[-1]) == (0.1, 0.001)


def test_layer_outputs_are_those_of_the_layers_and_leave_the_model_as_it_was() -> None:
    model, images = net(), some_digits()
    model.train()
    before = weights(model)
    outputs = layer_outputs(model, images.pixels, batch=70)
    assert model.training
    assert np.array_equal(before, weights(model))
    assert list(outputs) == ["0", "1", "2", "3"]
    model.eval()
    x = torch.from_numpy(images.pixels)
    for child, output in zip(model.children(), outputs.values(), strict=True):
        x = child(x)
        assert np.allclose(x.detach().numpy(), output, atol=1e-5)
    assert not any(module._forward_hooks for module in model.modules())
    refused(lambda: layer_outputs(model, images.pixels, layers=["9"]), "layer '9' does not exist")


@pytest.mark.parametrize(
    ("build", "side", "channels", "children"),
    [
        (small_alexnet, 32, 1, 5),
        (lambda: residual_feed_forward(100, 10, 16, 3, 2), 10, 1, 6),
        (lambda: vgg(11), 32, 3, 10),
        (resnet18, 32, 3, 12),
    ],
)
def test_networks_end_in_one_logit_per_class(build: Callable[[], torch.nn.Module], side: int, channels: int, children: int) -> None:
    model = seeded(build, np.random.default_rng(0))
    assert len(list(model.children())) == children
    logits = model.eval()(torch.zeros(2, channels, side, side))
    assert logits.shape in {(2, 3), (2, 10)}
    assert torch.isfinite(logits).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU, and there is none")
def test_training_on_a_gpu_reaches_the_same_loss() -> None:
    images, recipe = some_digits(), Recipe(epochs=5, learning_rate=0.1)
    on_cpu = train(net(), images, recipe, np.random.default_rng(0))
    on_gpu = train(net(), images, recipe, np.random.default_rng(0), device="cuda")
    assert np.allclose(on_cpu, on_gpu, rtol=1e-2)


def test_cuda_asked_for_without_one_is_refused_before_anything_moves() -> None:
    if torch.cuda.is_available():
        assert choose_device("auto").type == "cuda"
        return
    model = net()
    with pytest.raises(UnusableInput, match="device 'cuda' is not there"):
        train(model, some_digits(), Recipe(epochs=1, learning_rate=0.1), np.random.default_rng(0), device="cuda")
