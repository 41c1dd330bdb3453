"""What was measured in the layers of a network: its JSON, its text and its figure."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from layerpeel.networks.diagnosis import CollapseDiagnosis
from layerpeel.networks.further_measures import Further, further_text
from layerpeel.numerics import Drawing, Figure
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
        further: the measures of collapse that are in use beside these.
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
    further: Further

    @property
    def seen(self) -> bool:
        """Whether D is more than rounding."""
        return self.fuzziness > self.fuzziness_rounding


IN_A_ROW = ("name", "width", "fuzziness", "rank_between", "feature_energy", "nc1", "nc2", "nc3", "nc4", "cdnv")
"""What a page says of every layer."""


def class_rows(names: Sequence[str], layer: LayerMeasures) -> list[dict[str, Any]]:
    """What is known of every class in one layer.

    Args:
        names: labels of the classes.
        layer: its measures.
    """
    further = layer.further.model_dump(mode="json")
    columns = {
        "fuzziness": list(layer.fuzziness_by_class),
        "nc4": further["nc4_by_class"],
        "cosine_with_classifier": (further["duality"] or {}).get("cosines"),
        "rank": further["ranks"],
        "effective_rank": further["effective_ranks"],
    }
    known = {key: values for key, values in columns.items() if values is not None}
    return [{"class": name, **{key: values[place] for key, values in known.items()}} for place, name in enumerate(names)]


class Measurement(Result):
    """Separation and neural collapse layer by layer, the law over layers, and what the label counts foretell.

    Args:
        num_classes: K, of the classes with samples.
        num_samples: N, of the samples that count.
        class_names: label of each class, in the order of their numbers.
        absent_classes: labels without samples that the classifier has rows for, or between those present.
        ignored_samples: those left out by their label.
        label_note: what is to be said of this.
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

    FILES: ClassVar = ("measure.json", "separation.svg", "measure.html")

    num_classes: int
    num_samples: int
    class_names: tuple[str, ...]
    absent_classes: tuple[int, ...]
    ignored_samples: int
    label_note: str | None
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
            *([self.label_note, ""] if self.label_note is not None else []),
            *further_text(self.layers[-1].name, self.layers[-1].further),
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

    def page_of(self, drawn: tuple[Drawing, ...]) -> str:
        """Its text, its figure, and tables: single values, layers, and the classes of the last layer.

        Args:
            drawn: its figures.
        """
        from layerpeel.pages.results_page import results_page, tables_of

        content = {key: value for key, value in self.to_dict().items() if key not in {"layers", "class_names", "absent_classes"}}
        return results_page("Measure", "", drawn, (), (), tables_of({**content, **self.tables()}), self.to_text())

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """The layers, and the classes of the last layer, as tables of single values."""
        layers = [{key: value for key, value in layer.model_dump(mode="json").items() if key in IN_A_ROW} for layer in self.layers]
        return {"layers": layers, f"classes_of_{self.layers[-1].name}": class_rows(self.class_names, self.layers[-1])}

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
