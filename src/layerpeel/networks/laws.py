"""The law of one network, or of several trials, as a row of a result and as parts of figures."""

from collections.abc import Mapping, Sequence

import numpy as np

from layerpeel.networks.run_directory import Arrays
from layerpeel.networks.units import Units, by_settings
from layerpeel.numerics import Figure, Series, fit_decay, points_over_trials
from layerpeel.pages.curves import figure, line
from layerpeel.pages.records import Number, Record

BARS = "Bars: least and largest over trials; layer 0 is the input."

TALK: Mapping[str, float] = dict.fromkeys(("source-sgd-8", "source-momentum-8", "source-adam-8"), 0.53)
"""ρ as he2023's talk prints it, for eight layers; it does not say by which optimiser."""


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


def by_variant(units: Units) -> dict[str, list[Arrays]]:
    """Arrays of all trials of each variant."""
    return {name: trials for (name,), trials in by_settings(units, "variant").items()}


def law_row(variant: str, trials: Sequence[Arrays]) -> SeparationRow:
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


def comparison(title: str, names: Sequence[str], caption: str, variants: Mapping[str, Sequence[Arrays]]) -> Figure:
    """D through the layers of several variants, at the end."""
    series: list[Series] = []
    for color, name in enumerate(name for name in names if name in variants):
        ends = np.array([arrays["fuzziness"][-1] for arrays in variants[name]])
        series += with_law(name, ends, color)
    return by_layer(title, f"{caption} {BARS}", series)


def with_law(label: str, ends: np.ndarray, color: int) -> list[Series]:
    """D of every layer, and the geometric law fitted to the means over trials of log D, which goes by the same name in the legend."""
    layers = np.arange(ends.shape[1])
    if not np.isfinite(ends).all():
        return [points_over_trials(f"{label}: some died", layers.tolist(), ends, color)]
    slope, offset = np.polyfit(layers, np.log(ends).mean(axis=0), 1)
    law = np.exp(slope * layers + offset)
    points = points_over_trials(f"{label}: ρ = {np.exp(slope):.3f}", layers.tolist(), ends, color)
    return [points, line("", layers.tolist(), law, color)]


def by_layer(title: str, caption: str, series: list[Series]) -> Figure:
    """A figure of D against layers."""
    return figure(title, caption, "layer", "separation fuzziness D", series, log_y=True)
