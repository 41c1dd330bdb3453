"""Free features under squared error with M linear layers and weight decay: which classes collapse, in closed form.

Reduction. Jensen puts features at their class means (the penalty is strictly convex). With G = H̄ diag(√n), D = diag(√n), X = W_M ⋯ W_1 G:

1. Horn's and Hölder's inequalities and that of the means give, with L = M + 1 factors and μ = (λ_W^M λ_H)^{1/L},
   (λ_W/2) Σ ‖W_i‖² + (λ_H/2) ‖G‖² ≥ (L/2) μ Π ‖·‖^{2/L} ≥ (L/2) μ Σ_j σ_j(X)^{2/L}, with equality for balanced factors.
2. von Neumann's trace inequality: ‖X − D‖² ≥ Σ_j (σ_j − √n_j)², both sorted, with equality for a diagonal X ≥ 0.

So the objective is at least Σ_k (n_k/N) g(z_k), z_k = σ_k/√n_k, with g(z) = ½(1 − z)² + (L/2) m z^{2/L} and m = N μ n_k^{−M/L}
= (b/(M n_k))^{M/L}, b = M N (N λ_W^M λ_H)^{1/M}; and diagonal points attain it. M = 1: g is convex, z = max(0, 1 − √(b/n_k)).
M ≥ 2: g has an infinite slope at zero, a local minimum there for every b > 0, and a second one where m = (1 − z) z^{(M−1)/L}, on the
branch z > (M − 1)/(2M) where the right side falls. It exists up to z = (M − 1)/(2M); it is the lower one up to z = (M − 1)/M:

    switch at b/n_k = (M − 1)^{(M−1)/M}/M,       survival up to b/n_k = (M + 1)^{(M+1)/M} (M − 1)^{(M−1)/M}/(4M).

Both are local minima in all factors too: by 1 and 2 the objective near a diagonal point with local minima z_k is bounded by their sum
there, if the classes kept are the largest ones. If a smaller class is kept and a larger one is not, turning one into the other leaves
every norm as it is and lowers the misfit: a saddle.
"""

import math

from layerpeel.numerics._inputs import UnusableInput, require_whole
from layerpeel.numerics._validated import validated

MOST_LAYERS = 1000
"""Far beyond any network; powers of such numbers are doubles."""


@validated
def squared_error_switch(layers: int) -> float:
    """b/n_k at which z_k = 0 becomes the better minimum, (M − 1)^{(M−1)/M}/M; for M = 1 it is 1, and the only one.

    Args:
        layers: M, at least 1.

    Raises:
        UnusableInput: for another number of layers.

    Source: dang2023, imbalanced data, bias-free.

    Example:
        >>> squared_error_switch(1), squared_error_switch(2)
        (1.0, 0.5)
    """
    layers = _depth(layers)
    return (layers - 1) ** ((layers - 1) / layers) / layers


@validated
def squared_error_survival(layers: int) -> float:
    """b/n_k up to which the other minimum survives, (M + 1)^{(M+1)/M} (M − 1)^{(M−1)/M}/(4M); for M = 1 it is the switch.

    Args:
        layers: M, at least 1.

    Raises:
        UnusableInput: for another number of layers.

    Source: derived, from the stationary branch.

    Example:
        >>> round(squared_error_survival(2), 6)
        0.649519
    """
    layers = _depth(layers)
    return (layers + 1) ** ((layers + 1) / layers) * (layers - 1) ** ((layers - 1) / layers) / (4 * layers)


@validated
def squared_error_logit(layers: int, level: float) -> float:
    """The own logit z_k away from zero: the larger root of m = (1 − z) z^{(M−1)/(M+1)}; 0 beyond its end.

    Args:
        layers: M, at least 1.
        level: b/n_k ≥ 0.

    Raises:
        UnusableInput: for another number of layers, or a level that is negative or not finite.

    Source: dang2023, imbalanced data, bias-free.

    Example:
        >>> squared_error_logit(1, 0.25), round(squared_error_logit(2, 0.5), 12)
        (0.5, 0.5)
    """
    from scipy.optimize import root_scalar

    layers = _depth(layers)
    if not 0.0 <= level < math.inf:
        raise UnusableInput(f"b/n_k is {level}: it must be a finite number from 0 on; correct it.")
    if layers == 1:
        return max(0.0, 1 - math.sqrt(level))
    if level >= squared_error_survival(layers):
        return 0.0
    power, m = (layers - 1) / (layers + 1), (level / layers) ** (layers / (layers + 1))
    branch = (layers - 1) / (2 * layers), 1.0
    return float(root_scalar(lambda z: (1 - z) * z**power - m, bracket=branch, xtol=1e-15).root)


def _depth(layers: int) -> int:
    return require_whole(layers, "the number of layers", largest=MOST_LAYERS, remedy="a head has one layer or more")
