"""The measures of collapse that are in use beside D and NC1–NC4: as records, and how a layer gets them."""

import numpy as np

from layerpeel.networks.labels import Head
from layerpeel.numerics import (
    CentredFeatures,
    FeatureSeparability,
    FrameShape,
    class_ranks,
    disagreements,
    duality,
    features_separable,
    frame_shape,
    outlier_alignment,
    variability_forms,
)
from layerpeel.pages.output import number, text_table
from layerpeel.pages.records import Number, Numbers, Record, Table

MOST_WEIGHTS = 100_000
"""Numbers of a separating classifier up to which it is written out."""


class Variability(Record):
    """NC1 in the other forms in use.

    Args:
        svd: by the K − 1 leading directions, without a rule for the rank.
        quotient: Tr(Σ_W)/Tr(Σ_B).
    """

    svd: Number
    quotient: Number


class Frame(Record):
    """Norms and angles of K vectors; what `numerics.FrameShape` says.

    Args:
        equinorm: standard deviation of the norms over their mean.
        equiangularity: standard deviation of the cosines.
        maximal_angle: mean of |cos + 1/(K−1)|.
        distance_mean: between unit vectors, over pairs.
        distance_variance: likewise.
        log_mean: of −log distance.
        log_variance: likewise.
    """

    equinorm: Number
    equiangularity: Number
    maximal_angle: Number
    distance_mean: Number
    distance_variance: Number
    log_mean: Number
    log_variance: Number


class SelfDuality(Record):
    """NC3 in its definitions; what `numerics.Duality` says.

    Args:
        distance: between classifier and class means, both of norm one; NC3.
        structure: of W Mᵀ, of norm one, from that of a simplex ETF.
        cosines: between a class's classifier and its mean.
        product_variance: of their products, over classes.
    """

    distance: Number
    structure: Number
    cosines: Numbers
    product_variance: Number


class Contradictory(Record):
    """Weights under which the demands on any linear classifier cancel: no one can be right on these samples.

    Args:
        samples: rows of the features, among those that count.
        own: class of each, by its number.
        rivals: the class it would have to lead over.
        weights: of each demand.
    """

    samples: tuple[int, ...]
    own: tuple[int, ...]
    rivals: tuple[int, ...]
    weights: Numbers


class Separable(Record):
    """Whether one linear classifier is right on every sample, with what proves it.

    Args:
        separable: None where neither was proved with the work that is allowed.
        by: classifier (the network's own), class means, least squares or program.
        lead: by which the right score leads at least on every sample, verified to rounding; None where none is known.
        weights: of a classifier that separates, w_k·(x − anchor) − offset_k; None where it is the network's own, or too large to print.
        anchor: of that classifier.
        offsets: of that classifier.
        contradiction: when not separable.
    """

    separable: bool | None
    by: str | None
    lead: Number | None
    weights: Table | None
    anchor: Numbers | None
    offsets: Numbers | None
    contradiction: Contradictory | None

    def to_text(self) -> str:
        """The answer in one sentence."""
        if self.separable is None:
            return "Whether they are linearly separable was not decided: no classifier tried is right on all, and the program is large."
        if self.separable:
            which = "the network's own classifier" if self.by == "classifier" else f"a classifier found by {self.by}"
            lead = "" if self.lead is None else f", with a lead of at least {self.lead:.3g}"
            return f"They are linearly separable: {which} is right on every sample{lead}."
        number = 0 if self.contradiction is None else len({*self.contradiction.samples})
        return f"They are not linearly separable: {number} samples contradict every linear classifier."


class Further(Record):
    """Further measures of one layer.

    Args:
        variability: NC1 in other forms.
        means: norms and angles of the centred class means; generalised NC2.
        classifier: those of the classifier, centred; None without one.
        duality: NC3 in its definitions; None without a classifier.
        nc4_by_class: NC4 of every class; None without a classifier.
        nc5: mean |cos| of class means and the mean of outliers; None without outliers.
        ranks: rank of every class about its mean; None where that is too much work.
        effective_ranks: likewise, by the entropy of its singular values.
        separability: by one linear classifier.
    """

    variability: Variability
    means: Frame
    classifier: Frame | None
    duality: SelfDuality | None
    nc4_by_class: tuple[Number, ...] | None
    nc5: Number | None
    ranks: tuple[int, ...] | None
    effective_ranks: tuple[Number, ...] | None
    separability: Separable


