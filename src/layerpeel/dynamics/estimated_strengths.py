"""What an estimate of local elasticity found: its JSON, its text and its figures."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np

from layerpeel.numerics import PALETTE_SIZE, Bracket, Estimate, Figure
from layerpeel.pages.curves import Mark, figure, line
from layerpeel.pages.output import number, text_table
from layerpeel.pages.records import Number, Numbers, Record, Result, Table

Strength = Literal["intra", "inter", "difference"]
Curve = Literal["intra", "inter", "difference", "cumulative_intra", "cumulative_inter", "cumulative_difference"]

STRENGTHS: Mapping[Strength, str] = {"intra": "α", "inter": "β", "difference": "α − β"}
"""How the strengths are written."""

INTEGRALS: Mapping[Strength, Curve] = {
    "intra": "cumulative_intra",
    "inter": "cumulative_inter",
    "difference": "cumulative_difference",
}
"""The strengths' integrals."""

LEVEL = 0.05
"""The interval of the tail index that is read against one misses with this probability."""

MOST_POINTS = 400
"""Points of a curve that a figure shows, evenly by time, and as many evenly by its logarithm."""

_CROSSING = {"refuse": "", "drop": " and are left out", "keep": "; their absolute values are used"}


class TailSlope(Record):
    """A slope with its standard error over n trials, or over n independent parts of one."""

    value: float
    standard_error: float
    n: int

    def interval(self, level: float) -> Bracket:
        """Where the slope lies, missed with the probability `level`."""
        return Estimate(mean=self.value, standard_error=self.standard_error, n=self.n).interval(level)


class TailIndex(Record):
    """The three numbers that go by this name; None where one is undefined, and `undefined` says why."""

    definition: TailSlope | None
    printed: Number | None
    cumulative: Number | None
    undefined: tuple[str, ...]


