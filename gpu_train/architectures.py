"""Convolutional networks in which the sources measured separation, or on which they estimated local elasticity, as plain modules.

Each layer that is measured is one child, after its nonlinearity and before any pooling, which is a child of its own.
"""

# pyright: reportMissingImports=false

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from layerpeel.gpu_train.networks import VGG
from layerpeel.numerics import UnusableInput, require_whole

ALEXNET = (64, "pool", 192, "pool", 384, 256, 256, "pool")
"""Channels of AlexNet's convolutions."""

WIDE = 4096
"""Width of the two linear layers before the classifier, in AlexNetX and VGG13X."""

SIDE = 32
"""Pixels of a side of the images."""

GROWTH, INITIAL = 48, 96
"""Channels that a layer of DenseNet161 adds, and those of its first convolution."""


def lenet(num_classes: int = 3, channels: int = 1) -> nn.Sequential:
    """Two convolutions of 6 and 16 channels and linear layers of 120 and 84, for images of 32×32 pixels.

    What zhang2021 calls a variant of AlexNet: "two convolutional layers and three fully-connected layers activated by ReLU"; the numbers
    are those of its released code.

    Example:
        >>> lenet()(torch.zeros(2, 1, 32, 32)).shape
        torch.Size([2, 3])
    """
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(channels, 6, 5), nn.ReLU()),
        nn.MaxPool2d(2),
        nn.Sequential(nn.Conv2d(6, 16, 5), nn.ReLU()),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Sequential(nn.Linear(16 * 5 * 5, 120), nn.ReLU()),
        nn.Sequential(nn.Linear(120, 84), nn.ReLU()),
        nn.Linear(84, num_classes),
    )


class Repeated(nn.Module):
    """The channels of an image several times over, as the source widens its inputs."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x, with each channel `times` times."""
        return x.repeat(1, self.times, 1, 1)


def alexnet_x(num_classes: int = 10, channels: int = 1, *, thinner: int = 1) -> nn.Sequential:
    """AlexNetX of he2023: five convolutions of 5×5, two wide linear layers, batch norm everywhere, the image's channels 32 times over.

    Args:
        num_classes: K.
        channels: of the images, which have 32×32 pixels.
        thinner: divides all widths and the repetitions; 8 makes a network of minutes on a CPU.

    Raises:
        UnusableInput: for a number that does not divide the widths.

    Source: he2023, "Architecture"; numbers from its released code.

    Example:
        >>> alexnet_x(thinner=8)(torch.zeros(2, 1, 32, 32)).shape
        torch.Size([2, 10])
    """
    return _wide_kernels(ALEXNET, nn.MaxPool2d(3, stride=2, padding=1), 32, num_classes, channels, thinner)


def vgg13_x(num_classes: int = 10, channels: int = 1, *, thinner: int = 1) -> nn.Sequential:
    """VGG13X of he2023: VGG13 with kernels of 5×5, two wide linear layers, batch norm everywhere, the image's channels 16 times over.

    Args:
        num_classes: K.
        channels: of the images, which have 32×32 pixels.
        thinner: divides all widths and the repetitions; 8 makes a network of minutes on a CPU.

    Raises:
        UnusableInput: for a number that does not divide the widths.

    Source: he2023, "Architecture"; numbers from its released code.

    Example:
        >>> vgg13_x(thinner=8)(torch.zeros(2, 1, 32, 32)).shape
        torch.Size([2, 10])
    """
    return _wide_kernels(VGG[13], nn.MaxPool2d(2), 16, num_classes, channels, thinner)


