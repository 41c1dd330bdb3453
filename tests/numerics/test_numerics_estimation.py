"""Estimated strengths of local elasticity, tail indices, and the fit: exact inversion, known offsets, calibrated errors, refusals."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from refusals import refused
from scipy import stats
from scipy.integrate import solve_ivp

from layerpeel.numerics import (
    cumulative_tail_index,
    estimate_rates,
    printed_tail_index,
    refitted_means,
    relative_difference,
    tail_index,
    tail_indices,
)

EXACT = 1e-9
"""Error of an integral recovered from a trajectory that is known to 1e-12 of its largest entry, for modes down to a thousandth of it."""

ROUNDING = 1e-12
"""A few hundred roundings of logarithms of order one to ten."""

FALSE_ALARM = 1e-6
"""Chance that a binomial count leaves its interval although the coverage is as stated; the seeds are fixed."""


class Strength(NamedTuple):
    """a₀ + a₁ sin(ωt), whose integral is known."""

    constant: float
    amplitude: float
    frequency: float

    def __call__(self, t: np.ndarray) -> np.ndarray:
        return self.constant + self.amplitude * np.sin(self.frequency * t)

    def integral(self, t: np.ndarray) -> np.ndarray:
        return self.constant * t + self.amplitude * (1.0 - np.cos(self.frequency * t)) / self.frequency


def strength(rng: np.random.Generator) -> Strength:
    return Strength(*rng.uniform([-1.0, -1.0, 0.5], [1.5, 1.0, 4.0]))


def drift(model: Any, classes: int, components: int, intra: float, inter: float) -> np.ndarray:
    """The Kp×Kp drift (E ∘ blocks)/K: block (i, j) is E_ij H_j / K with H_j = I, or the projector on e_j − 1/K."""
    strengths = np.full((classes, classes), inter)
    np.fill_diagonal(strengths, intra)
    columns = np.eye(classes) - 1.0 / classes
    blocks = [np.eye(components) if model == "I" else np.outer(d, d) / (d @ d) for d in columns]
    return np.block([[strengths[i, j] * blocks[j] for j in range(classes)] for i in range(classes)]) / classes


def integrated(model: Any, times: np.ndarray, start: np.ndarray, intra: Strength, inter: Strength) -> np.ndarray:
    """The mean flow by an integrator that knows no closed form."""
    classes, components = start.shape
    alone, together = drift(model, classes, components, 1.0, 0.0), drift(model, classes, components, 0.0, 1.0)
    solution = solve_ivp(
        lambda t, x: intra(t) * (alone @ x) + inter(t) * (together @ x),
        (times[0], times[-1]),
        start.ravel(),
        method="DOP853",
        t_eval=times,
        rtol=1e-13,
        atol=1e-14,
    )
    return solution.y.T.reshape(len(times), classes, components)


def i_model(times: np.ndarray, start: np.ndarray, intra: np.ndarray, inter: np.ndarray) -> np.ndarray:
    """The I-model's solution from A and B, mode by mode."""
    classes = len(start)
    common, rest = np.exp((intra + (classes - 1) * inter) / classes), np.exp((intra - inter) / classes)
    average = start.mean(axis=0)
    return np.array([average * c + (start - average) * r for c, r in zip(common, rest, strict=True)])


def clear_start(rng: np.random.Generator, classes: int, components: int) -> np.ndarray:
    """Standard normal class means, drawn again until no number of either mode is below a hundredth."""
    while True:
        start = rng.standard_normal((classes, components))
        average = start.mean(axis=0)
        own = np.diag(start) - start.mean(axis=1)[: len(np.diag(start))] if classes == components else np.array([1.0, 2.0])
        numbers = [average, (start - average).ravel(), [own.mean()], own - own.mean()]
        if min(np.min(np.abs(number)) for number in numbers) > 0.01:
            return start


