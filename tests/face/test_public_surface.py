"""Every public function and constructor: what NumPy's numbers change (nothing), and what anything else raises (one sentence)."""

import inspect
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from jaxtyping import config

from layerpeel import gpu_train, numerics, solvers, theory
from layerpeel.numerics import UnusableInput

Call = tuple[tuple[Any, ...], dict[str, Any]]


def call(*arguments: Any, **named: Any) -> Call:
    return arguments, named


RNG = np.random.default_rng
FRAME = numerics.simplex_etf(3)
FEATURES, LABELS = np.array([[0.0], [1.0], [4.0], [5.0]]), np.array([0, 0, 1, 1])
CENTRED = numerics.centred_features(FEATURES, LABELS)
MOMENTS = numerics.ClassMoments(2, 1)
MOMENTS.update(FEATURES, LABELS)
STATISTICS = MOMENTS.compute()
MODEL = numerics.ElasticModel(blocks="I", num_classes=2, num_features=1, intra="1/(1+t)", inter=0, noise=1)
TIMES, RATE = np.arange(1.0, 41.0), 1 / np.arange(1.0, 41.0)
RATES = numerics.mean_flow(numerics.ElasticModel(blocks="I", num_classes=3, intra=0.2, inter=0.05), np.eye(3) + 1, np.arange(1.0, 41.0))
SOLUTION = solvers.solve(solvers.LayerPeeled(counts=[20, 20, 1, 1], feature_energy=2.0))
PROBLEM, MATRIX = SOLUTION.problem, SOLUTION.matrix
SQUARED = solvers.UnconstrainedFeatures(counts=[2, 1], feature_penalty=0.1, weight_penalty=0.1, loss="squared")
HEAD = solvers.descend_linear(SQUARED, *solvers.fitted_start(SQUARED, 1, kept=[True, True]))
BALANCED = solvers.LayerPeeled(counts=[2, 2, 2], feature_energy=1.0)
NONNEGATIVE = solvers.UnconstrainedFeatures(counts=[2, 2], feature_penalty=0.01, weight_penalty=0.01)
IMAGES = gpu_train.Images(
    pixels=np.arange(24, dtype=np.float32).reshape(6, 1, 2, 2), labels=np.array([0, 0, 0, 1, 1, 1]), num_classes=2, name="blank"
)
POWER = {"predicted": 0.5, "level": 0.05}
ENERGIES = {"feature_energy": 2.0, "weight_energy": 1.5}

