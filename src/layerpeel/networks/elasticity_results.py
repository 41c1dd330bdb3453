"""What runs of the experiments `geomnist` and `label-noise` show: strengths of local elasticity estimated from mean logits."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from layerpeel.networks.run_directory import Arrays
from layerpeel.networks.trial_series import Result, Units, figure, line, points
from layerpeel.numerics import Figure, RateEstimate, Series, TailIndices, UnusableInput, estimate_rates, refitted_means, relative_difference

FEWEST_TIMES = 10
"""Recorded states that an estimate is made from at the least."""

TAILS = (
    ("definition", "tail_index", "tail_index_error"),
    ("printed", "printed_tail_index", None),
    ("cumulative", "cumulative_tail_index", None),
)
"""The three numbers that go by the name of tail index, with their keys in a row."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Estimated:
    """Strengths under one model, and the class means that they imply.

    Args:
        found: the estimate.
        crossings: "drop" when components that cross zero were left out, "keep" when nothing else was left and absolute values were
            taken, as in the sources.
        genuine: mean logits, (time, class, logit).
        simulated: the same as the mean flow makes them of the first ones.
    """

    found: RateEstimate
    crossings: str
    genuine: np.ndarray
    simulated: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        """RD_k(t) from the second time on, (time, class)."""
        return relative_difference(self.genuine[1:], self.simulated[1:])


def _departure(arrays: Arrays) -> int:
    """Where the networks have left their initial plateau: half-way from guessing to faultless; a quarter of the run if they never do.

    Before that the means are what the initial weights happened to give, a hundredth in size and of any sign: growth factors counted
    from there say nothing about training.
    """
    accuracy, classes = arrays["accuracy"].mean(axis=0), arrays["logits"].shape[-1]
    passed = accuracy[: -FEWEST_TIMES + 1] >= 0.5 * (1.0 + 1.0 / classes)
    return int(np.argmax(passed)) if passed.any() else len(accuracy) // 4


def _estimated(arrays: Arrays, model: str, start: int) -> _Estimated:
    times, trials = arrays["iterations"][start:].astype(float), arrays["logits"][:, start:]
    try:
        crossings, found = "drop", estimate_rates(times, trials, model=model, crossings="drop")
    except UnusableInput:
        crossings, found = "keep", estimate_rates(times, trials, model=model, crossings="keep")
    genuine = trials.mean(axis=0)
    simulated = refitted_means(genuine[0], found.cumulative_intra, found.cumulative_inter, model=model)
    return _Estimated(found=found, crossings=crossings, genuine=genuine, simulated=simulated)


def _tails(indices: TailIndices) -> dict[str, float | None]:
    return {
        "tail_index": None if indices.definition is None else indices.definition.mean,
        "tail_index_error": None if indices.definition is None else indices.definition.standard_error,
        "printed_tail_index": indices.printed,
        "cumulative_tail_index": indices.cumulative,
    }


def geomnist_results(units: Units) -> Result:
    """Strengths under both models, and how near the class means they imply are to the genuine ones."""
    results = [_ensemble_results(settings["images"], arrays) for settings, arrays in units]
    return [row for rows, _ in results for row in rows], [drawn for _, figures in results for drawn in figures]


def _ensemble_results(images: str, arrays: Arrays) -> Result:
    start = _departure(arrays)
    models = {model: _estimated(arrays, model, start) for model in ("I", "L")}
    figures = [
        _strengths("Cumulative strengths of local elasticity", "Â(t), B̂(t)", models, ("cumulative_intra", "cumulative_inter"), ("Â", "B̂")),
        _strengths("Strengths of local elasticity", "α̂(t), β̂(t)", models, ("intra", "inter"), ("α̂", "β̂")),
        *(_against_genuine(model, estimated) for model, estimated in models.items()),
        _relative_differences(models),
        _cosines(arrays),
    ]
    rows = [{"images": images, **_model_row(model, estimated, arrays)} for model, estimated in models.items()]
    return rows, [replace(drawn, title=f"{drawn.title} ({images})") for drawn in figures]


