"""How likely two classes are separated under the locally elastic equations, as a quantity of sweeps."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from layerpeel.numerics import Bracket, Proportion, UnusableInput, require_one_of, require_positive, require_real, require_whole
from layerpeel.sweeps.quantity import Axis, Batch, Columns, Parameters, Quantity

if TYPE_CHECKING:
    from layerpeel.numerics import ElasticModel, LogProbability

MODELS = ("I", "L", "identity")
DRIFTS = ("mean", "literal")

MOST_PATHS = 10**8
"""More paths take days, and narrow the interval below 2e-4."""

PIECE = 2**19
"""Numbers of one class that are decided at once."""

LARGEST_LOG = 700.0
"""e to this power is still a double; classes that far apart are separated with probability one to every digit."""

DISTANCE_ROUNDING = 16 * float(np.finfo(float).eps)
"""Relative rounding of a distance in deviations, per unit of 1 + |its logarithm| + |Γ/K|."""

Values = Mapping[str, Sequence[Any] | np.ndarray]
Triple = tuple[np.ndarray, np.ndarray, np.ndarray]


def _growth(constant: np.ndarray, exponent: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Γ(t) = ∫ c (1 + s)^{−r} ds = c expm1((1 − r) log(1 + t))/(1 − r), or c log(1 + t) at r = 1."""
    clock, rest = np.log1p(time), 1.0 - exponent
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return constant * np.where(rest == 0.0, clock, np.expm1(rest * clock) / rest)


def _along(log_distance: np.ndarray, deviation: np.ndarray, samples: np.ndarray, error: np.ndarray) -> tuple[Triple, "LogProbability"]:
    """Probability that two classes are separated along the difference of their means, with bounds.

    The bounds are those of the integral, and what moving the means by w deviations can change: of n samples against n, at most w √n/2 (the
    total variation), and at most w n² times the greatest density of a difference of two samples at zero.

    Args:
        log_distance: log of the distance of the means.
        deviation: of a feature, the same in both classes.
        samples: n, of each class.
        error: of the distance in deviations, relative.
    """
    from layerpeel.numerics import separated_probability

    distance = np.exp(np.minimum(log_distance, LARGEST_LOG))
    law = separated_probability(distance, deviations=(deviation, deviation), counts=(samples, samples))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore", under="ignore"):
        lower, upper = np.exp(law.log - law.error), np.exp(np.minimum(law.log + law.error, 0.0))
        most = np.exp(np.minimum(law.log_complement + law.complement_error, 0.0))
        least = np.exp(law.log_complement - law.complement_error)
        low, high = np.maximum(np.nextafter(1.0 - most, -1.0), 0.0), np.minimum(np.nextafter(1.0 - least, 2.0), 1.0)
        across = np.isfinite(law.complement_error) & (high - low < upper - lower)
        lower, upper = np.where(across, low, lower), np.where(across, high, upper)
        apart = np.where(deviation > 0.0, distance / deviation, np.inf)
        rate = np.minimum(0.5 * np.sqrt(samples), 0.5 * np.exp(2.0 * np.log(samples) - 0.25 * apart**2))
        moved = np.where(np.isfinite(apart) & (rate > 0.0), apart * error * rate, 0.0)
    lower, upper = np.maximum(lower - moved, 0.0), np.minimum(upper + moved, 1.0)
    return (lower + 0.5 * (upper - lower), lower, upper), law


def _columns(along: Triple, law: "LogProbability", log_distance: np.ndarray) -> dict[str, Any]:
    return {"along_means": along, "log_probability": law.log, "log_complement": law.log_complement, "log_distance": log_distance}


def _probability_batch(values: Values) -> Batch:
    """On a line, in the I-model with γ = c (1 + t)^{−r} and constant noise: differences of means grow by Γ/K, whatever β is."""
    from layerpeel.numerics import as_rate

    count = len(values["time"])
    whole = {"model": "I", "drift": "mean", "paths": 0, "features": 1}
    special = [f"{name} = {plain}" for name, plain in whole.items() if name in values and any(v != plain for v in _list(values, name))]
    special += ["constant and exponent"] * ("intra" in values or "constant" not in values or "exponent" not in values)
    special += ["a number as noise"] * any(isinstance(each, bool | str | list) for each in _list(values, "noise"))
    if special:
        raise UnusableInput(f"many points at once are computed with {', '.join(special)}: others are computed one by one; do that.")
    for rate in {repr(each): each for each in _list(values, "inter")}.values():
        as_rate(rate)
    names = ("classes", "samples", "constant", "exponent", "time", "noise", "distance", "spread")
    classes, samples, constant, exponent, time, noise, distance, spread = (np.asarray(_list(values, name), dtype=float) for name in names)
    unusable = (classes < 2) | (samples < 1) | ~(time > 0.0) | ~(distance > 0.0) | (spread < 0.0) | (noise < 0.0)
    if unusable.any():
        raise UnusableInput(f"point {int(np.argmax(unusable))} of {count} cannot be used: its sentence says why when it is computed alone.")
    grown = _growth(constant, exponent, time) / classes
    deviation = np.sqrt(spread**2 + noise**2 * time)
    log_distance = np.log(distance) + grown
    if not np.isfinite(log_distance).all():
        raise UnusableInput("a distance is beyond the logarithms of doubles: end earlier, or take a larger exponent.")
    error = DISTANCE_ROUNDING * (1.0 + np.abs(np.log(distance)) + np.abs(grown))
    along, law = _along(log_distance, deviation, samples, error)
    return {"value": along, **_columns(along, law, log_distance)}


