"""Class means and separability under the locally elastic equations."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.dynamics.paths import LEVEL, ClassPairs, SplitCounts, count_splits, interval, predicted_along
from layerpeel.dynamics.simulation import AllSeparated, Counted, PairOfClasses, PredictedSplit, Simulation
from layerpeel.dynamics.start import as_start, read_start
from layerpeel.numerics import (
    LATEST_TIME,
    ElasticModel,
    LogProbability,
    MeanFlow,
    UnusableInput,
    as_rate,
    mean_flow,
    require_memory,
    require_one_of,
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
"""Even steps of time that are answered: enough for a curve, and for `estimate`, which takes even ones only."""

NUMBER_BYTES = 150.0
"""Memory of one printed number: the double, Python's float, and its text with indentation."""
PAIR_BYTES = 2500.0
"""Memory of what is said about one pair of classes."""


def simulate(
    *,
    model: str,
    intra: Any,
    inter: Any,
    time: float,
    classes: int | None = None,
    features: int | None = None,
    start: Any = None,
    noise: Any = "1",
    samples: int | None = None,
    paths: int | None = None,
    seed: int = 0,
    drift: str = "mean",
) -> Simulation:
    """Solve dX̄ = M(t) X̄ dt up to `time` and, with samples, decide on simulated paths whether all classes can be split.

    Block (k, l) of M is α(t)/K times the effect of a class on itself where k = l, and β(t)/K times that on another elsewhere: the
    identity in the I-model, the projection on the logit's direction in the L-model. Samples have independent noise σ(t) dW besides, and
    start at their class mean.

    Args:
        model: "I", "L", or "identity" for classes that do not see each other.
        intra: α(t): a number, text such as "1/(1+t)", or whatever else `numerics.as_rate` takes.
        inter: β(t), likewise.
        time: the end.
        classes: K, at least 2; that of the start if one is given.
        features: P; as many as classes unless given.
        start: class means (K × P) or the points of every class (K × n × P), as an array or the path of a .csv or .npz file; standard
            normal and the same on all paths unless given.
        noise: σ(t), the standard deviation of a feature per root of time.
        samples: in each class; without them only the means are computed. Points bring their own.
        paths: independent repetitions; 1000 unless given.
        seed: of the start and of the paths.
        drift: "mean" if class means move the samples, "literal" if samples move each other.

    Raises:
        UnusableInput: for what cannot be used, alone or together.

    Source:
        zhang2021, slides, equation (4).

    Example:
        >>> flow = simulate(model="L", classes=3, intra="1/(1+t)", inter=0, time=10.0)
        >>> flow.mean.shape, flow.separated
        ((201, 3, 3), None)
        >>> print(flow.log_norm[-1].round(3))
        [1.128 0.419 0.416]
    """
    require_one_of(model, "model", MODELS)
    require_one_of(drift, "drift", DRIFTS)
    end = require_positive(time, "time")
    if end > LATEST_TIME:
        raise UnusableInput(
            f"time {end:g} is too late: at most {LATEST_TIME:g} is carried, where sums of two times are doubles; end earlier."
        )
    given = None if start is None else read_start(Path(start)) if isinstance(start, str | Path) else as_start(start)
    size = _size(given, classes, features, model)
    samples, number_of_paths = _numbers(given, samples, paths)
    posed = ElasticModel(blocks=model, num_classes=size[0], num_features=size[1], intra=intra, inter=inter, noise=noise)
    for_start, for_paths = np.random.default_rng(require_whole(seed, "the seed", least=0, remedy="give 0")).spawn(2)
    begin = for_start.standard_normal(size) if given is None else given
    times = np.linspace(0.0, end, STEPS + 1)
    flow = mean_flow(posed, begin.mean(axis=1) if begin.ndim == 3 else begin, times)
    pairs = ClassPairs.at_end(flow)
    deviations = np.sqrt(posed.noise.accumulated_variances(times)[:, 0])
    splits = law = None
    if samples is not None:
        splits = count_splits(posed, begin, pairs, end=end, drift=drift, samples=samples, paths=number_of_paths, rng=for_paths)
        if drift == "mean" and begin.ndim == 2:  # else samples are coupled, or those of a class have no common law
            law = predicted_along(pairs, deviations[-1], samples)
    return Simulation(
        model=posed.kind,
        num_classes=posed.num_classes,
        num_features=posed.num_features,
        intra=posed.intra.text if posed.intra else None,
        inter=posed.inter.text if posed.inter else None,
        noise=noise if isinstance(noise, str) else as_rate(noise).text,
        drift=drift,
        start="standard normal" if start is None else str(start) if isinstance(start, str | Path) else "given",
        seed=int(seed),
        method=flow.route,
        relative_error=flow.errors,
        times=flow.times,
        mean=flow.means,
        log_norm=flow.log_scales,
        direction=flow.directions[-1],
        cosines=_cosines_at_end(flow),
        noise_deviation=deviations if drift == "mean" else None,
        samples=samples,
        paths=None if splits is None else splits.paths,
        pairs=tuple(_pair(pairs, law, splits, column) for column in range(len(pairs.classes))),
        separated=None if splits is None else _all_separated(splits, law),
        flow=flow,
    )


