"""The command `measure`: separation and neural collapse of saved activations, and what their label counts foretell."""

import math
import re
from collections.abc import Generator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.numerics import (
    UnusableInput,
    centred_features,
    collapse_of,
    count_classes,
    fit_decay,
    mean_cosine,
    require_every_class,
    require_labels,
    require_memory,
    separation_of,
)
from layerpeel.pages.archives import Archive, open_archive
from layerpeel.pages.output import number, text_table

MOST_SAMPLES = 10**9
"""Labels of 8 GB are a mistake."""

COPIES = 4
"""Arrays of the size of a layer, in doubles, that are alive at once."""

MANY_DISTINCT = 200
"""Largest number of distinct counts for which the diagnosis solves the program as it stands: a second or two of work."""


def measure_record(path: Path) -> dict[str, Any]:
    """The keys of `layerpeel measure --json`: one entry per layer, the fit over layers, and the Layer-Peeled diagnosis.

    Layers are loaded one after the other, so the largest one bounds the memory.

    Raises:
        UnusableInput: for a file that is not such an archive, or arrays that do not fit.
    """
    from layerpeel.solvers import SolverFailed

    with _archive(path) as arrays:
        names = _layer_names(path, arrays)
        labels = _labels(path, arrays)
        _require_fit(path, arrays, names, len(labels))
        classifier, bias = (arrays.read(name) if name in arrays else None for name in ("classifier", "bias"))
        layers: list[dict[str, Any]] = []
        for index, name in enumerate(names):
            features = arrays.read(name)
            features = features.reshape(len(features), -1) if features.ndim > 2 else features
            last = index == len(names) - 1
            try:
                layers.append(_layer_record(name, features, labels, classifier if last else None, bias if last else None))
            except UnusableInput as error:
                raise UnusableInput(f"layer {name} of {path}: {error}") from error
    try:
        diagnosis = diagnose_counts(np.bincount(labels), layers[-1]["feature_energy"], classifier)
    except (UnusableInput, SolverFailed) as error:  # energies out of range: what was measured stays
        diagnosis = {"layer_peeled": None, "note": str(error)}
    return {
        "num_classes": int(np.max(labels)) + 1,
        "num_samples": len(labels),
        "layers": layers,
        **_law_record(layers),
        **diagnosis,
    }


@contextmanager
def _archive(path: Path) -> Generator[Archive]:
    try:
        with open_archive(path, str(path), "save the arrays with numpy.savez(FILE, features=…, labels=…)") as found:
            yield found
    except OSError as error:
        raise UnusableInput(f"{path} cannot be read ({error.strerror}): it must be a NumPy archive (.npz); check the path.") from error


def _labels(path: Path, arrays: Archive) -> np.ndarray:
    """Class numbers, checked before anything else: what is wrong with them is no fault of the features."""
    shape = arrays.header("labels")[0]
    if len(shape) != 1 or shape[0] > MOST_SAMPLES:
        raise UnusableInput(
            f"array labels of {path} has shape {shape}: it must be a list of at most {MOST_SAMPLES} labels, one per sample; correct it."
        )
    try:
        labels = require_labels(arrays.read("labels"))
        require_every_class(np.bincount(labels, minlength=count_classes(labels)))
    except UnusableInput as error:
        raise UnusableInput(f"array labels of {path}: {error}") from error
    return labels


def _require_fit(path: Path, arrays: Archive, names: list[str], samples: int) -> None:
    """Check by the headers alone that every layer has a row for each label, and that each fits in memory."""
    for name in names:
        shape = arrays.header(name)[0]
        if len(shape) < 2 or shape[0] != samples:
            raise UnusableInput(
                f"array {name} of {path}: features of shape {shape} and {samples} labels do not fit: there must be one row of features for "
                "each label; flatten each sample to one row."
            )
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


