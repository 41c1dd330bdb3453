"""What a run of the experiment `separation` shows."""

from collections.abc import Mapping, Sequence

import numpy as np

from layerpeel.networks.laws import BARS, SeparationRow, by_layer, by_variant, comparison, law_row, with_law
from layerpeel.networks.run_directory import Arrays
from layerpeel.networks.units import Units
from layerpeel.numerics import Figure, fit_decay, points_over_trials
from layerpeel.pages.curves import figure

USUAL = "depth-8"
"""The network around which one thing at a time is varied."""

THEIR_USUAL = "source-adam-8"
"""The same among the source's panels, where these are alone."""

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


def separation_results(units: Units) -> tuple[list[SeparationRow], list[Figure]]:
    """One row per variant, with the fitted law; figures of D by layer, epoch, class, and on test images."""
    variants = by_variant(units)
    usual = next((variants[name] for name in (USUAL, THEIR_USUAL) if name in variants), next(iter(variants.values())))
    rows = [law_row(name, trials) for name, trials in variants.items()]
    return rows, [
        *(comparison(title, names, caption, variants) for title, (names, caption) in COMPARISONS.items() if {*names} & {*variants}),
        *_modes(variants),
        _emergence(usual),
        _law_and_collapse(usual),
        _of_classes(usual),
        _of_test_images(usual),
    ]


def _modes(variants: Mapping[str, Sequence[Arrays]]) -> list[Figure]:
    """D of the source's eight layers, by the statistics that batch norm takes."""
    trials = variants.get(THEIR_USUAL)
    if trials is None:
        return []
    series = [
        part
        for color, (label, name) in enumerate((("evaluation mode", "fuzziness"), ("training mode", "batch_fuzziness")))
        for part in with_law(label, np.array([arrays[name][-1] for arrays in trials]), color)
    ]
    caption = f"Adam, eight layers. In training mode, as the source's code measures, batch norm takes statistics of 100 images. {BARS}"
    return [by_layer("Evaluation mode and training mode", caption, series)]


def _emergence(trials: Sequence[Arrays]) -> Figure:
    """D of the layers at a few epochs, evenly chosen among those measured."""
    epochs = trials[0]["epochs"]
    chosen = sorted({round(place) for place in np.linspace(0, len(epochs) - 1, EMERGING)})
    series = []
    for color, place in enumerate(chosen):
        curves = np.array([arrays["fuzziness"][place] for arrays in trials])
        series.append(points_over_trials(f"epoch {epochs[place]}", range(curves.shape[1]), curves, color))
    return by_layer("The law emerges", f"Eight layers while they are trained. {BARS}", series)


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
    series = with_law("mean over classes", curves.T, 0)
    return by_layer(
        "Every class by itself", "Eight layers, means over trials. Bars: least and largest class; layer 0 is the input.", series
    )


def _of_test_images(trials: Sequence[Arrays]) -> Figure:
    series = [
        part
        for color, (label, name) in enumerate((("training images", "fuzziness"), ("test images", "test_fuzziness")))
        for part in with_law(label, np.array([arrays[name][-1] for arrays in trials]), color)
    ]
    return by_layer("Images that were not trained on", f"Eight layers; each line is a fitted law. {BARS}", series)
