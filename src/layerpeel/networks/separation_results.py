"""What a run of the experiment `separation` shows."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from layerpeel.networks.run_directory import Arrays
from layerpeel.networks.units import Units, by_settings
from layerpeel.numerics import Figure, Series, fit_decay, points_over_trials
from layerpeel.pages.curves import figure, line
from layerpeel.pages.records import Number, Record

BARS = "Bars: least and largest over trials; layer 0 is the input."

USUAL = "depth-8"
"""The network around which one thing at a time is varied."""

EMERGING = 5
"""Number of epochs whose layers are drawn."""

THEIRS = (
    "Layers as the source counts them, the classifier one of them: 3, 7 and 19 hidden. Images from −1 to 1, batches of 128, weight decay "
    ".0005. In evaluation mode; the talk prints ρ = 0.53 for eight layers, in training mode. Each line is a fitted law."
)

COMPARISONS: Mapping[str, tuple[tuple[str, ...], str]] = {
    **{
        f"{word} as the source trains it": (
            tuple(f"source-{optimizer}-{depth}" for depth in (4, 8, 20)),
            THEIRS,
        )
        for optimizer, word in (("sgd", "SGD"), ("momentum", "Momentum"), ("adam", "Adam"))
    },
    "Separation through the layers at three depths": (("depth-4", "depth-8", "depth-20"), "Each line is a fitted law."),
    "Negative controls of the law": (
        (USUAL, "no-batch-norm", "linear"),
        "Eight layers as they are, without batch norm, and without nonlinearity; each line is a fitted law.",
    ),
    "Optimisers and learning rates": ((USUAL, "momentum", "adam", "low-rate", "high-rate"), "Each line is a fitted law."),
    "Width and shape": (
        (USUAL, "width-20", "width-400", "narrow-wide", "wide-narrow", "mixed"),
        "Eight hidden layers each; each line is a fitted law.",
    ),
    "Residual blocks": (
        ("blocks-of-2", "blocks-of-3"),
        "Five blocks of two or three layers after a first layer, measured after each; each line is a fitted law.",
    ),
    "Half of the layers frozen": (
        (USUAL, "frozen-bottom", "frozen-top"),
        "The lower or the upper half of the layers keeps its initial weights; each line is a fitted law.",
    ),
    "Imbalance": (
        (USUAL, "imbalance-5"),
        "As many images in all classes, and five times fewer in half of them; each line is a fitted law.",
    ),
}
"""Figures that compare the last epoch of variants: title, variants, caption."""

TALK: Mapping[str, float] = dict.fromkeys(("source-sgd-8", "source-momentum-8", "source-adam-8"), 0.53)
"""ρ as he2023's talk prints it, for eight layers; it does not say by which optimiser."""

BY_HIDDEN = re.compile("source-hidden-([0-9]+)|source-adam-(8)")
"""Networks whose last D is held against depth; eight layers are seven hidden ones."""


class SeparationRow(Record):
    """The law of one variant at the last epoch, as means over trials; None where a network died.

    Args:
        variant: name of the network.
        trials: how many.
        rank_between: least rank of the class means over layers and trials.
        decay_ratio: ρ, the geometric mean.
        least_ratio: over trials.
        largest_ratio: likewise.
        pearson: correlation of layer and log D.
        max_residual: largest |log D − fit|.
        curvature: of log D against layers.
        final_log_d: log D of the last layer.
        batch_ratio: ρ on training images in training mode, with the statistics of batches of 100, as the source's code measures it; None
            where that is not measured.
        batch_pearson: likewise.
        batch_residual: likewise.
        talk_ratio: ρ as the talk prints it; None where it prints none.
        test_ratio: ρ on test images.
        train_accuracy: mean over trials.
        test_accuracy: likewise.
        decay_ratios: ρ of every trial.
        fuzziness: D of every layer.
    """

    variant: str
    trials: int
    rank_between: int
    decay_ratio: Number | None
    least_ratio: Number | None
    largest_ratio: Number | None
    pearson: Number | None
    max_residual: Number | None
    curvature: Number | None
    final_log_d: Number | None
    batch_ratio: Number | None
    batch_pearson: Number | None
    batch_residual: Number | None
    talk_ratio: Number | None
    test_ratio: Number | None
    train_accuracy: float
    test_accuracy: float
    decay_ratios: tuple[Number, ...]
    fuzziness: tuple[Number, ...]


