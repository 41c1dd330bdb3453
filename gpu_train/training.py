"""A plain training loop: one generator, atomic checkpoints, and a resume that continues to the same bits."""

# pyright: reportMissingImports=false

import os
import time
import zipfile
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from layerpeel.array_words import Float
from layerpeel.gpu_train._images import Images
from layerpeel.gpu_train.networks import device_of, evaluating, precision_of
from layerpeel.gpu_train.stacked import stacked, unstack
from layerpeel.numerics import UnusableInput, require_positive, require_whole

CHECKPOINT_SECONDS = 30.0
"""Long work that is stopped loses at most this much; networks that are done sooner write no checkpoint at all."""

OPTIMIZERS = ("sgd", "momentum", "adam")
"""Legal names of optimisers."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained.

    Args:
        epochs: passes over the data.
        batch_size: images per step.
        learning_rate: of the first epochs.
        optimizer: "sgd", "momentum" (0.9) or "adam".
        weight_decay: λ of (λ/2)‖θ‖², added to the gradient.
        drops: shares of the epochs after which the learning rate is divided by ten; (1/3, 2/3) is that of he2023.

    Raises:
        UnusableInput: for numbers out of range, or an unknown optimiser.

    Example:
        >>> Recipe(epochs=30, learning_rate=0.1).rate_at(29)
        0.001
    """

    epochs: int
    learning_rate: float
    batch_size: int = 128
    optimizer: str = "sgd"
    weight_decay: float = 0.0
    drops: tuple[float, ...] = (1 / 3, 2 / 3)

    def __post_init__(self) -> None:
        require_whole(self.epochs, "the number of epochs", remedy="correct it")
        require_whole(self.batch_size, "the batch size", remedy="correct it")
        require_positive(self.learning_rate, "learning rate")
        if self.weight_decay != 0.0:
            require_positive(self.weight_decay, "weight decay")
        for drop in self.drops:
            if not 0.0 < drop < 1.0:
                raise UnusableInput(
                    f"a drop of the learning rate is at {drop!r}: it must lie between 0 and 1, a share of the epochs; correct it."
                )
        if self.optimizer not in OPTIMIZERS:
            raise UnusableInput(f"optimizer {self.optimizer!r} is unknown: it must be one of {', '.join(OPTIMIZERS)}; choose one of these.")

    def rate_at(self, epoch: int) -> float:
        """Learning rate of an epoch, counted from 0."""
        passed = sum(epoch >= drop * self.epochs for drop in self.drops)
        return float(f"{self.learning_rate * 10.0**-passed:.12g}")


class CheckpointNotWritten(UnusableInput):
    """The system has no room for a checkpoint, or lets nobody write there; its message is the sentence to read."""


class TrainingDiverged(RuntimeError):
    """The loss is no longer a number; the message names the iteration and the last good checkpoint."""


def choose_device(name: str) -> torch.device:
    """The device of a name: "auto" takes the GPU if there is one.

    Raises:
        UnusableInput: for an unknown device, or one that is not there.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    if name not in {"auto", "cpu", "cuda"}:
        raise UnusableInput(f"device {name!r} is unknown: it must be auto, cpu or cuda; choose one of these.")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise UnusableInput("device 'cuda' is not there: this machine or this torch build has no GPU; use device='cpu'.")
    return torch.device("cuda" if there and name != "cpu" else "cpu")


def seeded(build: Callable[[], nn.Module], rng: np.random.Generator) -> nn.Module:
    """A module whose initial weights are drawn from `rng`; torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(rng.integers(2**63)))
        return build()


