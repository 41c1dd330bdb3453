"""Collapse while a network is trained: one row for each epoch and layer, handed to whatever logs, and a page at the end."""

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from layerpeel.networks.diagnosis import MANY_DISTINCT
from layerpeel.networks.tracked_collapse import TrackedCollapse, TrackedLayer
from layerpeel.numerics import UnusableInput, between_basis, frame_shape, mean_cosine, require_whole, variability_forms
from layerpeel.pages.written import write_result

if TYPE_CHECKING:
    from layerpeel.gpu_train.probes import LayerProbe, ModelProbe

Sink = Callable[[dict[str, Any]], object]
"""What is called with every row: a dictionary of the epoch, the layer's name, and numbers."""


class CollapseTracker:
    """Measures layers of a PyTorch model at the end of epochs.

    The batches go through the model in evaluation mode, and through hooks; the model is left as it was. Sums are kept in doubles on the
    device where the model is.

    Args:
        model: returns logits, alone, first in a tuple, or under `logits`.
        layers: names as in `named_modules`; the last is best the one whose output the classifier reads.
        every: epochs between two measurements; the first is measured.
        num_classes: K; the rows of the classifier unless given.
        classifier: name of the linear layer whose rows are the classifiers; the last direct child when that is one.
        log: called with each row, such as `lambda row: run.log({f"{row['layer']}/nc1": row["nc1"]})`.
        pool: "mean" averages maps over their places, "tokens" averages sequences; flattened when not given.
        nc4: go through the batches twice, for NC4.

    Raises:
        UnusableInput: for layers that the model does not have, no classifier and no number of classes, or an `every` below 1.

    Example:
        >>> from layerpeel.gpu_train.networks import feed_forward
        >>> import torch
        >>> inputs, labels = torch.eye(4).repeat(3, 1), torch.arange(4).repeat(3)
        >>> tracker = CollapseTracker(feed_forward(4, 4, [8]), ["1"], log=lambda row: print(f"{row['epoch']:.0f}", row["layer"]))
        >>> for epoch in range(2):
        ...     _ = tracker.after_epoch(epoch, [(inputs + 0.1 * torch.rand(12, 4), labels)])
        0 1
        1 1
    """

    def __init__(
        self,
        model: Any,
        layers: Sequence[str],
        *,
        every: int = 1,
        num_classes: int | None = None,
        classifier: str | None = None,
        log: Sink | None = None,
        pool: str | None = None,
        nc4: bool = True,
    ) -> None:
        if not hasattr(model, "named_modules"):
            raise UnusableInput(f"a {type(model).__name__} is tracked: it must be a PyTorch module; give the model itself.")
        modules = dict(model.named_modules())
        self._layers = [layers] if isinstance(layers, str) else list(layers)
        if not self._layers:
            raise UnusableInput("no layer is named: a tracker measures the outputs of layers; name some, as in named_modules().")
        for name in [*self._layers, *([classifier] if classifier is not None else [])]:
            if name not in modules or name == "":
                near = difflib.get_close_matches(name, modules, n=1)
                remedy = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(filter(None, modules))}; choose among these."
                raise UnusableInput(f"layer {name!r} does not exist in the model: {remedy}")
        self._model = model
        self._every = require_whole(every, "every", remedy="give the epochs between two measurements")
        self._head = classifier
        self._classes = self._number_of_classes(modules, num_classes)
        self._log, self._pool, self._nc4 = log, pool, nc4
        self._rows: list[TrackedLayer] = []
        self._counts: tuple[int, ...] = ()
        self._absent: tuple[int, ...] = ()
        self._first: float | None = None

    def _number_of_classes(self, modules: dict[str, Any], given: int | None) -> int:
        if given is not None:
            return require_whole(given, "the number of classes", remedy="correct it")
        last = [name for name, _ in self._model.named_children()][-1:]
        rows = getattr(modules.get(self._head or "".join(last)), "out_features", None)
        if not isinstance(rows, int):
            raise UnusableInput(
                "the number of classes is not known, since the model's last child is no linear layer: name the classifier, or give "
                "num_classes."
            )
        return max(rows, 2)

    def due(self, epoch: float) -> bool:
        """Whether an epoch is measured: the first that comes, and every so many after it."""
        return self._first is None or (epoch - self._first) % self._every == 0

    def after_epoch(self, epoch: float, batches: Any) -> list[dict[str, Any]]:
        """Measure, if the epoch is due.

        Args:
            epoch: its number.
            batches: what the loader gives: pairs, longer tuples or dictionaries; twice the same, if NC4 is measured.

        Returns:
            The rows, one for each layer; none where the epoch is not due.

        Raises:
            UnusableInput: for layers that do not run once in a forward pass, or batches that cannot be used; says which.
        """
        if not self.due(epoch):
            return []
        from layerpeel.gpu_train.probes import probe

        probed = probe(self._model, batches, self._classes, layers=self._layers, classifier=self._head, pool=self._pool, nc4=self._nc4)
        self._first = epoch if self._first is None else self._first
        counts = probed.layers[0].statistics.counts
        self._counts, self._absent = tuple(counts.tolist()), probed.absent
        rows = [_row(epoch, layer, probed, counts) for layer in probed.layers]
        self._rows += rows
        said = [row.to_log() for row in rows]
        for row in said:
            if self._log is not None:
                self._log(row)
        return said

    def result(self) -> TrackedCollapse:
        """All rows so far, with their text, figures and page.

        Raises:
            UnusableInput: before the first measurement.
        """
        if not self._rows:
            raise UnusableInput("nothing was measured yet: a result holds the rows of epochs; call after_epoch first.")
        absent = f"Classes {', '.join(map(str, self._absent))} had no sample and are not measured." if self._absent else None
        return TrackedCollapse(
            num_classes=len(self._counts), counts=self._counts, absent_classes=self._absent, rows=tuple(self._rows), note=absent
        )

    def write(self, directory: Path | str) -> Path:
        """Write `collapse.json`, the figures and `collapse.html`.

        Args:
            directory: made where it is missing.

        Returns:
            The page.

        Raises:
            UnusableInput: before the first measurement, or when nothing can be written there.
        """
        write_result(self.result(), Path(directory))
        return Path(directory) / TrackedCollapse.FILES[-1]


