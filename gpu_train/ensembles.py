"""Many networks trained side by side, one image per step each: the setting of the locally elastic experiments."""

# pyright: reportMissingImports=false

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap

from layerpeel.array_words import Float, Int
from layerpeel.gpu_train._images import Images, corrupted, require_probability
from layerpeel.gpu_train.networks import precision_of
from layerpeel.gpu_train.stacked import stacked
from layerpeel.gpu_train.training import TrainingDiverged, choose_device, identity, last_good, read_checkpoint, seeded, write_checkpoint
from layerpeel.numerics import UnusableInput, require_positive, require_whole

BLOCK = 50
"""Steps after which a first linear layer is moved: long enough to spare it most of its traffic, short enough for the products of images."""

VALIDATION_BATCH = 2000
"""Images × trials in one evaluation: bounds its memory to a few hundred MB for the small networks."""


@dataclass(frozen=True, kw_only=True)
class OneByOne:
    """Stochastic gradient descent on one image per step, in several independent trials.

    Args:
        iterations: steps.
        learning_rate: constant.
        trials: networks trained side by side.
        every: steps between two evaluations.
        label_error: probability p_err with which a training label is wrong, once and for all, in every trial anew.
    """

    iterations: int
    learning_rate: float = 0.005
    trials: int = 1
    every: int = 100
    label_error: float = 0.0

    def __post_init__(self) -> None:
        for name in ("iterations", "trials", "every"):
            require_whole(
                getattr(self, name), f"the number of {name}" if name != "every" else "the interval of evaluations", remedy="correct it"
            )
        require_positive(self.learning_rate, "learning rate")
        require_probability(self.label_error, "label-error probability")


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectories:
    """What an ensemble leaves: means of the logits by class over time, and how well it does.

    Args:
        times: iterations at which it was evaluated; the first is 0, before any step.
        logits: mean logits of the validation images of each class, (trials, times, class, logit).
        accuracy: share of validation images labelled correctly, (trials, times).
        loss: mean cross-entropy on the validation images, (trials, times).
    """

    times: Int[np.ndarray, " T"]
    logits: Float[np.ndarray, "trials T K K"]
    accuracy: Float[np.ndarray, "trials T"]
    loss: Float[np.ndarray, "trials T"]


