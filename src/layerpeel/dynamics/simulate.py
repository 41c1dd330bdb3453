"""The command `simulate`: class means and separability under the locally elastic equations, and its JSON."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.dynamics.paths import LEVEL, ClassPairs, SplitCounts, count_splits, interval, predicted_along
from layerpeel.dynamics.start import read_start
from layerpeel.numerics import (
    LATEST_TIME,
    ElasticModel,
    LogProbability,
    MeanFlow,
    UnusableInput,
    mean_flow,
    require_memory,
    require_positive,
    require_whole,
)

MODELS = ("I", "L", "identity")
DRIFTS = ("mean", "literal")

PATHS = 1000
"""Paths unless given."""
MOST_PATHS = 10**8
"""More paths take days, and narrow the interval below 2e-4."""

STEPS = 200
"""Even steps of time that are answered: enough for a curve, and for `layerpeel estimate`, which takes even ones only."""

NUMBER_BYTES = 150.0
"""Memory of one printed number: the double, Python's float, and its text with indentation."""
PAIR_BYTES = 2500.0
"""Memory of what is said about one pair of classes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Simulation:
    """What was asked for and what came of it.

    Args:
        model: drift and noise.
        source: where the start came from.
        noise: σ(t) as it was given.
        drift: "mean" or "literal".
        seed: of the start and of the paths.
        flow: class means over time.
        deviations: √∫σ², the noise gathered by one feature under the mean drift, per time.
        pairs: of classes, at the end.
        samples: per class; None when no paths were asked for.
        gaussian: whether samples of a class start at one point.
        splits: what was counted on the paths.
    """

    model: ElasticModel
    source: str
    noise: str
    drift: str
    seed: int
    flow: MeanFlow
    deviations: np.ndarray
    pairs: ClassPairs
    samples: int | None
    gaussian: bool
    splits: SplitCounts | None

    @property
    def predictable(self) -> bool:
        """Whether the samples at the end are independent with one law per class: the literal drift couples them, points differ."""
        return self.samples is not None and self.drift == "mean" and self.gaussian


def simulate(
    *,
    model: str,
    classes: int | None,
    features: int | None,
    intra: str,
    inter: str,
    time: float,
    start: Path | None,
    noise: str,
    samples: int | None,
    paths: int | None,
    seed: int,
    drift: str,
) -> Simulation:
    """Solve the mean flow up to `time` and, with samples, decide on simulated paths whether all classes can be split.

    The start of the classes, unless given, is standard normal and the same for all paths; samples start at their class mean.

    Raises:
        UnusableInput: for options that cannot be used, alone or together.
    """
    for name, value, legal in (("--model", model, MODELS), ("--drift", drift, DRIFTS)):
        if value not in legal:
            raise UnusableInput(f"{name} {value!r} is unknown: it must be one of {', '.join(legal)}; choose one of these.")
    end = require_positive(time, "time")
    if end > LATEST_TIME:
        raise UnusableInput(
            f"--time {end:g} is too late: at most {LATEST_TIME:g} is carried, where sums of two times are doubles; end earlier."
        )
    given = None if start is None else read_start(start)
    size = _size(given, classes, features, model)
    if samples is not None:
        samples = require_whole(samples, "the number of samples", remedy="correct it")
    if given is not None and given.ndim == 3:
        if samples is not None and samples != given.shape[1]:
            raise UnusableInput(
                f"--samples {samples} are asked for and --start holds {given.shape[1]} points of each class: leave --samples out."
            )
        samples = given.shape[1]
    if paths is not None and samples is None:
        raise UnusableInput(f"--paths {paths} needs to know how many samples a class has: give --samples, for example 200.")
    number_of_paths = PATHS if paths is None else require_whole(paths, "the number of paths", remedy="correct it")
    if number_of_paths > MOST_PATHS:
        raise UnusableInput(f"--paths {number_of_paths} is too many: at most {MOST_PATHS} are simulated; ask for fewer.")
    posed = ElasticModel(blocks=model, num_classes=size[0], num_features=size[1], intra=intra, inter=inter, noise=noise)
    for_start, for_paths = np.random.default_rng(seed).spawn(2)
    begin = for_start.standard_normal(size) if given is None else given
    times = np.linspace(0.0, end, STEPS + 1)
    flow = mean_flow(posed, begin.mean(axis=1) if begin.ndim == 3 else begin, times)
    pairs = ClassPairs.at_end(flow)
    counted = (
        None
        if samples is None
        else count_splits(posed, begin, pairs, end=end, drift=drift, samples=samples, paths=number_of_paths, rng=for_paths)
    )
    return Simulation(
        model=posed,
        source="standard normal" if start is None else str(start),
        noise=noise,
        drift=drift,
        seed=seed,
        flow=flow,
        deviations=np.sqrt(posed.noise.accumulated_variances(times)[:, 0]),
        pairs=pairs,
        samples=samples,
        gaussian=begin.ndim == 2,
        splits=counted,
    )


def _size(start: np.ndarray | None, classes: int | None, features: int | None, model: str) -> tuple[int, int]:
    """K and P, from the options and the start.

    Raises:
        UnusableInput: when they disagree, are too small, or the answer would not fit in memory.
    """
    if start is None and classes is None:
        raise UnusableInput("neither --classes nor --start is given: the number of classes must be known; give, say, --classes 3.")
    found = (classes, features) if start is None else (start.shape[0], start.shape[-1])
    for name, asked, has in (("--classes", classes, found[0]), ("--features", features, found[1])):
        if asked is not None and asked != has:
            raise UnusableInput(f"{name} {asked} and the start of shape {start.shape if start is not None else ()} disagree: leave it out.")
    num_classes = require_whole(found[0], "the number of classes", least=2, remedy="correct it")
    num_features = num_classes if found[1] is None else require_whole(found[1], "the number of features", remedy="correct it")
    if model == "L" and num_features != num_classes:
        raise UnusableInput(
            f"the L-model has {num_features} features for {num_classes} classes: it must have as many features as classes; correct it."
        )
    # the identity's effects of every class on every other are carried over time
    need = 32.0 * STEPS * num_classes**2 * (model == "identity")
    need += NUMBER_BYTES * STEPS * num_classes * num_features + 0.5 * PAIR_BYTES * num_classes**2
    require_memory(need, f"the answer for {num_classes} classes × {num_features} features", "use fewer classes or features")
    return num_classes, num_features


def simulation_record(found: Simulation) -> dict[str, Any]:
    """The keys of `layerpeel simulate --json`.

    `mean` is null where it is beyond doubles; `log_norm` (time × class, null where the mean is zero) and, at the end, `direction` are not.
    `pairs` has for each pair of classes what the exact integral predicts along the difference of the means, and on how many paths some
    hyperplane splits it; `at_least` is what these predictions make certain for all pairs at once (the union bound).
    """
    flow, splits = found.flow, found.splits
    intra, inter = found.model.intra, found.model.inter
    law = predicted_along(found.pairs, found.deviations[-1], found.samples) if found.predictable and found.samples else None
    separated = None if splits is None else _proportion_record(splits.every, splits.paths)
    if separated is not None:
        missed = math.inf if law is None else sum(1.0 - law.bracket(column).lower for column in range(len(law.log)))
        separated["at_least"] = None if law is None else max(0.0, 1.0 - missed)
    return {
        "model": found.model.kind,
        "num_classes": found.model.num_classes,
        "num_features": found.model.num_features,
        "intra": intra.text if intra else None,
        "inter": inter.text if inter else None,
        "noise": found.noise,
        "drift": found.drift,
        "start": found.source,
        "seed": found.seed,
        "method": flow.route,
        "relative_error": flow.errors.tolist(),
        "times": flow.times.tolist(),
        "mean": flow.means.tolist(),
        "log_norm": flow.log_scales.tolist(),
        "direction": flow.directions[-1].tolist(),
        "cosines": _cosines_at_end(flow).tolist(),
        "noise_deviation": found.deviations.tolist() if found.drift == "mean" else None,
        "samples": found.samples,
        "paths": None if splits is None else splits.paths,
        "pairs": [_pair_record(found, law, column) for column in range(len(found.pairs.classes))],
        "separated": separated,
    }


def _cosines_at_end(flow: MeanFlow) -> np.ndarray:
    directions = flow.directions[-1]
    zero = np.where((directions == 0.0).all(axis=1), np.nan, 0.0)
    return np.clip(directions @ directions.T, -1.0, 1.0) + zero[:, None] + zero


def _proportion_record(counts: np.ndarray, paths: int) -> dict[str, Any]:
    found = interval(counts, paths)
    return {
        "estimate": float(counts[0] / paths),
        "low": found.lower,
        "high": found.upper,
        "level": LEVEL,
        "undecided": int(counts[1] - counts[0]),
    }


def _pair_record(found: Simulation, law: LogProbability | None, column: int) -> dict[str, Any]:
    pairs, splits = found.pairs, found.splits
    predicted = None
    if law is not None:
        bracket = law.bracket(column)
        predicted = {
            "probability": math.exp(law.log[column]),
            "low": bracket.lower,
            "high": bracket.upper,
            "log": float(law.log[column]),
            "log_complement": float(law.log_complement[column]),
        }
    return {
        "classes": list(pairs.classes[column]),
        "log_distance": float(pairs.log_distances[column]),
        "predicted": predicted,
        "separated": None if splits is None else _proportion_record(splits.pairs[column], splits.paths),
    }
