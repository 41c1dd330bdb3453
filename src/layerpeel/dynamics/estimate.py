"""Strengths of local elasticity from recorded logits."""

from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.dynamics.estimated_strengths import INTEGRALS, STRENGTHS, EstimatedStrengths, TailIndex, TailSlope
from layerpeel.dynamics.trajectories import Trajectories
from layerpeel.dynamics.trajectory_files import read_trajectories
from layerpeel.numerics import TailIndices, UnusableInput, double, estimate_rates, refitted_means, relative_difference, shown


def estimate(
    logits: Any,
    *,
    model: str,
    iterations: Any = None,
    window: int | None = None,
    order: int = 2,
    crossings: str = "refuse",
    since: float | None = None,
    cut: bool = False,
) -> EstimatedStrengths:
    """Estimate how strongly training on one class moves that class (α) and the others (β), and how fast both decay.

    The class means X̄ of the logits are taken to follow dX̄ = M(t) X̄ dt; their modes grow by exponentials of A = ∫α and B = ∫β, which
    `numerics.estimate_rates` solves for and differentiates.

    Args:
        logits: class means of logits, trial × iteration × class × component or without the first axis; or the path of a table (.csv,
            .tsv, .jsonl: trial, iteration or step or epoch, class, logit_0, …), an array (.npy) or an archive (.npz: logits, iterations),
            of any size. Several rows of a class at one iteration are averaged.
        model: "I" (identity blocks) or "L" (blocks along the logits, which needs as many components as classes).
        iterations: of an array, evenly spaced; 0, 1, 2, … unless given.
        window: points of the Savitzky–Golay filter, odd; a tenth of the series, at most 151, unless given.
        order: degree of the filter's polynomials.
        crossings: components that cross zero, which no solution of the models does: "refuse", "drop" or "keep".
        since: leave out the iterations before this one; strengths are integrated from there on.
        cut: keep the iterations that all trials have, where they differ in length.

    Raises:
        UnusableInput: when the logits or the options cannot be used, or the data do not allow the estimate; says where.

    Source:
        zhang2021, slides, equation (19).

    Example:
        >>> times = np.linspace(0.0, 1.0, 11)
        >>> logits = np.array([[1.0, 2.0], [3.0, -1.0]]) * np.exp(times)[:, None, None]
        >>> strengths = estimate(logits, model="I", iterations=times)
        >>> print(strengths.cumulative_intra[-1].round(6), abs(strengths.cumulative_inter[-1]).round(6), strengths.trials)
        2.0 0.0 1
    """
    recorded = _recorded(logits, iterations, cut)
    if since is not None:
        if np.isnan(double(since)) and not isinstance(since, float):
            raise UnusableInput(f"since is {shown(since)}: it must be an iteration; give a number.")
        recorded = recorded.since(double(since))
    recorded = recorded.of_usual_size()
    rates = estimate_rates(
        recorded.times, recorded.means, model=model, counts=recorded.counts, window=window, order=order, crossings=crossings
    )
    means = np.average(recorded.means, axis=0, weights=recorded.counts)
    refit = refitted_means(means[0], rates.cumulative_intra, rates.cumulative_inter, model=model)
    errors = rates.standard_error
    return EstimatedStrengths(
        model=rates.model,
        num_classes=rates.num_classes,
        trials=rates.trials,
        window=rates.window,
        order=rates.order,
        crossings=crossings,
        components=rates.components,
        crossing=rates.crossing,
        times=rates.times,
        intra=rates.intra,
        inter=rates.inter,
        difference=rates.difference,
        cumulative_intra=rates.cumulative_intra,
        cumulative_inter=rates.cumulative_inter,
        cumulative_difference=rates.cumulative_difference,
        standard_error=None if errors is None else {name: errors[name] for name in (*STRENGTHS, *INTEGRALS.values())},
        spread=rates.spread,
        tail_index={name: _tail_index(rates.tail_index[name]) for name in STRENGTHS},
        relative_difference=relative_difference(means, refit),
    )


def _recorded(logits: Any, iterations: Any, cut: bool) -> Trajectories:
    if not isinstance(logits, str | Path):
        return Trajectories.of(logits, iterations, cut=cut)
    if iterations is not None:
        raise UnusableInput("iterations are given beside a file of logits, which holds its own: leave them out.")
    return read_trajectories(Path(logits), cut=cut)


def _tail_index(index: TailIndices) -> TailIndex:
    slope = index.definition
    definition = None if slope is None else TailSlope(value=slope.mean, standard_error=slope.standard_error, n=slope.n)
    return TailIndex(definition=definition, printed=index.printed, cumulative=index.cumulative, undefined=tuple(index.undefined))
