"""The mean flow dX̄ = M(t) X̄ dt: closed forms where there is one, and the common mode carried apart from class differences."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics._inputs import UnusableInput, shown
from layerpeel.numerics._memory import require_memory
from layerpeel.numerics._validated import validated
from layerpeel.numerics.locally_elastic._closed_flow import Parts, flow_i_model, flow_identity, flow_l_model
from layerpeel.numerics.locally_elastic._integrated_flow import flow_of_any
from layerpeel.numerics.locally_elastic._model import ElasticModel

LARGEST_EXPONENT = 700.0
"""e to this power is still a double."""
COPIES = 6
"""Arrays of the size of all means that are alive at once while they are put together."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanFlow:
    """Class means over time, X̄^k = e^a c + e^{b_k} o^k: a mode common to all classes and each class's own part.

    The common mode may be e^1000 while differences of classes are of order one; differences never pass through the sum.

    Args:
        times: in increasing order.
        common_logs: a, one per time.
        common: c, the common mode's direction.
        common_errors: estimate of ‖error of c‖.
        own_logs: b_k, per time and class.
        own: o^k.
        own_errors: estimate of ‖error of o^k‖, per time and class.
        route: which closed form, or how it was integrated.
    """

    times: Float[np.ndarray, " T"]
    common_logs: Float[np.ndarray, " T"]
    common: Float[np.ndarray, "T p"]
    common_errors: Float[np.ndarray, " T"]
    own_logs: Float[np.ndarray, "T K"]
    own: Float[np.ndarray, "T K p"]
    own_errors: Float[np.ndarray, "T K"]
    route: str

    @property
    def log_scales(self) -> Float[np.ndarray, "T K"]:
        """ℓ with X̄^k = e^ℓ · direction: finite where the means are beyond doubles; −∞ where a mean is zero."""
        return self._scaled[0]

    @property
    def directions(self) -> Float[np.ndarray, "T K p"]:
        """X̄^k e^{−ℓ}, of norm one; zero where a mean is zero."""
        return self._scaled[1]

    @property
    def _scaled(self) -> tuple[np.ndarray, np.ndarray]:
        return _summed(self.common_logs[:, None], self.common[:, None, :], self.own_logs, self.own)

    @property
    def means(self) -> Float[np.ndarray, "T K p"]:
        """X̄^k(t); ±∞ where it is beyond doubles (`log_scales` and `directions` are not)."""
        return _unscaled(*self._scaled)

    @property
    def own_parts(self) -> Float[np.ndarray, "T K p"]:
        """e^{b_k} o^k: the means seen from the common mode, hence with the same differences; ±∞ where beyond doubles."""
        return _unscaled(self.own_logs, self.own)

    def differences(self, first: int, second: int) -> Float[np.ndarray, "T p"]:
        """X̄^k − X̄^l, without the common mode's rounding; ±∞ where it is beyond doubles."""
        return _unscaled(*self._difference(first, second))

    def log_distances(self, first: int, second: int) -> Float[np.ndarray, " T"]:
        """log ‖X̄^k − X̄^l‖, finite also beyond doubles; −∞ where the means coincide."""
        return self._difference(first, second)[0]

    def _difference(self, first: int, second: int) -> tuple[np.ndarray, np.ndarray]:
        return _summed(self.own_logs[:, first], self.own[:, first], self.own_logs[:, second], -self.own[:, second])

    @property
    def errors(self) -> Float[np.ndarray, "T K"]:
        """Estimate of ‖error of X̄^k‖/‖X̄^k‖; infinite where a mean is zero."""
        return _relative(self.log_scales, (self.common_logs[:, None], self.common_errors[:, None]), (self.own_logs, self.own_errors))

    def difference_errors(self, first: int, second: int) -> Float[np.ndarray, " T"]:
        """Estimate of ‖error of X̄^k − X̄^l‖/‖X̄^k − X̄^l‖; infinite where the means coincide."""
        parts = [(self.own_logs[:, k], self.own_errors[:, k]) for k in (first, second)]
        return _relative(self.log_distances(first, second), *parts)

    @property
    def cosines(self) -> Float[np.ndarray, "T K K"]:
        """Cosines between class means; NaN where a mean is zero."""
        directions = self.directions
        zero = np.where((directions == 0.0).all(axis=2), np.nan, 0.0)
        return np.clip(directions @ np.swapaxes(directions, 1, 2), -1.0, 1.0) + zero[:, :, None] + zero[:, None, :]


