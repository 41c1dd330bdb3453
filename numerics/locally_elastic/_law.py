"""The door to the exact law: model and start in, joint Gaussian law out."""

from typing import Any, Literal, overload

import numpy as np

from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics._validated import validated
from layerpeel.numerics.locally_elastic._exact_law import MeanDriftLaw
from layerpeel.numerics.locally_elastic._flow import mean_flow, require_start, require_times
from layerpeel.numerics.locally_elastic._literal_law import LiteralLaw
from layerpeel.numerics.locally_elastic._model import ElasticModel
from layerpeel.numerics.locally_elastic._noise import as_noise
from layerpeel.numerics.locally_elastic._propagators import propagated, require_propagators

DRIFTS = ("mean", "literal")
"""Names of drifts: "mean" moves every sample by M X̄ with X̄ the mean flow, "literal" by M X̃, samples of equal number driving each other."""


@overload
def elastic_law(model: ElasticModel, start: Any, times: Any, *, spread: Any = 0, drift: Literal["mean"] = "mean") -> MeanDriftLaw: ...
@overload
def elastic_law(model: ElasticModel, start: Any, times: Any, *, spread: Any = 0, drift: Literal["literal"]) -> LiteralLaw: ...
@overload
def elastic_law(model: ElasticModel, start: Any, times: Any, *, spread: Any = 0, drift: str) -> MeanDriftLaw | LiteralLaw: ...
@validated
def elastic_law(model: ElasticModel, start: Any, times: Any, *, spread: Any = 0, drift: str = "mean") -> MeanDriftLaw | LiteralLaw:
    """The joint Gaussian law of the features at a set of times.

        drift "mean":     X̃_i^k(t) = X̃_i^k(0) + X̄^k(t) − X̄^k(0) + ∫ Σ_k^{1/2} dW;
        drift "literal":  dX̃ = M(t) X̃ dt + Σ^{1/2} dW.

    Args:
        model: drift and noise.
        start: class means of a Gaussian start, K × p, or points, K × n × p.
        times: increasing times ≥ 0, the last > 0; or one.
        spread: of a Gaussian start: a standard deviation, one for each class, or a covariance (p × p or K × p × p); none for points.
        drift: "mean" or "literal".

    Returns:
        A `MeanDriftLaw`, or a `LiteralLaw` under the literal drift.

    Raises:
        UnusableInput: for a start, times, rates, a spread or a drift that cannot be used.

    Source: zhang2021, equations (2) (literal) and (7) (mean) of the slides.

    Example:
        >>> model = ElasticModel(blocks="I", num_classes=2, num_features=1, intra=0, inter=0, noise=2.0)
        >>> law = elastic_law(model, [[0.0], [1.0]], 3.0, spread=1.0)
        >>> law.class_covariances.ravel().tolist()
        [13.0, 13.0]
        >>> law.draw(rng=np.random.default_rng(0), paths=4, samples=5).shape
        (4, 1, 2, 5, 1)
    """
    require_drift(drift)
    where = require_times(times)
    points, means = points_and_means(model, start)
    initial = as_noise(spread, model.num_classes, model.num_features)
    isotropic = initial.deviations is not None and model.noise.deviations is not None
    covariance = initial.variances(np.zeros(1))[0] if isotropic else initial.at(np.zeros(1))[0]
    if points is not None and covariance.any():
        raise UnusableInput("a spread is given together with points: points have none; leave it out, or give class means.")
    flow = mean_flow(model, means, where)
    if drift == "mean":
        return MeanDriftLaw(
            flow=flow,
            offsets=None if points is None else points - means[:, None, :],
            start_covariance=covariance,
            accumulated=model.noise.accumulated_variances(where) if isotropic else model.noise.accumulated(where),
        )
    if not isotropic or model.kind != "I":
        require_propagators(model.num_classes * model.num_features, len(where))
        covariance = initial.at(np.zeros(1))[0]
    propagators, increments = propagated(model, where, covariance, isotropic=isotropic)
    return LiteralLaw(times=where, means=flow.means, points=points, propagators=propagators, increments=increments)


def require_drift(drift: str) -> None:
    """Check the name of a drift.

    Raises:
        UnusableInput: for another.
    """
    if drift not in DRIFTS:
        raise UnusableInput(f"drift {drift!r} is unknown: it must be one of {', '.join(DRIFTS)}; choose one of these.")


def points_and_means(model: ElasticModel, start: Any) -> tuple[np.ndarray | None, np.ndarray]:
    """Points (K×n×p, or None for a Gaussian start) and the class means at time 0.

    Raises:
        UnusableInput: when they do not fit the model.
    """
    if np.ndim(start) != 3:
        return None, require_start(model, start)
    points = np.array(start, dtype=float)
    if points.shape[1] == 0:
        raise UnusableInput("the start has no points: it must have at least one for each class; give them.")
    return points, require_start(model, points.mean(axis=1))
