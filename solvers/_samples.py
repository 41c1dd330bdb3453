"""The semidefinite program sample by sample: one feature per sample, nothing averaged, oversampling taken literally."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from numerics import Bracket, energy_radius
from solvers._losses import LOSSES
from solvers._sdp import PRECISIONS, run

ROUNDING = 1e-12
"""Relative allowance for evaluating the certificate in doubles."""


def solve_samples(
    counts: Sequence[int], copies: Sequence[int], *, feature_energy: float, weight_energy: float = 1.0, solver: str = "scs"
) -> Bracket:
    """Optimal value when every sample has a feature of its own and enters the cross-entropy `copies` times.

        min (1/N') Σ_k Σ_i w_k L(W h_{k,i}, k)   s.t.   (1/K) Σ‖w_k‖² ≤ E_W,   (1/K) Σ_k (1/n_k) Σ_i ‖h_{k,i}‖² ≤ E_H,   N' = Σ w_k n_k,

    relaxed over the (n + K)×(n + K) Gram matrix of all features and classifiers. Copies of a sample share its feature, so they change
    the weights in the loss and not the energy. With D = diag(1/√n_k) over samples, D Z fills the nuclear-norm ball, and the value is
    enclosed by the same gap as for class means, evaluated in doubles with an allowance.

    Args:
        counts: n_k, samples per class (small: a dense program over all samples).
        copies: w_k, how often each sample of class k enters the loss.
        feature_energy: E_H.
        weight_energy: E_W.
        solver: conic solver.

    Example:
        >>> solve_samples([2, 2], [1, 1], feature_energy=1.0).contains(0.126928011042972)
        True
    """
    import cvxpy as cp

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
    run(cp, cp.Problem(cp.Minimize(weights @ (cp.log_sum_exp(logits, axis=1) - own)), energies), solver, PRECISIONS[solver][-1])
    radius = energy_radius(classes, feature_energy, weight_energy)
    scale = np.sqrt(share)[:, None]
    found = np.asarray(logits.value)
    found -= found.mean(axis=1, keepdims=True)
    found *= radius / np.linalg.svd(scale * found, compute_uv=False).sum()
    value, slope = LOSSES["cross-entropy"].dense(found, weights, labels)
    gap = float(np.sum(slope * found)) + radius * float(np.linalg.norm(slope / scale, 2))
    slack = ROUNDING * (value + radius)
    return Bracket(value - max(gap, 0.0) - slack, value + slack)
