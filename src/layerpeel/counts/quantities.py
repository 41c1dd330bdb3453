"""What class counts force, as quantities of sweeps: thresholds, optima, cosines and remedies of two groups of classes."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from layerpeel.numerics import Bracket, UnusableInput, require_real
from layerpeel.sweeps.quantity import Axis, Batch, Columns, Parameters, Quantity

if TYPE_CHECKING:
    from layerpeel.solvers import Problem, Solution, SolutionBatch

EPSILON = float(np.finfo(float).eps)

EXPONENTIAL = 6.0 * EPSILON
"""An exponential may be off by four units in the last place, and one is added to it."""

VALUE_ROUNDING = 64.0 * EPSILON
"""Allowance for the rounding of log f, per unit of 1 + |log f| (needed at most: 10)."""

Values = Mapping[str, Sequence[Any] | np.ndarray]
"""Axis → values of many points."""

Triple = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Values, lower and upper bounds."""


def _of_one(batch: Callable[[Values], Batch], parameters: Parameters) -> Columns:
    """One point by the form for many, so that it has the same bits wherever it is computed."""
    columns = batch({name: np.array([value]) for name, value in parameters.items()})
    return {name: _number(column) for name, column in columns.items()}


def _number(column: Triple | np.ndarray) -> Bracket | float | None:
    if isinstance(column, tuple):
        _, lower, upper = (float(each[0]) for each in column)
        return None if math.isnan(lower) else Bracket(lower, upper)
    return None if math.isnan(column[0]) else float(column[0])


def _between(lower: np.ndarray, upper: np.ndarray) -> Triple:
    """Bounds with their middle, as `Bracket.middle` has it."""
    with np.errstate(over="ignore", invalid="ignore"):
        width = upper - lower
        middle = np.where(np.isfinite(width), lower + 0.5 * width, 0.5 * lower + 0.5 * upper)
    return middle, lower, upper


def _exponential(logarithm: np.ndarray, error: np.ndarray, plus: float) -> Triple:
    """plus + e^x between its bounds; beyond doubles from the largest of them to infinity."""
    with np.errstate(over="ignore"):
        lower = np.minimum((plus + np.exp(logarithm - error)) * (1.0 - EXPONENTIAL), np.finfo(float).max)
        upper = (plus + np.exp(logarithm + error)) * (1.0 + EXPONENTIAL)
    return _between(lower, upper)


# Thresholds

CLASSES = (
    Axis(name="majority", kind=int, says="K_A, classes of the larger count", unit="classes"),
    Axis(name="minority", kind=int, says="K_B, classes of the smaller count", unit="classes"),
)
IMBALANCE = Axis(name="imbalance", kind=float, says="R, samples of a majority class over those of a minority class; at least 1")
MODEL = (
    Axis(name="feature_energy", kind=float, says="E_H, the bound of the mean squared norm of the features", default=None),
    Axis(name="weight_energy", kind=float, says="E_W, the bound of the mean squared norm of the classifiers", default=1.0),
    Axis(
        name="norm_weights",
        kind=str,
        says="class or sample: over what E_H averages; class with energies, sample with weight decay, where it is not given",
        default=None,
    ),
    Axis(name="weight_decay", kind=float, says="λ in place of the energies, per sample: λ_W = λ and λ_H = λ/N", default=None),
)
"""What holds the norms: energies or weight decay."""


