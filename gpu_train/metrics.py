"""Separation and neural collapse as a torchmetrics metric: accumulated in training loops, merged across processes."""

# pyright: reportMissingImports=false

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from layerpeel.gpu_train.device_moments import DeviceMoments
from layerpeel.numerics import ClassMoments, ClassStatistics, UnusableInput, fuzziness, neural_collapse_of, require_memory

try:
    from torchmetrics import Metric
except ImportError as missing:
    raise UnusableInput("this metric needs torchmetrics, which is not installed; pip install 'layerpeel[metrics]'.") from missing


class CollapseMetric(Metric):
    """D, NC1, NC2, NC3, CDNV and E_H of labelled features, as a torchmetrics `Metric`.

    Its one state is that of `ClassMoments`, in double precision whatever the features are, on the metric's device: counts, means and
    scatter cannot be merged one by one, since the scatter of two parts depends on the counts and means of both. The states of several
    processes are merged by the same pairwise rule, so D does not depend on how the samples were distributed.

    Args:
        num_classes: K.
        num_features: p; features are flattened after their first axis.
        classifier: gives the weights W, (K, p), when the metric is computed, for example `lambda: model.fc.weight`; NC3 needs them.
        options: of every torchmetrics metric.

    Raises:
        UnusableInput: for sizes that are not whole numbers ≥ 1 or too large for the memory; on update and compute as `ClassMoments`,
            `fuzziness` and `neural_collapse_of`.

    Example:
        >>> metric = CollapseMetric(2, 1)
        >>> metric.update(torch.tensor([[0.0], [1.0], [4.0], [5.0]]), torch.tensor([0, 0, 1, 1]))
        >>> round(metric.compute()["fuzziness"].item(), 12)
        0.0625
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = False
    moments: torch.Tensor

    def __init__(
        self, num_classes: int, num_features: int, *, classifier: Callable[[], torch.Tensor] | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        require_memory(32.0 * num_features**2, f"a metric of {num_features} features", "measure a narrower layer")
        self._sizes = num_classes, num_features
        self._classifier = classifier
        self.add_state("moments", torch.from_numpy(ClassMoments(num_classes, num_features).state), dist_reduce_fx=self._merged)

    def update(self, features: torch.Tensor, labels: torch.Tensor) -> None:
        """Add a batch of features, (n, …), with their whole-number labels, (n,)."""
        moments = DeviceMoments(*self._sizes, self.moments.device, state=self.moments.clone())  # other metrics of a collection may share it
        moments.update(features.flatten(1), labels)
        self.moments = moments.state

    def forward(self, *batch: Any, **named: Any) -> None:
        """Add a batch; it need not hold every class, so it has no value of its own."""
        self.update(*batch, **named)

    def compute(self) -> dict[str, torch.Tensor]:
        """`fuzziness`, `nc1`, `nc2`, `nc3` (with a classifier), `cdnv` and `energy` of everything seen, in double precision."""
        statistics = self.statistics()
        collapse = neural_collapse_of(statistics, None if self._classifier is None else _array(self._classifier()))
        values = {
            "fuzziness": fuzziness(statistics),
            "nc1": collapse.nc1,
            "nc2": collapse.nc2,
            "nc3": collapse.nc3,
            "cdnv": collapse.cdnv,
            "energy": statistics.energy,
        }
        known = {name: value for name, value in values.items() if value is not None}
        return {name: torch.tensor(value, dtype=torch.float64, device=self.moments.device) for name, value in known.items()}

    def statistics(self) -> ClassStatistics:
        """The class moments that all this comes from."""
        return self._moments(self.moments).compute()

    def _moments(self, state: torch.Tensor) -> ClassMoments:
        return ClassMoments(*self._sizes, state=_array(state).copy())

    def _merged(self, states: torch.Tensor) -> torch.Tensor:
        """One state from those of several processes, stacked along the first axis."""
        merged = ClassMoments(*self._sizes)
        for state in states:
            merged.merge(_array(state))
        return torch.from_numpy(merged.state).to(states.device)


def _array(tensor: torch.Tensor) -> np.ndarray:
    """In double precision: NumPy has no bfloat16."""
    return tensor.detach().cpu().double().numpy()