def train_one_by_one(
    build: Callable[[], nn.Module],
    images: Images,
    validation: Images,
    recipe: OneByOne,
    rng: np.random.Generator,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
    resume: bool = False,
    checkpoint_interval: float = 0.0,
    progress: Callable[[int], None] = lambda _done: None,
) -> Trajectories:
    """Train an ensemble, each trial on its own weights, order of images and label errors.

    The weights of all trials are stacked and one gradient moves them together: with one image per step the cost of a step is overhead,
    and it is paid once for all trials. Where the network begins with a linear layer, that layer's steps are summed up and taken at the end
    of a block. Networks with batch norm cannot be trained on single images.

    Args:
        build: makes one network.
        images: the training set.
        validation: evaluated at step 0, then every `recipe.every` steps.
        recipe: how.
        rng: source of weights, orders and label errors.
        device: "auto", "cpu" or "cuda".
        checkpoint: written at an evaluation, whole or not at all.
        resume: continue from the checkpoint if it is there: to the same weights, bit for bit on a CPU.
        checkpoint_interval: least seconds between two checkpoints; what comes out does not depend on it.
        progress: called with the number of steps done.

    Raises:
        UnusableInput: for a device that is not there, a network with buffers, or a checkpoint of another recipe, other images or
            another network.
        TrainingDiverged: when a logit is not finite.
    """
    place = choose_device(device)
    models = [seeded(build, rng) for _ in range(recipe.trials)]
    parameters, _ = stack_module_state(models)
    _require_trainable(models[0], validation)
    weights = {name: value.detach().to(place) for name, value in parameters.items()}
    skeleton = copy.deepcopy(models[0]).to("meta")
    belongs_to = identity(recipe, images, weights)
    labels = corrupted(images.labels, (recipe.trials, len(images.labels)), images.num_classes, recipe.label_error, rng)
    seed = int(rng.integers(2**63))
    done, log = 0, []
    if resume and checkpoint is not None and checkpoint.exists():
        state = read_checkpoint(checkpoint, belongs_to)
        weights = {name: value.to(place) for name, value in state["weights"].items()}
        labels, seed, done, log = state["labels"].numpy().astype(np.int64), state["seed"], state["done"], state["log"]
    pixels, targets = torch.from_numpy(images.pixels).to(place, precision_of(models[0])), torch.from_numpy(labels).to(place)
    advance = _advance(models, skeleton, recipe.learning_rate, place)
    rows = torch.arange(recipe.trials, device=place)
    written = time.monotonic()
    if not log:
        log.append(_evaluate(skeleton, weights, validation, place))
    while done < recipe.iterations:
        block = min(recipe.every, recipe.iterations - done)
        # The order of a block depends on the seed and its first step alone, so a resumed run sees the images it would have seen.
        order = np.random.default_rng([seed, done]).integers(0, len(images.labels), (block, recipe.trials))
        for chosen in torch.from_numpy(order).to(place).split(BLOCK):
            advance(weights, pixels[chosen], targets[rows, chosen])
        done += block
        evaluated = _evaluate(skeleton, weights, validation, place)
        if not torch.isfinite(evaluated[0]).all():
            raise TrainingDiverged(
                f"a logit is not finite at iteration {done} of {recipe.iterations}: {last_good(checkpoint)}; lower the learning rate."
            )
        log.append(evaluated)
        if checkpoint is not None and time.monotonic() - written >= checkpoint_interval:
            small = torch.from_numpy(labels.astype(np.int16))
            write_checkpoint(checkpoint, {**belongs_to, "weights": weights, "labels": small, "seed": seed, "done": done, "log": log})
            written = time.monotonic()
        progress(done)
    times = np.minimum(recipe.every * np.arange(len(log)), recipe.iterations)
    logits, accuracy, loss = (torch.stack([entry[i] for entry in log], dim=1).numpy().astype(np.float64) for i in range(3))
    return Trajectories(times=times, logits=logits, accuracy=accuracy, loss=loss)


def _require_trainable(model: nn.Module, validation: Images) -> None:
    """Refuse what cannot learn from single images side by side, and what cannot be evaluated by class."""
    if any(True for _ in model.buffers()):
        raise UnusableInput("a network with batch norm cannot learn from single images; use one without buffers.")
    if any("Dropout" in type(module).__name__ for module in model.modules()):
        raise UnusableInput("a network with dropout is not offered here: every trial would drop the same units; use one without.")
    if not validation.counts.all():
        raise UnusableInput(
            f"class {int(np.argmin(validation.counts))} has no image in the validation set {validation.name}: means by class need one of "
            "each; add some."
        )


_Advance = Callable[[dict[str, torch.Tensor], torch.Tensor, torch.Tensor], None]
"""Moves stacked weights by some steps, one at every image: (steps, trials, channels, height, width), labels (steps, trials)."""


def _advance(models: list[nn.Module], skeleton: nn.Module, learning_rate: float, place: torch.device) -> _Advance:
    first = _first_linear(models[0])
    if first is not None and all(isinstance(module, nn.Sequential | nn.Flatten | nn.Linear | nn.ReLU) for module in models[0].modules()):
        return _summed_up(models, first, learning_rate, place)
    step = vmap(grad(_loss(skeleton)), in_dims=(0, 0, 0))

    def advance(weights: dict[str, torch.Tensor], images: torch.Tensor, labels: torch.Tensor) -> None:
        for image, label in zip(images, labels, strict=True):
            for name, slope in step(weights, image[:, None], label[:, None]).items():
                weights[name].sub_(slope, alpha=learning_rate)

    return advance