class EstimatedStrengths(Result):
    """α̂ and β̂, their integrals from the first time on, how fast they decay, and how well the model fits.

    Args:
        model: "I" or "L".
        num_classes: K.
        trials: over how many trials the means were averaged.
        window: points of the Savitzky–Golay filter.
        order: degree of its polynomials.
        crossings: "refuse", "drop" or "keep".
        components: how many logarithms the modes average.
        crossing: how many of them cross zero.
        times: the iterations.
        intra: α̂, per time.
        inter: β̂.
        difference: α̂ − β̂.
        cumulative_intra: Â.
        cumulative_inter: B̂.
        cumulative_difference: Â − B̂.
        standard_error: of each of these six curves, over trials; None for a single trial.
        spread: standard deviation of the deviations' logarithms over classes and components, per time.
        tail_index: of "intra", "inter" and "difference".
        relative_difference: of the class means and those that the estimate implies, time × class.
    """

    FILES: ClassVar = ("estimate.json", "integrals.svg", "rates.svg", "fit.svg")

    model: str
    num_classes: int
    trials: int
    window: int
    order: int
    crossings: str
    components: int
    crossing: int
    times: Numbers
    intra: Numbers
    inter: Numbers
    difference: Numbers
    cumulative_intra: Numbers
    cumulative_inter: Numbers
    cumulative_difference: Numbers
    standard_error: Mapping[Curve, Numbers] | None
    spread: Numbers
    tail_index: Mapping[Strength, TailIndex]
    relative_difference: Table

    def to_text(self) -> str:
        """Strengths at the end, the three tail indices, how well the model fits, and what that means."""
        times = self.times
        data = f"{self.num_classes} classes, {self.trials} trial{'s' if self.trials > 1 else ''}"
        treated = _CROSSING[self.crossings] if self.crossing else ""
        head = [
            f"{self.model}-model, {data}, times {times[0]:g} to {times[-1]:g} ({len(times)})",
            f"{self.crossing} of {self.components} components cross zero{treated}",
        ]
        rows = [[STRENGTHS[name], *self._at_end(name), *_indices(index)] for name, index in self.tail_index.items()]
        table = text_table(["strength", "integral at the end", "rate at the end", "tail index", "printed", "cumulative"], rows)
        middle, last = np.median(self.relative_difference, axis=0), self.relative_difference[-1]
        fits = [[str(k), number(usual), number(end)] for k, (usual, end) in enumerate(zip(middle.tolist(), last.tolist(), strict=True))]
        fit = text_table(["class", "median relative difference", "at the end"], fits)
        return "\n".join([*head, "", table, "", fit, "", *self._reading()])

    def _curve(self, name: Curve) -> np.ndarray:
        return getattr(self, name)

    def _at_end(self, name: Strength) -> list[str]:
        """Integral and rate at the last time, with their errors over trials."""
        curves: tuple[Curve, Curve] = (INTEGRALS[name], name)
        errors = self.standard_error
        return [number(float(self._curve(curve)[-1])) + ("" if errors is None else f" ± {errors[curve][-1]:.1e}") for curve in curves]

    def _reading(self) -> list[str]:
        """Why an index is missing, and in the I-model what the index of α − β says about separation."""
        lines = [f"{STRENGTHS[name]}, {reason}" for name, index in self.tail_index.items() for reason in index.undefined]
        slope = self.tail_index["difference"].definition
        if self.model == "L" or slope is None or self.difference[-1] <= 0.0:
            return lines
        interval = slope.interval(LEVEL)
        known = f"The tail index of α − β lies in [{interval.lower:.3g}, {interval.upper:.3g}] at level {LEVEL:g}"
        if interval.upper < 1.0:
            lines.append(f"{known}, below 1: if the power law goes on, classes that follow the I-model separate.")
        elif interval.lower > 1.0:
            lines.append(f"{known}, above 1: if the power law goes on, classes that follow the I-model do not.")
        else:
            lines.append(f"{known}: whether classes that follow the I-model separate is open.")
        return lines

    def figures(self) -> tuple[Figure, ...]:
        """The integrals, the rates and the relative differences against time."""
        shown = _shown(self.times)
        integrals = {"Â": self.cumulative_intra[shown], "B̂": self.cumulative_inter[shown]}
        rates = {"α": self.intra[shown], "β": self.inter[shown]}
        # On logarithmic axes a power law is a line; that needs one sign for each rate.
        powers = _two_decades(float(self.times[shown[0]]), float(self.times[-1])) and all(
            np.all(rate * rate[0] > 0.0) for rate in rates.values()
        )
        if powers:
            rates = {name if rate[0] > 0.0 else f"−{name}": np.abs(rate) for name, rate in rates.items()}
        half = (float(self.times[self.window // 2]), "half a window", 2)
        fit = self.relative_difference[shown]
        fits = {f"class {k}": curve for k, curve in enumerate(fit.T)}
        if len(fits) > PALETTE_SIZE:
            fits = {"median of the classes": np.median(fit, axis=1), "worst class": fit.max(axis=1)}
        return (
            self._figure(shown, "Integrals of the strengths", "Â, B̂", integrals),
            self._figure(shown, "Strengths", "α̂, β̂", rates, log_y=powers, marks=[half]),
            self._figure(shown, "Fit", "relative difference", fits),
        )

    def _figure(
        self,
        shown: np.ndarray,
        kind: str,
        label: str,
        curves: Mapping[str, np.ndarray],
        *,
        log_y: bool = False,
        marks: Sequence[Mark] = (),
    ) -> Figure:
        times = self.times[shown]
        return figure(
            f"{kind}, {self.model}-model, {self.num_classes} classes",
            "",
            "t",
            label,
            [line(name, times, curve, color) for color, (name, curve) in enumerate(curves.items())],
            marks=[mark for mark in marks if times[0] < mark[0] < times[-1]],
            log_x=_two_decades(times[0], times[-1]),
            log_y=log_y,
        )


def _indices(index: TailIndex) -> list[str]:
    slope = index.definition
    first = "–" if slope is None else f"{slope.value:.4g} ± {slope.standard_error:.1e}"
    return [first, number(index.printed), number(index.cumulative)]


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
    return bool(0.0 < 100.0 * first <= last)