def _wide_kernels(
    plan: Sequence[int | str], pool: nn.MaxPool2d, repetitions: int, num_classes: int, channels: int, thinner: int
) -> nn.Sequential:
    thinner = _divisor(thinner, 16)
    before, side = channels * max(1, repetitions // thinner), SIDE
    layers: list[nn.Module] = [Repeated(max(1, repetitions // thinner))]
    for entry in plan:
        if isinstance(entry, str):
            layers.append(nn.MaxPool2d(pool.kernel_size, stride=pool.stride, padding=pool.padding))
            side //= 2
        else:
            width = entry // thinner
            layers.append(nn.Sequential(nn.Conv2d(before, width, 5, padding=2), nn.BatchNorm2d(width), nn.ReLU()))
            before = width
    layers.append(nn.Flatten())
    for read, width in pairwise([before * side**2, WIDE // thinner, WIDE // thinner]):
        layers.append(nn.Sequential(nn.Linear(read, width), nn.BatchNorm1d(width), nn.ReLU()))
    return nn.Sequential(*layers, nn.Linear(WIDE // thinner, num_classes))


class DenseLayer(nn.Module):
    """x, and beside it what a 1×1 and a 3×3 convolution make of it, each behind batch norm and ReLU (huang2017, DenseNet-B)."""

    def __init__(self, before: int, growth: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.BatchNorm2d(before),
            nn.ReLU(),
            nn.Conv2d(before, 4 * growth, 1, bias=False),
            nn.BatchNorm2d(4 * growth),
            nn.ReLU(),
            nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Both, one behind the other along the channels."""
        return torch.cat([x, self.branch(x)], dim=1)


def dense_net(layers: Sequence[int] = (6, 12, 36, 24), num_classes: int = 10, channels: int = 1, *, thinner: int = 1) -> nn.Sequential:
    """A DenseNet whose children are its blocks: a stem, dense blocks with a transition before each but the first, and the classifier.

    Args:
        layers: of every dense block; those of DenseNet161 unless given.
        num_classes: K.
        channels: of the images, which have 32×32 pixels: the stem is a 3×3 convolution without pooling.
        thinner: divides all channels.

    Raises:
        UnusableInput: for blocks without layers, or a number that does not divide the channels.

    Source: he2023, "DenseNet161 by identifying a block as a module".

    Example:
        >>> dense_net((2, 2), thinner=8)(torch.zeros(2, 1, 32, 32)).shape
        torch.Size([2, 10])
    """
    growth, before = GROWTH // (thinner := _divisor(thinner, GROWTH)), INITIAL // thinner
    blocks: list[nn.Module] = [nn.Sequential(nn.Conv2d(channels, before, 3, padding=1, bias=False), nn.BatchNorm2d(before), nn.ReLU())]
    for place, count in enumerate(layers):
        parts: list[nn.Module] = []
        if place:
            parts += [nn.BatchNorm2d(before), nn.ReLU(), nn.Conv2d(before, before // 2, 1, bias=False), nn.AvgPool2d(2)]
            before //= 2
        for _ in range(require_whole(count, "the number of layers of a dense block", remedy="give one or more")):
            parts.append(DenseLayer(before, growth))
            before += growth
        blocks.append(nn.Sequential(*parts))
    blocks[-1] = nn.Sequential(*blocks[-1].children(), nn.BatchNorm2d(before), nn.ReLU())
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, num_classes))


class ResidualConvolutions(nn.Module):
    """ReLU(x + F(x)) with F of convolutions, each before a batch norm, and ReLU between them; where widths differ, x is projected."""

    def __init__(self, before: int, width: int, layers: int, kernel: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for place in range(layers):
            read = width if place else before
            parts += [nn.Conv2d(read, width, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(width)]
            parts += [nn.ReLU()] if place < layers - 1 else []
        self.branch = nn.Sequential(*parts)
        projected = nn.Sequential(nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width))
        self.shortcut = nn.Identity() if before == width else projected

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block's output."""
        return torch.relu(self.branch(x) + self.shortcut(x))


KERNELS = {2: 3, 3: 5}
"""Side of the kernels in a residual block of two and of three layers."""


def residual_net(layers: Sequence[int], num_classes: int = 10, channels: int = 1) -> nn.Sequential:
    """Residual blocks of 8 channels at full resolution and a linear classifier, the image's channels 8 times over; one child per block.

    Args:
        layers: of every block, 2 (kernels of 3×3) or 3 (of 5×5).
        num_classes: K.
        channels: of the images, which have 32×32 pixels.

    Raises:
        UnusableInput: for a block of another number of layers.

    Source: he2023, "What are the basic operational modules in ResNet?"; numbers from its released code.

    Example:
        >>> residual_net((3, 2))(torch.zeros(2, 1, 32, 32)).shape
        torch.Size([2, 10])
    """
    blocks: list[nn.Module] = []
    for place, count in enumerate(layers):
        if count not in KERNELS:
            raise UnusableInput(f"a residual block of {count!r} layers is not offered: the source has 2 and 3; choose one of these.")
        blocks.append(ResidualConvolutions(8 if place else 8 * channels, 8, count, KERNELS[count]))
    return nn.Sequential(Repeated(8), *blocks, nn.Flatten(), nn.Linear(8 * SIDE**2, num_classes))


def _divisor(thinner: int, width: int) -> int:
    if width % require_whole(thinner, "the divisor of the widths", remedy="give 1, 2, 4 or 8"):
        raise UnusableInput(f"the network cannot be {thinner} times thinner: that must divide {width}; give 1, 2, 4 or 8.")
    return thinner
