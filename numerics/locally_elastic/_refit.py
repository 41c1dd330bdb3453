"""How well estimated strengths describe a trajectory: the means they imply, and their relative difference from the recorded ones."""

from typing import Any

import numpy as np
from scipy.special import exprel

from layerpeel.array_words import Float
from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics._validated import validated
from layerpeel.numerics.locally_elastic._modes import own_projections, require_model
from layerpeel.numerics.locally_elastic._series import finite_series


@validated
def refitted_means(start: Any, cumulative_intra: Any, cumulative_inter: Any, *, model: str) -> Float[np.ndarray, "time K p"]:
    """The class means that the mean flow makes of a start when A(t) and B(t) are known at a list of times, A = B = 0 at the first.

        I-model: X̄ᵏ = X̌(0) e^{(A+(K−1)B)/K} + (X̄ᵏ(0) − X̌(0)) e^{(A−B)/K};
        L-model: X̄ⁱ = X̄ⁱ(0) + d̂_i [s̄(0)(φ₁ − 1) + δ_i(0) I_γ] + I_β Σ_j d̂_j δ_j(0),   φ₁ = e^{(A−B)/K}, φ₂ = e^{(A+B/(K−1))/K},
                 I_β = (1/K)∫φ₂ dB,   I_γ = φ₂ − 1 − I_β K/(K−1),   s_j = d̂_jᵀX̄ʲ(0), δ_j = s_j − s̄.

    I_β is no function of A and B at one time. Between recorded times log φ₂ and B are taken as linear, which makes it exact for
    strengths that are constant there, and correct to second order in the step otherwise.

    Args:
        start: class means at the first time, K × p; p = K for the L-model.
        cumulative_intra: A at the times, one number each.
        cumulative_inter: B at the times.
        model: "I" or "L".

    Returns:
        Class means at the times, time × K × p.

    Raises:
        UnusableInput: for numbers that are not finite, shapes that do not fit, or another model.

    Source: zhang2021, the exact solutions behind equation (19) of the slides; derived; docs/derivations/locally-elastic.md, section 2.

    Example:
        >>> start = np.array([[1.0, 0.0], [0.0, 1.0]])
        >>> refitted_means(start, np.array([0.0, 2 * np.log(2)]), np.array([0.0, 0.0]), model="I")[1].round(6).tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """
    first = finite_series(start, "class means", ("class", "component"))
    intra, inter = (
        finite_series(curve, f"values of {name}", ("time",)) for name, curve in (("A", cumulative_intra), ("B", cumulative_inter))
    )
    classes, components = first.shape
    require_model(model, classes, components)
    if len(intra) != len(inter):
        raise UnusableInput(f"there are {len(intra)} values of A and {len(inter)} of B: both have one for each time; give as many.")
    difference = np.exp((intra - inter) / classes)[:, None, None]
    if model == "I":
        average = first.mean(axis=0)
        return average * np.exp((intra + (classes - 1) * inter) / classes)[:, None, None] + (first - average) * difference
    logs = (intra + inter / (classes - 1)) / classes
    pieces = np.exp(logs[:-1]) * exprel(np.diff(logs)) * np.diff(inter) / classes
    of_inter = np.concatenate([[0.0], np.cumsum(pieces)])[:, None, None]
    of_difference = np.expm1(logs)[:, None, None] - of_inter * classes / (classes - 1)
    directions = (np.eye(classes) - 1.0 / classes) / np.sqrt(1.0 - 1.0 / classes)
    projections = own_projections(first)
    deviations = projections - projections.mean()
    along = projections.mean() * (difference - 1.0) + deviations[:, None] * of_difference
    return first + directions * along + (deviations @ directions) * of_inter


@validated
def relative_difference(observed: Any, refitted: Any, *, model: str = "I") -> Float[np.ndarray, "time K"]:
    """The relative difference of two trajectories, between 0 and 2.

        RD_k(t) = ‖X̄ᵏ − Ȳᵏ‖_{H_k} / ((‖X̄ᵏ‖₂ + ‖Ȳᵏ‖₂)/2).

    H_k is a block of H on its diagonal: the identity for the I-model, whose norm is the plain one, and d̂_k d̂_kᵀ for the L-model, in whose
    norm ‖x‖_{H_k} = |d̂_kᵀx| a difference counts along d̂_k ∝ e_k − 1/K alone.

    Args:
        observed: X̄, class means, time × K × p.
        refitted: Ȳ, another such trajectory.
        model: "I" or "L": whose blocks measure the difference.

    Returns:
        RD, time × K.

    Raises:
        UnusableInput: when the shapes differ, where both means of a class are zero, for another model, or for the L-model where there are
            not as many components as classes.

    Source: zhang2021, equation (20) of the slides.

    Example:
        >>> relative_difference(np.ones((1, 2, 2)), -np.ones((1, 2, 2))).tolist()
        [[2.0, 2.0]]
        >>> relative_difference(np.ones((1, 2, 2)), -np.ones((1, 2, 2)), model="L").tolist()
        [[0.0, 0.0]]
    """
    axes = ("time", "class", "component")
    first, second = finite_series(observed, "observed means", axes), finite_series(refitted, "refitted means", axes)
    if first.shape != second.shape:
        raise UnusableInput(
            f"the observed means have the shape {first.shape}, the refitted ones {second.shape}: compare the same times and classes."
        )
    require_model(model, *first.shape[1:])
    scale = 0.5 * (np.linalg.norm(first, axis=-1) + np.linalg.norm(second, axis=-1))
    zero = np.argwhere(scale == 0.0)
    if len(zero):
        time, of_class = zero[0]
        raise UnusableInput(
            f"both means of class {of_class} are zero at time index {time}: their relative difference is undefined; leave it out."
        )
    difference = first - second
    return (np.abs(own_projections(difference)) if model == "L" else np.linalg.norm(difference, axis=-1)) / scale