def _first_linear(model: nn.Module, name: str = "") -> str | None:
    """Name of the linear layer with bias that reads the flattened image; None where another layer reads it."""
    for child_name, child in model.named_children():
        whole = f"{name}.{child_name}".lstrip(".")
        if isinstance(child, nn.Linear):
            return whole if "bias" in dict(child.named_parameters()) else None
        if isinstance(child, nn.Sequential):
            return _first_linear(child, whole)
        if not isinstance(child, nn.Flatten):
            return None
    return None


def _summed_up(models: list[nn.Module], first: str, learning_rate: float, place: torch.device) -> _Advance:
    """Steps in which the first layer, which holds nearly all weights, is not touched before the end.

    A step at image x_s with slope δ_s at the first layer's output moves what it makes of a later image x_t by −h δ_s (⟨x_s, x_t⟩ + 1); so
    products of images are all that a step needs, and W moves once, by −h Σ_s δ_s x_sᵀ.
    """
    headless = [copy.deepcopy(model) for model in models]
    for model in headless:
        model.set_submodule(first, nn.Identity())
    rest = stacked(headless).to(place)
    parameters = dict(rest.named_parameters())

    def advance(weights: dict[str, torch.Tensor], images: torch.Tensor, labels: torch.Tensor) -> None:
        for name, parameter in parameters.items():
            parameter.data = weights[name]
        inputs = images.flatten(2).transpose(0, 1)
        outputs = torch.baddbmm(weights[f"{first}.bias"][:, None], inputs, weights[f"{first}.weight"].transpose(1, 2))
        products = inputs @ inputs.transpose(1, 2) + 1.0
        moves = torch.zeros_like(outputs)
        for step, label in enumerate(labels):
            now = torch.baddbmm(outputs[:, step, :, None], moves[:, :step].transpose(1, 2), products[:, :step, step, None]).requires_grad_()
            loss = nn.functional.cross_entropy(rest(now), label[:, None], reduction="sum")
            slope, *slopes = torch.autograd.grad(loss, [now, *parameters.values()])
            moves[:, step] = slope[:, :, 0].mul_(-learning_rate)
            for name, each in zip(parameters, slopes, strict=True):
                weights[name].sub_(each, alpha=learning_rate)
        weights[f"{first}.weight"].baddbmm_(moves.transpose(1, 2), inputs)
        weights[f"{first}.bias"].add_(moves.sum(dim=1))

    return advance


def _loss(skeleton: nn.Module) -> Callable[..., torch.Tensor]:
    def loss(weights: dict[str, torch.Tensor], image: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(functional_call(skeleton, (weights,), (image,)), label)

    return loss


def _evaluate(
    skeleton: nn.Module, weights: dict[str, torch.Tensor], validation: Images, place: torch.device
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mean logits by class (trials, K, K), accuracy and loss (trials)."""
    trials = next(iter(weights.values())).shape[0]
    size = max(1, VALIDATION_BATCH // trials)
    forward = vmap(lambda w, x: functional_call(skeleton, (w,), (x,)), in_dims=(0, None))
    precision = next(iter(weights.values())).dtype
    with torch.no_grad():
        parts = [
            forward(weights, torch.from_numpy(validation.pixels[start : start + size]).to(place, precision)).cpu()
            for start in range(0, len(validation.labels), size)
        ]
    logits, labels = torch.cat(parts, dim=1), torch.from_numpy(validation.labels)
    means = torch.stack([logits[:, labels == k].mean(dim=1) for k in range(validation.num_classes)], dim=1)
    accuracy = (logits.argmax(dim=2) == labels).float().mean(dim=1)
    loss = nn.functional.cross_entropy(logits.transpose(1, 2), labels.expand(trials, -1), reduction="none").mean(dim=1)
    return means, accuracy, loss
