"""Recorded logits as class means over groups of trials, whatever they come from."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from layerpeel.numerics import UnusableInput, require_memory

SPACING = 1e-6
"""Relative difference between two steps that is rounding: archives may hold times that are not whole."""

SMALL = 1e-100
"""Logits below it, or beyond its inverse, are scaled: products of three are doubles between them."""

GROUPS = 10
"""Trials are averaged in at most this many groups, enough for an error over trials with nine degrees of freedom."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectories:
    """Class means over groups of trials.

    Args:
        times: the recorded iterations, increasing.
        means: group × time × class × component.
        counts: trials in each group.
    """

    times: np.ndarray
    means: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, logits: Any, iterations: Any = None, *, cut: bool = False, what: str = "the logits") -> "Trajectories":
        """Those of an array.

        Args:
            logits: trial × iteration × class × component, or without the first axis.
            iterations: evenly spaced; 0, 1, 2, … unless given.
            cut: keep the iterations at which all trials are finite.
            what: their name in a refusal.

        Raises:
            UnusableInput: for other arrays; says where.

        Example:
            >>> Trajectories.of([[[1, 0], [0, 1]], [[2, 0], [0, 2]]]).means.shape
            (1, 2, 2, 2)
        """
        try:
            array, times = np.asarray(logits), None if iterations is None else np.asarray(iterations)
        except ValueError:
            raise UnusableInput(f"{what}, or their iterations, are no array: rows differ in length; correct them.") from None
        require_logits(what, array.dtype, array.shape)
        states = array if array.ndim == 4 else array[None]
        if times is None:
            times = np.arange(states.shape[1])
        require_iterations(what, times.dtype, times.shape, states.shape[1])
        means, counts, common = mean_over_groups(what, states, states.shape, cut=cut)
        return cls(times=evenly_spaced(what, times[common]), means=means, counts=counts)

    def of_usual_size(self) -> "Trajectories":
        """The same, divided by a power of two where squares would be no doubles: the models are linear, and strengths do not change.

        Example:
            >>> float(Trajectories.of([[[1e300, 0.0], [0.0, 1e300]]]).of_usual_size().means.max()) <= 1.0
            True
        """
        largest = float(np.abs(self.means).max())
        if largest == 0.0 or SMALL < largest < 1.0 / SMALL:
            return self
        return replace(self, means=np.ldexp(self.means, -int(np.frexp(largest)[1])))

    def since(self, first: float) -> "Trajectories":
        """What was recorded from an iteration on.

        Raises:
            UnusableInput: when that is after the last one.
        """
        kept = self.times >= first
        if not kept.any():
            raise UnusableInput(f"since {first:g} leaves nothing of the logits, whose last iteration is {self.times[-1]:g}: begin earlier.")
        return replace(self, times=self.times[kept], means=self.means[:, kept])


def mean_over_groups(
    what: str, states: Iterable[np.ndarray], shape: tuple[int, ...], *, cut: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means over groups of trials, how many each holds, and which iterations are kept.

    Args:
        what: the logits' name in a refusal.
        states: one trial after the other, iteration × class × component; one at a time is in memory.
        shape: trials and the shape of each.
        cut: keep the iterations at which all trials are finite, rather than refuse what is not.

    Raises:
        UnusableInput: for too many to hold, for what is not finite, and for sums beyond the largest double; says where.
    """
    trials, *state = shape
    groups = min(trials, GROUPS)
    counts = np.full(groups, trials // groups)
    counts[: trials % groups] += 1
    require_room(what, groups, *state)
    sums = np.zeros((groups, *state))
    common = np.ones(state[0], dtype=bool)
    for trial, logits in enumerate(states):
        bad = np.argwhere(~np.isfinite(logits))
        common[bad[:, 0]] = False
        if len(bad) and not cut:
            raise UnusableInput(
                f"{what}: {logits[tuple(bad[0])]} in trial {trial}, at iteration number {bad[0][0]}, class {bad[0][1]}, logit "
                f"{bad[0][2]} (counted from 0): all must be finite; correct it, leave that trial out, or cut with cut=True."
            )
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite then is refused, or cut
            sums[trial % GROUPS] += logits
    if not common.any():
        raise UnusableInput(f"{what} have no iteration at which all trials are finite: none is left; correct them.")
    means = sums[:, common] / counts[:, None, None, None]
    if not np.isfinite(means).all():
        raise UnusableInput(f"{what}: the sum over trials goes beyond the largest double: means must be doubles; scale the logits.")
    return means, counts, common


def require_logits(what: str, dtype: Any, shape: tuple[int, ...], *, columns_first: bool = False) -> None:
    """Check that an array holds real logits, before its numbers are read.

    Raises:
        UnusableInput: otherwise.
    """
    if dtype.kind not in "iuf" or len(shape) not in {3, 4} or 0 in shape or columns_first:
        raise UnusableInput(
            f"{what}: the array is {dtype} of shape {shape}{', columns first' if columns_first else ''}: it must be real numbers, "
            "trial × iteration × class × logit or iteration × class × logit, rows first; convert it with np.ascontiguousarray."
        )


def require_iterations(what: str, dtype: Any, shape: tuple[int, ...], states: int) -> None:
    """Check that there is one number for each recorded state.

    Raises:
        UnusableInput: otherwise.
    """
    if shape != (states,) or dtype.kind not in "iuf":
        raise UnusableInput(
            f"{what}: iterations are {dtype} of shape {shape} for {states} recorded states: one number for each is needed; correct them."
        )


def evenly_spaced(what: str, iterations: np.ndarray) -> np.ndarray:
    """The iterations as times.

    Raises:
        UnusableInput: when one is missing among evenly spaced ones; says where.
    """
    steps = np.diff(iterations)
    usual = np.median(steps) if len(steps) else 1
    wrong = np.flatnonzero(~((np.abs(steps - usual) <= SPACING * usual) & (steps > 0)))
    if len(wrong):
        raise UnusableInput(
            f"{what}: iteration {iterations[wrong[0]]:g} is followed by {iterations[wrong[0] + 1]:g}, where the step is {usual:g}: "
            "iterations must be evenly spaced, because rates are their derivatives; add what is missing, or leave out what is between."
        )
    return iterations.astype(float)


def require_room(what: str, groups: int, times: int, classes: int, components: int) -> None:
    """Check the memory that the means need: sums with room to grow, and the result."""
    require_memory(
        24.0 * groups * times * classes * components,
        f"the means of {times} iterations × {classes} classes × {components} logits over {groups} groups of trials in {what}",
        "record fewer iterations",
    )
