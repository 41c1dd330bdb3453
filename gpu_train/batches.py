"""Batches as loaders give them: pairs, longer tuples, and dictionaries."""

# pyright: reportMissingImports=false

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from layerpeel.numerics import UnusableInput

LABELS = ("labels", "label", "targets", "target", "y")
INPUTS = ("inputs", "input", "images", "image", "pixel_values", "input_ids", "x", "img", "data", "features")
"""Keys of a batch that are understood, the first of them first."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Inputs and labels.

    Args:
        arguments: by position.
        named: by name.
        labels: (n,) whole numbers, or (n, 1).
    """

    arguments: tuple[Any, ...]
    named: Mapping[str, Any]
    labels: torch.Tensor

    def run(self, forward: Any, device: torch.device) -> Any:
        """What a model makes of the inputs, moved to where it is."""
        named = {key: _moved(value, device) for key, value in self.named.items()}
        return forward(*(_moved(value, device) for value in self.arguments), **named)


def as_batch(batch: Any, model: nn.Module) -> Batch:
    """Inputs and labels of a batch.

    A tuple or a list gives its first two parts, whatever stands behind. A dictionary has labels under labels, label, targets, target
    or y; the model gets by name what its `forward` names, else the first of inputs, images, pixel_values, input_ids, x, … by place.

    Args:
        batch: as a loader gives it.
        model: whose inputs they are.

    Raises:
        UnusableInput: for anything else.

    Example:
        >>> batch = as_batch({"x": torch.zeros(2, 3), "y": torch.tensor([0, 1]), "index": torch.arange(2)}, nn.Linear(3, 2))
        >>> len(batch.arguments), batch.labels.tolist()
        (1, [0, 1])
    """
    if isinstance(batch, Mapping):
        return _of_mapping(batch, model)
    if not isinstance(batch, tuple | list) or len(batch) < 2 or not isinstance(batch[1], torch.Tensor):
        held = f"{len(batch)} parts" if isinstance(batch, tuple | list) else f"a {type(batch).__name__}"
        raise UnusableInput(f"a batch holds {held}: it must be inputs, labels, … or a dictionary with both; let the loader give these.")
    return Batch(arguments=(batch[0],), named={}, labels=batch[1])


def _of_mapping(batch: Mapping[Any, Any], model: nn.Module) -> Batch:
    key = next((name for name in LABELS if isinstance(batch.get(name), torch.Tensor)), None)
    if key is None:
        raise UnusableInput(
            f"a batch has the keys {', '.join(map(str, batch))}: its labels must be a tensor under one of {', '.join(LABELS)}; rename them."
        )
    inputs = {name: value for name, value in batch.items() if name != key and isinstance(value, torch.Tensor)}
    known = inspect.signature(model.forward).parameters
    named = {name: value for name, value in inputs.items() if name in known}
    if named:
        return Batch(arguments=(), named=named, labels=batch[key])
    first = next((name for name in INPUTS if name in inputs), next(iter(inputs), None))
    if first is None:
        raise UnusableInput(f"a batch has the keys {', '.join(map(str, batch))} and no inputs among them: they must be tensors; add them.")
    return Batch(arguments=(inputs[first],), named={}, labels=batch[key])


def first_tensor(output: Any) -> torch.Tensor | None:
    """The tensor that a layer or a model returns: itself, the first of a tuple, or `logits`, or the first value, of a dictionary.

    Example:
        >>> first_tensor((torch.zeros(2), "cache")), first_tensor("text")
        (tensor([0., 0.]), None)
    """
    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, Mapping):
        return first_tensor(output["logits"]) if "logits" in output else _first(output.values())
    return _first(output) if isinstance(output, tuple | list) else None


def _first(values: Any) -> torch.Tensor | None:
    return next((tensor for value in values if (tensor := first_tensor(value)) is not None), None)


def _moved(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, torch.Tensor) else value
