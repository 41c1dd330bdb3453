"""What a run of the experiment `label-noise` shows: accuracy, loss, strengths and tail indices against label errors."""

import numpy as np

from layerpeel.networks.estimated_ensembles import estimated_ensemble, tail_fields
from layerpeel.networks.run_directory import Arrays
from layerpeel.networks.units import Units
from layerpeel.numerics import Figure, Series, points_over_trials
from layerpeel.pages.curves import figure, line
from layerpeel.pages.records import Number, Record

TAILS = (
    ("definition", "tail_index", "tail_index_error"),
    ("printed", "printed_tail_index", None),
    ("cumulative", "cumulative_tail_index", None),
)
"""The three numbers that go by the name of tail index, with their keys in a row."""


class LabelErrorRow(Record):
    """Accuracy, loss and strengths under the L-model at one label-error probability.

    Args:
        label_error: p.
        tail_index: of α̂ − β̂, by definition; None where it is undefined.
        tail_index_error: its standard error.
        printed_tail_index: by the printed formula.
        cumulative_tail_index: by the printed formula on the integral.
        cumulative_difference: Â − B̂ at the end.
        cumulative_difference_error: its standard error over trials.
        accuracy: on clean labels, mean over trials.
        loss: likewise.
        since: iteration from which strengths are counted.
        crossings: what was done with components of the class means that cross zero, where logarithms have no meaning: "drop" leaves them
            out; "keep", where nothing else was left, takes absolute values, as the source does.
        accuracies: of every trial.
        losses: likewise.
    """

    label_error: float
    tail_index: Number | None
    tail_index_error: Number | None
    printed_tail_index: Number | None
    cumulative_tail_index: Number | None
    cumulative_difference: Number
    cumulative_difference_error: Number | None
    accuracy: Number
    loss: Number
    since: float
    crossings: str
    accuracies: tuple[Number, ...]
    losses: tuple[Number, ...]


def label_noise_results(units: Units) -> tuple[list[LabelErrorRow], list[Figure]]:
    """Accuracy, loss, strengths under the L-model and tail indices against the label-error probability.

    All strengths are counted from a quarter of the run on, so that those of different probabilities can be compared.
    """
    rows = [_error_row(float(settings["label_error"]), arrays) for settings, arrays in units]
    x = [row.label_error for row in rows]
    (settings, arrays), *_ = units
    classes = arrays["logits"].shape[-1]
    said = f"After {settings['iterations']} steps of {settings['trials']} networks, on clean labels; bars: least and largest over networks."
    guessing = (line("guessing", [x[0], x[-1]], [1.0 / classes] * 2, 1), line("guessing", [x[0], x[-1]], [np.log(classes)] * 2, 1))
    own = f"L-model, from iteration {rows[0].since:g} on."
    other = "Where all components of a mode cross zero their absolute values were taken, as in the sources: such a point means little."
    return rows, [
        _against_errors(
            "Accuracy against label errors",
            said,
            "accuracy",
            [points_over_trials("accuracy", x, np.array([row.accuracies for row in rows]).T, 0), guessing[0]],
            classes,
        ),
        _against_errors(
            "Loss against label errors",
            said,
            "cross-entropy",
            [points_over_trials("loss", x, np.array([row.losses for row in rows]).T, 0), guessing[1]],
            classes,
        ),
        _against_errors(
            "Excess of intra-class over inter-class elasticity",
            f"Â − B̂ at the end, {own} Bars: two standard errors. {other}",
            "Â − B̂",
            [
                _with_errors(
                    label, [row for row in rows if row.crossings == kind], "cumulative_difference", "cumulative_difference_error", color
                )
                for color, (kind, label) in enumerate((("drop", "Â − B̂"), ("keep", "Â − B̂ from absolute values")))
            ],
            classes,
        ),
        _against_errors(
            "Three tail indices of α̂ − β̂",
            f"By definition (bars: two standard errors), as printed, and the printed formula on the integral; {own} Those that are "
            "undefined, or come from absolute values, are left out.",
            "tail index",
            [
                _with_errors(name, [row for row in rows if row.crossings == "drop"], key, error, color)
                for color, (name, key, error) in enumerate(TAILS)
            ],
            classes,
        ),
    ]


def _against_errors(title: str, caption: str, label: str, series: list[Series], classes: int) -> Figure:
    """A figure over the label-error probability, with the place where labels carry no information."""
    blind = 1.0 - 1.0 / classes
    caption = f"{caption} At the mark labels carry no information."
    return figure(title, caption, "label-error probability p", label, series, marks=[(blind, f"p = {blind:.2g}", 5)])


def _error_row(error: float, arrays: Arrays) -> LabelErrorRow:
    estimated = estimated_ensemble(arrays, "L", len(arrays["iterations"]) // 4)
    rates, errors = estimated.rates, estimated.rates.standard_error
    return LabelErrorRow(
        label_error=error,
        **tail_fields(rates.tail_index["difference"]),
        cumulative_difference=float(rates.cumulative_difference[-1]),
        cumulative_difference_error=None if errors is None else float(errors["cumulative_difference"][-1]),
        accuracy=float(arrays["accuracy"][:, -1].mean()),
        loss=float(arrays["loss"][:, -1].mean()),
        since=float(rates.times[0]),
        crossings=estimated.crossings,
        accuracies=tuple(arrays["accuracy"][:, -1].tolist()),
        losses=tuple(arrays["loss"][:, -1].tolist()),
    )


def _with_errors(label: str, rows: list[LabelErrorRow], name: str, error: str | None, color: int) -> Series:
    """Values where they are defined, with bars of two standard errors where these are known."""
    kept = [row for row in rows if getattr(row, name) is not None]
    y = tuple(getattr(row, name) for row in kept)
    wide = [2.0 * (getattr(row, error) or 0.0) if error is not None else 0.0 for row in kept]
    low, high = (tuple(value + sign * width for value, width in zip(y, wide, strict=True)) for sign in (-1.0, 1.0))
    return Series(label=label, x=tuple(row.label_error for row in kept), y=y, style="points", color=color, low=low, high=high)
