"""Class means over groups of trials, and what every reader of trajectories needs."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from layerpeel.numerics import UnusableInput, require_memory

SPACING = 1e-6
"""Relative difference between two steps that is rounding: archives may hold times that are not whole."""

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

    def since(self, path: Path, first: float) -> "Trajectories":
        """What was recorded from an iteration on.

        Raises:
            UnusableInput: when that is after the last one.
        """
        kept = self.times >= first
        if not kept.any():
            raise UnusableInput(f"--since {first:g} leaves nothing of {path}, whose last iteration is {self.times[-1]:g}: begin earlier.")
        return replace(self, times=self.times[kept], means=self.means[:, kept])


def evenly_spaced(path: Path, iterations: np.ndarray) -> np.ndarray:
    """The iterations as times.

    Raises:
        UnusableInput: when one is missing among evenly spaced ones; says where.
    """
    steps = np.diff(iterations)
    usual = np.median(steps) if len(steps) else 1
    wrong = np.flatnonzero(~((np.abs(steps - usual) <= SPACING * usual) & (steps > 0)))
    if len(wrong):
        raise UnusableInput(
            f"logits {path}: iteration {iterations[wrong[0]]:g} is followed by {iterations[wrong[0] + 1]:g}, where the step is {usual:g}: "
            "iterations must be evenly spaced, because rates are their derivatives; add what is missing, or leave out what is between."
        )
    return iterations.astype(float)


def require_room(path: Path, groups: int, times: int, classes: int, components: int) -> None:
    """Check the memory that the means need: sums with room to grow, and the result."""
    require_memory(
        24.0 * groups * times * classes * components,
        f"the means of {times} iterations × {classes} classes × {components} logits over {groups} groups of trials in {path}",
        "record fewer iterations",
    )