def _numbers(start: np.ndarray | None, samples: int | None, paths: int | None) -> tuple[int | None, int]:
    """Samples per class, if any, and paths.

    Raises:
        UnusableInput: when they disagree with the start or with each other, or are none.
    """
    if samples is not None:
        samples = require_whole(samples, "the number of samples", remedy="correct it")
    if start is not None and start.ndim == 3:
        if samples is not None and samples != start.shape[1]:
            raise UnusableInput(f"samples {samples} are asked for and the start holds {start.shape[1]} points of each class: leave it out.")
        samples = start.shape[1]
    if paths is not None and samples is None:
        raise UnusableInput(f"paths {paths} need to know how many samples a class has: give samples, for example 200.")
    number = PATHS if paths is None else require_whole(paths, "the number of paths", remedy="correct it")
    if number > MOST_PATHS:
        raise UnusableInput(f"paths {number} are too many: at most {MOST_PATHS} are simulated; ask for fewer.")
    return samples, number


def _size(start: np.ndarray | None, classes: int | None, features: int | None, model: str) -> tuple[int, int]:
    """K and P, from what was asked for and the start.

    Raises:
        UnusableInput: when they disagree, are too small, or the answer would not fit in memory.
    """
    if start is None and classes is None:
        raise UnusableInput("neither classes nor start is given: the number of classes must be known; give, say, 3 classes.")
    size = (classes, features) if start is None else (start.shape[0], start.shape[-1])
    for name, asked, has in (("classes", classes, size[0]), ("features", features, size[1])):
        if asked is not None and asked != has:
            raise UnusableInput(f"{name} {asked} and the start of shape {start.shape if start is not None else ()} disagree: leave it out.")
    num_classes = require_whole(size[0], "the number of classes", least=2, remedy="correct it")
    num_features = num_classes if size[1] is None else require_whole(size[1], "the number of features", remedy="correct it")
    if model == "L" and num_features != num_classes:
        raise UnusableInput(
            f"the L-model has {num_features} features for {num_classes} classes: it must have as many features as classes; correct it."
        )
    # the identity's effects of every class on every other are carried over time
    need = 32.0 * STEPS * num_classes**2 * (model == "identity")
    need += NUMBER_BYTES * STEPS * num_classes * num_features + 0.5 * PAIR_BYTES * num_classes**2
    require_memory(need, f"the answer for {num_classes} classes × {num_features} features", "use fewer classes or features")
    return num_classes, num_features


def _cosines_at_end(flow: MeanFlow) -> np.ndarray:
    directions = flow.directions[-1]
    zero = np.where((directions == 0.0).all(axis=1), np.nan, 0.0)
    return np.clip(directions @ directions.T, -1.0, 1.0) + zero[:, None] + zero


def _counted(counts: np.ndarray, paths: int) -> Counted:
    share = interval(counts, paths)
    return Counted(estimate=float(counts[0] / paths), low=share.lower, high=share.upper, level=LEVEL, undecided=int(counts[1] - counts[0]))


def _all_separated(splits: SplitCounts, law: LogProbability | None) -> AllSeparated:
    missed = math.inf if law is None else sum(1.0 - law.bracket(column).lower for column in range(len(law.log)))
    return AllSeparated(**dict(_counted(splits.every, splits.paths)), at_least=None if law is None else max(0.0, 1.0 - missed))


def _pair(pairs: ClassPairs, law: LogProbability | None, splits: SplitCounts | None, column: int) -> PairOfClasses:
    predicted = None
    if law is not None:
        bracket = law.bracket(column)
        predicted = PredictedSplit(
            probability=math.exp(law.log[column]),
            low=bracket.lower,
            high=bracket.upper,
            log=float(law.log[column]),
            log_complement=float(law.log_complement[column]),
        )
    return PairOfClasses(
        classes=pairs.classes[column],
        log_distance=float(pairs.log_distances[column]),
        predicted=predicted,
        separated=None if splits is None else _counted(splits.pairs[column], splits.paths),
    )