def _model_row(model: str, estimated: _Estimated, arrays: Arrays) -> dict[str, Any]:
    found, errors, difference = estimated.found, estimated.found.standard_error, estimated.difference
    return {
        "model": model,
        "since": float(found.times[0]),
        "cumulative_intra": float(found.cumulative_intra[-1]),
        "cumulative_intra_error": None if errors is None else float(errors["cumulative_intra"][-1]),
        "cumulative_inter": float(found.cumulative_inter[-1]),
        "cumulative_inter_error": None if errors is None else float(errors["cumulative_inter"][-1]),
        **_tails(found.tail_index["intra"]),
        "mean_relative_difference": float(difference.mean()),
        "final_relative_difference": float(difference[-1].mean()),
        "final_accuracy": float(arrays["accuracy"][:, -1].mean()),
        "crossings": estimated.crossings,
        "crossing_components": found.crossing,
        "iterations": found.times.tolist(),
        "intra": found.intra.tolist(),
        "inter": found.inter.tolist(),
        "cumulative_intra_curve": found.cumulative_intra.tolist(),
        "cumulative_inter_curve": found.cumulative_inter.tolist(),
        "relative_difference": difference.tolist(),
    }


def _strengths(title: str, label: str, models: dict[str, _Estimated], names: tuple[str, str], symbols: tuple[str, str]) -> Figure:
    series = [
        line(f"{symbol}, {model}-model", estimated.found.times.tolist(), getattr(estimated.found, name), 2 * row + column)
        for row, (model, estimated) in enumerate(models.items())
        for column, (name, symbol) in enumerate(zip(names, symbols, strict=True))
    ]
    caption = (
        "From where the networks have left their initial plateau, or a quarter of the run: how a step at an image moves its own class "
    )
    return figure(title, caption + "(intra) and the others (inter), under both models.", "iteration", label, series)


def _against_genuine(model: str, estimated: _Estimated) -> Figure:
    """The logit of each class at its own images: genuine means and those that the estimated strengths imply."""
    times = estimated.found.times
    shown = np.unique(np.linspace(0, len(times) - 1, 25).astype(int))
    series: list[Series] = []
    for k in range(estimated.genuine.shape[1]):
        series.append(points(f"class {k}, genuine", times[shown].tolist(), estimated.genuine[None, shown, k, k], k))
        series.append(line(f"class {k}, {model}-model", times.tolist(), estimated.simulated[:, k, k], k))
    caption = "Mean logit of each class at its own images; lines: what the estimated strengths make of the first point."
    return figure(f"Simulated against genuine class means, {model}-model", caption, "iteration", "own logit", series)


def _relative_differences(models: dict[str, _Estimated]) -> Figure:
    series = [
        line(f"class {k}, {model}-model", estimated.found.times[1:].tolist(), estimated.difference[:, k], 3 * row + k)
        for row, (model, estimated) in enumerate(models.items())
        for k in range(estimated.genuine.shape[1])
    ]
    means = " and ".join(f"{estimated.difference.mean():.2f} under the {model}-model" for model, estimated in models.items())
    caption = f"‖X̄ᵏ − Ȳᵏ‖/((‖X̄ᵏ‖ + ‖Ȳᵏ‖)/2) of genuine and simulated mean logits, between 0 and 2; on average it is {means}."
    return figure("Relative difference of simulated class means", caption, "iteration", "RD_k(t)", series)


def _cosines(arrays: Arrays) -> Figure:
    means = arrays["logits"].mean(axis=0)
    centred = means - means.mean(axis=1, keepdims=True)
    units = centred / np.linalg.norm(centred, axis=-1, keepdims=True)
    cosines = units @ units.transpose(0, 2, 1)
    first, second = np.triu_indices(means.shape[1], 1)
    times = arrays["iterations"].tolist()
    series = [line(f"classes {k} and {j}", times, cosines[:, k, j], color) for color, (k, j) in enumerate(zip(first, second, strict=True))]
    caption = f"Of the centred mean logits; a simplex ETF has {-1 / (means.shape[1] - 1):g} in all pairs."
    return figure("Cosines between class means of logits", caption, "iteration", "cosine", series)


