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

from layerpeel.gpu_train import Images, digits
from layerpeel.gpu_train.networks import feed_forward, layer_outputs, residual_feed_forward, resnet18, small_alexnet, vgg
from layerpeel.gpu_train.training import (
    Recipe,
    TrainingDiverged,
    accuracy_by_class,
    choose_device,
    seeded,
    train,
    write_checkpoint,
)
from layerpeel.numerics import UnusableInput


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


def by_hand(images: Images, start: np.ndarray, recipe: Recipe, seed: int) -> np.ndarray:
    """Weights of a linear classifier without bias after training, in NumPy; batches are those of the same seed."""
    pixels, w = images.pixels.reshape(len(images.labels), -1).astype(float), start.astype(float)
    first, second, step = np.zeros_like(w), np.zeros_like(w), 0
    for epoch in range(recipe.epochs):
        rate = recipe.learning_rate / 10.0 ** sum(epoch >= drop * recipe.epochs for drop in recipe.drops)
        order = np.random.default_rng([seed, epoch]).permutation(len(pixels))
        for begin in range(0, len(order), recipe.batch_size):
            rows, step = order[begin : begin + recipe.batch_size], step + 1
            logits = pixels[rows] @ w.T
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            shares[np.arange(len(rows)), images.labels[rows]] -= 1.0
            slope = shares.T @ pixels[rows] / len(rows) + recipe.weight_decay * w
            if recipe.optimizer == "adam":
                first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
                w = w - rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
            else:
                first = (0.9 if recipe.optimizer == "momentum" else 0.0) * first + slope
                w = w - rate * first
    return w


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_steps_are_those_of_the_formulas_through_both_drops_of_the_rate(optimizer: str) -> None:
    images, recipe = some_digits(), Recipe(epochs=6, learning_rate=0.01, batch_size=100, optimizer=optimizer, weight_decay=0.1)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10, bias=False))
    start = weights(model).reshape(10, 64)
    train(model, images, recipe, np.random.default_rng(5))
    seed = int(np.random.default_rng(5).integers(2**63))
    expected = by_hand(images, start, recipe, seed)
    assert np.abs(weights(model).reshape(10, 64) - expected).max() < 1e-3 * np.abs(expected - start).max()


def test_the_loss_of_an_epoch_is_the_mean_over_the_images_it_saw() -> None:
    images = some_digits().chosen(np.arange(11))
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    (loss,) = train(model, images, Recipe(epochs=1, learning_rate=1e-12, batch_size=4), np.random.default_rng(5))
    order = np.random.default_rng([int(np.random.default_rng(5).integers(2**63)), 0]).permutation(11)
    each = torch.nn.functional.cross_entropy(model(torch.from_numpy(images.pixels)), torch.from_numpy(images.labels), reduction="none")
    assert loss == pytest.approx(float(each.mean().detach()), rel=1e-6)
    (loss,) = train(model, images, Recipe(epochs=1, learning_rate=1e-12, batch_size=5), np.random.default_rng(5))
    assert loss == pytest.approx(float(each[order[:10]].mean().detach()), rel=1e-6)  # the last one is left over


def test_dropout_draws_from_the_seed_and_resumes_to_the_same_bits(tmp_path: Path) -> None:
    def build() -> torch.nn.Module:
        model = net()
        return torch.nn.Sequential(*list(model.children())[:-1], torch.nn.Dropout(0.5), list(model.children())[-1])

    def stop(epoch: int, _loss: float) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    recipe, images, place = Recipe(epochs=3, learning_rate=0.1), some_digits(), tmp_path / "checkpoint.pt"
    before = torch.get_rng_state()
    losses = train(build(), images, recipe, np.random.default_rng(5))
    assert train(build(), images, recipe, np.random.default_rng(5)) == losses
    assert torch.equal(before, torch.get_rng_state())
    with pytest.raises(KeyboardInterrupt):
        train(build(), images, recipe, np.random.default_rng(5), checkpoint=place, after_epoch=stop)
    assert train(build(), images, recipe, np.random.default_rng(5), checkpoint=place, resume=True) == losses