def _threshold_batch(values: Values) -> Batch:
    """R0 and R1 with the bounds that `threshold_arrays` states, for all points of one model at once."""
    from layerpeel.numerics import threshold_arrays

    columns = {name: np.asarray(column).tolist() for name, column in values.items()}
    size = len(columns["majority"])
    columns = {axis.name: [axis.default] * size for axis in MODEL} | columns
    kinds = [(mean, decay is not None) for mean, decay in zip(columns["norm_weights"], columns["weight_decay"], strict=True)]
    rows = np.empty((4, size))
    for mean, decays in dict.fromkeys(kinds):
        chosen = [place for place, kind in enumerate(kinds) if kind == (mean, decays)]
        given = {name: [columns[name][place] for place in chosen] for name in columns if name != "norm_weights"}
        if decays and any(energy is not None for energy in given["feature_energy"]):
            raise UnusableInput(
                "both feature_energy and weight_decay are given: norms are either bounded or penalised; leave one of them out."
            )
        if not decays and None in given["feature_energy"]:
            raise UnusableInput("neither feature_energy nor weight_decay is given: norms are either bounded or penalised; give one.")
        held = {"weight_decay": given["weight_decay"]} if decays else {name: given[name] for name in ("feature_energy", "weight_energy")}
        arrays = threshold_arrays(given["majority"], given["minority"], norm_weights=mean, **held)
        rows[:, chosen] = arrays.collapse, arrays.collapse_error, arrays.vanishing, arrays.vanishing_error
    logarithm, error, vanishing, vanishing_error = rows
    return {
        "value": _exponential(logarithm, error, 1.0),
        "log_minus_one": (logarithm, logarithm - error, logarithm + error),
        "vanishing": _exponential(vanishing, vanishing_error, 0.0),
    }


def _threshold(parameters: Parameters, _rng: np.random.Generator | None) -> Columns:
    from layerpeel.numerics import log_threshold_minus_one

    log_threshold_minus_one(**parameters)  # what cannot be used is refused in the words for one problem
    return _of_one(_threshold_batch, parameters)


THRESHOLD = Quantity(
    name="threshold",
    says="The imbalance R0 from which the minority classifiers are one vector, and R1, from which on that vector is zero.",
    axes=(*CLASSES, *MODEL),
    columns={
        "value": "R0, from which on the minority classifiers coincide; bounds: rounding carried through all operations, not proved",
        "log_minus_one": "log(R0 − 1), which is finite also where R0 is beyond doubles",
        "vanishing": "R1, from which on the minority classifiers are zero; none where they never are",
    },
    compute=_threshold,
    compute_batch=_threshold_batch,
)


# Optima


def _require_imbalance(imbalance: np.ndarray) -> None:
    below = ~(imbalance >= 1.0)
    if below.any():
        raise UnusableInput(
            f"imbalance is {imbalance[below][0]:g}: a majority has at least as many samples as a minority; give 1 or more, or exchange "
            "majority and minority."
        )


def _solved(values: Values) -> "SolutionBatch":
    """Optima in doubles, by the loop that needs no compiler: it gives the same bits everywhere that NumPy does."""
    from layerpeel.solvers import solve_batch

    special = [
        f"{name} = {plain!r} only"
        for name, plain in PLAIN.items()
        if name in values and any(not _is_plain(name, value) for value in np.asarray(values[name]).tolist())
    ]
    if special:
        raise UnusableInput(f"many points at once are solved with {', '.join(special)}: others are solved one by one; do that.")
    _require_imbalance(np.asarray(values["imbalance"], dtype=float))
    return solve_batch(
        values["majority"],
        values["minority"],
        values["imbalance"],
        feature_energy=values["feature_energy"],
        weight_energy=values["weight_energy"],
        compiled=False,
    )


def _solve_batch(values: Values) -> Batch:
    return _columns_of(_solved(values))


def _columns_of(batch: "SolutionBatch") -> Batch:
    """Of each group the norms, by the Gram matrices (ZZᵀ)^{1/2} √(E_H/E_W) and (ZᵀZ)^{1/2} √(E_W/E_H).

    Their diagonals are a (K_A − 1)/K_A + t_A²/(s K_A) and a (K_A − 1)/K_A + s K_B/(K K_A) for a class of the first group.
    """
    optima, one_vector = batch.optima, batch.collapsed
    large, small, a, b = optima.majority, optima.minority, optima.a, optima.b
    s = np.hypot(optima.t_a, optima.t_b)
    between = np.where(s > 0.0, s, 1.0)
    classes, balance = large + small, np.sqrt(batch.feature_energy / batch.weight_energy)
    of_large, of_small = a * (large - 1) / large, b * (small - 1) / small
    shared_large, shared_small = s * small / (classes * large), s * large / (classes * small)
    square_large, square_small = of_large + shared_large, of_small + shared_small
    with np.errstate(divide="ignore", invalid="ignore"):
        majority_cosine = np.where(large > 1, (shared_large - a / large) / square_large, np.nan)
        between_cosine = np.where(batch.vanished, np.nan, -s / classes / np.sqrt(square_large) / np.sqrt(square_small))
    rounding = VALUE_ROUNDING * (1.0 + np.abs(batch.log_value))
    upper = batch.value * (1.0 + rounding) + np.finfo(float).smallest_subnormal
    return {
        "value": _between(batch.value * (1.0 - np.minimum(batch.relative_gap + rounding, 1.0)), upper),
        "log_value": batch.log_value,
        "multiplier": batch.multiplier,
        "minority_cosine": batch.minority_cosine,
        "majority_cosine": majority_cosine,
        "between_cosine": between_cosine,
        "collapsed": one_vector.astype(float),
        "vanished": batch.vanished.astype(float),
        "majority_norm": np.sqrt(square_large / balance),
        "minority_norm": np.sqrt(square_small / balance),
        "majority_feature_norm": np.sqrt(balance * (of_large + optima.t_a**2 / between / large)),
        "minority_feature_norm": np.sqrt(balance * (of_small + optima.t_b**2 / between / small)),
    }