CALLS: Mapping[str, Call] = {
    # theory
    "layerpeel.numerics.boundary_points": call(5, 4, **ENERGIES, digits=20),
    "layerpeel.numerics.collapse_threshold": call(5, 4, **ENERGIES, digits=20),
    "layerpeel.numerics.vanishing_threshold": call(7, 3, **ENERGIES, digits=20),
    "layerpeel.numerics.log_threshold_minus_one": call(5, 4, **ENERGIES),
    "layerpeel.numerics.threshold_elasticity": call(5, 4, **ENERGIES),
    "layerpeel.numerics.threshold_arrays": call(np.array([5.0]), np.array([4.0]), **ENERGIES),
    "layerpeel.numerics.log_thresholds_minus_one": call(np.array([5.0]), np.array([4.0]), np.array([20.0])),
    "layerpeel.numerics.nonnegative_optimum": call([20, 20, 1], **ENERGIES),
    # solvers
    "layerpeel.solvers.LayerPeeled": call(
        counts=[20, 20, 1], **ENERGIES, bias_penalty=0.5, label_smoothing=0.25, logit_scale=2.0, logit_shift=1.5, margins=0.5
    ),
    "layerpeel.solvers.LayerPeeled.from_groups": call([(2, 20), (2, 1)], **ENERGIES, bias_penalty=0.5),
    "layerpeel.solvers.LayerPeeled.from_imbalance": call(2, 2, 20.0, **ENERGIES),
    "layerpeel.solvers.UnconstrainedFeatures": call(counts=[20, 20, 1], feature_penalty=0.5, weight_penalty=0.25),
    "layerpeel.solvers.UnconstrainedFeatures.from_groups": call([(2, 20), (2, 1)], feature_penalty=0.5, weight_penalty=0.25),
    "layerpeel.solvers.solve": call(PROBLEM, tolerance=0.25, dimension=3),
    "layerpeel.solvers.solve_batch": call(5, 4, 10.0, **ENERGIES),
    "layerpeel.solvers.solve_blocks": call(solvers.LayerPeeled(counts=[2, 2, 2], feature_energy=2.0)),
    "layerpeel.solvers.solve_samples": call([2, 1], [2, 1], **ENERGIES),
    "layerpeel.solvers.descend_samples": call([2, 1], 2, **ENERGIES, rng=RNG),
    "layerpeel.solvers.bracket_threshold": call(2, 2, feature_energy=1.0, weight_energy=1.0, width=0.5),
    "layerpeel.solvers.bracket_switch": call(
        lambda energy: solvers.LayerPeeled.from_groups([(2, 9), (2, 1)], feature_energy=energy),
        lambda optimum: optimum.coincide(1),
        before=20.0,
        beyond=1.0,
        width=0.5,
    ),
    "layerpeel.solvers.collapse_switch": call(2, 2, feature_energy=1.0, weight_energy=1.0, width=0.5),
    "layerpeel.solvers.critical_oversampling": call(PROBLEM, 1, width=0.5),
    "layerpeel.solvers.excessive_oversampling": call(PROBLEM, 1, width=0.5),
    "layerpeel.solvers.with_remedy": call(PROBLEM, "margin", 0.5),
    "layerpeel.solvers.group_under_remedy": call(PROBLEM, 1, "margin", 0.5),
    "layerpeel.solvers.least_strength": call(PROBLEM, 1, "label-smoothing", most=0.5, width=0.25),
    "layerpeel.solvers.certify": call(PROBLEM, MATRIX),
    "layerpeel.solvers.certify_distance": call(PROBLEM, MATRIX),
    "layerpeel.solvers.certify_multiplier": call(PROBLEM, MATRIX),
    "layerpeel.solvers.dual_slope": call(PROBLEM, MATRIX),
    "layerpeel.solvers.low_rank_excess": call(PROBLEM, MATRIX, 1),
    "layerpeel.solvers.descend": call(PROBLEM, 2, rng=RNG, starts=1),
    "layerpeel.solvers.descend_linear": call(SQUARED, [np.eye(2)], np.ones((2, 3))),
    "layerpeel.solvers.descend_nonnegative": call(NONNEGATIVE, 2, rng=RNG, starts=1),
    "layerpeel.solvers.enclose_factors": call(BALANCED, FRAME, FRAME),
    "layerpeel.solvers.descend_other_norm": call(3, 1.5, rng=RNG, starts=1),
    "layerpeel.solvers.enclose_other_norm": call(1.5, FRAME, FRAME, feature_energy=2.0),
    "layerpeel.solvers.fixed_classifier_features": call(PROBLEM),
    "layerpeel.solvers.enclose_one_layer": call(HEAD),
    "layerpeel.solvers.fitted_start": call(SQUARED, 2, kept=[True, False]),
    "layerpeel.solvers.random_start": call(SQUARED, 2, scale=0.5, rng=RNG),
    "layerpeel.solvers.search_linear": call(SQUARED, 2, rng=RNG),
    "layerpeel.solvers.require_solver": call("clarabel"),
    "layerpeel.solvers.Enclosures": call(SOLUTION),
    # numerics
    "layerpeel.numerics.Bracket": call(1.0, 2.0),
    "layerpeel.numerics.Estimate": call(mean=1.0, standard_error=0.5, n=3),
    "layerpeel.numerics.Proportion": call(successes=1, n=3),
    "layerpeel.numerics.angle_bracket": call(numerics.Bracket(0.0, 0.5)),
    "layerpeel.numerics.as_rate": call(2.0),
    "layerpeel.numerics.as_noise": call(2.0, 3, 2),
    "layerpeel.numerics.between_basis": call(np.array([1, 1]), np.array([[0.0], [2.0]])),
    "layerpeel.numerics.between_factor": call(np.array([1, 1]), np.array([[0.0], [2.0]])),
    "layerpeel.numerics.broadcast": call(a=np.ones(3), b=np.ones((2, 1))),
    "layerpeel.numerics.brownian_increments": call(rng=RNG, end=2.0, steps=4, shape=(2, 1)),
    "layerpeel.numerics.centred_features": call(FEATURES, LABELS, eps=0.25),
    "layerpeel.numerics.class_means": call(FEATURES, LABELS, 2),
    "layerpeel.numerics.ClassMoments": call(3, 2),
    "layerpeel.numerics.coarsened": call(np.ones((4, 1)), 2),
    "layerpeel.numerics.collapse_geometry": call(FRAME, FRAME),
    "layerpeel.numerics.collapse_of": call(CENTRED, np.array([[1.0], [-1.0]]), np.zeros(2)),
    "layerpeel.numerics.confirming_size": call(**POWER, resolution=0.5, power=0.75),
    "layerpeel.numerics.joint_vanishing_lengths": call([(3, 60), (2, 3)]),
    "layerpeel.numerics.joint_vanishing_radius": call([(3, 60), (2, 3)]),
    "layerpeel.numerics.pairwise_cosines": call(FRAME),
    "layerpeel.numerics.count_classes": call(np.array([0, 1, 1])),
    "layerpeel.numerics.cumulative_tail_index": call(TIMES, np.log(TIMES + 1), since=1.0),
    "layerpeel.numerics.drift_commutator": call(MODEL, 2.0),
    "layerpeel.numerics.drift_matrices": call(MODEL, 2.0),
    "layerpeel.numerics.ElasticModel": call(blocks="I", num_classes=3, num_features=2, intra=0.5, inter=0.25, noise=1.0),
    "layerpeel.numerics.enclose_ordered_probability": call(1.0, deviations=(1.0, 1.0), counts=(2, 2)),
    "layerpeel.numerics.energy_radius": call(3, 2.0, 1.0),
    "layerpeel.numerics.estimate_rates": call(TIMES, RATES.means, model="I", window=7, order=2),
    "layerpeel.numerics.etf_distance": call(FRAME),
    "layerpeel.numerics.euler_chunks": call(MODEL, np.array([[1.0], [0.0]]), end=1.0, steps=2, rng=RNG, paths=2, samples=2, spread=0.5),
    "layerpeel.numerics.euler_maruyama": call(MODEL, np.zeros((2, 1, 1)), np.zeros((4, 2, 1, 1)), end=1.0),
    "layerpeel.numerics.factor_logits": call(np.eye(2) - 0.5, **ENERGIES, dimension=2),
    "layerpeel.numerics.false_alarm_rate": call(8, **POWER),
    "layerpeel.numerics.feature_energy": call(FEATURES, LABELS),
    "layerpeel.numerics.fit_decay": call(np.array([1.0, 0.5, 0.25, 0.125]), level=0.25),
    "layerpeel.numerics.fuzziness": call(STATISTICS),
    "layerpeel.numerics.elastic_law": call(MODEL, np.array([[1.0], [0.0]]), 2.0, spread=0.5),
    "layerpeel.numerics.lda_floor": call(STATISTICS),
    "layerpeel.numerics.least_collapsed_loss": call(3, 2.0, 2.0),
    "layerpeel.numerics.least_equal_correlation": call(3, width=0.25),
    "layerpeel.numerics.loss_threshold": call(5, 4, 10.0, **ENERGIES),
    "layerpeel.numerics.linear_classifier": call([np.array([[0.0]]), np.array([[1.0]])]),
    "layerpeel.numerics.log_threshold_of_changed_loss": call(3, 2, **ENERGIES, logit_scale=[1.0, 2.0]),
    "layerpeel.numerics.log_threshold_of_logit_adjustment": call(3, 2, 0.5, **ENERGIES),
    "layerpeel.numerics.log_threshold_with_bias_minus_one": call(3, 2, **ENERGIES),
    "layerpeel.numerics.ChangedBoundary": call(3, 2, label_smoothing=0.25),
    "layerpeel.numerics.smoothed_energy_limit": call(3, 2, 0.25),
    "layerpeel.numerics.smoothed_margin": call(3, 0.25),
    "layerpeel.numerics.logit_directions": call(3),
    "layerpeel.numerics.mean_cosine": call(FRAME),
    "layerpeel.numerics.mean_flow": call(MODEL, np.array([[1.0], [0.0]]), np.array([1.0, 2.0])),
    "layerpeel.numerics.mean_sample_size": call(difference=1.0, deviation=1.0, level=0.05, power=0.75),
    "layerpeel.numerics.nearest_mean": call(FEATURES, np.array([[0.0], [4.0]])),
    "layerpeel.numerics.neural_collapse": call(FEATURES, LABELS, np.array([[1.0], [-1.0]]), np.zeros(2), eps=0.0),
    "layerpeel.numerics.neural_collapse_of": call(STATISTICS, np.array([[1.0], [-1.0]])),
    "layerpeel.numerics.nuclear_norm": call(FRAME),
    "layerpeel.numerics.ordered_probability": call(1.0, deviations=(1.0, 1.0), counts=(2, 2)),
    "layerpeel.numerics.pairwise_separable": call(np.arange(4.0).reshape(1, 2, 2, 1)),
    "layerpeel.numerics.parse_expression": call("1/(1 + t)"),
    "layerpeel.numerics.printed_tail_index": call(TIMES, RATE, since=1.0),
    "layerpeel.numerics.refitted_means": call(np.eye(3), TIMES / 8, TIMES / 16, model="I"),
    "layerpeel.numerics.random_stream": call(3, "a"),
    "layerpeel.numerics.relative_difference": call(np.ones((2, 3, 3)), np.full((2, 3, 3), 2.0)),
    "layerpeel.numerics.sample_size": call(**POWER, alternative=0.75, power=0.75),
    "layerpeel.numerics.scale_into": call(FRAME, 1.0),
    "layerpeel.numerics.separated_along": call(np.zeros((2, 1)), np.ones((2, 1)), np.ones(1)),
    "layerpeel.numerics.separated_probability": call(1.0, deviations=(1.0, 1.0), counts=(2, 2)),
    "layerpeel.numerics.variability_forms": call(CENTRED),
    "layerpeel.numerics.frame_shape": call(FRAME),
    "layerpeel.numerics.duality": call(FRAME, FRAME),
    "layerpeel.numerics.disagreements": call(FEATURES, LABELS, FEATURES[:2], FEATURES[:2]),
    "layerpeel.numerics.outlier_alignment": call(FRAME, FRAME[0]),
    "layerpeel.numerics.class_ranks": call(CENTRED),
    "layerpeel.numerics.features_separable": call(FEATURES, LABELS, largest=100),
    "layerpeel.numerics.separating_hyperplane": call(np.zeros((2, 1)), np.ones((2, 1))),
    "layerpeel.numerics.separation": call(FEATURES, LABELS, eps=0.0),
    "layerpeel.numerics.separation_of": call(CENTRED),
    "layerpeel.numerics.simplex_etf": call(3, 2),
    "layerpeel.numerics.simplex_gram": call(3),
    "layerpeel.numerics.simulated_refutations": call(RNG, n=8, **POWER, truth=0.5, repeats=4),
    "layerpeel.numerics.squared_error_logit": call(2, 0.25),
    "layerpeel.numerics.squared_error_survival": call(2),
    "layerpeel.numerics.squared_error_switch": call(2),
    "layerpeel.numerics.nuclear_support": call(FRAME, 1.0),
    "layerpeel.numerics.tail_index": call(TIMES, RATE, since=1.0, spacing=1),
    "layerpeel.numerics.tail_indices": call(TIMES, RATE, np.log(TIMES + 1), spacing=1),
    "layerpeel.numerics.two_group_optima": call(5, 4, 10.0, 2.0),
    "layerpeel.numerics.two_group_optimum": call(5, 4, 10.0, 20.0),
    "layerpeel.numerics.verdict_chances": call(8, **POWER, truth=0.5, resolution=0.5),
    # gpu_train
    "layerpeel.gpu_train.Images": call(pixels=IMAGES.pixels, labels=IMAGES.labels, num_classes=2, name="blank"),
    "layerpeel.gpu_train.geomnist": call(2, RNG),
    "layerpeel.gpu_train.step_counts": call(2, 2, 100, 10.0),
    "layerpeel.gpu_train.long_tail_counts": call(3, 100, 10.0),
    "layerpeel.gpu_train.oversampled": call(IMAGES, 2.0, [1], RNG),
    "layerpeel.gpu_train.resized": call(IMAGES, 1),
    "layerpeel.gpu_train.with_corrupted_labels": call(IMAGES, 0.5, RNG),
    "layerpeel.gpu_train.with_counts": call(IMAGES, [2, 1], RNG),
}
"""One good call of each; a generator is made anew for every call."""