def _row(epoch: float, layer: "LayerProbe", probed: "ModelProbe", counts: np.ndarray) -> TrackedLayer:
    statistics, collapse = layer.statistics, layer.collapse
    shape = frame_shape(statistics.means - statistics.means.mean(axis=0))
    minority = counts < counts.mean()
    energy = float(counts @ statistics.second_moments / counts.sum())
    read = collapse.nc3 is not None and probed.classifier is not None and bool(minority.any())
    return TrackedLayer(
        epoch=epoch,
        layer=layer.name,
        fuzziness=layer.fuzziness,
        rank_between=between_basis(statistics.counts, statistics.means, statistics.mean_errors)[1].size,
        nc1=collapse.nc1,
        nc1_quotient=variability_forms(statistics)[1],
        nc2=collapse.nc2,
        nc3=collapse.nc3,
        nc4=collapse.nc4,
        cdnv=collapse.cdnv,
        equinorm=shape.equinorm,
        equiangularity=shape.equiangularity,
        energy=energy,
        accuracy=probed.accuracy,
        minority_accuracy=float(probed.accuracy_by_class[minority].mean()) if minority.any() else None,
        minority_cosine=mean_cosine(probed.classifier[minority]) if read and probed.classifier is not None else None,
        expected_minority_cosine=_expected(counts, energy, probed.weight_energy, minority) if read else None,
    )


def _expected(counts: np.ndarray, energy: float, weight_energy: float | None, minority: np.ndarray) -> float | None:
    """The minority's mean cosine at the certified optimum with norms averaged over samples; None where the program is not to be solved."""
    from layerpeel.solvers import LayerPeeled, SolverFailed, solve

    if weight_energy is None or minority.sum() < 2 or len(np.unique(counts)) > MANY_DISTINCT:
        return None
    try:
        problem = LayerPeeled(counts=counts.tolist(), feature_energy=energy, weight_energy=weight_energy, norm_weights="sample")
        return mean_cosine(solve(problem).classifier[minority])
    except (UnusableInput, SolverFailed):  # energies out of the model's range: what was measured stays
        return None
