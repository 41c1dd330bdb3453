"""What people's files hold, by the names that they give to arrays and files: labels, layers, a classifier, and features from elsewhere."""

import re
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from layerpeel.networks.stored_arrays import StoredArray, StoredFile, open_stored
from layerpeel.numerics import UnusableInput

LABELS = ("labels", "label", "targets", "target", "y", "y_true")
FEATURES = ("features", "embeddings", "activations", "feats", "hidden", "x", "h")
CLASSIFIER = (
    *("classifier", "classifier.weight", "fc.weight", "head.weight", "linear.weight", "output.weight", "weight", "weights", "w"),
    *("classifier_weight", "fc_weight", "head_weight"),
)
BIAS = ("bias", "classifier.bias", "fc.bias", "head.bias", "linear.bias", "output.bias", "b", "classifier_bias", "fc_bias", "head_bias")
OUTLIERS = ("outliers", "ood", "ood_features", "features_ood")
"""Names of arrays that are understood, whatever their case, the first of them first; also behind dots, as in model.fc.weight."""

NUMBERED = re.compile(r"(features|embeddings|activations|hidden|layers?|h)[_.-]?([0-9]{1,9})", re.IGNORECASE)
"""A layer with its number."""

WORDS = {
    **dict.fromkeys(("label", "labels", "target", "targets", "y"), "labels"),
    **dict.fromkeys(("classifier", "weight", "weights", "w", "head"), "classifier"),
    **dict.fromkeys(("bias", "b"), "bias"),
    **dict.fromkeys(("ood", "outlier", "outliers"), "outliers"),
}
"""A word in the name of a file that holds one array → what the array is; of any other it is a layer."""


@dataclass(kw_only=True)
class Saved:
    """What belongs together: the layers of one network, at one time.

    Args:
        where: the files, as a refusal quotes them.
        name: of the checkpoint.
        layers: in order, with their names.
        others: labels, classifier, bias and outliers, as far as they are there.
    """

    where: str
    name: str
    layers: list[tuple[str, StoredArray]] = field(default_factory=list)
    others: dict[str, StoredArray] = field(default_factory=dict)


@contextmanager
def open_features(paths: Sequence[Path]) -> Generator[list[Saved]]:
    """The arrays of one or several files, by checkpoint.

    If every file holds labels, each is a checkpoint, in the order of the numbers in their names; else one of them holds the labels, and
    the files are the layers of one network in the order given, beside a classifier, a bias and outliers.

    Args:
        paths: the files, at least one.

    Raises:
        UnusableInput: for files that cannot be read, that lack something, or that contradict each other.
    """
    if not paths:
        raise UnusableInput("no file is given: features and labels are read from files; name at least one.")
    with ExitStack() as opened:
        files = [opened.enter_context(open_stored(path)) for path in paths]
        parts = [_of_one(file) for file in files]
        labelled = [part for part in parts if "labels" in part.others]
        if len(parts) > 1 and len(labelled) == len(parts):
            yield _series(files, parts)
        else:
            yield [_together(files, parts, len(labelled))]


def epochs_of(names: Sequence[str]) -> list[int]:
    """The last number in each name, or 0, 1, 2, … where they have none, or not each another.

    Example:
        >>> epochs_of(["ckpt-20", "ckpt-3"]), epochs_of(["first", "last"])
        ([20, 3], [0, 1])
    """
    numbers = [re.findall(r"[0-9]{1,15}", name) for name in names]
    epochs = [int(several[-1]) for several in numbers if several]
    return epochs if len(set(epochs)) == len(names) else list(range(len(names)))


def _of_one(file: StoredFile) -> Saved:
    """The arrays of one file by what they are."""
    saved = Saved(where=str(file.path), name=file.path.stem)
    if file.single:
        ((_, array),) = file.arrays.items()
        words = [word for word in re.split(r"[^a-z]+", file.path.stem.lower()) if word]
        role = next((WORDS[word] for word in words if word in WORDS), None)
        if role is None:
            saved.layers.append((file.path.stem, array))
        else:
            saved.others[role] = array
        return saved
    for role, names in (("labels", LABELS), ("classifier", CLASSIFIER), ("bias", BIAS), ("outliers", OUTLIERS)):
        key = _named(file, names)
        if key is not None:
            saved.others[role] = file.arrays[key]
    saved.layers = [(name, file.arrays[name]) for name in _layers(file)]
    return saved


