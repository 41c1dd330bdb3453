"""What the command `simulate` says: plain text and figures."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.dynamics.paths import ClassPairs
from layerpeel.dynamics.simulate import Simulation
from layerpeel.numerics import Figure, Series
from layerpeel.pages.figure_file import figure_file
from layerpeel.pages.figures import PALETTE_SIZE
from layerpeel.pages.files import write_whole
from layerpeel.pages.output import json_text, number, text_table

MOST_ROWS = 15
"""Pairs of classes that the text names; the closest ones when there are more."""

FILES = ("simulate.json", "distances.svg", "cosines.svg")


def describe_simulation(record: dict[str, Any], directory: Path | None) -> str:
    """The means and the cosines at the end, what separates each pair, and how often all are separated."""
    end = record["times"][-1]
    head = [
        f"{record['model']}-model, {record['num_classes']} classes, {record['num_features']} features, start {record['start']}",
        f"α = {record['intra']}, β = {record['inter']}, noise {record['noise']}, {record['drift']} drift, seed {record['seed']}",
        f"mean flow to t = {end:g}: {record['method']}, relative error {np.max(record['relative_error']):.1e}",
    ]
    closest = sorted(record["pairs"], key=lambda pair: pair["log_distance"])[:MOST_ROWS]
    shown = closest if len(record["pairs"]) > MOST_ROWS else record["pairs"]
    columns = ["classes", "cosine", "distance of means"]
    columns += ["split along the means' difference (exact)"] if record["pairs"][0]["predicted"] else []
    columns += ["split by a hyperplane (paths)"] if record["separated"] else []
    table = text_table(columns, [_pair_row(record, pair) for pair in shown])
    more = [f"The {MOST_ROWS} closest of {len(record['pairs'])} pairs are shown."] if shown is closest else []
    where = (
        f"files: {', '.join(str(directory / name) for name in FILES)}" if directory is not None else "no figures written; --out DIR does"
    )
    return "\n".join([*head, "", table, *more, "", *_reading(record), where])


def _pair_row(record: dict[str, Any], pair: dict[str, Any]) -> list[str]:
    k, j = pair["classes"]
    row = [f"{k}, {j}", number(record["cosines"][k][j]), _from_log(pair["log_distance"])]
    row += [number(pair["predicted"]["probability"])] if pair["predicted"] else []
    return row + ([_shown(pair["separated"])] if pair["separated"] else [])


def _shown(proportion: dict[str, Any]) -> str:
    return f"{proportion['estimate']:.6g} in [{proportion['low']:.4g}, {proportion['high']:.4g}]"


def _from_log(logarithm: float) -> str:
    """A number given by its logarithm, of any size.

    Example:
        >>> _from_log(1000.0), _from_log(0.0)
        ('1.97007e+434', '1')
    """
    if abs(logarithm) < 600.0 or math.isinf(logarithm):
        return number(math.exp(logarithm))
    whole = math.floor(logarithm / math.log(10.0))
    return f"{math.exp(logarithm - whole * math.log(10.0)):.5f}e{whole:+d}"


def _reading(record: dict[str, Any]) -> list[str]:
    """What was counted, in a sentence."""
    found = record["separated"]
    if found is None:
        return ["No paths were simulated; --samples N does."]
    count = round(found["estimate"] * record["paths"])
    lines = [
        f"On {count} of {record['paths']} paths, with {record['samples']} samples in each class, every two classes can be split:",
        f"probability {_shown(found)} at level {found['level']:g} (Clopper-Pearson).",
    ]
    undecided = [f"On {found['undecided']} paths rounding cannot tell; the interval allows for both."] if found["undecided"] else []
    return lines + undecided


def write_simulation(found: Simulation, record: dict[str, Any], directory: Path) -> None:
    """Write the record and its figures, all or none.

    Raises:
        UnusableInput: when they cannot be written.
    """
    texts = dict(zip(FILES, (json_text(record) + "\n", *map(figure_file, simulation_figures(found))), strict=True))
    write_whole(
        "--out", {directory / name: lambda path, text=text: path.write_text(text, encoding="utf-8") for name, text in texts.items()}
    )


def simulation_figures(found: Simulation) -> tuple[Figure, Figure]:
    """Distances of class means beside the size of the noise, and cosines between class means, against time."""
    flow = found.flow
    zero = (flow.directions == 0.0).all(axis=2)
    distances, cosines = [], []
    for label, k, j in _drawn_pairs(found.pairs):
        distances.append((label, flow.log_distances(k, j) / math.log(10.0)))
        cosine = np.sum(flow.directions[:, k] * flow.directions[:, j], axis=1)
        cosines.append((label, np.where(zero[:, k] | zero[:, j], np.nan, cosine)))
    if found.drift == "mean":
        with np.errstate(divide="ignore"):
            distances.append(("noise of a feature", np.log10(found.deviations)))
    cosines.append(("simplex ETF", np.full(len(flow.times), -1 / (found.model.num_classes - 1))))
    return (
        _figure(found, "Distances of class means", "log₁₀ of the distance", distances),
        _figure(found, "Cosines between class means", "cosine", cosines),
    )


def _drawn_pairs(pairs: ClassPairs) -> list[tuple[str, int, int]]:
    """All pairs, or the closest and the farthest when there are more than colours, which one more curve needs."""
    if len(pairs.classes) < PALETTE_SIZE:
        return [(f"classes {k} and {j}", k, j) for k, j in pairs.classes]
    order = np.argsort(pairs.log_distances)
    ends = ("closest", pairs.classes[order[0]]), ("farthest", pairs.classes[order[-1]])
    return [(f"{word} at the end: {k} and {j}", k, j) for word, (k, j) in ends]


def _figure(found: Simulation, kind: str, label: str, curves: list[tuple[str, np.ndarray]]) -> Figure:
    times = found.flow.times
    series = []
    for color, (name, curve) in enumerate(curves):
        seen = np.isfinite(curve) & (times > 0.0)
        series.append(Series(label=name, x=tuple(times[seen].tolist()), y=tuple(curve[seen].tolist()), style="line", color=color))
    return Figure(
        title=f"{kind}, {found.model.kind}-model, {found.model.num_classes} classes",
        caption="",
        x_label="t",
        y_label=label,
        series=tuple(one for one in series if one.x),
        log_x=True,
    )