def label_noise_results(units: Units) -> Result:
    """Accuracy, loss, strengths under the L-model and tail indices against the label-error probability.

    All strengths are counted from a quarter of the run on, so that those of different probabilities can be compared.
    """
    rows = [_error_row(float(settings["label_error"]), arrays) for settings, arrays in units]
    x = [row["label_error"] for row in rows]
    (settings, arrays), *_ = units
    classes = arrays["logits"].shape[-1]
    said = f"After {settings['iterations']} steps of {settings['trials']} networks, on clean labels; bars: least and largest over networks."
    guessing = (line("guessing", [x[0], x[-1]], [1.0 / classes] * 2, 1), line("guessing", [x[0], x[-1]], [np.log(classes)] * 2, 1))
    own = f"L-model, from iteration {rows[0]['since']:g} on."
    other = "Where all components of a mode cross zero their absolute values were taken, as in the sources: such a point means little."
    return rows, [
        _against_errors(
            "Accuracy against label errors",
            said,
            "accuracy",
            [points("accuracy", x, np.array([row["accuracies"] for row in rows]).T, 0), guessing[0]],
            classes,
        ),
        _against_errors(
            "Loss against label errors",
            said,
            "cross-entropy",
            [points("loss", x, np.array([row["losses"] for row in rows]).T, 0), guessing[1]],
            classes,
        ),
        _against_errors(
            "Excess of intra-class over inter-class elasticity",
            f"Â − B̂ at the end, {own} Bars: two standard errors. {other}",
            "Â − B̂",
            [
                _with_errors(
                    label, [row for row in rows if row["crossings"] == kind], "cumulative_difference", "cumulative_difference_error", color
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
                _with_errors(name, [row for row in rows if row["crossings"] == "drop"], key, error, color)
                for color, (name, key, error) in enumerate(TAILS)
            ],
            classes,
        ),
    ]


def _against_errors(title: str, caption: str, label: str, series: list[Series], classes: int) -> Figure:
    """A figure over the label-error probability, with the place where labels carry no information."""
    blind = 1.0 - 1.0 / classes
    drawn = figure(title, f"{caption} At the mark labels carry no information.", "label-error probability p", label, series)
    return replace(drawn, marks=((blind, f"p = {blind:.2g}", 5),))


def _error_row(error: float, arrays: Arrays) -> dict[str, Any]:
    estimated = _estimated(arrays, "L", len(arrays["iterations"]) // 4)
    found, errors = estimated.found, estimated.found.standard_error
    return {
        "label_error": error,
        **_tails(found.tail_index["difference"]),
        "cumulative_difference": float(found.cumulative_difference[-1]),
        "cumulative_difference_error": None if errors is None else float(errors["cumulative_difference"][-1]),
        "accuracy": float(arrays["accuracy"][:, -1].mean()),
        "loss": float(arrays["loss"][:, -1].mean()),
        "since": float(found.times[0]),
        "crossings": estimated.crossings,
        "accuracies": arrays["accuracy"][:, -1].tolist(),
        "losses": arrays["loss"][:, -1].tolist(),
    }


def _with_errors(label: str, rows: list[dict[str, Any]], name: str, error: str | None, color: int) -> Series:
    """Values where they are defined, with bars of two standard errors where these are known."""
    kept = [row for row in rows if row[name] is not None]
    y = tuple(row[name] for row in kept)
    wide = [2.0 * (row[error] or 0.0) if error is not None else 0.0 for row in kept]
    low, high = (tuple(value + sign * width for value, width in zip(y, wide, strict=True)) for sign in (-1.0, 1.0))
    return Series(label=label, x=tuple(row["label_error"] for row in kept), y=y, style="points", color=color, low=low, high=high)
