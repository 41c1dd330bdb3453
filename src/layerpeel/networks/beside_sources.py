"""What the sources print of their experiments, and in which settings a run differs from theirs.

Settings of he2023, fang2021 and zhang2021 are those of their released code; what they print is quoted from their talks and posters.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from layerpeel.networks.units import Units
from layerpeel.pages.output import number
from layerpeel.pages.records import Record

LENET = "convolutions of 6 and 16 channels, linear layers of 120 and 84"

FIGURES = "figures beside the released code"


class PrintedValue(Record):
    """A value that a source prints, beside that of a run.

    Args:
        quantity: what it is.
        printed: by the source.
        here: of this run.
        where: it is printed.
    """

    quantity: str
    printed: str
    here: str
    where: str


class DifferingSetting(Record):
    """A setting in which a run is not the source's.

    Args:
        setting: what it is.
        source: there.
        here: in this run.
    """

    setting: str
    source: str
    here: str


Asked = Mapping[str, Any]
"""Profile and data of a run."""

Setting = tuple[str, str, Callable[[Asked, Units], str]]
"""A setting, the source's choice, and how this run's is told."""


def _said(text: str) -> Callable[[Asked, Units], str]:
    return lambda _asked, _units: text


def _images(each: str) -> Callable[[Asked, Units], str]:
    """The data set, and how many of its images."""

    def told(asked: Asked, _units: Units) -> str:
        if asked["data"] is None:
            return f"packaged MNIST{each}"
        return f"FashionMNIST{each}" if "fashion" in asked["data"].lower() else f"those of {asked['data']}{each}"

    return told


def _values(name: str) -> Callable[[Asked, Units], str]:
    """The values of a setting over all units, in order."""

    def told(_asked: Asked, units: Units) -> str:
        values = dict.fromkeys(settings[name] for settings, _ in units if name in settings)
        return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values) or "none"

    return told


def _network(_asked: Asked, units: Units) -> str:
    """The network of the ensembles; settings that name none have the usual one."""
    known = {"lenet": LENET, None: "convolutions of 8 and 16 channels, linear layers of 64 and 32"}
    return "; ".join(dict.fromkeys(known[settings.get("network")] for settings, _ in units))


def _in_turn(_asked: Asked, units: Units) -> str:
    settings = units[0][0]
    return f"{settings['lower_epochs']}, then {settings['epochs']}"


def _trials(_asked: Asked, units: Units) -> str:
    return str(max(settings["trials"] if "trials" in settings else settings.get("trial", 0) + 1 for settings, _ in units))


NETWORKS: Setting = ("networks for each setting", "1", _trials)
EPOCHS: Setting = ("epochs", "600", _values("epochs"))
RATES: Setting = ("learning rates (Adam)", "the best of 3e-5, 1e-4, 3e-4, 1e-3, 3e-3 for each network", _values("learning_rate"))
MODE: Setting = ("mode in which D is measured", "training mode, batches of 100", _said("evaluation mode, and training mode beside it"))
HUNDRED = ", 100 of each class"

FASHION: Setting = ("images", f"FashionMNIST{HUNDRED}", _images(HUNDRED))

SETTINGS: Mapping[str, Sequence[Setting]] = {
    "separation": (FASHION, EPOCHS, NETWORKS, MODE),
    "widths": (FASHION, EPOCHS, RATES, NETWORKS, MODE),
    "depths": (
        ("images", "MNIST, FashionMNIST and CIFAR-10, 100 of each class", _values("images")),
        EPOCHS,
        RATES,
        NETWORKS,
        ("mode in which D is measured", "training mode, batches of 100", _said("evaluation mode")),
    ),
    "architectures": (
        ("images", "FashionMNIST and CIFAR-10 at 32×32 pixels, 100 of each class", _images(HUNDRED)),
        ("widths", "AlexNetX and VGG13X in full; DenseNet161, which the released code does not hold", _values("variant")),
        EPOCHS,
        RATES,
        NETWORKS,
        MODE,
    ),
    "freezing": (
        ("images", "CIFAR-10 at 10×10 pixels, 100 of each class", _images(HUNDRED)),
        ("epochs of the lower ten layers, then of the upper ten, or of all", "900, then 600", _in_turn),
        RATES,
        NETWORKS,
        ("optimiser", "one for both phases", _said("one for each")),
        ("what is compared", "the ends of both trainings", _said("both at the same training loss, and their ends")),
    ),
    "sentences": (
        ("network", "BERT, pretrained", _said("an encoder trained from scratch")),
        ("sentences", "SST-2", lambda asked, _units: "those of a grammar" if asked["data"] is None else f"those of {asked['data']}"),
        ("layers", "12", _values("layers")),
        ("width", "768", _values("width")),
        NETWORKS,
    ),
    "imbalance": (
        ("networks", "VGG11 and ResNet18 on FashionMNIST, VGG13 and ResNet18 on CIFAR-10", _values("network")),
        ("images", "FashionMNIST and CIFAR-10", _images("")),
        ("images of a majority class", "5000 or 6000", _values("most")),
        ("epochs", "350", _values("epochs")),
        ("weight decay", "0.0005", _values("weight_decay")),
        NETWORKS,
    ),
    "geomnist": (
        ("images", "GeoMNIST, and two and three classes of CIFAR-10", _values("images")),
        ("iterations", "100000 on GeoMNIST, 300000 on CIFAR-10", _values("iterations")),
        ("network", LENET, _network),
        ("precision", "double", _said("single")),
    ),
    "label-noise": (
        ("iterations", "100000", _values("iterations")),
        ("network", LENET, _network),
        ("precision", "double", _said("single")),
    ),
    "unconstrained": (
        ("how the program is solved", "its convex relaxation, by an interior-point method", _said("descent on features and classifier")),
    ),
}
"""By experiment; a setting that is the source's own is left out of a run's list."""


def differing_settings(experiment: str, asked: Asked, units: Units) -> tuple[DifferingSetting, ...]:
    """The settings in which a run differs from the source's experiment.

    Args:
        experiment: its name.
        asked: profile and data of the run.
        units: settings and arrays of its units.

    Example:
        >>> (only,) = differing_settings("unconstrained", {"profile": "small", "data": None}, [])
        >>> only.here
        'descent on features and classifier'
    """
    told = [(setting, source, here(asked, units)) for setting, source, here in SETTINGS.get(experiment, ())]
    return tuple(DifferingSetting(setting=setting, source=source, here=here) for setting, source, here in told if here != source)


def printed_values(experiment: str, rows: Sequence[Any]) -> tuple[PrintedValue, ...]:
    """What the source prints beside what a run found; empty where it prints curves alone.

    Example:
        >>> printed_values("unconstrained", [])
        ()
    """
    return tuple(PrintedValue(quantity=a, printed=b, here=c, where=d) for a, b, c, d in PRINTED.get(experiment, lambda _rows: ())(rows))


Printed = Sequence[tuple[str, str, str, str]]


def _of_separation(rows: Sequence[Any]) -> Printed:
    known = {row.variant: row for row in rows}
    told = [
        (f"ρ of eight layers, {optimizer}, training mode", "0.53", number(_rounded(known[name].batch_ratio)), "talk, the law's first slide")
        for optimizer, name in (("SGD", "source-sgd-8"), ("momentum", "source-momentum-8"), ("Adam", "source-adam-8"))
        if name in known
    ]
    wide = [
        (f"ρ of {depth} layers, Adam; there of width 1000 on 32×32 pixels", printed, number(_rounded(known[name].batch_ratio)), FIGURES)
        for depth, printed in ((4, "0.310"), (8, "0.545"), (20, "0.833"))
        if (name := f"source-adam-{depth}") in known
    ]
    return [*told, *wide]


def _of_freezing(rows: Sequence[Any]) -> Printed:
    known = {row.regime: row for row in rows}
    return [
        (f"test accuracy, {said}; there on CIFAR-10", printed, f"{100 * known[name].test_accuracy:.2f} %", "talk, generalisation")
        for name, said, printed in (("joint", "all layers at once", "21.46 %"), ("in-turn", "in turn", "18.25 %"))
        if name in known
    ]


def _of_geomnist(rows: Sequence[Any]) -> Printed:
    told = []
    for images in dict.fromkeys(row.images for row in rows):
        mine = {row.model: row.source_relative_difference for row in rows if row.images == images}
        nearer = min(mine, key=lambda model: mine[model])
        values = ", ".join(f"{model}: {value:.3f}" for model, value in sorted(mine.items()))
        told.append((f"model with the smaller relative difference, {images}", "L", f"{nearer} ({values})", "poster, Figure 5"))
    return told


def _of_label_noise(rows: Sequence[Any]) -> Printed:
    guessing = [row.label_error for row in rows if row.accuracy < 0.5]
    least = "none of those tried" if not guessing else number(_rounded(min(guessing)))
    return [("label-error probability from which networks guess", "2/3", f"{least} (accuracy below one half)", "poster, Figure 3")]


PRINTED: Mapping[str, Callable[[Sequence[Any]], Printed]] = {
    "separation": _of_separation,
    "freezing": _of_freezing,
    "geomnist": _of_geomnist,
    "label-noise": _of_label_noise,
}
"""By experiment: what its source prints in numbers or words."""


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")