def grown(times: np.ndarray, intra: float = 0.6, inter: float = -0.3) -> np.ndarray:
    """A plain trajectory of three classes under constant strengths of the I-model."""
    return i_model(times, np.array([[1.0, 2.0, 0.5], [3.0, -1.0, 2.0], [-1.5, 1.5, 1.0]]), intra * times, inter * times)


# Exact inversion


@pytest.mark.parametrize("classes", range(2, 11))
@pytest.mark.parametrize("model", ["I", "L"])
def test_integrated_trajectories_give_the_strengths_back(model: Any, classes: int) -> None:
    rng = np.random.default_rng([classes, ord(model)])
    times = np.linspace(0.0, 2.0, 21)
    for _ in range(3):
        intra, inter = strength(rng), strength(rng)
        means = integrated(model, times, clear_start(rng, classes, classes), intra, inter)
        found = estimate_rates(times, means, model=model)
        assert np.abs(found.cumulative_intra - intra.integral(times)).max() < EXACT
        assert np.abs(found.cumulative_inter - inter.integral(times)).max() < EXACT
        assert np.allclose(found.cumulative_difference, found.cumulative_intra - found.cumulative_inter, rtol=0, atol=ROUNDING)
        assert found.spread.max() < EXACT
        assert (found.crossing, found.standard_error, found.num_classes, found.trials) == (0, None, classes, 1)


@pytest.mark.parametrize("components", [1, 2, 7])
def test_the_i_model_takes_any_number_of_components(components: int) -> None:
    rng = np.random.default_rng(components)
    times = np.linspace(0.0, 3.0, 40)
    intra, inter = strength(rng), strength(rng)
    means = i_model(times, clear_start(rng, 4, components), intra.integral(times), inter.integral(times))
    found = estimate_rates(times, means, model="I")
    assert np.abs(found.cumulative_intra - intra.integral(times)).max() < EXACT
    assert np.abs(found.cumulative_inter - inter.integral(times)).max() < EXACT
    assert found.components == 5 * components


def test_rates_of_quadratic_integrals_are_exact_up_to_the_ends() -> None:
    times = np.linspace(0.0, 2.0, 41)
    found = estimate_rates(
        times, i_model(times, np.array([[1.0, 2.0], [3.0, -1.0]]), times - 0.3 * times**2, 0.2 * times**2), model="I", window=7
    )
    assert np.allclose(found.intra, 1.0 - 0.6 * times, rtol=0, atol=1e-10)  # the filter divides rounding by a step of 0.05
    assert np.allclose(found.inter, 0.4 * times, rtol=0, atol=1e-10)
    assert np.allclose(found.difference, 1.0 - times, rtol=0, atol=1e-10)


def test_for_two_classes_both_models_are_one_along_the_only_direction() -> None:
    rng = np.random.default_rng(2)
    times = np.linspace(0.0, 2.0, 21)
    intra, inter = strength(rng), strength(rng)
    means = integrated("L", times, clear_start(rng, 2, 2), intra, inter)
    along = means @ np.array([[1.0], [-1.0]])
    found, projected = estimate_rates(times, means, model="L"), estimate_rates(times, along, model="I")
    assert np.allclose(found.cumulative_intra, projected.cumulative_intra, rtol=0, atol=ROUNDING)
    assert np.allclose(found.cumulative_inter, projected.cumulative_inter, rtol=0, atol=ROUNDING)


def test_the_wrong_model_is_seen_in_the_spread_and_in_the_fit() -> None:
    rng = np.random.default_rng(7)
    times = np.linspace(0.0, 2.0, 21)
    means = integrated("L", times, clear_start(rng, 3, 3), Strength(1.0, 0.0, 1.0), Strength(-0.5, 0.0, 1.0))
    wrong = estimate_rates(times, means, model="I", crossings="keep")
    assert wrong.spread.max() > 0.1
    refit = refitted_means(means[0], wrong.cumulative_intra, wrong.cumulative_inter, model="I")
    assert relative_difference(means, refit)[-1].max() > 0.1