def _layer_record(
    name: str, features: np.ndarray, labels: np.ndarray, classifier: np.ndarray | None, bias: np.ndarray | None
) -> dict[str, Any]:
    centred = centred_features(features, labels)
    found, collapse = separation_of(centred), collapse_of(centred, classifier, bias)
    pair = next(iter(centred.coinciding), None)
    return {
        "name": name,
        "width": features.shape[1],
        "fuzziness": found.fuzziness,
        "fuzziness_rounding": found.rounding,
        "fuzziness_by_class": found.by_class.tolist(),
        "rank_between": found.rank_between,
        "feature_energy": centred.energy,
        "nc1": collapse.nc1,
        "nc2": collapse.nc2,
        "nc3": collapse.nc3,
        "nc4": collapse.nc4,
        "cdnv": collapse.cdnv,
        "cdnv_note": None
        if pair is None
        else f"CDNV of {name} is infinite: the means of classes {pair[0]} and {pair[1]} coincide to rounding.",
    }


def _law_record(layers: list[dict[str, Any]]) -> dict[str, Any]:
    """The law over the layers from the first on whose D is more than rounding: the logarithm of a rounding error says nothing."""
    keys = ("decay_ratio", "decay_ratio_low", "decay_ratio_high", "half_life", "pearson", "max_residual", "curvature", "curvature_p_value")
    known = [layer["fuzziness"] for layer in takewhile(lambda layer: layer["fuzziness"] > layer["fuzziness_rounding"], layers)]
    end = f"D of {layers[len(known)]['name']} is rounding alone" if len(known) < len(layers) else None
    if len(known) < 3:
        few = f"the law needs at least 3 layers and there {'is 1' if len(known) == 1 else f'are {len(known)}'}"
        return {**dict.fromkeys(keys), "law_layers": None, "law_note": f"{few}: {end}." if end else f"{few}."}
    law = fit_decay(np.array(known))
    ends = law.interval.lower, law.interval.upper
    values = law.decay_ratio, *ends, law.half_life, law.pearson, law.max_residual, law.curvature, law.curvature_p_value
    note = f"{end}: the law is fitted to the {len(known)} layers before it." if end else None
    return {**dict(zip(keys, values, strict=True)), "law_layers": len(known), "law_note": note}


def diagnose_counts(counts: np.ndarray, energy: float, classifier: np.ndarray | None) -> dict[str, Any]:
    """What the Layer-Peeled Model foretells from label counts and measured energies, beside what the classifier shows.

    The minority are the classes with fewer samples than the average class. Their expected cosine comes from the certified optimum of
    the counts as they are; threshold and oversampling from two groups of the mean counts, which is exact for two distinct counts. All
    three need the classifier's energy, and stay None without a classifier.
    """
    from layerpeel.numerics import collapse_threshold
    from layerpeel.solvers import LayerPeeled, solve

    minority = counts < counts.mean()
    weight_energy = None if classifier is None else float((classifier.astype(float) ** 2).sum() / len(counts))
    if not minority.any():
        return {"layer_peeled": None, "note": "the classes are balanced: the model foretells a simplex ETF and no collapse."}
    rare, common = int(minority.sum()), int((~minority).sum())
    imbalance = float(counts[~minority].mean() / counts[minority].mean())
    found: dict[str, Any] = {
        "feature_energy": energy,
        "weight_energy": weight_energy,
        "minority_classes": np.flatnonzero(minority).tolist(),
        "imbalance": imbalance,
        "two_counts": len(np.unique(counts)) == 2,
        "threshold": None,
        "imbalance_over_threshold": None,
        "minimal_oversampling": None,
        "collapses_now": None,
        "expected_minority_cosine": None,
        "measured_minority_cosine": None if classifier is None else mean_cosine(classifier[minority].astype(float)),
    }
    if weight_energy is None:
        return {"layer_peeled": found, "note": "The archive holds no classifier: a threshold needs its energy; save it as `classifier`."}
    if rare < 2:
        return {"layer_peeled": found, "note": "one minority class has no other to collapse onto: there is no threshold."}
    threshold = collapse_threshold(common, rare, feature_energy=energy, weight_energy=weight_energy).value
    limit = float("inf") if threshold is None else threshold
    found |= {"threshold": threshold, "imbalance_over_threshold": imbalance / limit}
    found |= {"minimal_oversampling": max(1.0, imbalance / limit), "collapses_now": imbalance >= limit}
    if len(np.unique(counts)) <= MANY_DISTINCT:
        optimum = solve(LayerPeeled(counts=counts.tolist(), feature_energy=energy, weight_energy=weight_energy))
        found["expected_minority_cosine"] = mean_cosine(optimum.classifier[minority])
    return {"layer_peeled": found, "note": None}