def test_a_diverging_run_names_the_iteration_and_the_last_good_checkpoint(tmp_path: Path) -> None:
    images, place = some_digits(), tmp_path / "checkpoint.pt"
    recipe = Recipe(epochs=5, learning_rate=1e30, drops=())
    model = seeded(lambda: feed_forward(64, 10, [20], batch_norm=False), np.random.default_rng(0))
    with pytest.raises(TrainingDiverged, match=r"the loss is (nan|inf) at iteration 2, in epoch 1 of 5: no checkpoint was kept; lower the"):
        train(model, images, recipe, np.random.default_rng(0), checkpoint=place)
    poisoned, steps = net(), 3  # 300 images in batches of 128

    def poison(epoch: int, _loss: float) -> None:
        if epoch == 3:
            with torch.no_grad():
                next(poisoned.parameters()).fill_(float("inf"))

    gentle = Recipe(epochs=5, learning_rate=0.01)
    with pytest.raises(TrainingDiverged) as error:
        train(poisoned, images, gentle, np.random.default_rng(0), checkpoint=place, after_epoch=poison)
    said = f"the loss is nan at iteration {3 * steps + 1}, in epoch 4 of 5: the last good checkpoint is {place}"
    assert str(error.value).startswith(said)


def test_a_last_step_that_overflows_is_a_divergence() -> None:
    images = some_digits()
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    with pytest.raises(TrainingDiverged, match="a weight is not finite at iteration 1, in epoch 1 of 2"):
        train(model, images, Recipe(epochs=2, learning_rate=3e38, batch_size=300, weight_decay=1e3), np.random.default_rng(0))


def test_a_kill_while_writing_leaves_the_previous_checkpoint(tmp_path: Path) -> None:
    place = tmp_path / "checkpoint.pt"
    write_checkpoint(place, {"value": torch.arange(3)})
    script = textwrap.dedent(f"""
        import os, pathlib, signal, torch
        from layerpeel.gpu_train import training
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

    def no(model: torch.nn.Module, images: Images, recipe: Recipe, *words: str) -> None:
        refused(lambda: train(model, images, recipe, rng, checkpoint=place, resume=True), *words)

    no(net(), images, Recipe(epochs=1, learning_rate=0.2), "another recipe")
    no(feed_forward(64, 10, [30, 20]), images, recipe, "another network")
    no(net(), digits().chosen(np.arange(1, 1797, 6)), recipe, "another set of images")
    frozen = net()
    next(frozen.parameters()).requires_grad_(False)
    no(frozen, images, recipe, "another choice of trained parameters")
    write_checkpoint(place, {"value": torch.arange(3)})
    no(net(), images, recipe, "another recipe", "None")
    place.write_bytes(place.read_bytes()[:100])
    no(net(), images, recipe, "cannot be read")


def test_unusable_recipes_and_devices() -> None:
    refused(lambda: Recipe(epochs=0, learning_rate=0.1), "number of epochs is 0")
    refused(lambda: Recipe(epochs=1, learning_rate=-1.0), "learning rate is -1.0")
    refused(lambda: Recipe(epochs=1, learning_rate=0.1, optimizer="lion"), "optimizer 'lion'", "momentum")
    refused(lambda: Recipe(epochs=1, learning_rate=0.1, weight_decay=-1.0), "weight decay is -1.0")
    refused(lambda: Recipe(epochs=1, learning_rate=0.1, drops=(0.5, 2.0)), "drop of the learning rate is at 2.0")
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


def test_cuda_asked_for_without_one_is_refused_before_anything_moves() -> None:
    if torch.cuda.is_available():
        assert choose_device("auto").type == "cuda"
        return
    model = net()
    with pytest.raises(UnusableInput, match="device 'cuda' is not there"):
        train(model, some_digits(), Recipe(epochs=1, learning_rate=0.1), np.random.default_rng(0), device="cuda")