PLAIN: Mapping[str, Any] = {
    "loss": "cross-entropy",
    "norm_weights": "class",
    "weight_decay": None,
    "bias_penalty": None,
    "certified": False,
}
"""What the form for many points takes; a point with anything else is solved by itself."""


def _is_plain(name: str, value: Any) -> bool:
    return value == PLAIN[name] or (name == "norm_weights" and value is None)


def _problem(parameters: Parameters) -> "Problem":
    from layerpeel.numerics import held_by
    from layerpeel.solvers import LayerPeeled, UnconstrainedFeatures

    model = held_by(*(parameters.get(axis.name, axis.default) for axis in MODEL))
    given = {name: parameters[name] for name in ("loss", "bias_penalty") if name in parameters}
    _require_imbalance(np.array([require_real(parameters["imbalance"], "imbalance")]))
    groups = parameters["majority"], parameters["minority"], parameters["imbalance"]
    if model.weight_decay is not None:
        return UnconstrainedFeatures.from_imbalance(*groups, weight_decay=model.weight_decay, **given)
    energies = {"feature_energy": model.feature_energy, "weight_energy": model.weight_energy}
    return LayerPeeled.from_imbalance(*groups, **energies, norm_weights="sample" if model.per_sample else "class", **given)


def _solve(parameters: Parameters, _rng: np.random.Generator | None) -> Columns:
    problem = _problem(parameters)
    if all(_is_plain(name, parameters.get(name, plain)) for name, plain in PLAIN.items()):
        try:
            return _of_one(_solve_batch, parameters)
        except UnusableInput:  # beyond the range of doubles: solved, and certified
            pass
    from layerpeel.solvers import solve

    return _columns_of_one(solve(problem), parameters)


def _columns_of_one(solution: "Solution[Any]", parameters: Parameters) -> Columns:
    large, small = solution.groups[0], solution.groups[-1]
    alike = len(solution.groups) == 1  # R = 1: one group, whose classes are both kinds
    return {
        "value": solution.value,
        "log_value": math.log(solution.value.upper) if solution.value.upper > 0.0 else None,
        "multiplier": solution.multiplier,
        "minority_cosine": small.within_cosine if parameters["minority"] > 1 else None,
        "majority_cosine": large.within_cosine if parameters["majority"] > 1 else None,
        "between_cosine": large.within_cosine if alike else solution.between_cosine[0][-1],
        "collapsed": None if small.collapsed is None else float(small.collapsed),
        "vanished": None if small.vanished is None else float(small.vanished),
        "majority_norm": large.classifier_norm,
        "minority_norm": small.classifier_norm,
        "majority_feature_norm": large.feature_norm,
        "minority_feature_norm": small.feature_norm,
    }


