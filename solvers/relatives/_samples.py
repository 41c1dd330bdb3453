"""The semidefinite program sample by sample: one feature per sample, nothing averaged, oversampling taken literally."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb, ctx

from layerpeel.array_words import Float
from layerpeel.numerics import (
    PRECISION,
    Bracket,
    UnusableInput,
    norm_bounds,
    require_memory,
    require_positive,
    require_whole,
    to_bracket,
    validated,
)
from layerpeel.solvers.routes._sdp import PRECISIONS, find_point, require_solver

ENTRY_BYTES = 100.0
"""Memory of one entry of the Gram matrix in the conic program, roughly."""


@validated
def solve_samples(
    counts: Sequence[int], copies: Sequence[int], *, feature_energy: float, weight_energy: float = 1.0, solver: str = "scs"
) -> Bracket:
    """Optimal value when every sample has a feature of its own and enters the cross-entropy `copies` times.

        min (1/N') Σ_k Σ_i w_k L(W h_{k,i}, k)   s.t.   (1/K) Σ‖w_k‖² ≤ E_W,   (1/K) Σ_k (1/n_k) Σ_i ‖h_{k,i}‖² ≤ E_H,   N' = Σ w_k n_k,

    relaxed over the (n + K)×(n + K) Gram matrix of all features and classifiers. Copies of a sample share its feature, so they change
    the weights in the loss and not the energy. With D = diag(1/√n_k) over samples, D Z fills the nuclear-norm ball, and the value is
    enclosed by the same gap as for class means, in ball arithmetic.

    Args:
        counts: K numbers n_k ≥ 1, samples per class (small: a dense program over all samples).
        copies: K numbers w_k ≥ 1, how often each sample of class k enters the loss.
        feature_energy: E_H > 0.
        weight_energy: E_W > 0.
        solver: conic solver: "clarabel", "scs" or "mosek".

    Returns:
        A rigorous bracket of the optimal value.

    Raises:
        UnusableInput: for counts or copies that are not whole numbers ≥ 1, one for each of two classes or more, more than fit in memory, or
            energies that are not positive and finite, or an unknown or missing solver.
        SolverFailed: when the solver returns no point.

    Source: fang2021, Section 4, convex relaxation and oversampling; derived; docs/derivations/layer-peeled.md, section 3 (the weights).

    Example:
        >>> solve_samples([2, 2], [1, 1], feature_energy=1.0)
        Bracket(lower=0.12692801104..., upper=0.12692801104..., rigorous=True)
    """
    require_solver(solver)
    import cvxpy as cp

    feature_energy, weight_energy = require_positive(feature_energy, "feature energy"), require_positive(weight_energy, "weight energy")
    for what, numbers in (("counts", counts), ("copies", copies)):
        for k, number in enumerate(numbers):
            require_whole(number, f"{what} of class {k}", remedy="correct it")
    if len(counts) < 2 or len(copies) != len(counts):
        raise UnusableInput(
            f"{len(counts)} counts and {len(copies)} numbers of copies do not fit: both must be one whole number for each of at least 2 "
            "classes; give as many."
        )
    require_memory(
        ENTRY_BYTES * float(sum(counts) + len(counts)) ** 2, f"a dense program of {sum(counts)} samples", "use LayerPeeled and solve"
    )
    classes, samples = len(counts), sum(counts)
    labels = np.repeat(np.arange(classes), counts)
    share = 1.0 / np.asarray(counts, dtype=float)[labels]
    weights = np.asarray(copies, dtype=float)[labels]
    weights /= weights.sum()
    gram = cp.Variable((samples + classes, samples + classes), PSD=True)
    logits = gram[:samples, samples:]
    own = cp.sum(cp.multiply(logits, np.eye(classes)[labels]), axis=1)
    energies: list[Any] = [
        cp.sum(cp.multiply(cp.diag(gram[:samples, :samples]), share)) <= classes * feature_energy,
        cp.trace(gram[samples:, samples:]) <= classes * weight_energy,
    ]
    find_point(cp, cp.Problem(cp.Minimize(weights @ (cp.log_sum_exp(logits, axis=1) - own)), energies), solver, PRECISIONS[solver][-1])
    values = np.asarray(logits.value)
    return _enclose(values - values.mean(axis=1, keepdims=True), counts, copies, feature_energy, weight_energy)


def _enclose(
    logits: Float[np.ndarray, "n K"], counts: Sequence[int], copies: Sequence[int], feature_energy: float, weight_energy: float
) -> Bracket:
    """Value of the scaled logits and its gap ⟨G, Z⟩ + τ ‖D⁻¹ G‖, in balls, row by row."""
    with ctx.workprec(PRECISION):
        labels = [label for label, count in enumerate(counts) for _ in range(count)]
        total = sum(count * copy for count, copy in zip(counts, copies, strict=True))
        roots = [arb(counts[label]).sqrt() for label in labels]
        radius = len(counts) * (arb(feature_energy) * arb(weight_energy)).sqrt()
        _, norm = norm_bounds(_square([[arb(entry) / root for entry in row] for row, root in zip(logits.tolist(), roots, strict=True)]))
        value, product, slopes = arb(0), arb(0), []
        for row, label, root in zip(logits.tolist(), labels, roots, strict=True):
            weight, scaled = arb(copies[label]) / total, [arb(entry) * radius / norm for entry in row]
            odds = [arb(0) if other == label else (entry - scaled[label]).exp() for other, entry in enumerate(scaled)]
            others = sum(odds, arb(0))
            value += weight * others.log1p()
            slope = [weight * ((-others if other == label else odd) / (1 + others)) for other, odd in enumerate(odds)]
            product += sum((g * z for g, z in zip(slope, scaled, strict=True)), arb(0))
            slopes.append([g * root for g in slope])
        spectral, _ = norm_bounds(_square(slopes))
        gap = (product + radius * spectral).max(arb(0))
        return Bracket(to_bracket((value - gap).max(arb(0))).lower, to_bracket(value).upper, rigorous=True)


def _square(rows: list[list[arb]]) -> list[list[arb]]:
    """The same rows with columns of zeros appended: as many columns as rows, and the same norms."""
    return [row + [arb(0)] * (len(rows) - len(row)) for row in rows]