def further_measures(centred: CentredFeatures, head: Head | None, outlier_mean: np.ndarray | None) -> Further:
    """All of them.

    Args:
        centred: the features.
        head: the classifier that reads them, if it does.
        outlier_mean: mean of features from elsewhere.
    """
    svd, quotient = variability_forms(centred)
    means = centred.means
    ranks = class_ranks(centred)
    by_class = None
    if head is not None:
        differ = disagreements(centred.features, centred.labels, means, head.weights, head.bias, head.rows)
        by_class = tuple((differ / centred.counts).tolist())
    weights = None if head is None else head.own_weights
    return Further(
        variability=Variability(svd=svd, quotient=quotient),
        means=_frame(frame_shape(means - means.mean(axis=0))),
        classifier=None if weights is None else _frame(frame_shape(weights - weights.mean(axis=0))),
        duality=None if weights is None else _duality(means, weights),
        nc4_by_class=by_class,
        nc5=None if outlier_mean is None else outlier_alignment(means, outlier_mean),
        ranks=None if ranks is None else tuple(ranks[0].tolist()),
        effective_ranks=None if ranks is None else tuple(ranks[1].tolist()),
        separability=_separable(features_separable(centred.features, centred.labels, weights, None if head is None else head.own_bias)),
    )


def _frame(shape: FrameShape) -> Frame:
    return Frame(**vars(shape))


def _duality(means: np.ndarray, weights: np.ndarray) -> SelfDuality:
    return SelfDuality(**vars(duality(means, weights)))


def _separable(separability: FeatureSeparability) -> Separable:
    classifier = separability.classifier
    written = classifier if classifier is not None and separability.by != "classifier" and classifier.weights.size <= MOST_WEIGHTS else None
    held = separability.contradiction
    return Separable(
        separable=separability.separable,
        by=separability.by,
        lead=None if classifier is None else classifier.lead,
        weights=None if written is None else written.weights,
        anchor=None if written is None else written.anchor,
        offsets=None if written is None else written.offsets,
        contradiction=None
        if held is None
        else Contradictory(
            samples=tuple(held.samples.tolist()), own=tuple(held.own.tolist()), rivals=tuple(held.rivals.tolist()), weights=held.weights
        ),
    )


def further_text(layer: str, measures: Further) -> list[str]:
    """What is said of one layer: a table of single numbers, and sentences.

    Args:
        layer: its name.
        measures: of that layer.
    """
    frames = [("class means", measures.means), *([("classifier", measures.classifier)] if measures.classifier is not None else [])]
    rows = [
        [name, *map(number, (one.equinorm, one.equiangularity, one.maximal_angle, one.distance_variance, one.log_variance))]
        for name, one in frames
    ]
    lines = [
        f"Layer {layer}: NC1 as svd {number(measures.variability.svd)}, as a quotient of traces {number(measures.variability.quotient)}.",
        "",
        text_table(["of", "equinorm", "equiangular", "maximal angle", "uniformity", "log uniformity"], rows),
        "",
    ]
    if measures.duality is not None:
        cosines = np.asarray(measures.duality.cosines)
        lines.append(
            f"NC3 by structure {number(measures.duality.structure)}; cosine of classifier and class mean "
            f"{number(float(cosines.min()))} to {number(float(cosines.max()))}."
        )
    if measures.nc4_by_class is not None:
        worst = int(np.argmax(measures.nc4_by_class))
        lines.append(f"NC4 is largest in class {worst}, {number(measures.nc4_by_class[worst])}.")
    if measures.nc5 is not None:
        lines.append(f"NC5, the mean cosine of class means and outliers, is {number(measures.nc5)}.")
    if measures.ranks is not None and measures.effective_ranks is not None:
        lines.append(
            f"Rank of a class about its mean {min(measures.ranks)} to {max(measures.ranks)}, effective rank "
            f"{number(min(measures.effective_ranks))} to {number(max(measures.effective_ranks))}."
        )
    return [*lines, measures.separability.to_text()]