def _summed(first_logs: np.ndarray, first: np.ndarray, second_logs: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(ℓ, u) with e^a x + e^b y = e^ℓ u and ‖u‖ = 1."""
    with np.errstate(divide="ignore"):
        sizes = [logs + np.log(np.abs(part).max(axis=-1)) for logs, part in ((first_logs, first), (second_logs, second))]
    top = np.maximum(*sizes)
    top = np.where(np.isfinite(top), top, 0.0)
    total = np.exp(np.minimum(first_logs - top, LARGEST_EXPONENT))[..., None] * first
    total = total + np.exp(np.minimum(second_logs - top, LARGEST_EXPONENT))[..., None] * second
    norms = np.linalg.norm(total, axis=-1)
    with np.errstate(divide="ignore"):
        logs = np.where(norms > 0.0, top + np.log(norms), -np.inf)
    return logs, total / np.where(norms > 0.0, norms, 1.0)[..., None]


def _relative(logs: np.ndarray, *errors: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Σ e^b ε / e^ℓ."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.nan_to_num(sum(np.exp(scale - logs) * error for scale, error in errors), nan=np.inf, posinf=np.inf)


def _unscaled(logs: np.ndarray, directions: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        half = np.exp(0.5 * logs)[..., None]
        return np.where(directions == 0.0, 0.0, np.where(directions == 0.0, 1.0, directions) * half * half)


@validated
def mean_flow(model: ElasticModel, start: Any, times: Any) -> MeanFlow:
    """Solve dX̄ = M(t) X̄ dt from class means at time 0.

    Closed forms: the I-model, the L-model's quotient and the identity; any model whose drifts commute at all times, which is found out, not
    assumed; everything else is integrated.

    Args:
        model: the drift.
        start: class means at time 0, K × p.
        times: increasing times ≥ 0, the last > 0; or one.

    Raises:
        UnusableInput: for a start that is not finite or does not fit the model, times that are negative or do not increase, and rates that
            are singular before the last time.

    Source: zhang2021, equation (4) of the slides; derived; docs/derivations/locally-elastic.md, section 2 (the closed forms).

    Example:
        >>> model = ElasticModel(blocks="I", num_classes=2, num_features=1, intra=1000, inter="1000 - 2/(1 + t)")
        >>> flow = mean_flow(model, [[1.0], [0.0]], [9.0])
        >>> flow.differences(0, 1).round(9).tolist(), flow.log_scales.round(3).tolist()
        ([[10.0]], [[8997.004, 8997.004]])
    """
    state = require_start(model, start)
    where = require_times(times)
    require_memory(COPIES * 8.0 * len(where) * state.size, f"class means at {len(where)} times", "ask for fewer times")
    model.require_regular(float(where[-1]))
    parts = _solved(model, state, where)
    return MeanFlow(times=where, **{name: getattr(parts, name) for name in Parts.__dataclass_fields__})


def _solved(model: ElasticModel, state: np.ndarray, times: np.ndarray) -> Parts:
    rates = model.effective_rates
    if model.kind == "identity":
        return flow_identity(model, state, times)
    if model.kind == "I" and rates is not None:
        return flow_i_model(model, rates, state, times)
    if model.kind == "L" and rates is not None:
        return flow_l_model(model, rates, state, times)
    return flow_of_any(model, state, times)


def require_start(model: ElasticModel, start: Any) -> Float[np.ndarray, "K p"]:
    """Class means that fit the model.

    Raises:
        UnusableInput: otherwise.
    """
    try:
        state = np.array(start, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise UnusableInput("the start holds something that is no number: it must be a K x p array of class means; correct it.") from None
    if state.shape != (model.num_classes, model.num_features):
        raise UnusableInput(
            f"the start has shape {state.shape}: it must be {(model.num_classes, model.num_features)}, one row per class; correct it."
        )
    if not np.isfinite(state).all():
        row, column = np.argwhere(~np.isfinite(state))[0]
        raise UnusableInput(
            f"entry ({row + 1}, {column + 1}) of the start is {state[row, column]}: it must be a finite number; correct it."
        )
    return state


def require_times(times: Any) -> Float[np.ndarray, " T"]:
    """Times at which an answer is wanted, in increasing order.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> require_times(2).tolist()
        [2.0]
    """
    try:
        where = np.atleast_1d(np.array(times, dtype=float))
    except (TypeError, ValueError, OverflowError):
        raise UnusableInput(f"the times {shown(times)} are no numbers: they must be; correct them.") from None
    if where.ndim != 1 or not len(where):
        raise UnusableInput(f"the times have shape {where.shape}: they must be one number or a list; correct them.")
    if not np.isfinite(where).all() or where[0] < 0.0 or where[-1] <= 0.0 or not (np.diff(where) > 0.0).all():
        wrong = where[~np.isfinite(where) | (where < 0.0)]
        first = wrong[0] if len(wrong) else where[-1] if where[-1] <= 0.0 else where[1:][np.diff(where) <= 0.0][0]
        raise UnusableInput(f"the time {first:g} is unusable: times must be finite, increase and end above 0; correct it.")
    return where
