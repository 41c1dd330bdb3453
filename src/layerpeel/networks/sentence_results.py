"""What a run of the experiment `sentences` shows."""

import numpy as np

from layerpeel.networks.laws import SeparationRow, by_variant, law_row
from layerpeel.networks.units import Units
from layerpeel.numerics import Figure, fit_decay, points_over_trials
from layerpeel.pages.curves import figure, line

CAPTION = (
    "D of the first token (cls) or of the mean over the words (average) after each layer of the encoder, which is trained on what it "
    "pools; lines are fitted laws. Bars: least and largest over trials."
)


def sentence_results(units: Units) -> tuple[list[SeparationRow], list[Figure]]:
    """One row per pooling, and D through the layers of the encoder, which are counted from 1."""
    variants = by_variant(units)
    series = []
    for color, (name, trials) in enumerate(variants.items()):
        ends = np.array([arrays["fuzziness"][-1] for arrays in trials])
        layers = list(range(1, ends.shape[1] + 1))
        if not np.isfinite(ends).all():
            series.append(points_over_trials(f"{name}: some died", layers, ends, color))
            continue
        means = np.exp(np.log(ends).mean(axis=0))
        law = fit_decay(means)
        fitted = np.exp(np.polyval(np.polyfit(layers, np.log(means), 1), layers))
        series.append(points_over_trials(f"{name}: ρ = {law.decay_ratio:.3f}, r = {law.pearson:.3f}", layers, ends, color))
        series.append(line("", layers, fitted, color))
    drawn = figure("Separation through a transformer encoder", CAPTION, "layer", "separation fuzziness D", series, log_y=True)
    return [law_row(name, trials) for name, trials in variants.items()], [drawn]
