"""The command `estimate`: strengths of local elasticity from recorded logits, as JSON, as text and as figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.dynamics.trajectories import read_trajectories
from layerpeel.numerics import Estimate, Figure, Series, TailIndices, estimate_rates, refitted_means, relative_difference
from layerpeel.pages.figure_file import figure_file
from layerpeel.pages.figures import PALETTE_SIZE
from layerpeel.pages.files import write_whole
from layerpeel.pages.output import json_text, number, text_table

NAMES = {"intra": ("α", "Â"), "inter": ("β", "B̂"), "difference": ("α − β", "Â − B̂")}
"""How the strengths and their integrals are written."""

LEVEL = 0.05
"""The interval of the tail index that is read against one misses with this probability."""

MOST_POINTS = 400
"""Points of a curve that a figure shows, evenly by time, and as many evenly by its logarithm."""

FILES = ("estimate.json", "integrals.svg", "rates.svg", "fit.svg")


def estimate_record(
    path: Path, *, model: Any, window: int | None, order: int, crossings: Any, since: float | None = None
) -> dict[str, Any]:
    """The keys of `layerpeel estimate --json`.

    Strengths are integrated from the iteration `since` on, or from the first.

    `tail_index` has, for intra, inter and difference, the three numbers of that name: `definition`, `printed` and `cumulative`.

    Raises:
        UnusableInput: when the file or the options cannot be used, or the data do not allow the estimate; says where.
    """
    read = read_trajectories(path)
    if since is not None:
        read = read.since(path, since)
    found = estimate_rates(read.times, read.means, model=model, counts=read.counts, window=window, order=order, crossings=crossings)
    means = np.average(read.means, axis=0, weights=read.counts)
    refit = refitted_means(means[0], found.cumulative_intra, found.cumulative_inter, model=model)
    curves = {f"{prefix}{name}": getattr(found, f"{prefix}{name}").tolist() for prefix in ("", "cumulative_") for name in NAMES}
    errors = found.standard_error
    return {
        "model": found.model,
        "num_classes": found.num_classes,
        "trials": found.trials,
        "window": found.window,
        "order": found.order,
        "crossings": crossings,
        "components": found.components,
        "crossing": found.crossing,
        "times": found.times.tolist(),
        **curves,
        "standard_error": None if errors is None else {name: errors[name].tolist() for name in curves},
        "spread": found.spread.tolist(),
        "tail_index": {name: _index_record(index) for name, index in found.tail_index.items()},
        "relative_difference": relative_difference(means, refit).tolist(),
    }


def _index_record(index: TailIndices) -> dict[str, Any]:
    slope = index.definition
    definition = None if slope is None else {"value": slope.mean, "standard_error": slope.standard_error, "n": slope.n}
    return {"definition": definition, "printed": index.printed, "cumulative": index.cumulative, "undefined": list(index.undefined)}


def describe_estimate(record: dict[str, Any], directory: Path | None) -> str:
    """Strengths at the end, the three tail indices, how well the model fits, and what that means."""
    times, errors = record["times"], record["standard_error"]
    data = f"{record['num_classes']} classes, {record['trials']} trial{'s' if record['trials'] > 1 else ''}"
    treated = _CROSSING[record["crossings"]] if record["crossing"] else ""
    head = [
        f"{record['model']}-model, {data}, times {times[0]:g} to {times[-1]:g} ({len(times)})",
        f"{record['crossing']} of {record['components']} components cross zero{treated}",
    ]
    rows = [[symbol, *_at_end(record, errors, name), *_indices(record["tail_index"][name])] for name, (symbol, _) in NAMES.items()]
    table = text_table(["strength", "integral at the end", "rate at the end", "tail index", "printed", "cumulative"], rows)
    middle = np.median(record["relative_difference"], axis=0)
    fits = [
        [str(of_class), number(float(usual)), number(end)]
        for of_class, (usual, end) in enumerate(zip(middle, record["relative_difference"][-1], strict=True))
    ]
    fit = text_table(["class", "median relative difference", "at the end"], fits)
    where = (
        f"files: {', '.join(str(directory / name) for name in FILES)}" if directory is not None else "no figures written; --out DIR does"
    )
    return "\n".join([*head, "", table, "", fit, "", *_reading(record), where])


_CROSSING = {"refuse": "", "drop": " and are left out", "keep": "; their absolute values are used"}


def _at_end(record: dict[str, Any], errors: dict[str, list[float]] | None, name: str) -> list[str]:
    """Integral and rate at the last time, with their errors over trials."""
    names = (f"cumulative_{name}", name)
    return [number(record[key][-1]) + ("" if errors is None else f" ± {errors[key][-1]:.1e}") for key in names]


def _indices(index: dict[str, Any]) -> list[str]:
    slope = index["definition"]
    first = "–" if slope is None else f"{slope['value']:.4g} ± {slope['standard_error']:.1e}"
    return [first, number(index["printed"]), number(index["cumulative"])]


def _reading(record: dict[str, Any]) -> list[str]:
    """Why an index is missing, and in the I-model what the index of α − β says about separation."""
    lines = [f"{NAMES[name][0]}, {reason}" for name, index in record["tail_index"].items() for reason in index["undefined"]]
    slope = record["tail_index"]["difference"]["definition"]
    if record["model"] == "L" or slope is None or record["difference"][-1] <= 0.0:
        return lines
    interval = Estimate(mean=slope["value"], standard_error=slope["standard_error"], n=slope["n"]).interval(LEVEL)
    known = f"The tail index of α − β lies in [{interval.lower:.3g}, {interval.upper:.3g}] at level {LEVEL:g}"
    if interval.upper < 1.0:
        lines.append(f"{known}, below 1: if the power law goes on, classes that follow the I-model separate.")
    elif interval.lower > 1.0:
        lines.append(f"{known}, above 1: if the power law goes on, classes that follow the I-model do not.")
    else:
        lines.append(f"{known}: whether classes that follow the I-model separate is open.")
    return lines


def write_estimate(record: dict[str, Any], directory: Path) -> None:
    """Write the record and its figures, all or none.

    Raises:
        UnusableInput: when they cannot be written.
    """
    texts = dict(zip(FILES, (json_text(record) + "\n", *map(figure_file, estimate_figures(record))), strict=True))
    write_whole(
        "--out", {directory / name: lambda path, text=text: path.write_text(text, encoding="utf-8") for name, text in texts.items()}
    )


def estimate_figures(record: dict[str, Any]) -> tuple[Figure, Figure, Figure]:
    """The integrals, the rates and the relative differences against time."""
    shown = _shown(np.array(record["times"]))
    integrals = {NAMES[name][1]: _curve(record, f"cumulative_{name}", shown) for name in ("intra", "inter")}
    rates = {NAMES[name][0]: _curve(record, name, shown) for name in ("intra", "inter")}
    # On logarithmic axes a power law is a line; that needs one sign for each rate.
    powers = _two_decades(record["times"][shown[0]], record["times"][-1]) and all(np.all(rate * rate[0] > 0.0) for rate in rates.values())
    if powers:
        rates = {name if rate[0] > 0.0 else f"−{name}": np.abs(rate) for name, rate in rates.items()}
    half = (record["times"][record["window"] // 2], "half a window", 2)
    fit = np.array(record["relative_difference"])[shown]
    fits = {f"class {of_class}": curve for of_class, curve in enumerate(fit.T)}
    if len(fits) > PALETTE_SIZE:
        fits = {"median of the classes": np.median(fit, axis=1), "worst class": fit.max(axis=1)}
    return (
        _figure(record, shown, "Integrals of the strengths", "Â, B̂", integrals),
        _figure(record, shown, "Strengths", "α̂, β̂", rates, log_y=powers, marks=[half]),
        _figure(record, shown, "Fit", "relative difference", fits),
    )


def _curve(record: dict[str, Any], name: str, shown: np.ndarray) -> np.ndarray:
    return np.array(record[name])[shown]


def _figure(
    record: dict[str, Any],
    shown: np.ndarray,
    kind: str,
    label: str,
    curves: dict[str, np.ndarray],
    *,
    log_y: bool = False,
    marks: Sequence[tuple[float, str, int]] = (),
) -> Figure:
    times = tuple(record["times"][place] for place in shown)
    return Figure(
        title=f"{kind}, {record['model']}-model, {record['num_classes']} classes",
        caption="",
        x_label="t",
        y_label=label,
        series=tuple(
            Series(label=name, x=times, y=tuple(curve.tolist()), style="line", color=color)
            for color, (name, curve) in enumerate(curves.items())
        ),
        marks=tuple(mark for mark in marks if times[0] < mark[0] < times[-1]),
        log_x=_two_decades(times[0], times[-1]),
        log_y=log_y,
    )


def _shown(times: np.ndarray) -> np.ndarray:
    """Which times a figure shows: from the first positive one on if that leaves two decades, and not more than can be seen."""
    last = len(times) - 1
    positive = int(np.argmax(times > 0.0))
    first = positive if _two_decades(times[positive], times[-1]) else 0
    even = np.linspace(first, last, MOST_POINTS)
    by_logarithm = first + np.geomspace(1.0, last - first + 1.0, MOST_POINTS) - 1.0
    return np.unique(np.concatenate([even, by_logarithm]).round().astype(int))


def _two_decades(first: float, last: float) -> bool:
    """Whether a logarithmic axis of time is worth it."""
    return 0.0 < 100.0 * first <= last
