"""Separation and neural collapse of a network's features, and what their label counts foretell."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.networks.diagnosis import Seen, diagnose
from layerpeel.networks.feature_files import Saved, epochs_of, open_features
from layerpeel.networks.further_measures import further_measures
from layerpeel.networks.labels import Head, KnownLabels, gaps, known_labels, matched_head
from layerpeel.networks.measurement import LayerMeasures, Measurement
from layerpeel.networks.measurement_series import MeasurementSeries
from layerpeel.networks.stored_arrays import StoredArray
from layerpeel.numerics import (
    UnusableInput,
    centred_features,
    collapse_of,
    fit_decay,
    require_memory,
    require_one_of,
    require_positive,
    separation_of,
)

MOST_SAMPLES = 10**9
"""Labels of 8 GB are a mistake."""

COPIES = 4
"""Arrays of the size of a layer, in doubles, that are alive at once."""

POOLS = ("mean", "tokens")
"""How maps become one row per sample: mean over the places of a map, or over the tokens of a sequence."""

MOST_NAMED = 12
"""Classes that a note names."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Layer:
    """One layer, whose numbers are read when its turn comes."""

    name: str
    read: Callable[[], np.ndarray]
    eps: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Given:
    """All that is measured at once."""

    layers: Sequence[_Layer]
    labels: KnownLabels
    classifier: Any = None
    bias: Any = None
    outliers: Callable[[], np.ndarray] | None = None
    pool: str | None = None
    where: str = ""
    weight_decay: float | None = None


def measure(
    features: Any,
    labels: Any = None,
    classifier: Any = None,
    bias: Any = None,
    *,
    ignore: Any = (),
    pool: str | None = None,
    outliers: Any = None,
    weight_decay: float | None = None,
) -> Measurement:
    """Measure the separation fuzziness D = tr(S_W S_B⁺) and neural collapse of every layer, and fit the law D_t ∝ ρᵗ over the layers.

    Unequal label counts are held against the Layer-Peeled Model, norms counted by sample, at the energies measured in the last layer and
    its classifier.

    Args:
        features: samples × features (further axes are flattened) of one layer; a list of such arrays, in the order of the layers; or the
            path, or paths, of .npz, .npy, .safetensors or .pt files that hold `labels`, `features` or `features_0`, `features_1`, …, and if
            there are any `classifier`, `bias` and `outliers`. Of files one layer at a time is in memory.
        labels: one for each sample: whole numbers, text, True and False; samples with −100 are left out.
        classifier: a row for each class that the network knows × features of the last layer, or one row for two classes.
        bias: one number for each row of the classifier.
        ignore: labels whose samples are left out besides.
        pool: "mean" averages maps (samples × channels × …) over their places, "tokens" averages sequences (samples × tokens × features).
        outliers: features of the last layer on data from elsewhere; NC5 needs them.
        weight_decay: λ of all parameters, in place of those energies.

    Raises:
        UnusableInput: for arrays or files that cannot be used; says which.

    Source:
        he2023 for D and its law; papyan2020 for NC1–NC4; docs/measures.md has one line for each measure.

    Example:
        >>> labels = np.repeat(np.arange(3), 2)
        >>> noise = np.array([[0.5, 0.0, 0.0], [-0.5, 0.0, 0.0]] * 3)
        >>> measured = measure([np.eye(3)[labels] + 0.5**t * noise for t in range(4)], labels)
        >>> print(f"{measured.decay_ratio:.3f}", [round(layer.nc1, 4) for layer in measured.layers])
        0.250 [0.1667, 0.0417, 0.0104, 0.0026]
    """
    pool = None if pool is None else require_one_of(pool, "pool", POOLS)
    decay = None if weight_decay is None else require_positive(weight_decay, "weight decay")
    ignored = _ignored(ignore)
    paths = _paths(features)
    if paths is None:
        if labels is None:
            raise UnusableInput("labels are not given: every sample has one; give one for each row of the features.")
        known = known_labels(_array("the labels", labels), ignored)
        layers = _given_layers(features, known.samples)
        return _measured(
            _Given(
                layers=layers,
                labels=known,
                classifier=classifier,
                bias=bias,
                outliers=None if outliers is None else lambda: _array("the outliers", outliers),
                pool=pool,
                weight_decay=decay,
            )
        )
    if any(given is not None for given in (labels, classifier, bias, outliers)):
        raise UnusableInput(f"arrays are given beside {_shortened(paths)}, which holds its own: leave them out.")
    measured = measure_files(paths, ignore=ignored, pool=pool, weight_decay=weight_decay)
    if isinstance(measured, MeasurementSeries):
        raise UnusableInput(
            f"{_shortened(paths)} are {len(measured.measurements)} checkpoints, each with labels: measure takes one; use measure_files, or "
            "name one file."
        )
    return measured


