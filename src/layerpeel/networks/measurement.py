"""What was measured in the layers of a network: its JSON, its text and its figure."""

import math
from typing import ClassVar

import numpy as np

from layerpeel.networks.diagnosis import CollapseDiagnosis
from layerpeel.numerics import Figure
from layerpeel.pages.curves import figure, line, points
from layerpeel.pages.output import number, text_table
from layerpeel.pages.records import Number, Record, Result


class LayerMeasures(Record):
    """Separation and neural collapse of one layer.

    Args:
        name: as saved, or by its place.
        width: features of a sample.
        fuzziness: D = tr(S_W S_B⁺), the separation fuzziness.
        fuzziness_rounding: what rounding alone can make of D.
        fuzziness_by_class: D of every class by itself.
        rank_between: rank of the class means about their mean.
        feature_energy: E_H, mean over classes of the mean squared norm.
        nc1: Tr(Σ_W Σ_B⁺)/K, with all classes weighed alike.
        nc2: distance of the centred class means from a simplex ETF.
        nc3: distance of the classifier from the class means; None without a classifier.
        nc4: share of the samples where the classifier and the nearest class mean disagree; None likewise.
        cdnv: class-distance normalised variance; infinite where two means coincide.
        cdnv_note: which two.
    """

    name: str
    width: int
    fuzziness: Number
    fuzziness_rounding: Number
    fuzziness_by_class: tuple[Number, ...]
    rank_between: int
    feature_energy: Number
    nc1: Number
    nc2: Number
    nc3: Number | None
    nc4: Number | None
    cdnv: Number
    cdnv_note: str | None

    @property
    def seen(self) -> bool:
        """Whether D is more than rounding."""
        return self.fuzziness > self.fuzziness_rounding


class Measurement(Result):
    """Separation and neural collapse layer by layer, the law over layers, and what the label counts foretell.

    Args:
        num_classes: K.
        num_samples: N.
        layers: in order.
        decay_ratio: ρ, by which each layer multiplies D; None, as all of the law, for fewer than three layers whose D is not rounding.
        decay_ratio_low: end of its interval at the level 0.05.
        decay_ratio_high: the other.
        half_life: layers in which D halves; infinite when it does not fall.
        pearson: correlation of layer and log D.
        max_residual: largest |log D − fit|.
        curvature: coefficient of t² in a quadratic fit.
        curvature_p_value: of that coefficient; NaN below four layers.
        law_layers: how many layers the law is fitted to.
        law_note: which are left out, or why there is no law.
        layer_peeled: the diagnosis of minority collapse; None for balanced counts, and for energies out of the model's range.
        note: why there is none, or what it lacks.
    """

    FILES: ClassVar = ("measure.json", "separation.svg")

    num_classes: int
    num_samples: int
    layers: tuple[LayerMeasures, ...]
    decay_ratio: Number | None
    decay_ratio_low: Number | None
    decay_ratio_high: Number | None
    half_life: Number | None
    pearson: Number | None
    max_residual: Number | None
    curvature: Number | None
    curvature_p_value: Number | None
    law_layers: int | None
    law_note: str | None
    layer_peeled: CollapseDiagnosis | None
    note: str | None

    def to_text(self) -> str:
        """Layers as a table, the law in one line, the diagnosis in sentences."""
        rows = [
            [
                *(layer.name, str(layer.width), number(layer.fuzziness) if layer.seen else f"≤ {layer.fuzziness_rounding:.1g}"),
                *(number(value) for value in (layer.rank_between, layer.nc1, layer.nc2, layer.nc3, layer.nc4, layer.cdnv)),
            ]
            for layer in self.layers
        ]
        lines = [
            f"{self.num_samples} samples of {self.num_classes} classes",
            "",
            text_table(["layer", "width", "D", "rank", "NC1", "NC2", "NC3", "NC4", "CDNV"], rows),
            "",
        ]
        infinite = [layer.cdnv_note for layer in self.layers if layer.cdnv_note is not None]
        lines += [*infinite, ""] if infinite else []
        if self.decay_ratio is not None:
            law = (
                f"Each layer multiplies D by {self.decay_ratio:.4g} (95 % interval {self.decay_ratio_low:.4g} to "
                f"{self.decay_ratio_high:.4g}), half-life {number(self.half_life)} layers; Pearson {self.pearson:.4f}, largest "
                f"residual of log D {self.max_residual:.3g}, curvature {number(self.curvature)} "
                f"(p = {number(self.curvature_p_value)})."
            )
            lines += [law, ""]
        if self.law_note is not None:
            lines += [f"{self.law_note[0].upper()}{self.law_note[1:]}", ""]
        if self.layer_peeled is None:
            return "\n".join([*lines, f"No diagnosis of collapse: {self.note}"])
        return "\n".join([*lines, self.layer_peeled.to_text(), *([self.note] if self.note else [])])

    def figures(self) -> tuple[Figure, ...]:
        """D against layers, as far as it is not rounding, with the fitted law."""
        x = [place for place, layer in enumerate(self.layers) if layer.seen]
        y = [self.layers[place].fuzziness for place in x]
        series = [points("D", x, y, 0)]
        if self.law_layers is not None and self.decay_ratio is not None:
            fitted = np.arange(self.law_layers)
            middle = math.exp(np.mean(np.log(y[: self.law_layers])))  # the line of least squares passes through the means
            law = middle * self.decay_ratio ** (fitted - fitted.mean())
            series.append(line(f"ρ = {self.decay_ratio:.3f}", x[: self.law_layers], law, 1))
        caption = f"D of {self.num_samples} samples of {self.num_classes} classes; the line is the fitted law."
        return (figure("Separation through the layers", caption, "layer", "separation fuzziness D", series, log_y=True),)