def describe_measures(record: dict[str, Any]) -> str:
    """Layers as a table, the law in one line, the diagnosis in sentences."""
    columns = ("rank_between", "nc1", "nc2", "nc3", "nc4", "cdnv")
    rows = [
        [layer["name"], str(layer["width"]), _fuzziness(layer), *(number(layer[column]) for column in columns)]
        for layer in record["layers"]
    ]
    lines = [
        f"{record['num_samples']} samples of {record['num_classes']} classes",
        "",
        text_table(["layer", "width", "D", "rank", "NC1", "NC2", "NC3", "NC4", "CDNV"], rows),
        "",
    ]
    infinite = [layer["cdnv_note"] for layer in record["layers"] if layer["cdnv_note"] is not None]
    lines += [*infinite, ""] if infinite else []
    if record["decay_ratio"] is not None:
        law = (
            f"Each layer multiplies D by {record['decay_ratio']:.4g} (95 % interval {record['decay_ratio_low']:.4g} to "
            f"{record['decay_ratio_high']:.4g}), half-life {number(record['half_life'])} layers; Pearson {record['pearson']:.4f}, largest "
            f"residual of log D {record['max_residual']:.3g}, curvature {number(record['curvature'])} "
            f"(p = {number(record['curvature_p_value'])})."
        )
        lines += [law, ""]
    if record["law_note"] is not None:
        lines += [f"{record['law_note'][0].upper()}{record['law_note'][1:]}", ""]
    return "\n".join(lines + _diagnosis(record["layer_peeled"], record["note"]))


def _fuzziness(layer: dict[str, Any]) -> str:
    """D, or what rounding leaves of it where it is no more."""
    rounding = layer["fuzziness_rounding"]
    return number(layer["fuzziness"]) if layer["fuzziness"] > rounding else f"≤ {rounding:.1g}"


def _diagnosis(found: dict[str, Any] | None, note: str | None) -> list[str]:
    if found is None:
        return [f"No diagnosis of collapse: {note}"]
    lines = [
        f"Energies: features {found['feature_energy']:.6g}, classifier {number(found['weight_energy'])}; "
        f"minority classes {', '.join(map(str, found['minority_classes']))}, imbalance {found['imbalance']:.6g}"
        + ("." if found["two_counts"] else " (of the mean counts)."),
    ]
    if found["threshold"] is not None or found["collapses_now"] is not None:
        threshold = "beyond the largest double" if found["threshold"] is None else f"{found['threshold']:.6g}"
        fate = (
            f"collapse; oversample the minority more than {found['minimal_oversampling']:.6g} times to prevent it"
            if found["collapses_now"]
            else "no collapse"
        )
        ratio = f"R/R0 = {found['imbalance_over_threshold']:.3g}"
        lines.append(f"The Layer-Peeled Model collapses the minority from an imbalance of {threshold} on ({ratio}): {fate}.")
    if found["weight_energy"] is not None:
        lines.append(
            f"Cosine between minority classifiers: expected {number(found['expected_minority_cosine'])}, "
            f"measured {number(found['measured_minority_cosine'])}."
        )
    return [*lines, *([note] if note else [])]