def separation_results(units: Units) -> tuple[list[SeparationRow], list[Figure]]:
    """One row per variant, with the fitted law; figures of D by layer, epoch, class, and on test images."""
    variants = {name: trials for (name,), trials in by_settings(units, "variant").items()}
    usual = variants.get(USUAL, next(iter(variants.values())))
    rows = [_row(name, trials) for name, trials in variants.items()]
    return rows, [
        *(_comparison(title, names, caption, variants) for title, (names, caption) in COMPARISONS.items() if {*names} & {*variants}),
        *_modes(variants),
        *_depths(variants),
        _emergence(usual),
        _law_and_collapse(usual),
        _of_classes(usual),
        _of_test_images(usual),
    ]


def _row(variant: str, trials: Sequence[Arrays]) -> SeparationRow:
    """The law of every trial, as means over trials; None where a network died."""
    ends, tests = (np.array([arrays[name][-1] for arrays in trials]) for name in ("fuzziness", "test_fuzziness"))
    sound = bool(np.isfinite(ends).all() and np.isfinite(tests).all())
    laws, of_tests = ([fit_decay(end) for end in all_ends] if sound else [] for all_ends in (ends, tests))
    ratios = [law.decay_ratio for law in laws]
    batched = np.array([arrays["batch_fuzziness"][-1] for arrays in trials])
    of_batches = [fit_decay(end) for end in batched] if sound and batched.shape[1] > 2 and np.isfinite(batched).all() else []

    def mean(values: Sequence[float]) -> float | None:
        return float(np.mean(values)) if sound else None

    return SeparationRow(
        variant=variant,
        trials=len(trials),
        rank_between=min(int(arrays["rank_between"].min()) for arrays in trials),
        decay_ratio=float(np.exp(np.mean(np.log(ratios)))) if sound else None,
        least_ratio=min(ratios, default=None),
        largest_ratio=max(ratios, default=None),
        pearson=mean([law.pearson for law in laws]),
        max_residual=mean([law.max_residual for law in laws]),
        curvature=mean([law.curvature for law in laws]),
        final_log_d=mean([float(value) for value in np.log(ends[:, -1])]),
        batch_ratio=float(np.exp(np.mean([np.log(law.decay_ratio) for law in of_batches]))) if of_batches else None,
        batch_pearson=float(np.mean([law.pearson for law in of_batches])) if of_batches else None,
        batch_residual=float(np.mean([law.max_residual for law in of_batches])) if of_batches else None,
        talk_ratio=TALK.get(variant),
        test_ratio=float(np.exp(np.mean([np.log(law.decay_ratio) for law in of_tests]))) if sound else None,
        train_accuracy=float(np.mean([arrays["accuracy"][0] for arrays in trials])),
        test_accuracy=float(np.mean([arrays["accuracy"][1] for arrays in trials])),
        decay_ratios=tuple(ratios),
        fuzziness=tuple(ends.mean(axis=0).tolist()) if sound else (),
    )


def _comparison(title: str, names: Sequence[str], caption: str, variants: Mapping[str, Sequence[Arrays]]) -> Figure:
    series: list[Series] = []
    for color, name in enumerate(name for name in names if name in variants):
        ends = np.array([arrays["fuzziness"][-1] for arrays in variants[name]])
        series += _with_law(name, ends, color)
    return _by_layer(title, f"{caption} {BARS}", series)


def _modes(variants: Mapping[str, Sequence[Arrays]]) -> list[Figure]:
    """D of the source's eight layers, by the statistics that batch norm takes."""
    trials = variants.get("source-adam-8")
    if trials is None:
        return []
    series = [
        part
        for color, (label, name) in enumerate((("evaluation mode", "fuzziness"), ("training mode", "batch_fuzziness")))
        for part in _with_law(label, np.array([arrays[name][-1] for arrays in trials]), color)
    ]
    caption = f"Adam, eight layers. In training mode, as the source's code measures, batch norm takes statistics of 100 images. {BARS}"
    return [_by_layer("Evaluation mode and training mode", caption, series)]