def test_integrals_start_at_the_first_recorded_time() -> None:
    times = np.linspace(0.0, 2.0, 21)
    late = estimate_rates(times[5:], grown(times)[5:], model="I")
    assert np.allclose(late.cumulative_intra, 0.6 * (times[5:] - times[5]), rtol=0, atol=ROUNDING)


# Several trials


def noisy(rng: np.random.Generator, trials: int, times: np.ndarray, noise: float) -> np.ndarray:
    """Trials around one trajectory, each with noise that goes on growing like a random walk."""
    steps = rng.standard_normal((trials, len(times), 3, 3)) * noise / np.sqrt(len(times))
    return grown(times) + np.cumsum(steps, axis=1)


@pytest.mark.statistical
def test_the_error_over_trials_covers_the_truth_as_often_as_it_says() -> None:
    times, level, repeats = np.linspace(0.0, 1.0, 5), 0.05, 400
    rng = np.random.default_rng(3)
    hits = {"cumulative_intra": 0, "cumulative_inter": 0, "intra": 0, "inter": 0}
    truth = {"cumulative_intra": 0.6, "cumulative_inter": -0.3, "intra": 0.6, "inter": -0.3}
    for _ in range(repeats):
        found = estimate_rates(times, noisy(rng, 10, times, 0.02), model="I", window=5)
        assert found.standard_error is not None
        for name, value in truth.items():
            half = float(stats.t.isf(level / 2, 9)) * found.standard_error[name][-1]
            hits[name] += abs(getattr(found, name)[-1] - value) <= half
    low, high = stats.binom.interval(1.0 - FALSE_ALARM, repeats, 1.0 - level)
    assert all(low <= count <= high for count in hits.values()), hits


def test_more_trials_and_less_noise_make_a_smaller_error() -> None:
    times, rng = np.linspace(0.0, 1.0, 11), np.random.default_rng(4)

    def error(trials: int, noise: float) -> float:
        found = estimate_rates(times, noisy(rng, trials, times, noise), model="I")
        assert found.standard_error is not None
        return float(found.standard_error["cumulative_intra"][-1])

    few, many, quiet = (np.mean([error(*case) for _ in range(20)]) for case in ((8, 0.02), (72, 0.02), (8, 0.002)))
    assert few / many == pytest.approx(3.0, rel=0.3)  # 20 errors of 7 degrees of freedom: each within 27 %, their mean within 6 %
    assert few / quiet == pytest.approx(10.0, rel=0.3)


def test_groups_of_trials_count_as_often_as_they_have_trials() -> None:
    times, rng = np.linspace(0.0, 1.0, 11), np.random.default_rng(5)
    trials = noisy(rng, 5, times, 0.02)
    groups = np.stack([trials[:3].mean(axis=0), trials[3:].mean(axis=0)])
    grouped, single = estimate_rates(times, groups, counts=[3, 2], model="I"), estimate_rates(times, trials, model="I")
    assert grouped.trials == single.trials == 5
    assert np.allclose(grouped.cumulative_intra, single.cumulative_intra, rtol=0, atol=ROUNDING)


def test_equal_trials_have_no_error_and_one_trial_has_none_to_give() -> None:
    times = np.linspace(0.0, 1.0, 11)
    same = estimate_rates(times, np.stack([grown(times)] * 4), model="I")
    assert same.standard_error is not None
    assert max(error.max() for error in same.standard_error.values()) < ROUNDING
    assert estimate_rates(times, grown(times)[None], model="I").standard_error is None


# Components that cross zero


def crossing(times: np.ndarray) -> np.ndarray:
    """A trajectory with a fourth component whose mean over classes, and one deviation from it, are pushed through zero."""
    fourth = np.stack([2.0 - 2.9 * times, np.full_like(times, -2.0), np.full_like(times, 1.5)], axis=1)
    return np.concatenate([grown(times), fourth[:, :, None]], axis=2)