RESULTS = {
    *("Certificate", "DeepLinear", "GroupGeometry", "NonNegative", "NonNegativeEnclosure", "Solution", "SolutionBatch", "Group"),
    *("Blocks", "BoundaryPoint", "Decided", "FactorPoint", "GroupUnderRemedy", "LossRemedy", "Switch"),
    *("Antiderivative", "CentredFeatures", "Chances", "ClassStatistics", "CollapseGeometry", "CommonPoint", "Contradiction", "Decay"),
    *("Hyperplane", "LinearClassifier", "LinearSeparability", "LiteralLaw", "LogProbability", "MeanDriftLaw", "MeanFlow"),
    *(
        "Duality",
        "FeatureSeparability",
        "FrameShape",
        "NeuralCollapse",
        "NonNegativeOptimum",
        "Noise",
        "PairwiseSeparability",
        "Rate",
        "RateEstimate",
        "Separability",
        "Separation",
        "SurfacePoint",
    ),
    *("TailIndices", "TwoGroupOptima", "TwoGroupOptimum", "Threshold", "ThresholdArrays", "enclose_nonnegative"),
}
"""What our functions return; nobody makes one by hand, and what takes one checks that it is one."""

INSIDE = {
    *("Arithmetic", "Directions", "GroupMatrix", "Rounded", "BallMatrix", "decimal_bounds", "enclose_expression", "norm_bounds"),
    *("norm_bounds_near", "nuclear_bound_near", "quick_spectral_bound_near", "spectral_bound_near"),
    *("to_bracket", "increasing_root", "slopes_by_v", "surface_point", "antiderivative", "enclose_nonnegative"),
    *("extreme_power_sum", "last_true", "threshold_at_small_energies", "threshold_at_large_energies", "threshold_of_many_classes"),
    "threshold_of_many_minority_classes",
    *("require_array", "require_instance", "require_list", "require_memory", "require_one_of", "require_positive", "require_real"),
    *("require_positive_array", "require_whole", "require_whole_array", "require_labels", "require_every_class", "shown", "validated"),
    *("UnusableInput", "SolverFailed", "Status", "solver_status", "Problem", "double", "at_most"),
    *("require_told", "require_way", "held_by", "Model", "margin_at_level", "vanishes_at"),
}
"""Arithmetic in balls, the checks themselves, and what takes nothing."""