def _list(values: Values, name: str) -> list[Any]:
    return np.asarray(values[name]).tolist()


def _probability(parameters: Parameters, rng: np.random.Generator | None) -> Columns:
    posed, start = _posed(parameters)
    if not _has_paths(parameters) and posed.kind == "I" and "intra" not in parameters and not isinstance(parameters["noise"], str | list):
        many = {name: _column_of(value) for name, value in parameters.items()}
        return {name: _first(column) for name, column in _probability_batch(many).items()}
    along = _along_means(posed, start, parameters) if parameters["drift"] == "mean" else {}
    if not _has_paths(parameters):
        return {"value": along["along_means"], **along}
    if rng is None:
        raise UnusableInput("paths are asked for without a random generator: they are drawn at random; give one.")
    share, undecided = _counted(posed, start, parameters, rng)
    return {"value": share, **along, "undecided": undecided}


def _has_paths(parameters: Parameters) -> bool:
    return parameters["paths"] > 0


def _column_of(value: Any) -> np.ndarray:
    column = np.empty(1, dtype=object)
    column[0] = value
    return column


def _first(column: Triple | np.ndarray) -> Bracket | float:
    if isinstance(column, tuple):
        return Bracket(float(column[1][0]), float(column[2][0]))
    return float(column[0])


def _posed(parameters: Parameters) -> tuple["ElasticModel", np.ndarray]:
    """The model and the class means at time 0.

    Raises:
        UnusableInput: for what cannot be used, alone or together.
    """
    from layerpeel.numerics import LATEST_TIME, ElasticModel

    model, drift = require_one_of(parameters["model"], "model", MODELS), require_one_of(parameters["drift"], "drift", DRIFTS)
    classes = require_whole(parameters["classes"], "the number of classes", least=2, remedy="correct it")
    features = parameters.get("features", classes if model == "L" else 1)
    require_whole(features, "the number of features", remedy="correct it")
    require_whole(parameters["samples"], "the number of samples", remedy="correct it")
    paths = require_whole(parameters["paths"], "the number of paths", least=0, remedy="give 0 for the exact probability")
    if paths > MOST_PATHS:
        raise UnusableInput(f"paths {paths} are too many: at most {MOST_PATHS} are simulated; ask for fewer.")
    distance = require_positive(parameters["distance"], "distance")
    spread = require_real(parameters["spread"], "spread")
    if spread < 0.0:
        raise UnusableInput(f"spread is {spread:g}: a standard deviation is at least 0; correct it.")
    if require_positive(parameters["time"], "time") > LATEST_TIME:
        raise UnusableInput(f"time {parameters['time']:g} is too late: at most {LATEST_TIME:g} is carried; end earlier.")
    if model == "L" and features != classes:
        raise UnusableInput(f"the L-model has {features} features for {classes} classes: it must have as many; leave features out.")
    if not paths and (drift, features) != ("mean", 1):
        raise UnusableInput(
            f"the exact probability is asked for with {features} features and the drift {drift}: it is exact on a line, where class means "
            "move the samples; give features = 1 and drift = 'mean', or paths to count on."
        )
    intra = _intra(parameters)
    posed = ElasticModel(
        blocks=model, num_classes=classes, num_features=features, intra=intra, inter=parameters["inter"], noise=parameters["noise"]
    )
    if model == "L":
        return posed, distance / math.sqrt(2.0) * np.eye(classes)
    start = np.zeros((classes, features))
    start[:, 0] = np.linspace(0.5 * distance, -0.5 * distance, classes)
    return posed, start