def train(
    model: nn.Module,
    images: Images,
    recipe: Recipe,
    rng: np.random.Generator,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
    resume: bool = False,
    checkpoint_interval: float = 0.0,
    log: list[Any] | None = None,
    after_epoch: Callable[[int, float], None] = lambda _epoch, _loss: None,
) -> list[float]:
    """Minimise the cross-entropy of a classifier by mini-batches.

    Args:
        model: trained in place and in its own precision, left on the device.
        images: the data; moved to the device once.
        recipe: how.
        rng: orders the batches.
        device: "auto", "cpu" or "cuda".
        checkpoint: written after an epoch, whole or not at all.
        resume: continue from the checkpoint if it is there: to the same weights, bit for bit on a CPU.
        checkpoint_interval: least seconds between two checkpoints; what comes out does not depend on it.
        log: a list of plain values that `after_epoch` adds to; it is kept in the checkpoint and put back when the run is resumed.
        after_epoch: called with the number of epochs done and their mean loss.

    Returns:
        Mean loss of every epoch.

    Raises:
        UnusableInput: for a device that is not there, or a checkpoint of another recipe, other images or another network.
        TrainingDiverged: when the loss or a weight is not finite.
    """
    place = choose_device(device)
    model.to(place)
    optimizer = _optimizer(model, recipe)
    trained = sorted(name for name, parameter in model.named_parameters() if parameter.requires_grad)
    belongs_to = identity(recipe, images, model.state_dict()) | {"choice of trained parameters": repr(trained)}
    seed = int(rng.integers(2**63))
    losses: list[float] = []
    log = [] if log is None else log
    if resume and checkpoint is not None and checkpoint.exists():
        state = read_checkpoint(checkpoint, belongs_to)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        seed, losses, log[:] = state["seed"], state["losses"], state["log"]
    pixels, labels = torch.from_numpy(images.pixels).to(place, precision_of(model)), torch.from_numpy(images.labels).to(place)
    loss_of = nn.CrossEntropyLoss()
    written = time.monotonic()
    parts = _parts(len(labels), recipe.batch_size)
    sizes = torch.tensor([end - start for start, end in parts], device=place)
    for epoch in range(len(losses), recipe.epochs):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate_at(epoch)
        # The order depends on the seed and the epoch alone, so a resumed run sees the batches that it would have seen.
        order = torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(len(labels))).to(place)
        batch_losses = torch.zeros(len(parts), device=place)
        model.train()
        with _drawing_from(place, [seed, epoch, 1]):
            for step, (start, end) in enumerate(parts):
                rows = order[start:end]
                loss = loss_of(model(pixels[rows]), labels[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                batch_losses[step] = loss.detach()
        _require_finite(batch_losses, model, epoch, recipe, checkpoint)
        mean = float((batch_losses * sizes).sum() / sizes.sum())
        losses.append(mean)
        after_epoch(epoch + 1, mean)
        if checkpoint is not None and time.monotonic() - written >= checkpoint_interval:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "seed": seed, "losses": losses, "log": log}
            write_checkpoint(checkpoint, {**belongs_to, **state})
            written = time.monotonic()
    return losses


def train_together(
    models: Sequence[nn.Module],
    images: Sequence[Images],
    recipe: Recipe,
    rngs: Sequence[np.random.Generator],
    *,
    look: Callable[[int], None] = lambda _epoch: None,
    epochs: Collection[int] = (),
) -> Float[np.ndarray, "trials epochs"]:
    """Train independent networks of one shape, each as `train` would train it alone, all in the same steps.

    A step of a small network is mostly overhead, which is paid once for all trials. Every trial has its images, its order of batches and
    its batch statistics; sums are taken in another order than `train` takes them, so results agree to rounding, which training amplifies.

    Args:
        models: of one shape (see `stacked`); trained in place and in their own precision, on the CPU.
        images: of each trial, as many for every one.
        recipe: how.
        rngs: of each trial; orders its batches as in `train`.
        look: called with the number of epochs done, when the models have been given their weights.
        epochs: when to look, besides after the last.

    Returns:
        Mean loss of every epoch.

    Raises:
        UnusableInput: for numbers of models, sets of images and generators that differ, sets of different sizes, or what `stacked` refuses.
        TrainingDiverged: when a loss or a weight is not finite.
    """
    sizes = {len(each.labels) for each in images}
    if not len(models) == len(images) == len(rngs) or len(sizes) > 1:
        raise UnusableInput(
            f"{len(models)} networks, {len(images)} sets of images and {len(rngs)} generators, with {sorted(sizes)} images: a trial needs "
            "one of each, and all sets one size; group them so."
        )
    together = stacked(models)
    trained = [parameter for parameter in together.parameters() if parameter.requires_grad]
    move = _move(trained, recipe)
    seeds = [int(rng.integers(2**63)) for rng in rngs]
    pixels = torch.from_numpy(np.stack([each.pixels.reshape(len(each.labels), -1) for each in images])).to(precision_of(together))
    labels = torch.from_numpy(np.stack([each.labels for each in images]))
    trials, parts, losses = torch.arange(len(models))[:, None], _parts(labels.shape[1], recipe.batch_size), []
    lengths = torch.tensor([end - start for start, end in parts])
    together.train()
    for epoch in range(recipe.epochs):
        rate = recipe.rate_at(epoch)
        order = torch.from_numpy(np.stack([np.random.default_rng([seed, epoch]).permutation(labels.shape[1]) for seed in seeds]))
        batch_losses = torch.zeros(len(models), len(parts))
        for step, (start, end) in enumerate(parts):
            rows = order[:, start:end]
            logits = together(pixels[trials, rows].transpose(1, 2))
            each = nn.functional.cross_entropy(logits, labels[trials, rows], reduction="none").mean(dim=1)
            move(torch.autograd.grad(each.sum(), trained), rate)  # trials share no parameter: each gets the gradient of its own loss
            batch_losses[:, step] = each.detach()
        _require_finite(batch_losses.sum(dim=0), together, epoch, recipe, None)
        losses.append((batch_losses * lengths).sum(dim=1) / lengths.sum())
        if epoch + 1 in epochs or epoch + 1 == recipe.epochs:
            unstack(together, models)
            look(epoch + 1)
    return torch.stack(losses, dim=1).double().numpy()


@contextmanager
def _drawing_from(place: torch.device, seed: list[int]) -> Generator[None]:
    """Let dropout and its kin draw from a seed, and leave torch's generators as they were."""
    devices = [torch.cuda.current_device()] if place.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        drawn = int(np.random.default_rng(seed).integers(2**63))
        torch.default_generator.manual_seed(drawn)
        if devices:
            torch.cuda.manual_seed(drawn)
        yield


def _parts(size: int, batch: int) -> list[tuple[int, int]]:
    """Where the batches of an epoch begin and end; one image that is left over is skipped, because batch norm cannot train on it."""
    parts = [(start, min(start + batch, size)) for start in range(0, size, batch)]
    return [(start, end) for start, end in parts if end - start > 1 or size == 1 or batch == 1]


def _require_finite(losses: torch.Tensor, model: nn.Module, epoch: int, recipe: Recipe, checkpoint: Path | None) -> None:
    """Stop where a loss, or a weight after the last step, is not finite."""
    wrong = ~torch.isfinite(losses)
    if bool(wrong.any()):
        step = int(wrong.int().argmax())
        what = f"the loss is {float(losses[step])}"
    elif not all(bool(torch.isfinite(parameter).all()) for parameter in model.parameters()):
        step, what = len(losses) - 1, "a weight is not finite"
    else:
        return
    raise TrainingDiverged(
        f"{what} at iteration {epoch * len(losses) + step + 1}, in epoch {epoch + 1} of {recipe.epochs}: {last_good(checkpoint)}; "
        "lower the learning rate."
    )


def last_good(checkpoint: Path | None) -> str:
    """What a run that diverged can go back to.

    Example:
        >>> last_good(None)
        'no checkpoint was kept'
    """
    there = checkpoint is not None and checkpoint.exists()
    return f"the last good checkpoint is {checkpoint}" if there else "no checkpoint was kept"


MOMENTUM = {"sgd": 0.0, "momentum": 0.9}
"""By name of the optimiser."""


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if recipe.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)
    momentum = MOMENTUM[recipe.optimizer]
    return torch.optim.SGD(parameters, lr=recipe.learning_rate, momentum=momentum, weight_decay=recipe.weight_decay, fused=True)


