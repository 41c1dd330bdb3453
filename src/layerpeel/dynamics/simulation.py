"""What a simulation of the locally elastic equations found: its JSON, its text and its figures."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from layerpeel.numerics import PALETTE_SIZE, Figure, MeanFlow
from layerpeel.pages.curves import figure, line
from layerpeel.pages.output import number, text_table
from layerpeel.pages.records import Number, Numbers, Record, Result, Table, Tables

MOST_ROWS = 15
"""Pairs of classes that the text names; the closest ones when there are more."""


class Counted(Record):
    """A share of the paths with its Clopper–Pearson interval, which allows for the paths on which rounding cannot tell (`undecided`)."""

    estimate: float
    low: float
    high: float
    level: float
    undecided: int

    def __str__(self) -> str:
        return f"{self.estimate:.6g} in [{self.low:.4g}, {self.high:.4g}]"


class AllSeparated(Counted):
    """How often every two classes were split; `at_least` is what the predictions make certain for all pairs at once (union bound)."""

    at_least: float | None


class PredictedSplit(Record):
    """Probability that two classes are split along the difference of their means, by the exact integral."""

    probability: float
    low: float
    high: float
    log: Number
    log_complement: Number


class PairOfClasses(Record):
    """Two classes at the end.

    Args:
        classes: which.
        log_distance: log ‖X̄^k − X̄^l‖; −∞ where the means coincide.
        predicted: None where samples are coupled or have no common law.
        separated: on which share of the paths some hyperplane splits them; None without paths.
    """

    classes: tuple[int, int]
    log_distance: Number
    predicted: PredictedSplit | None
    separated: Counted | None


class Simulation(Result):
    """Class means over time, and how often every two classes can be split by a hyperplane at the end.

    Args:
        model: "I", "L" or "identity".
        num_classes: K.
        num_features: P.
        intra: α(t), as text.
        inter: β(t), likewise.
        noise: σ(t), likewise.
        drift: "mean" or "literal".
        start: where the start came from.
        seed: of the start and of the paths.
        method: which closed form of the mean flow, or how it was integrated.
        relative_error: estimate for the means, time × class.
        times: from 0 to the end.
        mean: X̄, time × class × feature; ±∞ where it is beyond doubles.
        log_norm: log ‖X̄^k‖, time × class, finite also beyond doubles; −∞ where the mean is zero.
        direction: of the means at the end, class × feature.
        cosines: between the means at the end, class × class; NaN where one is zero.
        noise_deviation: √∫σ², the noise gathered by one feature, per time; None under the literal drift.
        samples: per class; None when no paths were asked for.
        paths: how many; None likewise.
        pairs: every two classes at the end.
        separated: how often all pairs are split; None without paths.
        flow: the class means without loss beyond doubles; not part of the JSON.
    """

    FILES: ClassVar = ("simulate.json", "distances.svg", "cosines.svg")

    model: str
    num_classes: int
    num_features: int
    intra: str | None
    inter: str | None
    noise: str
    drift: str
    start: str
    seed: int
    method: str
    relative_error: Table
    times: Numbers
    mean: Tables
    log_norm: Table
    direction: Table
    cosines: Table
    noise_deviation: Numbers | None
    samples: int | None
    paths: int | None
    pairs: tuple[PairOfClasses, ...]
    separated: AllSeparated | None
    flow: SkipJsonSchema[MeanFlow] = Field(exclude=True, repr=False)

    def to_text(self) -> str:
        """The means and the cosines at the end, what separates each pair, and how often all are separated."""
        head = [
            f"{self.model}-model, {self.num_classes} classes, {self.num_features} features, start {self.start}",
            f"α = {self.intra}, β = {self.inter}, noise {self.noise}, {self.drift} drift, seed {self.seed}",
            f"mean flow to t = {self.times[-1]:g}: {self.method}, relative error {np.max(self.relative_error):.1e}",
        ]
        closest = sorted(self.pairs, key=lambda pair: pair.log_distance)[:MOST_ROWS]
        shown = closest if len(self.pairs) > MOST_ROWS else self.pairs
        columns = ["classes", "cosine", "distance of means"]
        columns += ["split along the means' difference (exact)"] if self.pairs[0].predicted else []
        columns += ["split by a hyperplane (paths)"] if self.separated else []
        table = text_table(columns, [self._row(pair) for pair in shown])
        more = [f"The {MOST_ROWS} closest of {len(self.pairs)} pairs are shown."] if shown is closest else []
        return "\n".join([*head, "", table, *more, "", *self._reading()])

    def _row(self, pair: PairOfClasses) -> list[str]:
        k, j = pair.classes
        row = [f"{k}, {j}", number(float(self.cosines[k, j])), _from_log(pair.log_distance)]
        row += [number(pair.predicted.probability)] if pair.predicted else []
        return row + ([str(pair.separated)] if pair.separated else [])

    def _reading(self) -> list[str]:
        """What was counted, in a sentence."""
        share = self.separated
        if share is None or self.paths is None:
            return ["No paths were simulated: they need a number of samples."]
        count = round(share.estimate * self.paths)
        lines = [
            f"On {count} of {self.paths} paths, with {self.samples} samples in each class, every two classes can be split:",
            f"probability {share} at level {share.level:g} (Clopper-Pearson).",
        ]
        undecided = [f"On {share.undecided} paths rounding cannot tell; the interval allows for both."] if share.undecided else []
        return lines + undecided

    def figures(self) -> tuple[Figure, ...]:
        """Distances of class means beside the size of the noise, and cosines between class means, against time."""
        flow = self.flow
        zero = (flow.directions == 0.0).all(axis=2)
        distances, cosines = [], []
        for label, k, j in self._drawn_pairs():
            distances.append((label, flow.log_distances(k, j) / math.log(10.0)))
            cosine = np.sum(flow.directions[:, k] * flow.directions[:, j], axis=1)
            cosines.append((label, np.where(zero[:, k] | zero[:, j], np.nan, cosine)))
        if self.noise_deviation is not None:
            with np.errstate(divide="ignore"):
                distances.append(("noise of a feature", np.log10(self.noise_deviation)))
        cosines.append(("simplex ETF", np.full(len(self.times), -1 / (self.num_classes - 1))))
        return (
            self._figure("Distances of class means", "log₁₀ of the distance", distances),
            self._figure("Cosines between class means", "cosine", cosines),
        )

    def _drawn_pairs(self) -> list[tuple[str, int, int]]:
        """All pairs, or the closest and the farthest when there are more than colours, which one more curve needs."""
        if len(self.pairs) < PALETTE_SIZE:
            return [(f"classes {k} and {j}", k, j) for k, j in (pair.classes for pair in self.pairs)]
        order = np.argsort([pair.log_distance for pair in self.pairs])
        ends = ("closest", self.pairs[order[0]].classes), ("farthest", self.pairs[order[-1]].classes)
        return [(f"{word} at the end: {k} and {j}", k, j) for word, (k, j) in ends]

    def _figure(self, kind: str, label: str, curves: list[tuple[str, np.ndarray]]) -> Figure:
        series = []
        for color, (name, curve) in enumerate(curves):
            seen = np.isfinite(curve) & (self.times > 0.0)
            if seen.any():
                series.append(line(name, self.times[seen], curve[seen], color))
        return figure(f"{kind}, {self.model}-model, {self.num_classes} classes", "", "t", label, series, log_x=True)


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
