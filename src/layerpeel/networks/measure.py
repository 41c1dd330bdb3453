"""Separation and neural collapse of a network's features, and what their label counts foretell."""

import math
import re
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.networks.diagnosis import Seen, diagnose
from layerpeel.networks.measurement import LayerMeasures, Measurement
from layerpeel.numerics import (
    UnusableInput,
    centred_features,
    collapse_of,
    count_classes,
    fit_decay,
    require_every_class,
    require_labels,
    require_memory,
    require_positive,
    separation_of,
)
from layerpeel.pages.archives import Archive, open_archive

MOST_SAMPLES = 10**9
"""Labels of 8 GB are a mistake."""

COPIES = 4
"""Arrays of the size of a layer, in doubles, that are alive at once."""


Layer = tuple[str, np.ndarray]
"""A name, and a row of features for each sample."""


def measure(
    features: Any, labels: Any = None, classifier: Any = None, bias: Any = None, *, weight_decay: float | None = None
) -> Measurement:
    """Measure the separation fuzziness D = tr(S_W S_B⁺) and NC1–NC4 of every layer, and fit the law D_t ∝ ρᵗ over the layers.

    Unequal label counts are held against the Layer-Peeled Model, norms counted by sample, at the energies measured in the last layer and
    its classifier.

    Args:
        features: samples × features (further axes are flattened) of one layer; a list of such arrays, in the order of the layers; or the
            path of an .npz archive that holds `labels`, `features` or `features_0`, `features_1`, …, and if there are any `classifier`
            and `bias`. Of an archive one layer at a time is in memory.
        labels: class numbers 0 … K−1, one for each sample.
        classifier: K × features of the last layer.
        bias: one number for each class.
        weight_decay: λ of all parameters, in place of those energies.

    Raises:
        UnusableInput: for arrays or archives that cannot be used; says which.

    Source:
        he2023 for D and its law; papyan2020 for NC1–NC4.

    Example:
        >>> labels = np.repeat(np.arange(3), 2)
        >>> noise = np.array([[0.5, 0.0, 0.0], [-0.5, 0.0, 0.0]] * 3)
        >>> measured = measure([np.eye(3)[labels] + 0.5**t * noise for t in range(4)], labels)
        >>> print(f"{measured.decay_ratio:.3f}", [round(layer.nc1, 4) for layer in measured.layers])
        0.250 [0.1667, 0.0417, 0.0104, 0.0026]
    """
    if not isinstance(features, str | Path):
        if labels is None:
            raise UnusableInput("labels are not given: every sample has a class number; give one for each row of the features.")
        known = _usable_labels(_array("the labels", labels))
        layers = _given_layers(features, len(known))
        classifier, bias = (
            None if given is None else _array(name, given) for name, given in (("the classifier", classifier), ("the bias", bias))
        )
        return _measured(layers, len(layers), known, classifier, bias, weight_decay)
    if any(given is not None for given in (labels, classifier, bias)):
        raise UnusableInput(f"arrays are given beside the archive {features}, which holds its own: leave them out.")
    path = Path(features)
    with _archive(path) as archive:
        names = _layer_names(path, archive)
        known = _saved_labels(path, archive)
        _require_fit(path, archive, names, len(known))
        classifier, bias = (archive.read(name) if name in archive else None for name in ("classifier", "bias"))
        layers = ((name, archive.read(name)) for name in names)
        return _measured(layers, len(names), known, classifier, bias, weight_decay, where=f" of {path}")


def _measured(
    layers: Iterable[Layer],
    number: int,
    labels: np.ndarray,
    classifier: np.ndarray | None,
    bias: np.ndarray | None,
    weight_decay: float | None,
    where: str = "",
) -> Measurement:
    """All of it; each layer is dropped before the next one comes, so the largest bounds the memory."""
    from layerpeel.solvers import SolverFailed

    if weight_decay is not None:
        weight_decay = require_positive(weight_decay, "weight decay")
    measures: list[LayerMeasures] = []
    seen: Seen | None = None
    for index, (name, features) in enumerate(layers):
        flat = features.reshape(len(features), -1) if features.ndim > 2 else features
        ends = (classifier, bias) if index == number - 1 else (None, None)
        try:
            measures.append(_layer(name, flat, labels, *ends))
            seen = Seen(flat, labels, *ends) if index == number - 1 else None
        except UnusableInput as error:
            raise UnusableInput(f"layer {name}{where}: {error}") from error
    try:
        diagnosis, note = (None, None) if seen is None else diagnose(seen, weight_decay)
    except (UnusableInput, SolverFailed) as error:  # energies out of range: what was measured stays
        diagnosis, note = None, str(error)
    return Measurement(
        num_classes=int(np.max(labels)) + 1,
        num_samples=len(labels),
        layers=tuple(measures),
        **_law(measures),
        layer_peeled=diagnosis,
        note=note,
    )