SOLVE = Quantity(
    name="solve",
    says="The optimum of the Layer-Peeled Model of two groups of classes: its value and its geometry.",
    axes=(
        *CLASSES,
        IMBALANCE,
        *MODEL,
        Axis(name="loss", kind=str, says="cross-entropy, squared or hinge", default="cross-entropy"),
        Axis(name="bias_penalty", kind=float, says="λ_b of (λ_b/2)‖b‖²; no bias where it is not given", default=None),
        Axis(name="certified", kind=bool, says="whether the value's bounds are proved in ball arithmetic, point by point", default=False),
    ),
    columns={
        "value": "the optimal value; bounds: the duality gap with an allowance for rounding, or proved, where `certified` or another loss, "
        "norm or bias is asked for",
        "log_value": "its logarithm, which is finite also where the value is below doubles",
        "multiplier": "λ of the bound τ of the norm, by which the value falls with τ; the penalty, where the norm is penalised",
        "minority_cosine": "cosine between two minority classifiers; none where they vanish, or for one class",
        "majority_cosine": "cosine between two majority classifiers; none for one class",
        "between_cosine": "cosine between a majority and a minority classifier; none where the latter vanish",
        "collapsed": "1 where the minority classifiers are one vector, 0 where they are not",
        "vanished": "1 where the minority classifiers are zero, 0 where they are not",
        "majority_norm": "‖w‖ of a majority class",
        "minority_norm": "‖w‖ of a minority class",
        "majority_feature_norm": "‖h‖ of a majority class",
        "minority_feature_norm": "‖h‖ of a minority class",
    },
    compute=_solve,
    compute_batch=_solve_batch,
    results_version=2,
)


# The minority cosine


def _cosine_batch(values: Values) -> Batch:
    if np.any(np.asarray(values["minority"]) < 2):
        raise UnusableInput("minority is 1: a cosine needs two minority classes; use minority >= 2.")
    batch = _solved(values)
    return {"value": batch.minority_cosine, "collapsed": batch.collapsed.astype(float), "vanished": batch.vanished.astype(float)}


def _cosine(parameters: Parameters, _rng: np.random.Generator | None) -> Columns:
    problem = _problem(parameters)
    if parameters["minority"] < 2:
        raise UnusableInput(f"minority is {parameters['minority']}: a cosine needs two minority classes; use minority >= 2.")
    try:
        return _of_one(_cosine_batch, parameters)
    except UnusableInput:  # beyond the range of doubles: solved, and certified
        from layerpeel.solvers import solve

        columns = _columns_of_one(solve(problem), parameters)
        return {"value": columns["minority_cosine"], "collapsed": columns["collapsed"], "vanished": columns["vanished"]}


MINORITY_COSINE = Quantity(
    name="minority-cosine",
    says="The cosine between two minority classifiers at the optimum of the Layer-Peeled Model: 1 from R0 on.",
    axes=(*CLASSES, IMBALANCE, *MODEL),
    columns={
        "value": "the cosine, to the digits of doubles; none where the classifiers vanish",
        "collapsed": "1 where the minority classifiers are one vector, 0 where they are not",
        "vanished": "1 where they are zero, 0 where they are not",
    },
    compute=_cosine,
    compute_batch=_cosine_batch,
)


# The remedy


def _remedy(parameters: Parameters, _rng: np.random.Generator | None) -> Columns:
    from layerpeel.counts.remedy import remedy_of

    remedy = remedy_of(_problem(parameters), by=parameters.get("by", "oversampling"), target_cosine=None)
    least, most = remedy.safe_oversampling
    return {
        "value": remedy.minimal_oversampling,
        "threshold": remedy.threshold,
        "collapses_now": float(remedy.collapses_now),
        "safe_least": least,
        "safe_most": most,
    }


REMEDY = Quantity(
    name="remedy",
    says="How many times as often minority samples must be drawn, or weighed in the loss, so that their classifiers do not collapse.",
    axes=(
        *CLASSES,
        IMBALANCE,
        *MODEL,
        Axis(name="by", kind=str, says="oversampling or weights, which differ where norms are per sample", default="oversampling"),
    ),
    columns={
        "value": "the least oversampling or weight: beyond it minority classes keep classifiers of their own; 1 where they do so now",
        "threshold": "R0, from which imbalance on they collapse; none beyond doubles",
        "collapses_now": "1 where they collapse as things are, 0 where they do not",
        "safe_least": "above it the minority is apart: R/R0, or for weights R over the threshold of the loss",
        "safe_most": "below it no class that is apart as things are collapses instead; none where there is no such end",
    },
    compute=_remedy,
)
