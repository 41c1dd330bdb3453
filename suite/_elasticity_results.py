"""What runs of the experiments `geomnist` and `label-noise` show: strengths of local elasticity estimated from mean logits."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from numerics import RateEstimate, TailIndices, UnusableInput, estimate_rates, refitted_means, relative_difference
from suite._run_directory import Arrays
from suite._trial_series import Result, Units, figure, line, points
from suite.report import FigureData, SeriesData

TAILS = ("definition", "printed", "cumulative")
"""The three numbers that go by the name of tail index."""


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


def _estimated(arrays: Arrays, model: str) -> _Estimated:
    """Estimate from where the networks have left their initial plateau; from a quarter of the run where they never do.

    Before that the means are what the initial weights happened to give, a hundredth in size and of any sign: growth factors counted
    from there say nothing about training.
    """
    accuracy, classes = arrays["accuracy"].mean(axis=0), arrays["logits"].shape[-1]
    passed = accuracy >= 0.5 * (1.0 + 1.0 / classes)
    start = min(int(np.argmax(passed)) if passed.any() else len(accuracy), len(accuracy) // 4)
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
    models = {model: _estimated(arrays, model) for model in ("I", "L")}
    figures = [
        _strengths("Cumulative strengths of local elasticity", "Â(t), B̂(t)", models, ("cumulative_intra", "cumulative_inter"), ("Â", "B̂")),
        _strengths("Strengths of local elasticity", "α̂(t), β̂(t)", models, ("intra", "inter"), ("α̂", "β̂")),
        *(_against_genuine(model, estimated) for model, estimated in models.items()),
        _relative_differences(models),
        _cosines(arrays),
    ]
    rows = [{"images": images, **_model_row(model, estimated, arrays)} for model, estimated in models.items()]
    return rows, [drawn.model_copy(update={"title": f"{drawn.title} ({images})"}) for drawn in figures]


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


def _strengths(title: str, label: str, models: dict[str, _Estimated], names: tuple[str, str], symbols: tuple[str, str]) -> FigureData:
    series = [
        line(f"{symbol}, {model}-model", estimated.found.times.tolist(), getattr(estimated.found, name), 2 * row + column)
        for row, (model, estimated) in enumerate(models.items())
        for column, (name, symbol) in enumerate(zip(names, symbols, strict=True))
    ]
    caption = "From the iteration on at which the networks have left their initial plateau: how a step at an image moves its own class "
    return figure(title, caption + "(intra) and the others (inter), under both models.", "iteration", label, series)


def _against_genuine(model: str, estimated: _Estimated) -> FigureData:
    """The logit of each class at its own images: genuine means and those that the estimated strengths imply."""
    times = estimated.found.times
    shown = np.unique(np.linspace(0, len(times) - 1, 25).astype(int))
    series: list[SeriesData] = []
    for k in range(estimated.genuine.shape[1]):
        series.append(points(f"class {k}, genuine", times[shown].tolist(), estimated.genuine[None, shown, k, k], k))
        series.append(line(f"class {k}, {model}-model", times.tolist(), estimated.simulated[:, k, k], k))
    caption = "Mean logit of each class at its own images; lines: what the estimated strengths make of the first point."
    return figure(f"Simulated against genuine class means, {model}-model", caption, "iteration", "own logit", series)


def _relative_differences(models: dict[str, _Estimated]) -> FigureData:
    series = [
        line(f"class {k}, {model}-model", estimated.found.times[1:].tolist(), estimated.difference[:, k], 3 * row + k)
        for row, (model, estimated) in enumerate(models.items())
        for k in range(estimated.genuine.shape[1])
    ]
    caption = "‖simulated − genuine‖/‖genuine‖ for the mean logits of each class."
    return figure("Relative difference of simulated class means", caption, "iteration", "RD_k(t)", series)


def _cosines(arrays: Arrays) -> FigureData:
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
    """Accuracy, loss, strengths under the L-model and tail indices against the label-error probability."""
    rows = [_error_row(float(settings["label_error"]), arrays) for settings, arrays in units]
    x = [row["label_error"] for row in rows]
    blind = "At p = 2/3 labels carry no information."
    label = "label-error probability p"
    return rows, [
        figure(
            "Accuracy against label errors",
            f"On clean labels. Bars: least and largest over trials. {blind}",
            label,
            "accuracy",
            [points("accuracy", x, np.array([row["accuracies"] for row in rows]).T, 0)],
        ),
        figure(
            "Loss against label errors",
            f"On clean labels. Bars: least and largest over trials. {blind}",
            label,
            "cross-entropy",
            [points("loss", x, np.array([row["losses"] for row in rows]).T, 0)],
        ),
        figure(
            "Excess of intra-class over inter-class elasticity",
            f"Â − B̂ at the end under the L-model. Bars: two standard errors. {blind}",
            label,
            "Â − B̂",
            [_with_errors("Â − B̂", rows, "cumulative_difference", "cumulative_difference_error", 0)],
        ),
        figure(
            "Three tail indices of α̂ − β̂",
            "By definition (bars: two standard errors), as printed, and the printed formula on the integral; one that is undefined is left "
            f"out. {blind}",
            label,
            "tail index",
            [
                _with_errors("definition", rows, "tail_index", "tail_index_error", 0),
                *(_with_errors(name, rows, f"{name}_tail_index", None, color) for color, name in enumerate(TAILS[1:], start=1)),
            ],
        ),
    ]


def _error_row(error: float, arrays: Arrays) -> dict[str, Any]:
    estimated = _estimated(arrays, "L")
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


def _with_errors(label: str, rows: list[dict[str, Any]], name: str, error: str | None, color: int) -> SeriesData:
    """Values where they are defined, with bars of two standard errors where these are known."""
    kept = [row for row in rows if row[name] is not None]
    y = [row[name] for row in kept]
    wide = [2.0 * (row[error] or 0.0) if error is not None else 0.0 for row in kept]
    ends = ([value + sign * width for value, width in zip(y, wide, strict=True)] for sign in (-1.0, 1.0))
    low, high = ends
    return SeriesData(label=label, x=[row["label_error"] for row in kept], y=y, style="points", color=color, low=low, high=high)