def test_a_component_that_crosses_zero_is_refused_with_where() -> None:
    times = np.linspace(0.0, 2.0, 21)
    refused(
        lambda: estimate_rates(times, crossing(times), model="I"),
        "component 3 of the mean over classes is 0.5 at first and -0.08 at time 0.6",
        "(1 of 4 such numbers fail)",
        "'drop'",
        "'keep'",
    )
    moved = crossing(times)
    moved[:, 1, 3] += 2.9 * times  # the mean over classes stays, the deviation does not
    refused(
        lambda: estimate_rates(times, moved, model="I"), "component 3 of class 0's deviation from the mean over classes is 1.5 at first"
    )
    logits = integrated("L", times, np.diag([4.0, 2.0, 1.0]), Strength(0.5, 0.0, 1.0), Strength(0.0, 0.0, 1.0))
    logits[:, 0, 0] -= 3.0 * times
    refused(
        lambda: estimate_rates(times, logits, model="L"),
        "the deviation of class 1's projection on e_j − 1/K from the mean of all is -0.272 at first and ",
        "at time 0.4",
    )


def test_dropping_estimates_from_the_clean_components_alone() -> None:
    times = np.linspace(0.0, 2.0, 21)
    found = estimate_rates(times, crossing(times), model="I", crossings="drop")
    assert (found.crossing, found.components) == (2, 16)
    common, rest = np.mean(np.log(crossing(times).mean(axis=1)[:, :3] / crossing(times).mean(axis=1)[0, :3]), axis=1), -0.3 * times
    assert np.allclose(common, 0.0, rtol=0, atol=ROUNDING)  # A + 2B = 0
    deviations = crossing(times) - crossing(times).mean(axis=1, keepdims=True)
    logs = np.log(np.abs(deviations / deviations[0]))
    clean = np.delete(logs.reshape(len(times), 12), 3, axis=1)  # number 3 is component 3 of class 0
    assert np.allclose(found.cumulative_inter, -clean.mean(axis=1), rtol=0, atol=ROUNDING)
    assert np.allclose(logs[:, :, :3], -rest[:, None, None], rtol=0, atol=ROUNDING)


def test_keeping_is_the_printed_formula() -> None:
    times = np.linspace(0.0, 2.0, 21)
    means = crossing(times)
    found = estimate_rates(times, means, model="I", crossings="keep")
    average = means.mean(axis=1, keepdims=True)
    rest = means - average
    printed = np.log(np.abs(average * rest**2 / (average[:1] * rest[:1] ** 2))).mean(axis=(1, 2))
    assert np.allclose(found.cumulative_intra, printed, rtol=0, atol=ROUNDING)
    assert found.crossing == 2


def test_a_number_that_is_exactly_zero_has_no_absolute_logarithm_either() -> None:
    times = np.linspace(0.0, 2.0, 21)
    means = grown(times)
    means[7] -= means[7].mean(axis=0)
    means[7, 0, 0], means[7, 1, 0], means[7, 2, 0] = 1.0, -1.0, 0.0
    refused(lambda: estimate(times, means, model="I", crossings="keep"), "component 0 of the mean over classes", "at time 0.7")


@pytest.mark.parametrize(
    ("model", "start", "left"),
    [
        ("I", [[1.0, -2.0], [-1.0, 2.0]], "α − β"),
        ("I", [[1.0, 2.0], [1.0, 2.0]], "α + (K−1)β"),
        ("L", [[1.0, 0.0], [0.0, -1.0]], "α + β/(K−1)"),
        ("L", [[1.0, 0.0], [0.0, 1.0]], "α − β"),
    ],
)
def test_a_mode_that_starts_at_zero_is_refused_with_what_is_left(model: Any, start: list[list[float]], left: str) -> None:
    times = np.linspace(0.0, 1.0, 11)
    means = np.array(start) * np.ones((11, 1, 1))
    refused(lambda: estimate_rates(times, means, model=model, crossings="drop"), "is zero at the first time, 0", f"tells only {left};")