def measure_files(
    paths: Sequence[Path | str], *, ignore: Any = (), pool: str | None = None, weight_decay: float | None = None
) -> Measurement | MeasurementSeries:
    """The same of files, which may be the layers of one network, or the checkpoints of one training.

    Args:
        paths: if each holds labels, each is a checkpoint, in the order of the numbers in their names; else one holds labels, and layers
            follow in the order given. A file of a single array is what its name says: labels, classifier, bias, outliers, or else a layer.
        ignore: as in `measure`.
        pool: as in `measure`.
        weight_decay: as in `measure`.

    Raises:
        UnusableInput: as `measure`, and for a series whose checkpoints differ in their layers or their classes.
    """
    pool = None if pool is None else require_one_of(pool, "pool", POOLS)
    decay = None if weight_decay is None else require_positive(weight_decay, "weight decay")
    ignored = _ignored(ignore)
    with open_features([Path(path) for path in paths]) as checkpoints:
        measurements = [_measured(replace(_given_by(saved, ignored, pool), weight_decay=decay)) for saved in checkpoints]
    if len(measurements) == 1:
        return measurements[0]
    names = [saved.name for saved in checkpoints]
    differing = next((place for place, one in enumerate(measurements) if one.class_names != measurements[0].class_names), None)
    if differing is not None:
        raise UnusableInput(
            f"{checkpoints[differing].where} has labels of {measurements[differing].num_classes} classes and {checkpoints[0].where} of "
            f"{measurements[0].num_classes}: a series follows the same classes; measure them apart."
        )
    return MeasurementSeries(names=tuple(names), epochs=tuple(epochs_of(names)), measurements=tuple(measurements))


def last_layer(paths: Sequence[Path | str], *, ignore: Any = (), pool: str | None = None) -> tuple[np.ndarray, np.ndarray, Head | None]:
    """Features of the last layer of one checkpoint, one row per sample, with their class numbers and the classifier that reads them.

    Raises:
        UnusableInput: as `measure`, and for several checkpoints.
    """
    with open_features([Path(path) for path in paths]) as checkpoints:
        if len(checkpoints) > 1:
            raise UnusableInput(f"{_shortened(list(map(Path, paths)))} are {len(checkpoints)} checkpoints: one is proved; name it.")
        given = _given_by(checkpoints[0], _ignored(ignore), pool)
        features = _flat(given.labels.of(given.layers[-1].read()), pool, given.classifier)
        head = None if given.classifier is None else matched_head(given.classifier, given.bias, given.labels, features.shape[1])
        return np.asarray(features, dtype=float), given.labels.numbers, head


def _paths(features: Any) -> list[Path] | None:
    """The files, if that is what is given."""
    if isinstance(features, str | Path):
        return [Path(features)]
    if isinstance(features, list | tuple) and features and all(isinstance(part, Path | str) for part in features):
        return [Path(part) for part in features]
    return None