def _named(file: StoredFile, names: Iterable[str]) -> str | None:
    """The array with the first of these names that there is, also behind dots."""
    by_name = {name.lower(): name for name in reversed([*file.arrays])}
    for name in names:
        if name in by_name:
            return by_name[name]
    for name in names:
        behind = next((stored for stored in file.arrays if len(name) > 1 and stored.lower().endswith(f".{name}")), None)
        if behind is not None:
            return behind
    return None


def _layers(file: StoredFile) -> list[str]:
    numbered = {name: int(match[2]) for name in file.arrays if (match := NUMBERED.fullmatch(name))}
    one = _named(file, FEATURES)
    if one is not None and numbered:
        raise UnusableInput(
            f"{file.path} holds the arrays {file.listed}: it needs `labels`, and either `features` or `features_0`, "
            "`features_1`, … in the order of the layers; save them under these names."
        )
    if one is not None:
        return [one]
    names = sorted(numbered, key=lambda name: numbered[name])
    numbers = [numbered[name] for name in names]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers)) if numbers else []):
        raise UnusableInput(
            f"{file.path} holds the layers {', '.join(names)}: the law counts layers, so their numbers must follow each other; add what is "
            "missing, or renumber them."
        )
    return names


def _together(files: Sequence[StoredFile], parts: Sequence[Saved], labelled: int) -> Saved:
    """The files as the layers of one network."""
    where = str(files[0].path) if len(files) == 1 else f"{len(files)} files"
    layers = [(_layer_name(part, name, parts), array) for part in parts for name, array in part.layers]
    if labelled > 1:
        raise UnusableInput(
            f"{labelled} of {len(files)} files hold labels: either each does, as checkpoints, or one, for the layers in all of them; leave "
            "out what does not belong."
        )
    if not labelled or not layers:
        listed = files[0].listed if len(files) == 1 else ", ".join(file.path.name for file in files)
        holds = (
            f"{where} holds the arrays {listed}" if len(files) == 1 else f"the files {listed} hold no {'layers' if labelled else 'labels'}"
        )
        raise UnusableInput(
            f"{holds}: it needs `labels`, and either `features` or `features_0`, `features_1`, … in the order of the layers; save them "
            "under these names, or name files of single arrays so, as labels.npy."
        )
    others: dict[str, StoredArray] = {}
    for part in parts:
        for role, array in part.others.items():
            if role in others:
                raise UnusableInput(f"{others[role].name} and {array.name} are both the {role}: one is needed; leave the other out.")
            others[role] = array
    return Saved(where=where, name=files[0].path.stem, layers=layers, others=others)


def _layer_name(part: Saved, name: str, parts: Sequence[Saved]) -> str:
    """An array that is alone in one of several files has the file's name."""
    several = sum(bool(other.layers) for other in parts) > 1
    return name if not several else part.name if len(part.layers) == 1 else f"{part.name}.{name}"


def _series(files: Sequence[StoredFile], parts: list[Saved]) -> list[Saved]:
    """The files as checkpoints of one network, in their order."""
    epochs = epochs_of([part.name for part in parts])
    ordered = [parts[place] for place in sorted(range(len(parts)), key=lambda place: epochs[place])]
    first = ordered[0]
    for file, part in zip(files, parts, strict=True):
        if not part.layers:
            raise UnusableInput(f"{file.path} holds {file.listed}, and none is a layer: a checkpoint needs `features`; save them.")
        for what, said, wanted in (
            ("layers", [name for name, _ in part.layers], [name for name, _ in first.layers]),
            ("widths", [_width(array) for _, array in part.layers], [_width(array) for _, array in first.layers]),
        ):
            if said != wanted:
                raise UnusableInput(
                    f"{part.where} holds the {what} {', '.join(map(str, said))}, and {first.where} {', '.join(map(str, wanted))}: a series "
                    "follows the same layers through all checkpoints; measure them apart, or save the same layers."
                )
    return ordered


def _width(array: StoredArray) -> str:
    return " x ".join(map(str, array.shape[1:]))
