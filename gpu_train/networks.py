"""The networks of the sources, as plain modules; and the outputs of the layers of anyone's module."""

# pyright: reportMissingImports=false

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from layerpeel.array_words import Float
from layerpeel.gpu_train.batches import first_tensor
from layerpeel.numerics import UnusableInput, require_whole

VGG: dict[int, tuple[Any, ...]] = {
    11: (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512, "pool"),
    13: (64, 64, "pool", 128, 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512, "pool"),
}
"""Channels of the convolutions, by depth (simonyan2015, table 1, configurations A and B)."""


def small_alexnet(num_classes: int = 3, channels: int = 1, side: int = 32) -> nn.Sequential:
    """Two convolutions and three linear layers with ReLU, for images of side×side pixels.

    Source: zhang2021, experiments ("a small AlexNet-like net").

    Example:
        >>> small_alexnet()(torch.zeros(2, 1, 32, 32)).shape
        torch.Size([2, 3])
    """
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(channels, 8, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        nn.Sequential(nn.Linear(16 * (side // 8) ** 2, 64), nn.ReLU()),
        nn.Sequential(nn.Linear(64, 32), nn.ReLU()),
        nn.Linear(32, num_classes),
    )


def feed_forward(
    inputs: int, num_classes: int, widths: Sequence[int], *, batch_norm: bool = True, linear: bool = False, last_relu: bool = True
) -> nn.Sequential:
    """Linear layers of the given widths, each with batch norm and ReLU unless asked otherwise, and a linear classifier.

    Each hidden layer is one child of the Sequential, so that `layer_outputs` sees it after its nonlinearity.

    Args:
        inputs: pixels per image (images are flattened).
        num_classes: K.
        widths: width of every hidden layer; [100] * 8 is the network of he2023.
        batch_norm: normalise before the nonlinearity.
        linear: leave out the nonlinearity.
        last_relu: whether the last hidden layer has its nonlinearity; without it the classifier reads what batch norm returns.

    Example:
        >>> feed_forward(100, 10, [20, 20])(torch.zeros(2, 1, 10, 10)).shape
        torch.Size([2, 10])
    """
    layers: list[nn.Module] = [nn.Flatten()]
    for place, (before, width) in enumerate(pairwise([inputs, *widths]), 1):
        parts: list[nn.Module] = [nn.Linear(before, width)]
        parts += [nn.BatchNorm1d(width)] if batch_norm else []
        parts += [] if linear or (place == len(widths) and not last_relu) else [nn.ReLU()]
        layers.append(nn.Sequential(*parts))
    return nn.Sequential(*layers, nn.Linear(widths[-1] if widths else inputs, num_classes))


def vgg(depth: int, num_classes: int = 10, channels: int = 3, *, thinner: int = 1) -> nn.Sequential:
    """VGG11 or VGG13 with batch norm for 32×32 images and one linear classifier (CIFAR form).

    Args:
        depth: 11 or 13.
        num_classes: K.
        channels: of the images.
        thinner: divides all channels of the convolutions; 8 makes a network of minutes on a CPU.

    Raises:
        UnusableInput: for another depth, or a number that does not divide the channels.

    Example:
        >>> vgg(11)(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 10])
    """
    if depth not in VGG:
        raise UnusableInput(
            f"VGG of depth {depth} is not offered: the depth must be one of {', '.join(map(str, VGG))}; choose one of these."
        )
    if VGG[depth][0] % require_whole(thinner, "the divisor of the channels", remedy="give 1, 2, 4 or 8"):
        raise UnusableInput(f"channels of VGG cannot be divided by {thinner}: it must divide {VGG[depth][0]}; give 1, 2, 4 or 8.")
    layers: list[nn.Module] = []
    before = channels
    for entry in VGG[depth]:
        if isinstance(entry, str):
            layers[-1] = nn.Sequential(*layers[-1].children(), nn.MaxPool2d(2))
        else:
            width = entry // thinner
            layers.append(nn.Sequential(nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()))
            before = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(before, num_classes))


class ResidualBlock(nn.Module):
    """ReLU(x + F(x)) with F of two 3×3 convolutions and batch norm; 1×1 projection where the shape changes (he2016, figure 2)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        same = before == after and stride == 1
        self.shortcut = (
            nn.Identity() if same else nn.Sequential(nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block's output."""
        return torch.relu(self.branch(x) + self.shortcut(x))


class ResidualLayers(nn.Module):
    """ReLU(x + F(x)) with F of `layers` linear layers with batch norm and ReLU between them: a block of a feed-forward net."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for index in range(layers):
            parts += [nn.Linear(width, width), nn.BatchNorm1d(width), *([nn.ReLU()] if index < layers - 1 else [])]
        self.branch = nn.Sequential(*parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block's output."""
        return torch.relu(x + self.branch(x))


def residual_feed_forward(inputs: int, num_classes: int, width: int, blocks: int, layers_per_block: int) -> nn.Sequential:
    """A first layer, residual blocks of two or three layers, and a linear classifier; one child per block.

    Example:
        >>> residual_feed_forward(100, 10, 20, 2, 3)(torch.zeros(2, 1, 10, 10)).shape
        torch.Size([2, 10])
    """
    stem = nn.Sequential(nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.ReLU())
    return nn.Sequential(
        nn.Flatten(), stem, *(ResidualLayers(width, layers_per_block) for _ in range(blocks)), nn.Linear(width, num_classes)
    )


def resnet18(num_classes: int = 10, channels: int = 3) -> nn.Sequential:
    """ResNet18 in its CIFAR form: a 3×3 stem without pooling and four stages of two blocks.

    Example:
        >>> resnet18()(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 10])
    """
    stem = nn.Sequential(nn.Conv2d(channels, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU())
    blocks: list[nn.Module] = []
    before = 64
    for after, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        blocks += [ResidualBlock(before, after, stride), ResidualBlock(after, after, 1)]
        before = after
    return nn.Sequential(stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, num_classes))


@contextmanager
def evaluating(model: nn.Module) -> Generator[None]:
    """Evaluation mode without gradients; afterwards every module is in the mode in which it was, a frozen batch norm included.

    Args:
        model: any module.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        >>> frozen = model[1].eval()
        >>> with evaluating(model):
        ...     assert not any(module.training for module in model.modules())
        >>> [module.training for module in model.modules()]
        [True, True, False]
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def watching(
    model: nn.Module, names: Iterable[str], keep: Callable[[str, tuple[Any, ...], torch.Tensor], None], *, pool: str | None = None
) -> Generator[Callable[..., Any]]:
    """The forward pass of a model in evaluation mode that hands over what its named layers read and return.

    Args:
        model: any module; it is left as it was found.
        names: of layers, as in `named_modules`, each of which must run once in a forward pass.
        keep: called with the name of a layer, its arguments, and its output, or the first tensor of it, one row per sample.
        pool: how maps become one row per sample, as in `pooled`; flattened unless given.

    Raises:
        UnusableInput: for a name that the model does not have, or a layer that runs never or more than once, or returns no tensor.

    Example:
        >>> with watching(small_alexnet(), ["3"], lambda name, _read, output: print(name, output.shape)) as forward:
        ...     logits = forward(torch.zeros(2, 1, 32, 32))
        3 torch.Size([2, 32])
    """
    modules, runs = dict(model.named_modules()), dict.fromkeys(names, 0)
    for name in runs:
        if name not in modules:
            raise UnusableInput(f"layer {name!r} does not exist: the model has {', '.join(n for n in modules if n)}; choose among these.")

    def hook(name: str, read: tuple[Any, ...], output: Any) -> None:
        runs[name] += 1
        if runs[name] > 1:
            return
        tensor = first_tensor(output)
        if tensor is None or tensor.ndim == 0:
            raise UnusableInput(
                f"layer {name!r} returns a {type(output).__name__}: it must return a tensor with a row per sample, or such a tensor first; "
                "name a layer that does."
            )
        keep(name, read, pooled(tensor.detach(), pool, name))

    def forward(*inputs: Any, **named: Any) -> Any:
        runs.update(dict.fromkeys(runs, 0))
        output = model(*inputs, **named)
        for name, count in runs.items():
            if count != 1:
                raise UnusableInput(
                    f"layer {name!r} runs {count} times in one forward pass: it must run once to have one output; name other layers, or "
                    "give each place in the model a module of its own."
                )
        return output

    hooks = [modules[name].register_forward_hook(lambda _m, read, output, name=name: hook(name, read, output)) for name in runs]
    try:
        with evaluating(model):
            yield forward
    finally:
        for registered in hooks:
            registered.remove()


def pooled(output: torch.Tensor, pool: str | None, name: str) -> torch.Tensor:
    """One row per sample: flattened, or averaged.

    Args:
        output: of a layer.
        pool: "mean" averages maps (samples × channels × …) over their places, "tokens" averages samples × tokens × features; None flattens.
        name: of the layer, for a refusal.

    Raises:
        UnusableInput: for another pool, and for what is no sequence under "tokens".

    Example:
        >>> pooled(torch.arange(4.0).reshape(1, 2, 2), "mean", "0").tolist()
        [[0.5, 2.5]]
    """
    if pool not in {None, "mean", "tokens"}:
        raise UnusableInput(f"pool is {pool!r}: maps are averaged by 'mean', sequences by 'tokens'; choose one of these, or leave it out.")
    if pool is None or output.ndim <= 2:
        return output.reshape(len(output), -1)
    if pool == "tokens":
        if output.ndim != 3:
            raise UnusableInput(f"layer {name!r} returns shape {tuple(output.shape)}, no samples × tokens × features; use pool='mean'.")
        return output.mean(dim=1)
    return output.flatten(2).mean(dim=2)


def device_of(model: nn.Module) -> torch.device:
    """Where the parameters of a model are; the CPU for a model without any.

    Example:
        >>> device_of(nn.Flatten())
        device(type='cpu')
    """
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def precision_of(model: nn.Module) -> torch.dtype:
    """In which precision a model computes; single for a model without parameters.

    Example:
        >>> precision_of(nn.Linear(2, 2).double())
        torch.float64
    """
    return next((parameter.dtype for parameter in model.parameters()), torch.float32)


def layer_outputs(
    model: nn.Module, pixels: Float[np.ndarray, "n channels height width"], *, layers: Iterable[str] | None = None, batch: int = 512
) -> dict[str, Float[np.ndarray, "n p"]]:
    """Outputs of the named layers for all images, flattened, in evaluation mode, by forward hooks.

    Args:
        model: any module; it is left as it was found.
        pixels: the images.
        layers: names as in `named_modules`; the direct children when not given.
        batch: images per forward pass.

    Returns:
        Arrays of the type that the layers return; bfloat16, which NumPy does not have, becomes single precision.

    Raises:
        UnusableInput: for a name that the module does not have, no images, or a layer that runs never or more than once in a forward pass
            or returns no tensor.

    Example:
        >>> {name: output.shape for name, output in layer_outputs(small_alexnet(), np.zeros((2, 1, 32, 32), np.float32)).items()}["4"]
        (2, 3)
    """
    if not len(pixels):
        raise UnusableInput("there are no images: the outputs of layers need some; give at least one.")
    names = [name for name, _ in model.named_children()] if layers is None else list(layers)
    collected: dict[str, list[np.ndarray]] = {name: [] for name in names}

    def keep(name: str, _read: tuple[Any, ...], output: torch.Tensor) -> None:
        kind = torch.float32 if output.dtype == torch.bfloat16 else output.dtype
        collected[name].append(output.to("cpu", kind, copy=True).numpy())  # a copy: a layer after this one may work in place

    with watching(model, names, keep) as forward:
        for start in range(0, len(pixels), batch):
            forward(torch.from_numpy(pixels[start : start + batch]).to(device_of(model)))
    return {name: np.concatenate(parts) for name, parts in collected.items()}