@pytest.mark.parametrize(
    ("model", "start"),
    [("I", [[0.1], [0.2], [-0.3]]), ("I", [[0.1], [0.1], [0.1]]), ("L", np.diag([0.1, 0.2, -0.3])), ("L", np.diag([0.1, 0.1, 0.1]))],
)
def test_what_cancellation_leaves_is_zero(model: Any, start: Any) -> None:
    grow = np.exp(np.linspace(0.0, 1.0, 11))[:, None, None]
    refused(lambda: estimate_rates(np.arange(11.0), np.array(start) * grow, model=model), "is zero at the first time, 0")


def test_a_mode_that_sinks_below_rounding_is_refused_as_that() -> None:
    times = np.linspace(0.0, 80.0, 81)
    means = i_model(times, np.array([[1.0, 2.0], [3.0, -1.0]]), -times, 0.0 * times)
    means += 1.0  # the common mode no longer sinks with the deviations
    refused(lambda: estimate_rates(times, means, model="I"), "deviation from the mean over classes", "no more than rounding", "at time 68")


# Tail indices

TIMES = np.arange(1.0, 20_001.0)


@pytest.mark.parametrize("power", [0.25, 0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("factor", [1.0, -3.0, 1e-6])
def test_the_definition_gives_the_power_whatever_the_factor(power: float, factor: float) -> None:
    found = tail_index(TIMES, factor * TIMES**-power)
    assert found.mean == pytest.approx(power, abs=1e-10)
    assert found.standard_error < ROUNDING


@pytest.mark.parametrize("power", [0.25, 0.5, 1.0, 1.5, 2.0])
def test_the_printed_index_is_one_more_than_the_definition(power: float) -> None:
    rate = (1.0 + TIMES) ** -power
    assert printed_tail_index(TIMES, rate) == pytest.approx(1.0 + power, abs=ROUNDING)
    # log(1+t) bends against log t by 1/(1+t), least 1/2001 at the beginning of the tail.
    assert abs(tail_index(TIMES, rate).mean - power) < power / 2001.0


def test_the_printed_index_depends_on_the_unit_of_the_rate() -> None:
    rate = (1.0 + TIMES) ** -0.5
    tail = TIMES[-1001:]
    moved = printed_tail_index(TIMES, 0.01 * rate) - printed_tail_index(TIMES, rate)
    assert moved == pytest.approx(np.log(100.0) * np.mean(1.0 / np.log1p(tail)), abs=ROUNDING)


def test_the_cumulative_variant_saturates_at_one() -> None:
    far = np.linspace(1.0, 1e12, 1001)

    def index(power: float) -> float:
        return cumulative_tail_index(far, ((1.0 + far) ** (1.0 - power) - 1.0) / (1.0 - power))

    for power in (0.25, 0.5):
        assert index(power) == pytest.approx(power, abs=0.03)  # log(1 − power)/log(1e12), at most 0.0251
    for power in (1.5, 2.0, 3.0, 10.0):
        assert index(power) == pytest.approx(1.0 + np.log(power - 1.0) / np.log(far[-1]), abs=1e-3)
        assert tail_index(far, (1.0 + far) ** -power).mean == pytest.approx(power, rel=1e-6)


@pytest.mark.parametrize("scale", [0.5, 0.99, 1.01, 3.0, -3.0])
def test_the_cumulative_variant_crosses_one_where_the_integral_does(scale: float) -> None:
    assert (cumulative_tail_index(TIMES, np.full_like(TIMES, scale)) < 1.0) == (abs(scale) > 1.0)


def test_the_tail_can_be_chosen() -> None:
    rate = np.where(TIMES < 5000.0, 1.0, (TIMES / 5000.0) ** -2.0)
    assert tail_index(TIMES, rate, since=5000.0).mean == pytest.approx(2.0, abs=1e-10)
    assert tail_index(TIMES, rate).mean < 1.99
    assert tail_index(TIMES[:1000], rate[:1000]).mean == pytest.approx(0.0, abs=ROUNDING)


@pytest.mark.parametrize("spacing", [1, 25])
def test_the_slope_error_covers_the_power_as_often_as_it_says(spacing: int) -> None:
    """Independent errors at spacing 1; averages over windows, all points kept, at spacing 25: there it may only cover more."""
    rng, level, repeats, times = np.random.default_rng(6), 0.05, 400, TIMES[:2000]
    hits = 0
    for _ in range(repeats):
        errors = np.convolve(rng.standard_normal(len(times) + spacing - 1), np.ones(spacing) / spacing, mode="valid")
        hits += tail_index(times, times**-0.7 * np.exp(0.1 * errors), spacing=spacing).interval(level).contains(0.7)
    low, high = stats.binom.interval(1.0 - FALSE_ALARM, repeats, 1.0 - level)
    assert low <= hits <= (high if spacing == 1 else repeats), hits


def test_an_estimate_carries_all_three_indices() -> None:
    times = np.arange(0.0, 3001.0)
    intra, inter = 2.0 * (np.sqrt(1.0 + times) - 1.0), -0.5 * np.log1p(times)
    means = i_model(times, np.array([[1.0, 2.0], [3.0, -1.0]]), intra / 20.0, inter / 20.0)
    found = estimate_rates(times, means, model="I", window=21).tail_index
    assert found["intra"].definition is not None
    assert found["intra"].definition.mean == pytest.approx(0.5, abs=2e-3)
    assert found["inter"].definition is not None
    assert found["inter"].definition.mean == pytest.approx(1.0, abs=4e-3)
    assert found["intra"].printed == pytest.approx(1.5 + np.log(20.0) / np.log(2500.0), abs=0.01)
    assert found["inter"].cumulative == pytest.approx(1.0 - np.log(0.025 * np.log(2500.0)) / np.log(2500.0), abs=0.01)
    assert found["difference"].undefined == ()


def test_smoothed_rates_count_once_in_a_window() -> None:
    rng, times = np.random.default_rng(11), np.arange(0.0, 401.0)
    noise = 1e-3 * np.cumsum(rng.standard_normal(401))
    means = i_model(times, np.array([[1.0, 2.0], [3.0, -1.0]]), np.sqrt(1.0 + times) + noise, 0.01 * times)
    found = estimate_rates(times, means, model="I", window=21)
    assert found.tail_index["intra"].definition == tail_index(times, found.intra, spacing=21)
    assert found.tail_index["intra"].definition != tail_index(times, found.intra)


def test_the_index_of_several_trials_has_the_error_over_trials() -> None:
    rng, times = np.random.default_rng(8), np.arange(0.0, 401.0)
    powers = 0.5 + 0.1 * rng.standard_normal(6)
    start = np.array([[1.0, 2.0], [3.0, -1.0]])
    trials = np.stack([i_model(times, start, (1.0 + times) ** (1.0 - a) / 10.0, -np.log1p(times) / 10.0) for a in powers])
    found = estimate_rates(times, trials, model="I").tail_index["intra"].definition
    assert found is not None
    assert found.n == 6
    assert 0.0 < found.standard_error < 0.2
    assert found.interval(1e-3).contains(float(powers.mean()))


def test_an_undefined_index_leaves_the_estimate_standing() -> None:
    times = np.linspace(0.0, 20.0, 401)
    means = i_model(times, np.array([[1.0, 2.0], [3.0, -1.0]]), np.sin(times), 0.1 * times)
    found = estimate_rates(times, means, model="I", window=11).tail_index["intra"]
    assert (found.definition, found.printed) == (None, None)
    assert [reason.split(":")[0] for reason in found.undefined] == ["definition", "printed", "cumulative"]
    assert tail_indices(times, np.ones(401), times).undefined == ()


# The fit


@pytest.mark.parametrize("classes", [2, 3, 5, 10])
@pytest.mark.parametrize("model", ["I", "L"])
def test_constant_strengths_refit_exactly(model: Any, classes: int) -> None:
    rng, times = np.random.default_rng(classes), np.linspace(0.0, 2.0, 5)
    intra, inter = strength(rng)._replace(amplitude=0.0), strength(rng)._replace(amplitude=0.0)
    means = integrated(model, times, clear_start(rng, classes, classes), intra, inter)
    found = estimate_rates(times, means, model=model)
    refit = refitted_means(means[0], found.cumulative_intra, found.cumulative_inter, model=model)
    assert relative_difference(means, refit).max() < EXACT


def test_the_i_model_refits_at_any_step_and_the_l_model_to_second_order() -> None:
    rng = np.random.default_rng(9)
    intra, inter, start = Strength(0.7, 0.8, 2.0), Strength(-0.4, 0.6, 3.0), clear_start(rng, 4, 4)

    def error(model: Any, points: int) -> float:
        times = np.linspace(0.0, 2.0, points)
        refit = refitted_means(start, intra.integral(times), inter.integral(times), model=model)
        return float(relative_difference(integrated(model, times, start, intra, inter), refit).max())

    assert error("I", 5) < EXACT
    orders = [np.log2(error("L", points + 1) / error("L", 2 * points + 1)) for points in (20, 40, 80)]
    assert orders == pytest.approx([2.0] * 3, abs=0.05)


def test_the_relative_difference_is_symmetric_and_at_most_two() -> None:
    rng = np.random.default_rng(10)
    one, two = rng.standard_normal((2, 7, 3, 4))
    assert np.array_equal(relative_difference(one, two), relative_difference(two, one))
    assert np.array_equal(relative_difference(one, one), np.zeros((7, 3)))
    assert np.allclose(relative_difference(one, np.zeros_like(one)), 2.0, rtol=0, atol=ROUNDING)
    assert np.allclose(relative_difference(one, 3.0 * one), 1.0, rtol=0, atol=ROUNDING)


def test_the_norm_of_the_l_model_is_that_of_its_block() -> None:
    rng = np.random.default_rng(10)
    one, two = rng.standard_normal((2, 7, 3, 3))
    directions = np.eye(3) - 1 / 3
    for k, direction in enumerate(directions):
        block = np.outer(direction, direction) / (direction @ direction)
        difference = one[:, k] - two[:, k]
        scale = (np.linalg.norm(one[:, k], axis=1) + np.linalg.norm(two[:, k], axis=1)) / 2
        expected = np.sqrt(np.einsum("tp,pq,tq->t", difference, block, difference)) / scale
        assert np.allclose(relative_difference(one, two, model="L")[:, k], expected, rtol=0, atol=ROUNDING)


# Bad input

T = np.linspace(0.0, 1.0, 11)
GOOD = grown(T)
estimate: Any = estimate_rates
"""Without its types, which a user's call need not follow."""


def spoilt(place: tuple[int, ...], value: float) -> np.ndarray:
    means = GOOD.copy()
    means[place] = value
    return means


@pytest.mark.parametrize(
    ("action", "parts"),
    [
        (lambda: estimate(T, GOOD, model="X"), ["model is 'X'", "I (", "or L"]),
        (lambda: estimate(T, spoilt((3, 1, 2), np.nan), model="I"), ["nan at time 3, class 1, component 2"]),
        (
            lambda: estimate_rates(T, np.stack([GOOD, spoilt((3, 1, 2), np.inf)]), model="I"),
            ["inf at trial 1, time 3, class 1, component 2"],
        ),
        (lambda: estimate(T, GOOD.astype(str), model="I"), ["class means", "real numbers", "<U"]),
        (lambda: estimate(T, GOOD + 0j, model="I"), ["real numbers", "complex"]),
        (lambda: estimate(T, [[[1.0, 2.0], [1.0]]], model="I"), ["rectangular"]),
        (lambda: estimate(T, GOOD[0], model="I"), ["(3, 3)", "time × class × component"]),
        (lambda: estimate(T, GOOD[:0], model="I"), ["(0, 3, 3)", "empty"]),
        (lambda: estimate(T, GOOD[:, :1], model="I"), ["1 class", "at least 2"]),
        (lambda: estimate(T, GOOD[:, :, :2], model="L"), ["2 components for 3 classes", "I-model"]),
        (lambda: estimate(T[:-1], GOOD, model="I"), ["10 times for 11 recorded states"]),
        (lambda: estimate(T**2, GOOD, model="I"), ["the time after 0 is 0.01", "even step is 0.1"]),
        (lambda: estimate(-T, GOOD, model="I"), ["increasing"]),
        (lambda: estimate(np.zeros(11), GOOD, model="I"), ["increasing"]),
        (lambda: estimate([*T[:-1], np.nan], GOOD, model="I"), ["times hold nan at time 10"]),
        (lambda: estimate(T, GOOD, model="I", window=13), ["window of the filter is 13", "11 times", "longer than the series"]),
        (lambda: estimate(T[:4], GOOD[:4], model="I"), ["is 5 and the series has 4 times"]),
        (lambda: estimate(T, GOOD, model="I", window=4), ["is 4", "odd"]),
        (lambda: estimate(T, GOOD, model="I", window=3, order=3), ["is 3", "exceed the order, 3"]),
        (lambda: estimate(T, GOOD, model="I", window=5.5), ["5.5", "whole"]),
        (lambda: estimate(T, GOOD, model="I", order=0), ["order of the filter is 0"]),
        # SciPy's filter returns slope zero for these, or fails: powers of 75 to 10 span more digits than a double has.
        (lambda: estimate(TIMES, np.exp(1e-4 * TIMES)[:, None, None] * GOOD[0], model="I", window=151, order=10), ["151", "75**10"]),
        (lambda: estimate(TIMES, np.exp(1e-4 * TIMES)[:, None, None] * GOOD[0], model="I", window=151, order=150), ["75**150"]),
        (lambda: estimate(T, GOOD, model="I", crossings="ignore"), ["'ignore'", "refuse, drop or keep"]),
        (lambda: estimate(T, GOOD, model="I", counts=[1, 2]), ["counts of trials are [1.0, 2.0] for 1 entries"]),
        (lambda: estimate(T, np.stack([GOOD, GOOD]), model="I", counts=[1, 0]), ["at least 1"]),
        (lambda: tail_index(TIMES, np.sin(TIMES)), ["cross zero", "at time 199"]),
        (lambda: tail_index(TIMES, 0.0 * TIMES), ["cross zero", "needs one sign"]),
        (lambda: tail_index(TIMES, TIMES[1:]), ["20000 times for 19999 values"]),
        (lambda: tail_index(TIMES[::-1], TIMES), ["do not increase"]),
        (lambda: tail_index(TIMES, TIMES, spacing=9000), ["3 independent points", "shorter window"]),
        (lambda: tail_index(TIMES, TIMES, since=3e4), ["at or after 30000", "last one is 20000"]),
        (lambda: tail_index(-TIMES[::-1], TIMES), ["positive time"]),
        (lambda: printed_tail_index(TIMES, TIMES - 19_500.0), ["cross zero: 0 at time 19500"]),
        (lambda: cumulative_tail_index(TIMES, TIMES - 19_500.5), ["cross zero: -0.5 at time 19500"]),
        (lambda: refitted_means(GOOD[0], T, T[1:], model="I"), ["11 values of A and 10 of B"]),
        (lambda: refitted_means(GOOD[0][:2], T, T, model="L"), ["3 components for 2 classes", "L-model"]),
        (lambda: refitted_means(GOOD[0], T, T, model="l"), ["model is 'l'"]),
        (lambda: relative_difference(GOOD, GOOD[1:]), ["(11, 3, 3)", "(10, 3, 3)"]),
        (lambda: relative_difference(GOOD, GOOD, model="l"), ["model is 'l'"]),
        (lambda: relative_difference(0.0 * GOOD, 0.0 * GOOD), ["class 0", "time index 0"]),
    ],
)
def test_unusable_input_is_refused_with_where(action: Callable[[], object], parts: list[str]) -> None:
    refused(action, *parts)
