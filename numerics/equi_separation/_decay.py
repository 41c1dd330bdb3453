"""The geometric law over layers: a straight line through log D, with its error and a curved alternative."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from layerpeel.array_words import Float, Shaped
from layerpeel.numerics._bracket import Bracket
from layerpeel.numerics._input_arrays import require_array
from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics._sample_size import require_level
from layerpeel.numerics._validated import validated


@dataclass(frozen=True, kw_only=True, eq=False)
class Decay:
    """A geometric law D_t ≈ c ρᵗ fitted to the layers t = 0 … m−1 by least squares on log D.

    Args:
        decay_ratio: ρ.
        interval: confidence interval of ρ at the level asked for (Student t on the slope).
        half_life: log 2/log(1/ρ) layers; infinite when D does not fall.
        pearson: correlation of t and log D_t. Weak evidence alone: a linear net reaches −0.93.
        max_residual: largest |log D_t − fit|.
        residuals: log D_t − fit.
        curvature: coefficient of t² in a quadratic fit; zero when every layer gains the same factor.
        curvature_p_value: two-sided p value of that coefficient (Student t), NaN below four layers.
    """

    decay_ratio: float
    interval: Bracket
    half_life: float
    pearson: float
    max_residual: float
    residuals: Float[np.ndarray, " m"]
    curvature: float
    curvature_p_value: float


@validated
def fit_decay(fuzziness_by_layer: Shaped[np.ndarray, " m"], *, level: float = 0.05) -> Decay:
    """Fit the law of equi-separation, D_t ≈ c ρᵗ, to the separation fuzziness of successive layers.

    Least squares on log D_t against t, with Student's interval of the slope log ρ and a parabola as the alternative.

    Args:
        fuzziness_by_layer: D_0, …, D_{m−1}, m ≥ 3 of them, all positive.
        level: the interval of ρ misses with this probability, in (0, 1), if the residuals are independent and normal.

    Raises:
        UnusableInput: for fewer than three layers, a D that is not positive and finite, or a level outside (0, 1).

    Source: he2023, "law of equi-separation", equation (2).

    Example:
        >>> round(fit_decay(np.array([8.0, 4.0, 2.0, 1.0])).half_life, 9)
        1.0
    """
    level = require_level(level)
    values = require_array(fuzziness_by_layer, "D by layer", finite=False)
    if values.ndim != 1 or len(values) < 3:
        raise UnusableInput(f"{values.size} layers do not determine a slope with its error: at least 3 are needed; measure more layers.")
    if not (np.isfinite(values).all() and (values > 0.0).all()):
        wrong = int(np.argmin(np.isfinite(values) & (values > 0.0)))
        raise UnusableInput(
            f"D of layer {wrong} is {values[wrong]}: its logarithm is needed, so it must be positive; leave that layer out."
        )
    layers, logs = np.arange(len(values), dtype=float), np.log(values)
    line, errors, residuals = _polynomial(layers, logs, 1)
    parabola, parabola_errors, _ = _polynomial(layers, logs, 2)
    freedom = len(values) - 3
    half = float(stats.t.isf(level / 2, freedom + 1)) * errors[0]
    spread = float(np.linalg.norm(logs - logs.mean()))
    return Decay(
        decay_ratio=float(np.exp(line[0])),
        interval=Bracket(float(np.exp(line[0] - half)), float(np.exp(line[0] + half))),
        half_life=float(np.log(2.0) / -line[0]) if line[0] < 0.0 else float("inf"),
        pearson=float(line[0] * np.linalg.norm(layers - layers.mean()) / spread) if spread > 0.0 else 0.0,
        max_residual=float(np.abs(residuals).max()),
        residuals=residuals,
        curvature=float(parabola[0]),
        curvature_p_value=float(2.0 * stats.t.sf(abs(parabola[0]) / parabola_errors[0], freedom)) if freedom > 0 else float("nan"),
    )


def _polynomial(
    layers: Float[np.ndarray, " m"], logs: Float[np.ndarray, " m"], degree: int
) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"], Float[np.ndarray, " m"]]:
    """Least squares in powers of t − mean(t): coefficients (highest first), their standard errors, residuals.

    The residual variance is never taken below the rounding of the logarithms, so an exact fit has a small error and not none.
    """
    design = np.vander(layers - layers.mean(), degree + 1)
    coefficients, _, _, _ = np.linalg.lstsq(design, logs)
    residuals = logs - design @ coefficients
    freedom = max(len(layers) - degree - 1, 1)
    rounding = np.finfo(float).eps * max(1.0, float(np.abs(logs).max()))
    variance = max(float(residuals @ residuals) / freedom, rounding**2)
    return coefficients, np.sqrt(variance * np.diag(np.linalg.inv(design.T @ design))), residuals
