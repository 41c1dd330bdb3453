"""Many two-group programs at once: arrays in, arrays out, in plain doubles."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from layerpeel.array_words import Bool, Float
from layerpeel.numerics import GroupMatrix, TwoGroupOptima, UnusableInput, broadcast, require_positive_array, two_group_optima
from layerpeel.solvers.program._problem import LayerPeeled
from layerpeel.solvers.relatives._batch_evaluation import evaluate


@dataclass(frozen=True, kw_only=True, eq=False)
class SolutionBatch:
    """Optima of an array of two-group programs with cross-entropy; all arrays have one shape.

    The numbers are doubles, and the gaps are what doubles say plus an allowance for their rounding: good evidence, not proof.
    `certify(*batch.candidate(index))` proves it for one entry.

    Args:
        feature_energy: E_H.
        weight_energy: E_W.
        optima: the programs and the scalars of their optimal logits.
        log_value: log of the optimal value; finite where the value itself is too small for a double.
        relative_gap: bound of (f(Z) − f*)/f(Z), ⟨∇f(Z), Z⟩ + τ‖∇f(Z)‖ over f(Z) with an allowance for rounding; not rigorous.
        minority_cosine: cosine between two classifiers of the group with fewer samples (of the second group at R = 1); NaN where it is
            undefined, because that group has a single class or its classifiers vanish.
    """

    feature_energy: Float[np.ndarray, "..."]
    weight_energy: Float[np.ndarray, "..."]
    optima: TwoGroupOptima
    log_value: Float[np.ndarray, "..."]
    relative_gap: Float[np.ndarray, "..."]
    minority_cosine: Float[np.ndarray, "..."]

    def __repr__(self) -> str:
        phases = f"{int(self.collapsed.sum())} collapsed, {int(self.vanished.sum())} vanished"
        return f"SolutionBatch({self.value.size} programs, {phases}, relative_gap <= {self.relative_gap.max(initial=0.0):.1e})"

    @property
    def value(self) -> Float[np.ndarray, "..."]:
        """The optimal value; zero where only `log_value` can hold it."""
        return np.exp(self.log_value)

    @property
    def multiplier(self) -> Float[np.ndarray, "..."]:
        """λ = −d(value)/dτ, the multiplier of ‖Z‖_* ≤ τ; zero where only `optima.log_multiplier` can hold it."""
        return np.exp(self.optima.log_multiplier)

    @property
    def gap(self) -> Float[np.ndarray, "..."]:
        """Bound of f(Z) − f*, see `relative_gap`."""
        return self.relative_gap * self.value

    @property
    def collapsed(self) -> Bool[np.ndarray, "..."]:
        """Whether the classifiers of the group with fewer samples coincide."""
        return self.optima.collapsed

    @property
    def vanished(self) -> Bool[np.ndarray, "..."]:
        """Whether they are exactly zero."""
        return self.optima.vanished

    def candidate(self, index: Any) -> tuple[LayerPeeled, GroupMatrix]:
        """One program and its logits, as `certify` takes them.

        Example:
            >>> from layerpeel.solvers import certify
            >>> batch = solve_batch(5, 5, [2.0, 20.0], feature_energy=5.0)
            >>> certify(*batch.candidate(1)).relative_gap < 1e-12
            True
        """
        optima = self.optima
        majority, minority = int(optima.majority[index]), int(optima.minority[index])
        problem = LayerPeeled.from_imbalance(
            majority,
            minority,
            float(optima.imbalance[index]),
            feature_energy=float(self.feature_energy[index]),
            weight_energy=float(self.weight_energy[index]),
        )
        if len(problem.groups) == 1:
            spread = max(float(optima.a[index]), float(optima.b[index]), float(np.hypot(optima.t_a[index], optima.t_b[index])))
            return problem, GroupMatrix(problem.sizes, np.array([spread]), np.zeros((1, 1)))
        across = np.sqrt(np.array([minority, majority]) / (majority + minority)) * [1.0, -1.0]
        outer = np.outer(np.array([optima.t_a[index], -optima.t_b[index]]), across)
        return problem, GroupMatrix(problem.sizes, np.array([optima.a[index], optima.b[index]]), outer)

    def to_dataframe(self) -> Any:
        """One row per program, as a pandas frame.

        Raises:
            UnusableInput: when pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise UnusableInput("to_dataframe needs pandas, which is not installed: pip install 'layerpeel[frames]'.") from error
        inputs = {name: getattr(self.optima, name) for name in ("majority", "minority", "imbalance")}
        outputs = ("value", "log_value", "multiplier", "gap", "relative_gap", "collapsed", "vanished", "minority_cosine")
        columns = {**inputs, "feature_energy": self.feature_energy, "weight_energy": self.weight_energy}
        columns |= {name: getattr(self, name) for name in outputs}
        return pd.DataFrame({name: np.ravel(column) for name, column in columns.items()})


def solve_batch(
    majority: Any, minority: Any, imbalance: Any, *, feature_energy: Any, weight_energy: Any = 1.0, compiled: bool | None = None
) -> SolutionBatch:
    """Solve every two-group program of arrays that are broadcast against each other, with cross-entropy.

    The phase of a program is decided by closed conditions first; one increasing equation inside a bracket is left. Relative gaps are
    below 1e-8 for K ≤ 10⁶, R within 10^±12 and √(E_H E_W) from 1e-4 to 1e3, and below 1e-6 wherever entries are accepted. All arguments
    but the last are numbers or arrays of any shapes that go together.

    Args:
        majority: K_A ≥ 1, classes of the first group.
        minority: K_B ≥ 1, classes of the second group.
        imbalance: R = n_A/n_B > 0, samples per class of the first group over those of the second; below 1 the second is the larger one.
        feature_energy: E_H > 0.
        weight_energy: E_W > 0.
        compiled: see `numerics.two_group_optima`.

    Returns:
        The optima, in arrays of the common shape, which has at least one axis.

    Raises:
        UnusableInput: for entries that are not positive and finite, class numbers that are not whole, entries out of range, shapes that do
            not broadcast, or compiled=True without numba.
        ArithmeticError: when an iteration does not settle (none is known).

    Source: derived; docs/derivations/numerics.md, "The two-group problem".

    Example:
        >>> batch = solve_batch(5, 5, [1.0, 10.0, 100.0], feature_energy=5.0)
        >>> batch.value.round(6).tolist(), batch.collapsed.tolist()
        ([0.559782, 0.261677, 0.091299], [False, False, True])
        >>> batch.minority_cosine.round(4).tolist()
        [-0.1111, 0.5175, 1.0]
    """
    features, weights = broadcast(
        feature_energy=require_positive_array(feature_energy, "feature energy"),
        weight_energy=require_positive_array(weight_energy, "weight energy"),
    )
    optima = two_group_optima(majority, minority, imbalance, np.sqrt(features) * np.sqrt(weights), compiled=compiled)
    shape = optima.a.shape
    evaluation = evaluate(optima)
    return SolutionBatch(
        feature_energy=np.broadcast_to(features, shape),
        weight_energy=np.broadcast_to(weights, shape),
        optima=optima,
        log_value=evaluation.log_value,
        relative_gap=evaluation.relative_gap,
        minority_cosine=evaluation.minority_cosine,
    )
