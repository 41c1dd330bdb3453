"""What was measured at the checkpoints of one training: its JSON, its text and its figures."""

from collections.abc import Sequence
from typing import ClassVar

from layerpeel.networks.measurement import IN_A_ROW, LayerMeasures, Measurement
from layerpeel.networks.tracked_collapse import seen
from layerpeel.numerics import PALETTE_SIZE, Drawing, Figure, Series
from layerpeel.pages.curves import figure, line
from layerpeel.pages.output import number, text_table
from layerpeel.pages.records import Result


class MeasurementSeries(Result):
    """Separation and neural collapse over the epochs of one training.

    Args:
        names: of the checkpoints.
        epochs: the numbers in their names, or 0, 1, 2, ….
        measurements: of each.
    """

    FILES: ClassVar = ("measure.json", "separation-over-epochs.svg", "collapse-over-epochs.svg", "measure.html")

    names: tuple[str, ...]
    epochs: tuple[int, ...]
    measurements: tuple[Measurement, ...]

    @property
    def last_layers(self) -> list[LayerMeasures]:
        """The last layer at each checkpoint."""
        return [measurement.layers[-1] for measurement in self.measurements]

    def to_text(self) -> str:
        """The last layer by epoch as a table, and all of the last checkpoint."""
        rows = [
            [
                *(name, str(epoch), number(layer.fuzziness), number(measurement.decay_ratio)),
                *(number(value) for value in (layer.nc1, layer.nc2, layer.nc3, layer.nc4)),
            ]
            for name, epoch, layer, measurement in zip(self.names, self.epochs, self.last_layers, self.measurements, strict=True)
        ]
        head = ["checkpoint", "epoch", "D", "ρ", "NC1", "NC2", "NC3", "NC4"]
        start = f"{len(self.names)} checkpoints; layer {self.last_layers[0].name}:"
        return "\n".join([start, "", text_table(head, rows), "", f"At {self.names[-1]}:", "", self.measurements[-1].to_text()])

    def page_of(self, drawn: tuple[Drawing, ...]) -> str:
        """Its text, its figures, and tables: the last layer at every checkpoint, and all of the last checkpoint.

        Args:
            drawn: its figures.
        """
        from layerpeel.pages.results_page import results_page, tables_of

        rows = [
            {"checkpoint": name, "epoch": epoch, **{key: value for key, value in layer.model_dump(mode="json").items() if key in IN_A_ROW}}
            for name, epoch, layer in zip(self.names, self.epochs, self.last_layers, strict=True)
        ]
        return results_page(
            "Measure", "", drawn, (), (), tables_of({"checkpoints": rows, **self.measurements[-1].tables()}), self.to_text()
        )

    def figures(self) -> tuple[Figure, ...]:
        """D of every layer, and NC1–NC4 of the last, over epochs; what is zero has no place on a logarithmic axis."""
        layers = [layer.name for layer in self.measurements[0].layers]
        separation = [
            self._line(name, [measurement.layers[place].fuzziness for measurement in self.measurements], place)
            for place, name in enumerate(layers)
        ]
        named = [
            ("NC1", [layer.nc1 for layer in self.last_layers]),
            ("NC2", [layer.nc2 for layer in self.last_layers]),
            ("NC3", [layer.nc3 for layer in self.last_layers]),
            ("NC4", [layer.nc4 for layer in self.last_layers]),
        ]
        collapse = [self._line(name, values, place) for place, (name, values) in enumerate(named)]
        where = f"of {self.measurements[0].num_samples} samples of {self.measurements[0].num_classes} classes"
        return (
            figure("Separation over epochs", f"D {where}, by layer.", "epoch", "separation fuzziness D", seen(separation), log_y=True),
            figure("Collapse over epochs", f"NC1–NC4 {where}; layer {layers[-1]}.", "epoch", "measure", seen(collapse), log_y=True),
        )

    def _line(self, name: str, values: "Sequence[float | None]", color: int) -> Series:
        kept = [(epoch, value) for epoch, value in zip(self.epochs, values, strict=True) if value is not None and value > 0.0]
        return line(name, [epoch for epoch, _ in kept], [value for _, value in kept], color % PALETTE_SIZE)