def _shortened(paths: Sequence[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def _ignored(ignore: Any) -> tuple[Any, ...]:
    return tuple(ignore) if isinstance(ignore, list | tuple | set | frozenset) else (ignore,)


def _given_by(saved: Saved, ignore: tuple[Any, ...], pool: str | None) -> _Given:
    """What a checkpoint's files hold; that every layer has a row for each label, and fits in memory, is checked by the headers alone."""
    stored = saved.others["labels"]
    if math.prod(stored.shape) > MOST_SAMPLES:
        raise UnusableInput(f"{stored.name} has shape {stored.shape}: at most {MOST_SAMPLES} labels are read, one per sample; correct it.")
    try:
        labels = known_labels(stored.read(), ignore)
    except UnusableInput as error:
        raise UnusableInput(f"{stored.name}: {error}") from error
    for _, array in saved.layers:
        _require_rows(array.name, array.shape, labels.samples)
        require_memory(COPIES * 8.0 * math.prod(array.shape), f"{array.name}, of shape {array.shape},", "save fewer samples or features")
    outliers = saved.others.get("outliers")
    return _Given(
        layers=[_Layer(name=name, read=array.read, eps=array.eps) for name, array in saved.layers],
        labels=labels,
        classifier=_read(saved.others.get("classifier")),
        bias=_read(saved.others.get("bias")),
        outliers=None if outliers is None else outliers.read,
        pool=pool,
        where=f" of {saved.where}",
    )


def _read(array: StoredArray | None) -> np.ndarray | None:
    return None if array is None else array.read()


def _measured(given: _Given) -> Measurement:
    """All of it; each layer is dropped before the next one comes, so the largest bounds the memory."""
    from layerpeel.solvers import SolverFailed

    labels = given.labels
    measures: list[LayerMeasures] = []
    head = None
    seen: Seen | None = None
    for index, layer in enumerate(given.layers):
        last = index == len(given.layers) - 1
        try:
            flat = _flat(labels.of(layer.read()), given.pool, given.classifier if last else None)
            outliers = None if given.outliers is None or not last else _outlier_mean(given.outliers(), given, flat.shape[1])
            if last and given.classifier is not None:
                head = matched_head(given.classifier, given.bias, labels, flat.shape[1])
            measures.append(_layer(layer, flat, labels.numbers, head, outliers))
            if last:
                seen = Seen(flat, labels.numbers, *((None, None) if head is None else (head.own_weights, head.own_bias)))
        except UnusableInput as error:
            raise UnusableInput(f"layer {layer.name}{given.where}: {error}") from error
    try:
        diagnosis, note = (None, None) if seen is None else diagnose(seen, given.weight_decay)
    except (UnusableInput, SolverFailed) as error:  # energies out of range: what was measured stays
        diagnosis, note = None, str(error)
    if diagnosis is not None:
        names = tuple(str(labels.values[number]) for number in diagnosis.minority_classes)
        diagnosis = diagnosis.model_copy(update={"minority_labels": names})
    absent = gaps(labels) if head is None else head.absent
    return Measurement(
        num_classes=labels.num_classes,
        num_samples=len(labels.numbers),
        class_names=tuple(map(str, labels.values)),
        absent_classes=absent,
        ignored_samples=labels.ignored,
        label_note=_label_note(labels, absent),
        layers=tuple(measures),
        **_law(measures),
        layer_peeled=diagnosis,
        note=note,
    )


def _label_note(labels: KnownLabels, absent: Sequence[int]) -> str | None:
    """What is left out, who is missing, and how classes are numbered where that is not how they are labelled."""
    said: list[str] = []
    if labels.ignored:
        said.append(f"{labels.ignored} of {labels.samples} samples are left out by their label.")
    if absent:
        said.append(
            f"{_named(absent)} {'has' if len(absent) == 1 else 'have'} no sample and {'is' if len(absent) == 1 else 'are'} not measured."
        )
    if labels.renamed:
        values = [f"{number} is {value}" for number, value in enumerate(labels.values[:MOST_NAMED])]
        said.append(f"Classes are numbered in the order of their labels: {', '.join(values)}{', …' if labels.values[MOST_NAMED:] else ''}.")
    return " ".join(said) or None


def _named(classes: Sequence[int]) -> str:
    listed = ", ".join(map(str, classes[:MOST_NAMED]))
    return f"{'Class' if len(classes) == 1 else 'Classes'} {listed}{', …' if classes[MOST_NAMED:] else ''}"


def _flat(features: np.ndarray, pool: str | None, classifier: Any) -> np.ndarray:
    """One row per sample: maps and sequences averaged, or flattened.

    Whether the channels of maps stand first or last is said by the classifier that reads them; without one they stand first, as in PyTorch.
    """
    if features.ndim <= 2:
        return features
    if pool is None:
        return features.reshape(len(features), -1)
    if pool == "tokens":
        if features.ndim != 3:
            raise UnusableInput(
                f"features of shape {features.shape} are no sequences: pool='tokens' needs samples × tokens × features; use pool='mean'."
            )
        return features.mean(axis=1, dtype=np.float64)
    reads = np.shape(classifier)[-1] if classifier is not None and np.ndim(classifier) == 2 else None
    channels_last = reads is not None and reads == features.shape[-1] and reads != features.shape[1]
    places = tuple(range(1, features.ndim - 1)) if channels_last else tuple(range(2, features.ndim))
    return features.mean(axis=places, dtype=np.float64)


def _outlier_mean(outliers: np.ndarray, given: _Given, width: int) -> np.ndarray:
    flat = _flat(outliers, given.pool, given.classifier) if outliers.ndim > 1 else outliers
    if flat.ndim != 2 or flat.shape[1] != width or not len(flat) or flat.dtype.kind not in "iuf" or not np.isfinite(flat).all():
        raise UnusableInput(
            f"outliers of type {outliers.dtype} and shape {outliers.shape} do not fit features of width {width}: they must be finite "
            "features of the same layer, one row per sample; give these."
        )
    return flat.mean(axis=0, dtype=np.float64)


def _given_layers(features: Any, samples: int) -> list[_Layer]:
    """The layers of a list of arrays, or the one of an array or of nested lists."""
    several = isinstance(features, list | tuple) and len(features) > 0 and _array("layer 0", features[0]).ndim >= 2
    named = [(f"features_{t}", layer) for t, layer in enumerate(features)] if several else [("features", features)]
    layers = [(name, _array(name, layer)) for name, layer in named]
    for name, layer in layers:
        _require_rows(name, layer.shape, samples)
    return [_Layer(name=name, read=lambda layer=layer: layer) for name, layer in layers]


def _array(what: str, given: Any) -> np.ndarray:
    try:
        return np.asarray(given)
    except ValueError:
        raise UnusableInput(f"{what} is no array: its rows differ in length; correct it.") from None


def _require_rows(what: str, shape: Sequence[int], samples: int) -> None:
    """Check that there is a row for each label.

    Raises:
        UnusableInput: otherwise; says whether the array stands on its side.
    """
    if len(shape) >= 2 and shape[0] == samples:
        return
    remedy = "flatten each sample to one row."
    if len(shape) == 2 and shape[1] == samples:
        remedy = "it has one column for each: transpose it."
    elif len(shape) >= 2:
        remedy = "give the labels of these samples, in the same order."
    raise UnusableInput(
        f"{what}: features of shape {tuple(shape)} and {samples} labels do not fit: there must be one row for each label; {remedy}"
    )


def _layer(layer: _Layer, features: np.ndarray, labels: np.ndarray, head: Head | None, outlier_mean: np.ndarray | None) -> LayerMeasures:
    centred = centred_features(features, labels, eps=layer.eps)
    separation, collapse = separation_of(centred), collapse_of(centred)
    further = further_measures(centred, head, outlier_mean)
    pair = next(iter(centred.coinciding), None)
    coincide = None if pair is None else f"the means of classes {pair[0]} and {pair[1]} coincide to rounding"
    by_class = further.nc4_by_class
    return LayerMeasures(
        name=layer.name,
        width=features.shape[1],
        fuzziness=separation.fuzziness,
        fuzziness_rounding=separation.rounding,
        fuzziness_by_class=tuple(separation.by_class.tolist()),
        rank_between=separation.rank_between,
        feature_energy=centred.energy,
        nc1=collapse.nc1,
        nc2=collapse.nc2,
        nc3=None if further.duality is None else further.duality.distance,
        nc4=None if by_class is None else float(centred.counts @ np.array(by_class)) / len(labels),
        cdnv=collapse.cdnv,
        cdnv_note=None if coincide is None else f"CDNV of {layer.name} is infinite: {coincide}.",
        further=further,
    )


def _law(layers: Sequence[LayerMeasures]) -> dict[str, Any]:
    """The law over the layers from the first on whose D is more than rounding: the logarithm of a rounding error says nothing."""
    keys = ("decay_ratio", "decay_ratio_low", "decay_ratio_high", "half_life", "pearson", "max_residual", "curvature", "curvature_p_value")
    known = [layer.fuzziness for layer in takewhile(lambda layer: layer.seen, layers)]
    end = f"D of {layers[len(known)].name} is rounding alone" if len(known) < len(layers) else None
    if len(known) < 3:
        few = f"the law needs at least 3 layers and there {'is 1' if len(known) == 1 else f'are {len(known)}'}"
        return {**dict.fromkeys(keys), "law_layers": None, "law_note": f"{few}: {end}." if end else f"{few}."}
    law = fit_decay(np.array(known))
    ends = law.interval.lower, law.interval.upper
    values = law.decay_ratio, *ends, law.half_life, law.pearson, law.max_residual, law.curvature, law.curvature_p_value
    note = f"{end}: the law is fitted to the {len(known)} layers before it." if end else None
    return {**dict(zip(keys, values, strict=True)), "law_layers": len(known), "law_note": note}
