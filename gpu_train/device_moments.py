"""Class means and within-class scatter, summed in doubles on the device where the features are."""

# pyright: reportMissingImports=false

import torch

from layerpeel.numerics import ClassMoments, ClassStatistics, UnusableInput, require_memory, require_whole

LARGEST = 1e150
"""Features are squared, and the sums of these squares must be doubles."""

COPIES = 3.0
"""Matrices of width × width that are alive at once: the scatter, that of a batch, and that of the correction."""


class DeviceMoments:
    """What `numerics.ClassMoments` accumulates, by the same rule, without a copy of the features to the CPU.

    Each batch is centred at its own class means before it is squared, and batches are merged pairwise, in double precision. A device
    without doubles (Apple's mps) has its batches copied to the CPU. Only `state` and `compute` bring the sums there.

    Args:
        num_classes: K ≥ 1.
        num_features: p ≥ 1.
        device: where the sums are kept.
        state: the `state` of an accumulator of this size, to go on from where it stood; used as it is, not copied.

    Raises:
        UnusableInput: for sizes that are not whole numbers ≥ 1 or do not fit in memory, or a state of another size.

    Source: chan1983, equation (2.1), for several classes at once.

    Example:
        >>> moments = DeviceMoments(2, 1, torch.device("cpu"))
        >>> moments.update(torch.tensor([[0.0], [2.0]]), torch.tensor([0, 0]))
        >>> moments.update(torch.tensor([[5.0]]), torch.tensor([1]))
        >>> moments.compute().means.ravel().tolist()
        [1.0, 5.0]
    """

    def __init__(self, num_classes: int, num_features: int, device: torch.device, state: torch.Tensor | None = None) -> None:
        self._classes = require_whole(num_classes, "the number of classes", remedy="correct it")
        self._features = require_whole(num_features, "the number of features", remedy="correct it")
        self._device = torch.device("cpu") if device.type == "mps" else device
        if self._device.type == "cpu":
            require_memory(
                8.0 * COPIES * self._features**2, f"moments of {self._features} features", "measure narrower layers, or pool them"
            )
        sizes = [self._classes, self._classes, self._classes * self._features, self._features**2, 1]
        if state is not None and (state.shape != (sum(sizes),) or state.dtype != torch.float64):
            raise UnusableInput(
                f"a state of type {state.dtype} and shape {tuple(state.shape)} is not that of {self._classes} classes and {self._features} "
                f"features: it must hold {sum(sizes)} doubles; use the state of an accumulator of the same size."
            )
        self._state = torch.zeros(sum(sizes), dtype=torch.float64, device=self._device) if state is None else state
        self._device = self._state.device
        self._counts, self._squares, means, scatter, self._eps = self._state.split(sizes)
        self._means = means.view(self._classes, self._features)
        self._scatter = scatter.view(self._features, self._features)

    @property
    def state(self) -> torch.Tensor:
        """Everything seen so far as one vector, laid out as `ClassMoments.state`."""
        return self._state

    @property
    def means(self) -> torch.Tensor:
        """Class means so far, K × p in doubles, on the device; zero for a class without samples."""
        return self._means

    @property
    def counts(self) -> torch.Tensor:
        """Samples of each class so far, on the device."""
        return self._counts

    def update(self, features: torch.Tensor, labels: torch.Tensor) -> None:
        """Add a batch.

        Args:
            features: one row per sample, of any floating type.
            labels: class numbers from 0, as many.

        Raises:
            UnusableInput: for features that are not finite or of another width, or labels outside 0 … K−1.
        """
        if features.ndim == 2 and features.shape[1] != self._features:
            raise UnusableInput(
                f"a batch has {features.shape[1]} features where {self._features} were announced: all batches need the same width; use one "
                "accumulator per layer."
            )
        if features.ndim != 2 or labels.shape != features.shape[:1]:
            raise UnusableInput(
                f"features of shape {tuple(features.shape)} and labels of shape {tuple(labels.shape)} do not fit: each "
                "batch needs one row of features per label; flatten each sample."
            )
        if not len(labels):
            return
        kind = features.dtype
        batch = features.detach().to(self._device, torch.float64)
        classes = labels.to(self._device, torch.int64)
        if bool(((classes < 0) | (classes >= self._classes)).any()):
            wrong = int(torch.nonzero((classes < 0) | (classes >= self._classes))[0])
            raise UnusableInput(
                f"label {int(classes[wrong])} of sample {wrong} is outside 0 ... {self._classes - 1}: classes are numbered from 0; "
                "renumber them, or say how many there are."
            )
        counts = torch.bincount(classes, minlength=self._classes).to(torch.float64)
        middle = batch.mean(dim=0)
        means = torch.zeros_like(self._means).index_add_(0, classes, batch - middle)
        means = torch.where(counts[:, None] > 0, means / counts.clamp(min=1.0)[:, None] + middle, 0.0)
        residuals = batch - means[classes]
        squares = torch.zeros_like(self._squares).index_add_(0, classes, (residuals**2).sum(dim=1))
        if not bool(torch.isfinite(squares.sum() + middle.sum())):
            row = int(torch.nonzero(~(batch.abs() <= LARGEST).all(dim=1))[0])
            raise UnusableInput(
                f"row {row} of the features is not finite, or beyond {LARGEST:g}: every value must be usable; drop or repair that sample."
            )
        shift = means - self._means
        total = (self._counts + counts).clamp(min=1.0)
        spread = (self._counts * counts / total).sqrt()[:, None] * shift
        self._scatter.addmm_(residuals.T, residuals).addmm_(spread.T, spread)
        self._squares += squares + (spread**2).sum(dim=1)
        self._means += (counts / total)[:, None] * shift
        self._counts += counts
        self._eps.clamp_(min=max(torch.finfo(torch.float64).eps, torch.finfo(kind).eps if kind.is_floating_point else 0.0))

    def compute(self, classes: torch.Tensor | None = None) -> ClassStatistics:
        """The statistics of everything seen.

        Args:
            classes: numbers of those that count, K of them; all unless given.

        Raises:
            UnusableInput: as `ClassMoments.compute`.
        """
        chosen = torch.arange(self._classes) if classes is None else classes
        chosen = chosen.to(self._device)
        state = torch.cat([self._counts[chosen], self._squares[chosen], self._means[chosen].ravel(), self._scatter.ravel(), self._eps])
        return ClassMoments(len(chosen), self._features, state=state.cpu().numpy()).compute()