def _move(parameters: list[nn.Parameter], recipe: Recipe) -> Callable[[Sequence[torch.Tensor], float], None]:
    """The steps of `_optimizer` by gradients and learning rate, without its bookkeeping, which takes small networks as long as a layer."""
    if recipe.optimizer == "adam":
        first, second = ([torch.zeros_like(each) for each in parameters] for _ in range(2))
        counts = [torch.tensor(0.0) for _ in parameters]
        rule = partial(adam, exp_avgs=first, exp_avg_sqs=second, max_exp_avg_sqs=[], state_steps=counts)
        rule = partial(rule, amsgrad=False, beta1=0.9, beta2=0.999, eps=1e-8)
    else:
        buffers: list[torch.Tensor | None] = [None for _ in parameters]
        rule = partial(sgd, momentum_buffer_list=buffers, momentum=MOMENTUM[recipe.optimizer], dampening=0.0, nesterov=False)

    @torch.no_grad()
    def move(slopes: Sequence[torch.Tensor], rate: float) -> None:
        rule(list(parameters), list(slopes), lr=rate, weight_decay=recipe.weight_decay, maximize=False, fused=True)

    return move


def identity(recipe: Any, images: Images, weights: Mapping[str, torch.Tensor]) -> dict[str, str]:
    """What a checkpoint belongs to: it is read again by nothing else."""
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    return {"recipe": repr(recipe), "set of images": images.fingerprint, "network": repr(shapes)}


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint beside its place and rename it: whatever happens, the previous one stays valid.

    Raises:
        CheckpointNotWritten: on a full disk, or without permission.
    """
    beside = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        beside.unlink(missing_ok=True)
        raise CheckpointNotWritten(
            f"checkpoint {path} cannot be written ({error}): the previous one is untouched; free space or name another directory."
        ) from error


def read_checkpoint(path: Path, belongs_to: Mapping[str, str]) -> dict[str, Any]:
    """The state in a checkpoint that belongs to the same training; nothing but tensors and plain values can be unpickled.

    Raises:
        UnusableInput: for a damaged checkpoint, or one of another recipe, other images or another network.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                archive.read(name)  # checks the checksums, which torch does not
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged archive can raise anything
        raise UnusableInput(
            f"checkpoint {path} cannot be read ({error}): remove it, and that training starts from its beginning."
        ) from error
    state: dict[str, Any] = content if isinstance(content, dict) else {}
    for part, wanted in belongs_to.items():
        if state.get(part) != wanted:
            raise UnusableInput(
                f"checkpoint {path} was made with another {part} ({state.get(part)}, not {wanted}): continue it with that one, or name "
                "another directory."
            )
    return state


def accuracy_by_class(model: nn.Module, images: Images, *, batch: int = 1024) -> np.ndarray:
    """Share of each class's images that the model labels correctly, in evaluation mode."""
    device = device_of(model)
    with evaluating(model):
        said = [
            model(torch.from_numpy(images.pixels[start : start + batch]).to(device)).argmax(1).cpu().numpy()
            for start in range(0, len(images.labels), batch)
        ]
    right = np.concatenate(said) == images.labels
    return np.bincount(images.labels, weights=right, minlength=images.num_classes) / np.maximum(images.counts, 1)
