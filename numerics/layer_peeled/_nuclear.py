"""The nuclear-norm ball {Z : ‖Z‖_* ≤ τ}: what products H Wᵀ of bounded energy fill."""

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics._inputs import UnusableInput, require_positive, require_real
from layerpeel.numerics._validated import validated


@validated
def energy_radius(num_classes: int, feature_energy: float, weight_energy: float) -> float:
    """The radius of the nuclear-norm ball that bounded energies fill.

        {H Wᵀ : Σ‖h_k‖² ≤ K E_H, Σ‖w_k‖² ≤ K E_W}  =  {Z : ‖Z‖_* ≤ τ},      τ = K √(E_H E_W).

    Args:
        num_classes: K.
        feature_energy: E_H ≥ 0.
        weight_energy: E_W ≥ 0.

    Raises:
        UnusableInput: for energies that are negative or no numbers, or K that is not whole.

    Source: derived; docs/derivations/layer-peeled.md, section 1.

    Example:
        >>> energy_radius(10, 4.0, 1.0)
        20.0
    """
    for name, energy in (("feature", feature_energy), ("weight", weight_energy)):
        require_real(energy, f"the {name} energy", least=0.0, remedy="give a mean of squared norms")
    return num_classes * float(np.sqrt(feature_energy) * np.sqrt(weight_energy))


@validated
def nuclear_norm(matrix: Float[np.ndarray, "m n"]) -> float:
    """‖Z‖_* = Σ_i σ_i(Z).

    Args:
        matrix: Z, m × n.

    Raises:
        UnusableInput: for what is no m × n array of real numbers.

    Example:
        >>> nuclear_norm(np.diag([3.0, -4.0]))
        7.0
    """
    return float(np.linalg.svd(matrix, compute_uv=False).sum())


@validated
def nuclear_support(slope: Float[np.ndarray, "m n"], radius: float) -> float:
    """The support function of the nuclear-norm ball.

        max {⟨G, Z⟩ : ‖Z‖_* ≤ τ} = τ ‖G‖_op.

    Args:
        slope: G, m × n.
        radius: τ ≥ 0.

    Raises:
        UnusableInput: for arguments that are no matrix and no number.

    Source: derived; docs/derivations/layer-peeled.md, section 1.

    Example:
        >>> nuclear_support(np.diag([3.0, -4.0]), 2.0)
        8.0
    """
    return radius * float(np.linalg.norm(slope, 2))


@validated
def scale_into(matrix: Float[np.ndarray, "m n"], radius: float) -> Float[np.ndarray, "m n"]:
    """The matrix itself when it lies in the ball ‖Z‖_* ≤ τ, else the multiple of it on the sphere.

    Args:
        matrix: Z, m × n.
        radius: τ ≥ 0.

    Raises:
        UnusableInput: for arguments that are no matrix and no number.

    Source: derived; docs/derivations/numerics.md, "Certificate without cancellation".

    Example:
        >>> scale_into(np.diag([3.0, 1.0]), 2.0).tolist()
        [[1.5, 0.0], [0.0, 0.5]]
    """
    norm = nuclear_norm(matrix)
    return matrix if norm <= radius else matrix * (radius / norm)


@validated
def factor_logits(
    logits: Float[np.ndarray, "K K"], *, feature_energy: float, weight_energy: float, dimension: int | None = None
) -> tuple[Float[np.ndarray, "K p"], Float[np.ndarray, "K p"]]:
    """Split Z = H Wᵀ so that both energies are in the proportion of their bounds.

        Z = UΣVᵀ,   H = (E_H/E_W)^{1/4} U Σ^{1/2},   W = (E_W/E_H)^{1/4} V Σ^{1/2}.

    On the sphere ‖Z‖_* = K√(E_H E_W) both constraints hold with equality.

    Args:
        logits: Z, K × K, row k the logits of class k.
        feature_energy: E_H > 0.
        weight_energy: E_W > 0.
        dimension: p, the feature dimension; K when not given.

    Returns:
        Features H (K × p, row k is h_k) and classifier W (K × p, row k is w_k).

    Raises:
        UnusableInput: for logits that are no square array, energies that are not positive and finite, or p smaller than the rank of Z.

    Source: derived; docs/derivations/layer-peeled.md, section 1.

    Example:
        >>> h, w = factor_logits(np.diag([2.0, 2.0]), feature_energy=2.0, weight_energy=2.0)
        >>> (h @ w.T).round(12).tolist(), round(float((h**2).sum() / 2), 12)
        ([[2.0, 0.0], [0.0, 2.0]], 2.0)
    """
    feature_energy, weight_energy = require_positive(feature_energy, "feature energy"), require_positive(weight_energy, "weight energy")
    left, values, right = np.linalg.svd(logits)
    classes = logits.shape[0]
    p = classes if dimension is None else dimension
    rank = int((values > classes * np.finfo(float).eps * max(values[0], np.finfo(float).tiny)).sum())
    if p < rank:
        raise UnusableInput(f"feature dimension {p} is too small: these logits have rank {rank}; use dimension >= {rank}.")
    roots = np.zeros(max(p, classes))
    roots[:rank] = np.sqrt(values[:rank])
    balance = (feature_energy / weight_energy) ** 0.25
    features, classifier = np.zeros((2, classes, p))
    features[:, : min(p, classes)] = (left * roots[:classes])[:, :p] * balance
    classifier[:, : min(p, classes)] = (right.T * roots[:classes])[:, :p] / balance
    return features, classifier
