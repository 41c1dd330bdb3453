"""Networks of one shape as one module, so that independent trials take every step together."""

# pyright: reportMissingImports=false

import copy
from collections.abc import Sequence

import torch
from torch import nn

from layerpeel.gpu_train.networks import ResidualLayers
from layerpeel.numerics import UnusableInput


class StackedLinear(nn.Module):
    """y = Wx + b for every trial: W is (trials, out, in), x is (trials, in, samples)."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = _parameters([layer.weight for layer in layers])
        biases = [parameter for layer in layers for name, parameter in layer.named_parameters() if name == "bias"]
        self.bias = _parameters(biases) if biases else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The outputs, (trials, out, samples)."""
        return torch.bmm(self.weight, x) if self.bias is None else torch.baddbmm(self.bias[:, :, None], self.weight, x)


class StackedBatchNorm(nn.Module):
    """Batch norm with the statistics of each trial's own batch, and running ones for each trial."""

    running_mean: torch.Tensor
    running_var: torch.Tensor
    num_batches_tracked: torch.Tensor

    def __init__(self, layers: Sequence[nn.BatchNorm1d]) -> None:
        super().__init__()
        self.eps, self.momentum = layers[0].eps, layers[0].momentum or 0.0  # None is refused below
        self.weight, self.bias = _parameters([layer.weight for layer in layers]), _parameters([layer.bias for layer in layers])
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, torch.stack([getattr(layer, name) for layer in layers]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x of shape (trials, width, samples), normalised over samples: trials count as so many more channels."""
        if self.training:
            self.num_batches_tracked += 1
        channels = [part.view(-1) for part in (self.running_mean, self.running_var, self.weight, self.bias)]
        flat = x.reshape(1, -1, x.shape[-1])
        return nn.functional.batch_norm(flat, *channels, training=self.training, momentum=self.momentum, eps=self.eps).view(x.shape)


def stacked(models: Sequence[nn.Module]) -> nn.Module:
    """One module that is all the given ones side by side; its state has their names, with the trial as first axis.

    It reads (trials, inputs, samples), samples last, and returns (trials, classes, samples): a trial's slice is what its own model makes of
    its own samples. Parameters are copies.

    Args:
        models: of one shape, of linear layers, one-dimensional batch norm, ReLU, and `ResidualLayers` of these.

    Raises:
        UnusableInput: for no models, other layers, or models of different shapes.

    Example:
        >>> pair = [nn.Sequential(nn.Flatten(), nn.Linear(4, 3)) for _ in range(2)]
        >>> x = torch.ones(2, 5, 4)
        >>> together = stacked(pair)(x.transpose(1, 2))
        >>> together.shape, bool(torch.allclose(together[1].T, pair[1](x[1])))
        (torch.Size([2, 3, 5]), True)
    """
    if not models:
        raise UnusableInput("there are no networks to stack: give at least one.")
    shapes = {repr(model) for model in models}
    if len(shapes) > 1:
        raise UnusableInput(f"networks of {len(shapes)} shapes cannot be stacked: build all of them alike.")
    return _stacked(models)


def _stacked(modules: Sequence[nn.Module]) -> nn.Module:
    first = modules[0]
    match first:
        case nn.Linear():
            return StackedLinear([module for module in modules if isinstance(module, nn.Linear)])
        case nn.BatchNorm1d() if first.affine and first.track_running_stats and first.momentum is not None:
            return StackedBatchNorm([module for module in modules if isinstance(module, nn.BatchNorm1d)])
        case nn.Flatten() | nn.Identity():
            return nn.Identity()
        case nn.ReLU():
            return nn.ReLU()
        case nn.Sequential() | ResidualLayers():
            container = copy.deepcopy(first)
            for name, _ in first.named_children():
                setattr(container, name, _stacked([module.get_submodule(name) for module in modules]))
            return container
        case _:
            raise UnusableInput(
                f"such a {type(first).__name__} cannot be stacked: linear layers, affine batch norm with running statistics and momentum, "
                "ReLU and residual blocks of these can; train such networks one by one."
            )


def _parameters(values: Sequence[torch.Tensor]) -> nn.Parameter:
    return nn.Parameter(torch.stack([value.detach() for value in values]), requires_grad=values[0].requires_grad)


def unstack(together: nn.Module, models: Sequence[nn.Module]) -> None:
    """Give every model its slice of the state of `stacked(models)`.

    Example:
        >>> pair = [nn.Sequential(nn.Flatten(), nn.Linear(4, 3)) for _ in range(2)]
        >>> together = stacked(pair)
        >>> with torch.no_grad():
        ...     _ = next(together.parameters()).fill_(2.0)
        >>> unstack(together, pair)
        >>> float(pair[1][1].weight.detach().min())
        2.0
    """
    state = together.state_dict()
    with torch.no_grad():
        for trial, model in enumerate(models):
            for name, value in model.state_dict().items():
                value.copy_(state[name][trial])