ROOMS = {
    *(
        "Check",
        "Control",
        "Evidence",
        "Figure",
        "Grounds",
        "Kind",
        "Origin",
        "Quantities",
        "Quantity",
        "Room",
        "Series",
        "Setting",
        "Source",
    ),
    *("Heading", "headings", "Instances", "Statement", "Verdict", "as_bracket", "catalogue", "choose", "judge", "statistical_comparisons"),
    *("ResolvingPower", "resolution_used", "resolving_power", "Claim", "Profile", "Variant", "claim", "instances", "printed"),
    *("points_over_trials", "HeatMap", "Bars"),
}
"""The words in which a room is written; the catalogue's tests read them."""

FILES = {"digits", "mnist_sample", "read_cifar10", "read_idx", "read_images", "describe_device"}
"""What reads files has tests of its own."""


def public(module: ModuleType) -> set[str]:
    found = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return {name for name, value in found.items() if callable(value) and not inspect.ismodule(value)}


@pytest.mark.parametrize("module", [theory, solvers, numerics, gpu_train], ids=lambda module: module.__name__)
def test_every_public_name_is_accounted_for(module: ModuleType) -> None:
    called = {name.split(".")[2] for name in CALLS if name.startswith(f"{module.__name__}.")}
    assert public(module) - called - RESULTS - INSIDE - ROOMS - FILES == set()