def _intra(parameters: Parameters) -> Any:
    """α, as it is given, or β + c (1 + t)^{−r}."""
    two = [name for name in ("constant", "exponent") if name in parameters]
    if "intra" in parameters:
        if two:
            raise UnusableInput(f"{' and '.join(two)} and intra are given: both say what α is; leave one out.")
        return parameters["intra"]
    if len(two) < 2:
        raise UnusableInput("α is not given: give constant and exponent of γ = α − β = c (1 + t)^(−r), or intra.")
    inter = parameters["inter"]
    if not isinstance(inter, str | int | float) or isinstance(inter, bool):
        raise UnusableInput("inter is no number and no text: with constant and exponent it must be one of these; or give intra.")
    constant, exponent = (require_real(parameters[name], name) for name in ("constant", "exponent"))
    return f"({inter}) + ({constant!r})*(1 + t)**(-({exponent!r}))"


def _along_means(posed: "ElasticModel", start: np.ndarray, parameters: Parameters) -> dict[str, Any]:
    from layerpeel.numerics import mean_flow

    times = np.array([0.0, parameters["time"]])
    flow = mean_flow(posed, start, times)
    last = posed.num_classes - 1
    log_distance = flow.log_distances(0, last)[-1:]
    deviation = np.sqrt(parameters["spread"] ** 2 + posed.noise.accumulated_variances(times)[-1:, 0])
    error = flow.difference_errors(0, last)[-1:] + DISTANCE_ROUNDING * (1.0 + np.abs(log_distance))
    along, law = _along(log_distance, deviation, np.array([float(parameters["samples"])]), error)
    return {name: _first(column) for name, column in _columns(along, law, log_distance).items()}


def _counted(posed: "ElasticModel", start: np.ndarray, parameters: Parameters, rng: np.random.Generator) -> tuple[Proportion, int]:
    """On how many paths some hyperplane separates the first class from the last, and on how many rounding cannot tell."""
    from layerpeel.numerics import elastic_law, pairwise_separable

    law = elastic_law(posed, start, parameters["time"], spread=parameters["spread"], drift=parameters["drift"])
    seen = {"comoving": True} if parameters["drift"] == "mean" else {}
    separated = undecided = 0
    for chunk in law.chunks(rng=rng, paths=parameters["paths"], samples=parameters["samples"], **seen):
        step = max(1, PIECE // math.prod(chunk.shape[3:]))
        for begin in range(0, len(chunk), step):
            separability = pairwise_separable(np.ascontiguousarray(chunk[begin : begin + step, 0, [0, -1]]))
            separated += int(separability.separable[:, 0].sum())
            undecided += int((~separability.decided[:, 0]).sum())
    return Proportion(successes=separated, n=parameters["paths"]), undecided


SEPARATION_PROBABILITY = Quantity(
    name="separation-probability",
    says="The probability that the samples of the first and the last class are separated by a hyperplane at a time.",
    axes=(
        Axis(name="constant", kind=float, says="c of γ(t) = α − β = c (1 + t)^(−r)", unit="1/time", default=None),
        Axis(name="exponent", kind=float, says="r of γ(t) = α − β = c (1 + t)^(−r)", default=None),
        Axis(name="intra", kind=None, says="α(t), a number or text such as '1/(1+t)', instead of both", unit="1/time", default=None),
        Axis(name="inter", kind=None, says="β(t), a number or text", unit="1/time", default=0),
        Axis(name="time", kind=float, says="when, from 0", unit="time"),
        Axis(name="samples", kind=int, says="n, of each class", unit="samples"),
        Axis(name="classes", kind=int, says="K", unit="classes", default=3),
        Axis(name="features", kind=int, says="p; 1 in the models I and identity and K in the model L unless given", default=None),
        Axis(name="model", kind=str, says="I, L or identity: how classes move each other", default="I"),
        Axis(name="drift", kind=str, says="mean if class means move the samples, literal if samples move each other", default="mean"),
        Axis(name="noise", kind=None, says="σ(t), a number or text: standard deviation per root of time", default=1),
        Axis(name="distance", kind=float, says="of the means of the first and the last class at time 0", default=2.0),
        Axis(name="spread", kind=float, says="standard deviation of a feature around its class mean at time 0", default=0.0),
        Axis(name="paths", kind=int, says="independent repetitions to count on; 0 for the exact probability", unit="paths", default=0),
    ),
    columns={
        "value": "the probability; exact on a line under the mean drift, else the share of paths with its Clopper–Pearson interval",
        "along_means": "exact probability of separation along the difference of the means: on a line the same, else a lower bound",
        "log_probability": "the logarithm of that",
        "log_complement": "the logarithm of one minus that",
        "log_distance": "the logarithm of the distance of the two class means",
        "undecided": "on how many paths rounding cannot tell, and which count as not separated",
    },
    compute=_probability,
    compute_batch=_probability_batch,
    draws=True,
)
