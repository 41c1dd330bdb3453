"""What a run of an experiment shows: a record with effect sizes over trials, and figures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from numerics import RateEstimate, UnusableInput, estimate_rates, fit_decay, refitted_means, relative_difference
from suite._output import number, text_table
from suite._run_directory import Arrays, Run
from suite.report import FigureData, SeriesData

ROUNDING = 1e-16
"""Values of the loss differ from the optimum by their rounding at best: a logarithmic axis ends here."""

Result = tuple[dict[str, Any], list[FigureData]]


def summarise(run: Run) -> Result:
    """The record of a run and its figures."""
    units = list(run.units.values())
    of_experiment = {
        "separation": _separation,
        "imbalance": _imbalance,
        "unconstrained": _unconstrained,
        "geomnist": _geomnist,
        "label-noise": _label_noise,
    }
    rows, figures = of_experiment[run.experiment](units)
    files = [f"figure-{position}.svg" for position in range(1, len(figures) + 1)]
    return {"experiment": run.experiment, "directory": str(run.directory), "units": len(units), "results": rows, "figures": files}, figures


def describe_run(record: dict[str, Any]) -> str:
    """The results as a table."""
    rows = record["results"]
    columns = [name for name in rows[0] if not isinstance(rows[0][name], list)] if rows else []
    cells = [[row[name] if isinstance(row[name], str) else number(row[name]) for name in columns] for row in rows]
    return "\n".join([text_table([name.replace("_", " ") for name in columns], cells), "", f"run directory: {record['directory']}"])


def _by(units: Sequence[tuple[Mapping[str, Any], Arrays]], *names: str) -> dict[tuple[Any, ...], list[Arrays]]:
    """Arrays of all trials that share these settings, in order of first appearance."""
    found: dict[tuple[Any, ...], list[Arrays]] = {}
    for settings, arrays in units:
        found.setdefault(tuple(settings[name] for name in names), []).append(arrays)
    return found


def _series(label: str, x: Sequence[float], trials: np.ndarray, style: str, color: int) -> SeriesData:
    """Mean over trials (the first axis), with bars from the least to the largest."""
    mean, low, high = (statistic(trials, axis=0).tolist() for statistic in (np.mean, np.min, np.max))
    bars = {"low": low, "high": high} if style == "points" else {"low": [], "high": []}
    return SeriesData(label=label, x=list(map(float, x)), y=mean, style=style, color=color, **bars)


def _separation(units: Sequence[tuple[Mapping[str, Any], Arrays]]) -> tuple[list[dict[str, Any]], list[FigureData]]:
    rows = []
    curves: dict[str, np.ndarray] = {}
    for (variant,), trials in _by(units, "variant").items():
        ends = np.array([arrays["fuzziness"][-1] for arrays in trials])
        laws = [fit_decay(end) for end in ends]
        curves[variant] = ends
        rows.append(
            {
                "variant": variant,
                "trials": len(trials),
                "decay_ratio": float(np.mean([law.decay_ratio for law in laws])),
                "pearson": float(np.mean([law.pearson for law in laws])),
                "max_residual": float(np.mean([law.max_residual for law in laws])),
                "curvature": float(np.mean([law.curvature for law in laws])),
                "final_log_d": float(np.mean(np.log(ends[:, -1]))),
                "train_accuracy": float(np.mean([arrays["accuracy"][0] for arrays in trials])),
                "test_accuracy": float(np.mean([arrays["accuracy"][1] for arrays in trials])),
                "fuzziness": ends.mean(axis=0).tolist(),
            }
        )
    figures = [
        _layers("Separation through the layers at three depths", curves, ("depth-4", "depth-8", "depth-20"), "Each line a fitted law."),
        _layers(
            "Negative controls of the law",
            curves,
            ("depth-8", "no-batch-norm", "linear"),
            "Eight layers as they are, without batch norm, and without nonlinearity; each line is a fitted law.",
        ),
        _epochs([arrays for (variant,), trials in _by(units, "variant").items() if variant == "depth-8" for arrays in trials]),
    ]
    return rows, figures


def _layers(title: str, curves: dict[str, np.ndarray], names: Sequence[str], caption: str) -> FigureData:
    series = []
    for color, name in enumerate(name for name in names if name in curves):
        ends = curves[name]
        depth = np.arange(ends.shape[1])
        line = np.polyfit(depth, np.log(ends).mean(axis=0), 1)
        series.append(_series(name, depth.tolist(), ends, "points", color))
        series.append(_series(f"{name}: ρ = {np.exp(line[0]):.3f}", depth.tolist(), np.exp(np.polyval(line, depth))[None], "line", color))
    return FigureData(
        title=title,
        caption=f"{caption} Bars: least and largest over trials; layer 0 is the input.",
        x_label="layer",
        y_label="separation fuzziness D",
        series=series,
        marks=[],
        log_x=False,
        log_y=True,
    )


def _epochs(trials: Sequence[Arrays]) -> FigureData:
    """Largest residual of the law and NC1 against epochs: which comes first."""
    when = trials[0]["epochs"].astype(float)
    residuals = np.array([[fit_decay(row).max_residual for row in arrays["fuzziness"]] for arrays in trials])
    nc1 = np.array([arrays["nc1"] for arrays in trials])
    later = when > 0
    return FigureData(
        title="How far from the law, and how far from collapse",
        caption="Eight layers while they are trained; bars: least and largest over trials.",
        x_label="epoch",
        y_label="largest residual of log D; NC1",
        series=[
            _series("largest residual of log D", when[later].tolist(), residuals[:, later], "points", 0),
            _series("NC1 of the last layer", when[later].tolist(), nc1[:, later], "points", 1),
        ],
        marks=[],
        log_x=True,
        log_y=True,
    )


def _imbalance(units: Sequence[tuple[Mapping[str, Any], Arrays]]) -> tuple[list[dict[str, Any]], list[FigureData]]:
    from solvers import LayerPeeled, solve

    rows = []
    for (ratio, factor), trials in _by(units, "imbalance", "oversampling").items():
        effective = trials[0]["counts"] * np.where(np.arange(len(trials[0]["counts"])) < 5, 1.0, factor)
        predicted = []
        for arrays in trials:
            problem = LayerPeeled.from_imbalance(
                5,
                5,
                float(effective[0] / effective[-1]),
                feature_energy=float(arrays["feature_energy"]),
                weight_energy=float(arrays["weight_energy"]),
            )
            cosine = solve(problem).groups[-1].within_cosine
            predicted.append(np.nan if cosine is None else cosine)
        measured = np.array([float(arrays["minority_cosine"]) for arrays in trials])
        accuracy = np.array([arrays["accuracy"] for arrays in trials])
        rows.append(
            {
                "imbalance": float(ratio),
                "oversampling": float(factor),
                "trials": len(trials),
                "minority_cosine": float(measured.mean()),
                "standard_deviation": float(measured.std(ddof=1)) if len(measured) > 1 else None,
                "predicted_cosine": float(np.mean(predicted)),
                "minority_accuracy": float(accuracy[:, 5:].mean()),
                "majority_accuracy": float(accuracy[:, :5].mean()),
                "minority_cosines": measured.tolist(),
                "predicted_cosines": [float(value) for value in predicted],
            }
        )
    plain = [row for row in rows if row["oversampling"] == 1.0]
    remedied = [row for row in rows if row["imbalance"] == max(row["imbalance"] for row in rows)]
    return rows, [
        _cosines("Minority collapse in trained networks", plain, "imbalance", "imbalance R"),
        _cosines(f"Oversampling at R = {remedied[0]['imbalance']:g}", remedied, "oversampling", "oversampling of the minority"),
    ]


def _cosines(title: str, rows: Sequence[dict[str, Any]], name: str, label: str) -> FigureData:
    x = [row[name] for row in rows]
    accuracy = np.array([[row["minority_accuracy"] for row in rows]])
    return FigureData(
        title=title,
        caption="Cosine between minority classifiers, measured and as the Layer-Peeled Model predicts from the measured energies. "
        "Bars: least and largest over trials.",
        x_label=label,
        y_label="minority cosine; accuracy",
        series=[
            _series("measured cosine", x, np.array([row["minority_cosines"] for row in rows]).T, "points", 0),
            _series("predicted from energies", x, np.array([[row["predicted_cosine"] for row in rows]]), "line", 1),
            _series("minority test accuracy", x, accuracy, "line", 2),
        ],
        marks=[],
        log_x=True,
        log_y=False,
    )


def _unconstrained(units: Sequence[tuple[Mapping[str, Any], Arrays]]) -> tuple[list[dict[str, Any]], list[FigureData]]:
    from solvers import LayerPeeled, solve

    rows, series = [], []
    for color, ((ratio,), trials) in enumerate(_by(units, "imbalance").items()):
        optimum = solve(LayerPeeled(counts=trials[0]["counts"].tolist(), feature_energy=5.0)).value
        excess = np.array([arrays["values"] for arrays in trials]) - optimum.lower
        steps = trials[0]["steps"]
        rows.append(
            {
                "imbalance": float(ratio),
                "trials": len(trials),
                "certified_value": optimum.upper,
                "largest_excess": float(excess[:, -1].max()),
                "least_excess": float(excess[:, -1].min()),
            }
        )
        series.append(_series(f"R = {ratio}", steps[1:].tolist(), np.maximum(excess[:, 1:], ROUNDING), "points", color))
    return rows, [
        FigureData(
            title="Descent on features and classifier alone",
            caption=f"Value above the certified lower bound of the optimum, {ROUNDING:g} where it is less; bars: least and largest over "
            "starts.",
            x_label="step",
            y_label="excess over the optimum",
            series=series,
            marks=[],
            log_x=True,
            log_y=True,
        )
    ]


def _from_departure(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Times and mean logits from where the networks have left their initial plateau; a quarter of the run where they never do.

    Before that the means are what the initial weights happened to give, a hundredth in size and of any sign: growth factors counted
    from there say nothing about training.
    """
    accuracy, classes = arrays["accuracy"].mean(axis=0), arrays["logits"].shape[-1]
    passed = accuracy >= 0.5 * (1.0 + 1.0 / classes)
    start = int(np.argmax(passed)) if passed.any() else len(accuracy)
    start = min(start, len(accuracy) // 4)
    return arrays["times"][start:].astype(float), arrays["logits"].mean(axis=0)[start:]


def _estimated(times: np.ndarray, means: np.ndarray, model: str) -> RateEstimate:
    """Rates with components that cross zero left out; with their absolute values, as in the sources, where nothing else is left."""
    try:
        return estimate_rates(times, means, model=model, crossings="drop")
    except UnusableInput:
        return estimate_rates(times, means, model=model, crossings="keep")


def _geomnist(units: Sequence[tuple[Mapping[str, Any], Arrays]]) -> tuple[list[dict[str, Any]], list[FigureData]]:
    (_, arrays), *_ = units
    whole = arrays["times"].astype(float), arrays["logits"].mean(axis=0)
    times, means = _from_departure(arrays)
    rows, cumulative, fits = [], [], []
    for color, model in enumerate(("I", "L")):
        found = _estimated(times, means, model)
        refit = refitted_means(means[0], found.cumulative_intra, found.cumulative_inter, model=model)
        difference = relative_difference(means[1:], refit[1:])
        index = found.tail_index["intra"]
        rows.append(
            {
                "model": model,
                "since": float(times[0]),
                "cumulative_intra": float(found.cumulative_intra[-1]),
                "cumulative_inter": float(found.cumulative_inter[-1]),
                "tail_index": None if index.definition is None else index.definition.mean,
                "printed_tail_index": index.printed,
                "cumulative_tail_index": index.cumulative,
                "mean_relative_difference": float(difference.mean()),
                "final_relative_difference": float(difference[-1].mean()),
                "final_accuracy": float(arrays["accuracy"][:, -1].mean()),
            }
        )
        for offset, (name, curve) in enumerate((("Â", found.cumulative_intra), ("B̂", found.cumulative_inter))):
            cumulative.append(_series(f"{name}, {model}-model", times.tolist(), curve[None], "line", 2 * color + offset))
        fits.append(_series(f"{model}-model", times[1:].tolist(), difference.mean(axis=1)[None], "line", color))
    return rows, [
        _over_time("Cumulative strengths of local elasticity", "Â, B̂", cumulative),
        _over_time("Simulated against genuine class means", "relative difference", fits),
        _over_time("Cosines between class means of logits", "cosine", _cosine_series(*whole)),
    ]


def _cosine_series(times: np.ndarray, means: np.ndarray) -> list[SeriesData]:
    units = means / np.linalg.norm(means, axis=-1, keepdims=True)
    cosines = units @ units.transpose(0, 2, 1)
    pairs = [(first, second) for first in range(means.shape[1]) for second in range(first + 1, means.shape[1])]
    return [
        _series(f"classes {first} and {second}", times.tolist(), cosines[None, :, first, second], "line", color)
        for color, (first, second) in enumerate(pairs)
    ]


def _over_time(title: str, label: str, series: list[SeriesData]) -> FigureData:
    return FigureData(title=title, caption="", x_label="iteration", y_label=label, series=series, marks=[], log_x=False, log_y=False)


def _label_noise(units: Sequence[tuple[Mapping[str, Any], Arrays]]) -> tuple[list[dict[str, Any]], list[FigureData]]:
    rows = []
    for settings, arrays in units:
        found = _estimated(*_from_departure(arrays), "L")
        index = found.tail_index["difference"]
        rows.append(
            {
                "label_error": float(settings["label_error"]),
                "tail_index": None if index.definition is None else index.definition.mean,
                "printed_tail_index": index.printed,
                "cumulative_tail_index": index.cumulative,
                "cumulative_difference": float(found.cumulative_difference[-1]),
                "accuracy": float(arrays["accuracy"][:, -1].mean()),
                "loss": float(arrays["loss"][:, -1].mean()),
                "accuracies": arrays["accuracy"][:, -1].tolist(),
            }
        )
    x = [row["label_error"] for row in rows]
    growth = np.array([[row["cumulative_difference"] for row in rows]])
    return rows, [
        FigureData(
            title="Accuracy against label errors",
            caption="Bars: least and largest over trials; at p = 2/3 labels carry no information.",
            x_label="label-error probability p",
            y_label="accuracy on clean labels",
            series=[_series("accuracy", x, np.array([row["accuracies"] for row in rows]).T, "points", 0)],
            marks=[],
            log_x=False,
            log_y=False,
        ),
        FigureData(
            title="Excess of intra-class over inter-class elasticity",
            caption="Â − B̂ at the end, L-model; at p = 2/3 labels carry no information.",
            x_label="label-error probability p",
            y_label="Â − B̂",
            series=[_series("Â − B̂", x, growth, "points", 0)],
            marks=[],
            log_x=False,
            log_y=False,
        ),
    ]