def target(name: str) -> Callable[..., Any]:
    _, package, *path = name.split(".")
    found: Any = {"theory": theory, "solvers": solvers, "numerics": numerics, "gpu_train": gpu_train}[package]
    for part in path:
        found = getattr(found, part)
    return found


def made(value: Any) -> Any:
    """A generator of random numbers anew, everything else as it is."""
    return np.random.default_rng(0) if value is RNG else value


def answer(name: str, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """The result, read to its end where it comes in pieces."""
    config.update("jaxtyping_disable", True)  # users run without checked annotations
    try:
        found = target(name)(*map(made, arguments), **{key: made(value) for key, value in named.items()})
        return list(found) if inspect.isgenerator(found) else found
    finally:
        config.update("jaxtyping_disable", False)


def places(name: str) -> list[int | str]:
    arguments, named = CALLS[name]
    return [*range(len(arguments)), *named]


def changed(name: str, place: int | str, value: Any) -> Call:
    arguments, named = CALLS[name]
    if isinstance(place, int):
        return (*arguments[:place], value, *arguments[place + 1 :]), named
    return arguments, {**named, place: value}


def given(name: str, place: int | str) -> Any:
    arguments, named = CALLS[name]
    return arguments[place] if isinstance(place, int) else named[place]


def as_others(value: Any) -> list[Any]:
    """The same number in other types, the same array as lists, the same list as a generator and as an array."""
    if isinstance(value, bool) or callable(value):
        return []
    if isinstance(value, int):
        return [np.int64(value), np.int8(value), np.uint16(value), np.float32(value), Fraction(value)]
    if isinstance(value, float):
        return [np.float64(value), np.float32(value), np.float16(value), Fraction(value)] + ([int(value)] if value.is_integer() else [])
    if isinstance(value, np.ndarray) and value.dtype.kind in "if":
        return [value.tolist(), value.astype(np.float32) if value.dtype.kind == "f" else value.astype(np.int32)]
    return []


def same(first: Any, second: Any) -> bool:
    """Equal up to what single precision loses, whatever holds the numbers."""
    if isinstance(first, float | np.ndarray | np.floating):
        return np.allclose(first, second, rtol=1e-3, atol=1e-6, equal_nan=True)
    if isinstance(first, tuple | list):
        return len(first) == len(second) and all(map(same, first, second))
    return repr(first) == repr(second) or type(first) is type(second)


EXACT = {0.5, 0.25, 0.75, 1.0, 1.5, 2.0, 8.0, 10.0, 20.0}
"""Numbers that half precision holds; 0.05 is left out, because it would be another number."""


@pytest.mark.parametrize("name", CALLS)
def test_numbers_of_every_kind_are_the_same_number(name: str) -> None:
    if name == "layerpeel.gpu_train.resized":
        pytest.importorskip("torch", reason="images are resized by torch")
    expected = answer(name, *CALLS[name])
    for place in places(name):
        value = given(name, place)
        if isinstance(value, float) and value not in EXACT:
            continue
        if name == "layerpeel.gpu_train.Images" and isinstance(value, np.ndarray):
            continue  # pixels are large: their type is asked for
        for other in as_others(value):
            assert same(expected, answer(name, *changed(name, place, other))), (place, other)


def strangers() -> list[Any]:
    unprintable = [Fraction(10**5000, 3), [10**5000]]
    words = [None, "nonsense", [], [None], ["a", "b"], {}, object(), (number for number in ["a"]), b"bytes", 1j, np.array("x"), (1, 2, 3)]
    return words + unprintable


@pytest.mark.parametrize("name", CALLS)
def test_anything_else_is_one_sentence(name: str) -> None:
    failures = []
    for place in places(name):
        for stranger in strangers():
            try:
                answer(name, *changed(name, place, stranger))
            except UnusableInput as error:
                if "\n" in str(error) or not str(error).endswith((".", "'.")):
                    failures.append((place, stranger, str(error)))
            except ValueError as error:
                if type(error) is not ValueError or ";" not in str(error):
                    failures.append((place, stranger, repr(error)))
            except Exception as error:  # noqa: BLE001 - that is what is looked for
                failures.append((place, stranger, repr(error)[:200]))
    assert not failures
