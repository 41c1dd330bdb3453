"""A group of equal classes, and R0 of its program under each remedy: by closed forms where there are some, else by certified solves."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from layerpeel.solvers import GroupUnderRemedy, Problem

FREE = 1e6
"""1/λ_b of a bias that costs next to nothing."""

LEAST_LOG, SPREAD, FARTHEST = 1e-3, 1.2, 60.0
"""log R between which a threshold in closed form is looked for, and the ratio of the steps."""

SEARCHED = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.5, 7.0, 9.0, 12.0)
"""log R at which certified solves look for a threshold."""

HALVINGS = 60
"""Steps of a bisection, beyond the digits of a double."""


@dataclass(frozen=True, eq=False)
class Case:
    """A group of a program, and what is known about it without any remedy."""

    problem: "Problem"
    place: int
    model: dict[str, Any] | None

    @property
    def classes(self) -> str:
        """In words."""
        group = self.problem.groups[self.place]
        return f"the {group.classes} classes of {group.samples:g} samples"

    @cached_property
    def imbalance(self) -> float:
        """R: the largest count over the group's."""
        return max(float(group.samples) for group in self.problem.groups) / float(self.problem.groups[self.place].samples)

    @property
    def sizes(self) -> tuple[int, int] | None:
        """K_A, K_B where a threshold is known."""
        if len(self.problem.groups) != 2 or self.model is None:
            return None
        return self.problem.groups[1 - self.place].classes, self.problem.groups[self.place].classes

    @property
    def penalised(self) -> bool:
        """Whether λ is given, in place of energies."""
        from layerpeel.solvers import UnconstrainedFeatures

        return isinstance(self.problem, UnconstrainedFeatures)

    def closed(self, name: str) -> bool:
        """Whether R0 under a remedy of any strength is known in closed form, but for one root."""
        if self.penalised:
            return name != "margin"
        return name == "weights" or (self.problem.norm_weights == "class" and name != "bias")

    def under(self, name: str, strength: float) -> "GroupUnderRemedy":
        """The group at a strength."""
        from layerpeel.solvers import group_under_remedy

        return group_under_remedy(self.problem, self.place, name, strength)

    @cached_property
    def plain(self) -> float | None:
        """log R0 without a remedy."""
        from layerpeel.numerics import log_threshold_minus_one

        if self.sizes is None:
            return None
        return float(np.logaddexp(0.0, log_threshold_minus_one(*self.sizes, **(self.model or {}))))

    def log_threshold(self, name: str, strength: float) -> float | None:
        """log R0 under a remedy; infinite where no imbalance collapses the group, None where it is not known."""
        if self.sizes is None or self.plain is None:
            return None
        if name == "oversampling":
            return self.plain + math.log(strength)
        if strength == 0.0:
            return self.plain
        if name == "weights":
            return self._weighed(strength)
        if self.closed(name):
            return self._decayed(name, strength) if self.penalised else self._changed(name, strength)
        if name == "bias" and strength >= FREE and self.problem.norm_weights == "class":
            return self._freed()
        return self._searched(name, strength)

    def _weighed(self, strength: float) -> float:
        """Where R^(1 − γ) meets ρ0(R), which is at least √R where norms are per sample, and R0 where they are per class."""
        from layerpeel.numerics import loss_threshold

        per_sample = self.problem.norm_weights == "sample"
        if strength >= (0.5 if per_sample else 1.0):
            return math.inf
        if not per_sample:
            return (self.plain or 0.0) / (1.0 - strength)
        model = dict[str, Any](self.model or {})
        return _first_crossing(lambda x: math.log(loss_threshold(*self.sizes or (1, 2), math.exp(x), **model)) - (1.0 - strength) * x)

    def _decayed(self, name: str, strength: float) -> float:
        """λ is given, so that the law λ √n_B ≥ s_B n_B/√N alone decides: K_A R + K_B = s_B²/λ²."""
        majority, minority = self.sizes or (1, 2)
        log_decay = math.log((self.model or {})["weight_decay"])

        def limit(log_slope: float) -> float:
            rest = math.exp(min(2 * (log_slope - log_decay), 700.0)) - minority
            return math.log(rest / majority) if rest > 0.0 else -math.inf

        if name == "logit-scale":
            return _first_crossing(lambda x: limit(strength * x) - x)
        return limit(math.log1p(-strength) if name == "label-smoothing" else 0.0)

    def _freed(self) -> float:
        from layerpeel.numerics import log_threshold_with_bias_minus_one

        return float(np.logaddexp(0.0, log_threshold_with_bias_minus_one(*self.sizes or (1, 2), **self._energies)))

    @property
    def _energies(self) -> dict[str, Any]:
        return {key: value for key, value in (self.model or {}).items() if key.endswith("energy")}

    def _changed(self, name: str, strength: float) -> float:
        """Of `numerics.log_threshold_of_changed_loss`, at factors, shifts and margins that follow the counts."""
        from layerpeel.numerics import log_threshold_of_changed_loss

        energies, sizes = self._energies, self.sizes or (1, 2)

        def crossed(changed: Callable[[float], dict[str, Any]]) -> float:
            return _first_crossing(lambda x: log_threshold_of_changed_loss(*sizes, **energies, **changed(x)) - x)

        if name == "label-smoothing":
            return log_threshold_of_changed_loss(*sizes, **energies, label_smoothing=strength)
        if name == "logit-scale":
            return crossed(lambda x: {"logit_scale": (1.0, math.exp(min(max(strength * x, -13.0), 13.0)))})
        if name == "logit-shift":
            return crossed(lambda x: {"logit_shift": (min(max(strength * x, -300.0), 300.0), 0.0)})
        return crossed(lambda x: {"margins": (strength * math.exp(-x / 4), strength)})

    def _searched(self, name: str, strength: float) -> float | None:
        """By certified solves: an imbalance at which the group certainly is apart, within a thousandth of one where it is not."""
        from layerpeel.solvers import Enclosures, LayerPeeled, UnconstrainedFeatures, bracket_switch, solve, with_remedy

        kind = LayerPeeled if isinstance(self.problem, LayerPeeled) else UnconstrainedFeatures

        def posed(log_ratio: float) -> "Problem":
            program = kind.from_imbalance(*self.sizes or (1, 2), math.exp(log_ratio), **dict[str, Any](self.model or {}))
            return with_remedy(program, name, strength)

        before = None
        for log_ratio in SEARCHED:
            together = Enclosures(solve(posed(log_ratio), route="factored", tolerance=1e-11)).coincide(1)
            if together is False:
                before = log_ratio
            elif together and before is not None:
                switch = bracket_switch(
                    posed, lambda optimum: optimum.coincide(1), before=before, beyond=log_ratio, width=1e-3, route="factored"
                )
                return switch.bracket.lower
        return None


def _first_crossing(excess: Callable[[float], float]) -> float:
    """The least x > 0 at which log R0(x) − x changes from positive; infinite where it does not."""
    from scipy.optimize import root_scalar

    low, high = LEAST_LOG, 2 * LEAST_LOG
    ahead, behind = excess(low), excess(high)
    if ahead <= 0.0:
        return 0.0
    while behind > 0.0:
        low, high, ahead = high, high * SPREAD, behind
        if high > FARTHEST:
            return math.inf
        behind = excess(high)
    while not (math.isfinite(ahead) and math.isfinite(behind)):
        middle = 0.5 * (low + high)
        between = excess(middle)
        if middle in (low, high):
            return low
        low, high, ahead, behind = (middle, high, between, behind) if between > 0.0 else (low, middle, ahead, between)
    return float(root_scalar(excess, bracket=(low, high), method="brentq", xtol=1e-13).root)