def _given_layers(features: Any, samples: int) -> list[Layer]:
    """The layers of a list of arrays, or the one of an array or of nested lists."""
    several = isinstance(features, list | tuple) and len(features) > 0 and _array("layer 0", features[0]).ndim >= 2
    named = [(f"features_{t}", layer) for t, layer in enumerate(features)] if several else [("features", features)]
    layers = [(name, _array(name, layer)) for name, layer in named]
    for name, layer in layers:
        if layer.ndim < 2 or len(layer) != samples:
            raise UnusableInput(f"{name}: {_do_not_fit(layer.shape, samples)}")
    return layers


def _array(what: str, given: Any) -> np.ndarray:
    try:
        return np.asarray(given)
    except ValueError:
        raise UnusableInput(f"{what} is no array: its rows differ in length; correct it.") from None


def _do_not_fit(shape: Sequence[int], samples: int) -> str:
    return (
        f"features of shape {tuple(shape)} and {samples} labels do not fit: there must be one row of features for each label; flatten each "
        "sample to one row."
    )


def _usable_labels(labels: Any) -> np.ndarray:
    """Class numbers, checked before anything else: what is wrong with them is no fault of the features."""
    numbers = require_labels(labels)
    require_every_class(np.bincount(numbers, minlength=count_classes(numbers)))
    return numbers


@contextmanager
def _archive(path: Path) -> Generator[Archive]:
    with ExitStack() as opened:
        try:
            archive = opened.enter_context(open_archive(path, str(path), "save the arrays with numpy.savez(FILE, features=…, labels=…)"))
        except OSError as error:
            raise UnusableInput(f"{path} cannot be read ({error.strerror}): it must be a NumPy archive (.npz); check the path.") from error
        yield archive


def _saved_labels(path: Path, arrays: Archive) -> np.ndarray:
    shape = arrays.header("labels")[0]
    if len(shape) != 1 or shape[0] > MOST_SAMPLES:
        raise UnusableInput(
            f"array labels of {path} has shape {shape}: it must be a list of at most {MOST_SAMPLES} labels, one per sample; correct it."
        )
    try:
        return _usable_labels(arrays.read("labels"))
    except UnusableInput as error:
        raise UnusableInput(f"array labels of {path}: {error}") from error


def _require_fit(path: Path, arrays: Archive, names: list[str], samples: int) -> None:
    """Check by the headers alone that every layer has a row for each label, and that each fits in memory."""
    for name in names:
        shape = arrays.header(name)[0]
        if len(shape) < 2 or shape[0] != samples:
            raise UnusableInput(f"array {name} of {path}: {_do_not_fit(shape, samples)}")
        require_memory(COPIES * 8.0 * math.prod(shape), f"layer {name} of {path}, of shape {shape},", "save fewer samples or features")


def _layer_names(path: Path, arrays: Archive) -> list[str]:
    numbered = sorted((name for name in arrays.names if re.fullmatch("features_[0-9]{1,9}", name)), key=lambda name: int(name[9:]))
    if ("features" in arrays) == bool(numbered) or "labels" not in arrays:
        raise UnusableInput(
            f"{path} holds the arrays {arrays.listed}: it needs `labels`, and either `features` or `features_0`, "
            "`features_1`, … in the order of the layers; save them under these names."
        )
    numbers = [int(name[9:]) for name in numbered]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers)) if numbers else []):
        raise UnusableInput(
            f"{path} holds the layers {', '.join(numbered)}: the law counts layers, so their numbers must follow each other; add what is "
            "missing, or renumber them."
        )
    return numbered or ["features"]


def _layer(name: str, features: np.ndarray, labels: np.ndarray, classifier: np.ndarray | None, bias: np.ndarray | None) -> LayerMeasures:
    centred = centred_features(features, labels)
    separation, collapse = separation_of(centred), collapse_of(centred, classifier, bias)
    pair = next(iter(centred.coinciding), None)
    coincide = None if pair is None else f"the means of classes {pair[0]} and {pair[1]} coincide to rounding"
    return LayerMeasures(
        name=name,
        width=features.shape[1],
        fuzziness=separation.fuzziness,
        fuzziness_rounding=separation.rounding,
        fuzziness_by_class=tuple(separation.by_class.tolist()),
        rank_between=separation.rank_between,
        feature_energy=centred.energy,
        nc1=collapse.nc1,
        nc2=collapse.nc2,
        nc3=collapse.nc3,
        nc4=collapse.nc4,
        cdnv=collapse.cdnv,
        cdnv_note=None if coincide is None else f"CDNV of {name} is infinite: {coincide}.",
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