def _depths(variants: Mapping[str, Sequence[Arrays]]) -> list[Figure]:
    """The last D against depth."""
    by_depth = {int(hidden): trials for name, trials in variants.items() if (hidden := _hidden(name))}
    if len(by_depth) < 2:
        return []
    depths = sorted(by_depth)
    least = min(len(trials) for trials in by_depth.values())
    series = []
    for color, (label, name) in enumerate((("training images", "fuzziness"), ("test images", "test_fuzziness"))):
        last = [[arrays[name][-1][-1] for arrays in by_depth[depth][:least]] for depth in depths]
        series.append(points_over_trials(label, depths, np.array(last).T, color))
    caption = "Adam at the learning rate of eight layers; bars: least and largest over trials."
    title, place = "Separation in the last layer against depth", "D of the last hidden layer"
    return [figure(title, caption, "hidden layers", place, series, log_y=True)]


def _hidden(name: str) -> str | None:
    match = BY_HIDDEN.fullmatch(name)
    return None if match is None else match.group(1) or "7"


def _with_law(label: str, ends: np.ndarray, color: int) -> list[Series]:
    """D of every layer, and the geometric law fitted to the means over trials of log D."""
    layers = np.arange(ends.shape[1])
    if not np.isfinite(ends).all():
        return [points_over_trials(f"{label}: some died", layers.tolist(), ends, color)]
    slope, offset = np.polyfit(layers, np.log(ends).mean(axis=0), 1)
    law = np.exp(slope * layers + offset)
    return [points_over_trials(label, layers.tolist(), ends, color), line(f"{label}: ρ = {np.exp(slope):.3f}", layers.tolist(), law, color)]


def _by_layer(title: str, caption: str, series: list[Series]) -> Figure:
    return figure(title, caption, "layer", "separation fuzziness D", series, log_y=True)


def _emergence(trials: Sequence[Arrays]) -> Figure:
    """D of the layers at a few epochs, evenly chosen among those measured."""
    epochs = trials[0]["epochs"]
    chosen = sorted({round(place) for place in np.linspace(0, len(epochs) - 1, EMERGING)})
    series = []
    for color, place in enumerate(chosen):
        curves = np.array([arrays["fuzziness"][place] for arrays in trials])
        series.append(points_over_trials(f"epoch {epochs[place]}", range(curves.shape[1]), curves, color))
    return _by_layer("The law emerges", f"Eight layers while they are trained. {BARS}", series)


def _law_and_collapse(trials: Sequence[Arrays]) -> Figure:
    """1 + r, which is zero on a falling line, and NC1 against epochs: which comes first."""
    when = trials[0]["epochs"].astype(float)
    bent = np.array(
        [[1.0 + fit_decay(row).pearson if np.isfinite(row).all() else np.nan for row in arrays["fuzziness"]] for arrays in trials]
    )
    nc1 = np.array([arrays["nc1"] for arrays in trials])
    later = when > 0
    return figure(
        "How far from the law, and how far from collapse",
        "Eight layers while they are trained: 1 + r is 0 where log D falls along a line and 2 where it rises along one; NC1 is D of "
        "the last layer over K. Bars: least and largest over trials.",
        "epoch",
        "1 + r; NC1",
        [
            points_over_trials("1 + r, r the correlation of log D and layer", when[later].tolist(), bent[:, later], 0),
            points_over_trials("NC1 of the last layer", when[later].tolist(), nc1[:, later], 1),
        ],
        log_x=True,
        log_y=True,
    )


def _of_classes(trials: Sequence[Arrays]) -> Figure:
    curves = np.array([arrays["by_class"] for arrays in trials]).mean(axis=0)
    series = _with_law("mean over classes", curves.T, 0)
    return _by_layer(
        "Every class by itself", "Eight layers, means over trials. Bars: least and largest class; layer 0 is the input.", series
    )


def _of_test_images(trials: Sequence[Arrays]) -> Figure:
    series = [
        part
        for color, (label, name) in enumerate((("training images", "fuzziness"), ("test images", "test_fuzziness")))
        for part in _with_law(label, np.array([arrays[name][-1] for arrays in trials]), color)
    ]
    return _by_layer("Images that were not trained on", f"Eight layers; each line is a fitted law. {BARS}", series)
