"""What a tracker has seen of a training: its JSON, its text, its figures and its page."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, ClassVar

from layerpeel.numerics import PALETTE_SIZE, Figure, Series
from layerpeel.pages.curves import figure, line
from layerpeel.pages.output import number, text_table
from layerpeel.pages.records import Number, Record, Result


def seen(series: Sequence[Series]) -> list[Series]:
    """Those with points: a legend names no other.

    Args:
        series: of a figure.
    """
    return [one for one in series if one.x]


class TrackedLayer(Record):
    """One layer at one epoch: a row.

    Args:
        epoch: its number.
        layer: its name.
        fuzziness: D, the separation fuzziness.
        rank_between: rank of the class means about their mean.
        nc1: Tr(Σ_W Σ_B⁺)/K.
        nc1_quotient: Tr(Σ_W)/Tr(Σ_B).
        nc2: distance of the centred class means from a simplex ETF.
        nc3: distance of the classifier from the class means; None for a layer that it does not read.
        nc4: share of samples where model and nearest class mean disagree; None likewise.
        cdnv: class-distance normalised variance.
        equinorm: spread of the norms of the centred class means.
        equiangularity: spread of their cosines.
        energy: mean over samples of the squared norm.
        accuracy: of the model, on the same samples.
        minority_accuracy: mean over the minority classes; None where counts are equal.
        minority_cosine: mean cosine between the classifiers of minority classes; None for a layer that the classifier does not read.
        expected_minority_cosine: by the Layer-Peeled Model with norms averaged over samples, at the measured energies.
    """

    epoch: Number
    layer: str
    fuzziness: Number
    rank_between: int
    nc1: Number
    nc1_quotient: Number
    nc2: Number
    nc3: Number | None
    nc4: Number | None
    cdnv: Number
    equinorm: Number
    equiangularity: Number
    energy: Number
    accuracy: Number
    minority_accuracy: Number | None
    minority_cosine: Number | None
    expected_minority_cosine: Number | None

    def to_log(self) -> dict[str, Any]:
        """As a dictionary without what is undefined, which a logger would stumble over."""
        return {key: value for key, value in self.model_dump(mode="json").items() if value is not None}


class TrackedCollapse(Result):
    """Separation and collapse over the epochs of a training.

    Args:
        num_classes: K, of the classes with samples.
        counts: samples of each.
        absent_classes: those that never had a sample.
        rows: one for each epoch and layer.
        note: what is to be said.
    """

    FILES: ClassVar = (
        *("collapse.json", "separation-over-epochs.svg", "collapse-over-epochs.svg", "angles-over-epochs.svg"),
        "collapse.html",
    )

    num_classes: int
    counts: tuple[int, ...]
    absent_classes: tuple[int, ...]
    rows: tuple[TrackedLayer, ...]
    note: str | None

    @property
    def layers(self) -> list[str]:
        """Names, in order."""
        return list(dict.fromkeys(row.layer for row in self.rows))

    def to_text(self) -> str:
        """The last layer by epoch as a table, and notes."""
        last = self.layers[-1]
        keys = ("epoch", "fuzziness", "nc1", "nc2", "nc3", "nc4", "accuracy", "minority_cosine", "expected_minority_cosine")
        head = ["epoch", "D", "NC1", "NC2", "NC3", "NC4", "accuracy", "minority cosine", "expected"]
        rows = [[number(getattr(row, key)) for key in keys] for row in self.rows if row.layer == last]
        start = f"{sum(self.counts)} samples of {self.num_classes} classes; layer {last}:"
        return "\n".join([start, "", text_table(head, rows), *([f"\n{self.note}"] if self.note else [])])

    def figures(self) -> tuple[Figure, ...]:
        """D of every layer, NC1–NC4 of the last, and the minority's cosine beside what the model expects, over epochs.

        For equal counts, where there is no minority, the last figure shows how far norms and angles are from equal.
        """
        last = self.layers[-1]
        separation = [self._line(name, name, lambda row: row.fuzziness, color, positive=True) for color, name in enumerate(self.layers)]
        measures: list[tuple[str, Callable[[TrackedLayer], float | None]]] = [
            ("NC1", lambda row: row.nc1),
            ("NC2", lambda row: row.nc2),
            ("NC3", lambda row: row.nc3),
            ("NC4", lambda row: row.nc4),
        ]
        collapse = [self._line(name, last, of_row, color, positive=True) for color, (name, of_row) in enumerate(measures)]
        where = f"of {sum(self.counts)} samples of {self.num_classes} classes"
        return (
            figure("Separation over epochs", f"D {where}, by layer.", "epoch", "separation fuzziness D", seen(separation), log_y=True),
            figure("Collapse over epochs", f"NC1–NC4 {where}; layer {last}.", "epoch", "measure", seen(collapse), log_y=True),
            self._minority(last, where) if len({*self.counts}) > 1 else self._angles(last, where),
        )

    def _minority(self, last: str, where: str) -> Figure:
        lines = [
            self._line("measured", last, lambda row: row.minority_cosine, 0),
            self._line("expected, per sample", last, lambda row: row.expected_minority_cosine, 1),
        ]
        caption = (
            f"Mean cosine between the classifiers of minority classes, {where}, and that of the Layer-Peeled Model with norms averaged "
            "over samples at the measured energies; nothing where the minority has no direction."
        )
        return figure("Minority over epochs", caption, "epoch", "cosine", seen(lines))

    def _angles(self, last: str, where: str) -> Figure:
        lines = [
            self._line("spread of norms", last, lambda row: row.equinorm, 0),
            self._line("spread of cosines", last, lambda row: row.equiangularity, 1),
        ]
        caption = f"Spread of the norms of the centred class means over their mean, and of their cosines, {where}; layer {last}."
        return figure("Norms and angles over epochs", caption, "epoch", "spread", seen(lines))

    def _line(
        self, label: str, layer: str, of_row: Callable[[TrackedLayer], float | None], color: int, *, positive: bool = False
    ) -> Series:
        pairs = [(row.epoch, of_row(row)) for row in self.rows if row.layer == layer]
        kept = [(epoch, value) for epoch, value in pairs if value is not None and (value > 0.0 if positive else isfinite(value))]
        return line(label, [epoch for epoch, _ in kept], [value for _, value in kept], color % PALETTE_SIZE)
