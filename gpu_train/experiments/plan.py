"""What a run of an experiment is asked for, and the units of work that it is made of."""

# pyright: reportMissingImports=false

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch

from layerpeel.gpu_train.studies import Progress
from layerpeel.numerics import UnusableInput

PROFILES = ("small", "medium", "sources")
"""Legal sizes: minutes on two cores, up to half an hour there, or as in the sources."""

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts its files."""

Size = TypeVar("Size")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is asked for.

    Args:
        profile: "small", "medium" or "sources".
        seed: every random number derives from it.
        device: "auto", "cpu" or "cuda".
        data: folder with MNIST, FashionMNIST or CIFAR-10 files; the 5,000 packaged MNIST images when not given.
    """

    profile: str = "small"
    seed: int = 0
    device: str = "cpu"
    data: Path | None = None

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise UnusableInput(f"profile {self.profile!r} is unknown: it must be one of {', '.join(PROFILES)}; choose one of these.")

    @property
    def small(self) -> bool:
        """Whether this is the small profile."""
        return self.profile == "small"

    def sized(self, small: Size, medium: Size, sources: Size) -> Size:
        """What belongs to the profile."""
        return {"small": small, "medium": medium, "sources": sources}[self.profile]


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One piece of work.

    Args:
        name: of its file; kebab-case.
        settings: what distinguishes it, for records.
        run: (random generator, place for a checkpoint, progress) → arrays.
    """

    name: str
    settings: Mapping[str, Any]
    run: Callable[[np.random.Generator, Path | None, Progress], dict[str, np.ndarray]] = field(repr=False)


Settings = Mapping[str, Any]
"""What a unit is made of: the fields of its recipe, and what else its experiment varies."""

Taken = TypeVar("Taken")


def taken(kind: type[Taken], settings: Settings) -> Taken:
    """A recipe from settings, which hold more than its fields."""
    names = {each.name for each in fields(cast("Any", kind))}
    return kind(**{name: value for name, value in settings.items() if name in names})


def arrays_of(result: Any) -> dict[str, np.ndarray]:
    """The fields of a frozen result as arrays.

    Example:
        >>> arrays_of(Plan())["seed"].tolist()
        0
    """
    return {name: np.asarray(value) for name, value in asdict(result).items()}


def one_thread() -> None:
    """Let torch use one thread: on networks this small a second one only waits for the first."""
    use_threads(1)


def threads() -> int:
    """How many threads torch uses: sums are taken in an order that follows from them.

    Example:
        >>> threads() >= 1
        True
    """
    return torch.get_num_threads()


def use_threads(number: int) -> None:
    """Let torch use so many, here as in the process that began a run."""
    torch.set_num_threads(number)
