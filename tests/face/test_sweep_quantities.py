"""Quantities of sweeps: values against what computes one problem, many points against one, and digests of known results."""

import ast
import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layerpeel.numerics import UnusableInput, collapse_threshold, random_stream, threshold_arrays, vanishing_threshold
from layerpeel.sweeps.points import Points
from layerpeel.sweeps.quantity import BUILT_IN, FAMILIES, REQUIRED, Quantity, quantity_named, stored
from layerpeel.sweeps.specification import read_specification

EXAMPLES = Path(__file__).parents[2] / "examples" / "sweeps"
FACE = Path(__file__).parents[2] / "src" / "layerpeel"

TORCH = pytest.mark.networks


def parameters(name: str, **given: Any) -> dict[str, Any]:
    """Those of a point, with the defaults that its axes have."""
    defaults = {axis.name: axis.default for axis in quantity_named(name).axes if axis.default is not REQUIRED and axis.default is not None}
    return defaults | {axis: quantity_named(name).axis(axis).read(value) for axis, value in given.items()}


def computed(name: str, rng: np.random.Generator | None = None, **given: Any) -> Mapping[str, Any]:
    return quantity_named(name).compute(parameters(name, **given), rng)


def value(name: str, column: str = "value", **given: Any) -> float:
    found = stored(column, computed(name, **given)[column])[0]
    assert found is not None
    return found


def batch_of(name: str, size: int, **varied: Sequence[Any]) -> dict[str, np.ndarray]:
    """Many points as the engine hands them over: typed arrays, objects where an axis takes anything or text."""
    kinds: Mapping[Any, Any] = {int: np.int64, float: np.float64, bool: np.bool_}
    columns = {axis: [default] * size for axis, default in parameters(name).items()} | {axis: list(each) for axis, each in varied.items()}
    return {axis: np.array(values, dtype=kinds.get(quantity_named(name).axis(axis).kind, object)) for axis, values in columns.items()}


def flat(columns: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """All numbers of a batch, bounds included."""
    found: dict[str, np.ndarray] = {}
    for name, column in columns.items():
        parts = column if isinstance(column, tuple) else (column,)
        found |= {f"{name} {place}": np.asarray(part, dtype=float) for place, part in enumerate(parts)}
    return found


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """To the last bit; no number is no number."""
    return bool(np.array_equal(a, b, equal_nan=True))


RNG = np.random.default_rng(12)
SIZE = 700
CLASSES = {"majority": RNG.integers(1, 200, SIZE), "minority": RNG.integers(2, 200, SIZE)}
ENERGIES = {"feature_energy": 10 ** RNG.uniform(-3, 3, SIZE), "weight_energy": 10 ** RNG.uniform(-1, 1, SIZE)}
RATIOS = {"imbalance": 10 ** RNG.uniform(0, 4, SIZE)}
RATES = {
    "constant": RNG.uniform(0.05, 10, 120),
    "exponent": np.where(np.arange(120) % 5 == 0, 1.0, RNG.uniform(0.2, 2, 120)),
    "time": 10 ** RNG.uniform(-1, 6, 120),
    "samples": RNG.integers(1, 100, 120),
    "inter": [0, "1/(1 + t)"] * 60,
}

MANY: Mapping[str, dict[str, Any]] = {
    "threshold": CLASSES | ENERGIES,
    "solve": CLASSES | ENERGIES | RATIOS,
    "minority-cosine": CLASSES | ENERGIES | RATIOS,
    "separation-probability": RATES,
}


@pytest.fixture(params=MANY)
def many(request: pytest.FixtureRequest) -> tuple[Quantity, dict[str, np.ndarray]]:
    """A quantity with a form for many points, and such points."""
    varied = MANY[request.param]
    return quantity_named(request.param), batch_of(request.param, len(next(iter(varied.values()))), **varied)


# What every quantity keeps


@pytest.mark.parametrize("group", ["counts", "dynamics", "networks", "theorems"])
def test_quantities_import_nothing_heavy_and_no_other_group(group: str) -> None:
    tree = ast.parse((FACE / group / "quantities.py").read_text())
    guarded = {id(node) for top in tree.body if isinstance(top, ast.If) for node in ast.walk(top)}
    modules = {node.module for node in tree.body if isinstance(node, ast.ImportFrom) and id(node) not in guarded and node.module}
    assert {each for each in modules if each.startswith("layerpeel")} <= {"layerpeel.numerics", "layerpeel.sweeps.quantity"}
    others = {"counts", "dynamics", "networks", "theorems"} - {group}
    anywhere = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert not {each for each in anywhere for other in others if each.startswith(f"layerpeel.{other}")}


@pytest.mark.parametrize("name", [*BUILT_IN, "check:energy-product", "train:unconstrained", "train:separation", "train:geomnist"])
def test_names_axes_and_columns_are_said(name: str) -> None:
    quantity = quantity_named(name)
    assert quantity.name == name
    assert quantity.says.endswith(".")
    assert all(axis.says for axis in quantity.axes)
    assert all(quantity.columns.values())
    assert {*FAMILIES} == {"check", "train"}


# Many points at once


@pytest.mark.slow
def test_one_point_has_the_bits_that_it_has_among_others(many: tuple[Quantity, dict[str, np.ndarray]]) -> None:
    quantity, columns = many
    assert quantity.compute_batch is not None
    together = flat(quantity.compute_batch(columns))
    size = len(columns["majority" if "majority" in columns else "constant"])
    for point in range(0, size, max(1, size // 40)):
        alone = quantity.compute(
            {name: each[point].item() if each.dtype != object else each[point] for name, each in columns.items()}, None
        )
        for name, found in alone.items():
            middle, lower, upper = stored(name, found)
            for place, number in enumerate((middle, lower, upper)):
                if f"{name} {place}" in together:
                    expected = together[f"{name} {place}"][point]
                    assert (number is None and math.isnan(expected)) or number == expected, (name, place, point)


@pytest.mark.slow
@pytest.mark.parametrize("piece", [1, 2, 7, 64, 333])
def test_no_number_depends_on_the_chunk(many: tuple[Quantity, dict[str, np.ndarray]], piece: int) -> None:
    quantity, columns = many
    assert quantity.compute_batch is not None
    together = flat(quantity.compute_batch(columns))
    size = min(len(next(iter(columns.values()))), 60 * piece)
    pieces = [
        flat(quantity.compute_batch({name: each[start : min(start + piece, size)] for name, each in columns.items()}))
        for start in range(0, size, piece)
    ]
    for name, whole in together.items():
        assert same(np.concatenate([each[name] for each in pieces]), whole[:size]), name


def test_no_number_depends_on_the_order(many: tuple[Quantity, dict[str, np.ndarray]]) -> None:
    quantity, columns = many
    assert quantity.compute_batch is not None
    order = np.random.default_rng(5).permutation(len(next(iter(columns.values()))))
    together, turned = (flat(quantity.compute_batch(each)) for each in (columns, {name: each[order] for name, each in columns.items()}))
    for name, whole in together.items():
        assert same(turned[name], whole[order]), name


def test_bounds_hold_their_values_and_are_narrow(many: tuple[Quantity, dict[str, np.ndarray]]) -> None:
    quantity, columns = many
    assert quantity.compute_batch is not None
    for column in quantity.compute_batch(columns).values():
        if isinstance(column, tuple):
            middle, lower, upper = (each[~np.isnan(column[0])] for each in column)
            assert np.all(lower <= middle)
            assert np.all(middle <= upper)
            finite = np.isfinite(upper)
            assert np.max((upper - lower)[finite] / np.maximum(1.0, np.abs(middle[finite]))) < 1e-9


# Thresholds


EDGES: Sequence[tuple[int, int, float]] = [
    (1, 2, 1e-200),
    (1, 10**15, 1.0),
    (10**15, 2, 1e12),
    (10**15, 10**15, 3e-7),
    (5, 5, 5.0),
    (5, 5, 1e12),
    (2, 2, 1e4),
    (1000, 2, 1e-3),
    (3, 10**9, 0.2),
]


def thresholds_at_random(number: int) -> list[tuple[int, int, float]]:
    rng = np.random.default_rng(3)
    rows = zip(10 ** rng.uniform(0, 9, number), 10 ** rng.uniform(0.4, 9, number), 10 ** rng.uniform(-8, 6, number), strict=True)
    return [(int(a), int(b), float(energy)) for a, b, energy in rows]


@pytest.mark.slow
def test_stated_errors_of_thresholds_cover_the_enclosures_in_ball_arithmetic() -> None:
    problems = [*EDGES, *thresholds_at_random(300)]
    large, small, energy = (np.array(each, dtype=float) for each in zip(*problems, strict=True))
    found = threshold_arrays(large, small, feature_energy=energy)
    for point, (majority, minority, feature_energy) in enumerate(problems):
        exact = collapse_threshold(majority, minority, feature_energy=feature_energy, digits=25)
        assert abs(found.collapse[point] - exact.log_minus_one) <= found.collapse_error[point] / 3, problems[point]
        vanishing = vanishing_threshold(majority, minority, feature_energy=feature_energy, digits=25)
        assert (vanishing is None) == math.isnan(found.vanishing[point]), problems[point]
        if vanishing is not None:
            logarithm = float(np.logaddexp(0.0, vanishing.log_minus_one))
            assert abs(found.vanishing[point] - logarithm) <= found.vanishing_error[point] / 3, problems[point]


def test_a_threshold_is_bracketed_as_the_command_says_it() -> None:
    bracket = computed("threshold", majority=7, minority=3, feature_energy=5.0)
    for column, exact in (("value", collapse_threshold), ("vanishing", vanishing_threshold)):
        enclosure = exact(7, 3, feature_energy=5.0)
        assert enclosure is not None
        assert bracket[column].lower <= float(enclosure.lower) <= float(enclosure.upper) <= bracket[column].upper
    assert computed("threshold", majority=5, minority=5, feature_energy=5.0)["vanishing"] is None


def test_a_threshold_beyond_doubles_keeps_its_logarithm() -> None:
    found = computed("threshold", majority=5, minority=5, feature_energy=1e8)
    assert stored("value", found["value"]) == (math.inf, float(np.finfo(float).max), math.inf)
    assert found["log_minus_one"].contains(collapse_threshold(5, 5, feature_energy=1e8).log_minus_one)


# Optima, cosines, remedies


@pytest.mark.parametrize(
    ("majority", "minority", "imbalance", "feature_energy"),
    [(5, 5, 10.0, 5.0), (7, 3, 40.0, 5.0), (3, 1, 4.0, 2.0), (1, 4, 2.5, 1.0), (4, 4, 1.0, 3.0)],
)
def test_an_optimum_agrees_with_its_certificate(majority: int, minority: int, imbalance: float, feature_energy: float) -> None:
    given = {"majority": majority, "minority": minority, "imbalance": imbalance, "feature_energy": feature_energy}
    plain, certified = (computed("solve", **given, certified=each) for each in (False, True))
    assert certified["value"].rigorous
    assert not plain["value"].rigorous
    assert plain["value"].overlaps(certified["value"])
    for column in {*plain} - {"value"}:
        if plain[column] is None:
            assert certified[column] is None, column
        else:
            assert plain[column] == pytest.approx(certified[column], rel=1e-9), column


def test_another_loss_is_solved_point_by_point() -> None:
    given = {"majority": 3, "minority": 2, "imbalance": 4.0, "feature_energy": 0.5}
    found = computed("solve", **given, loss="squared")
    assert found["value"].rigorous
    assert computed("solve", **given, bias_penalty=0.1)["value"].upper < computed("solve", **given)["value"].lower
    batch = quantity_named("solve").compute_batch
    assert batch is not None
    with pytest.raises(UnusableInput, match="one by one"):
        batch(batch_of("solve", 2, **{name: [each] * 2 for name, each in given.items()}, loss=["squared", "cross-entropy"]))


def test_beyond_the_range_of_doubles_an_optimum_is_solved_by_itself() -> None:
    found = computed("solve", majority=2, minority=2, imbalance=1e16, feature_energy=1.0)
    assert found["value"].rigorous


def test_a_cosine_is_one_from_the_threshold_on() -> None:
    given = {"majority": 5, "minority": 5, "feature_energy": 5.0}
    threshold = value("threshold", **given)
    assert value("minority-cosine", **given, imbalance=1.001 * threshold) == 1.0
    assert value("minority-cosine", **given, imbalance=0.999 * threshold) < 1.0
    assert value("minority-cosine", **given, imbalance=1.0) == pytest.approx(-1 / 9, abs=1e-12)
    assert computed("minority-cosine", majority=7, minority=3, feature_energy=5.0, imbalance=6.0)["value"] is None


def test_a_remedy_is_the_imbalance_over_the_threshold() -> None:
    given = {"majority": 5, "minority": 5, "feature_energy": 5.0}
    assert value("remedy", **given, imbalance=20.0) == pytest.approx(20.0 / value("threshold", **given), rel=1e-12)
    assert value("remedy", **given, imbalance=2.0) == 1.0
    assert computed("remedy", **given, imbalance=2.0)["collapses_now"] == 0.0


# Separation


RATE: dict[str, Any] = {"constant": 1.5, "exponent": 1.0, "time": 5.0, "samples": 4, "spread": 2.0}


def test_rates_as_numbers_and_as_text_are_the_same_probability() -> None:
    for exponent in (0.5, 1.0, 1.5):
        first = computed("separation-probability", None, **RATE | {"exponent": exponent, "inter": "1/(1 + t)"})["value"]
        without: dict[str, Any] = {"time": 5.0, "samples": 4, "spread": 2.0, "intra": f"1.5*(1 + t)**(-{exponent})"}
        assert first.overlaps(computed("separation-probability", **without)["value"])


def test_the_exact_probability_is_that_of_simulate() -> None:
    import layerpeel

    simulated = layerpeel.simulate(model="I", intra="1.5/(1 + t)", inter=0, time=5.0, start=[[1.0], [0.0], [-1.0]], samples=4, paths=2)
    predicted = simulated.pairs[1].predicted
    assert predicted is not None
    assert computed("separation-probability", None, **RATE | {"spread": 0.0})["value"].contains(predicted.probability)


@pytest.mark.statistical
@pytest.mark.parametrize("model", ["I", "identity"])
def test_paths_agree_with_the_exact_probability_on_a_line(model: str) -> None:
    counted = computed("separation-probability", random_stream(1, "test", model), **RATE, model=model, paths=4000)
    assert counted["value"].interval(1e-6).overlaps(counted["along_means"])
    assert counted["undecided"] == 0


@pytest.mark.slow
def test_paths_hang_on_their_stream_alone() -> None:
    def counted(seed: int) -> int:
        return computed("separation-probability", random_stream(seed, "test"), **RATE, paths=300, features=2)["value"].successes

    assert counted(1) == counted(1)
    assert len({counted(seed) for seed in range(5)}) > 1


def test_more_features_are_separated_more_often_than_along_the_means() -> None:
    found = computed("separation-probability", random_stream(0, "test"), **RATE, paths=500, features=3)
    assert found["value"].interval(1e-6).lower > found["along_means"].upper
    literal = computed("separation-probability", random_stream(0, "test"), **RATE, paths=50, drift="literal")
    assert {*literal} == {"value", "undecided"}


# Rooms


@pytest.mark.rooms
def test_a_room_is_what_check_says_of_it() -> None:
    import layerpeel

    report = layerpeel.check("energy-product", workers=1, seed=3)
    found = computed("check:energy-product", seed=3)
    assert (found["value"], found["confirmed"], found["controls"]) == (1.0, report.summary.confirmed, report.summary.controls)
    assert (found["refuted"], found["inconclusive"], found["skipped"], found["controls_missed"]) == (0, 0, 0, 0)
    used = [check.resolution_used for check in report.rooms[0].checks if check.resolution_used is not None]
    assert found["least_margin"] == 1.0 - max(used)


# Networks


SHORT: Mapping[str, dict[str, Any]] = {
    "unconstrained": {"imbalance": 10, "steps": 200},
    "separation": {"epochs": 2, "widths": [20, 20, 20]},
    "imbalance": {"epochs": 2, "imbalance": 10.0},
    "geomnist": {"iterations": 1200, "trials": 2},
    "label-noise": {"iterations": 1200, "trials": 2, "every": 40, "label_error": 0.2},
}


def trained(experiment: str, seed: int = 0) -> Mapping[str, Any]:
    pytest.importorskip("torch")
    return computed(f"train:{experiment}", random_stream(seed, "test", experiment), **SHORT[experiment])


@TORCH
@pytest.mark.parametrize("experiment", SHORT)
def test_a_point_of_training_has_its_columns(experiment: str) -> None:
    found = trained(experiment)
    assert [*found] == [*quantity_named(f"train:{experiment}").columns]
    assert any(stored(name, each)[0] is not None for name, each in found.items())


@TORCH
def test_points_are_the_units_of_train_for_equal_settings_and_stream() -> None:
    pytest.importorskip("torch")
    from layerpeel.gpu_train.experiments import EXPERIMENTS, Plan, one_thread
    from layerpeel.networks.quantities import EXPERIMENTS as SWEPT
    from layerpeel.networks.quantities import settings_of

    one_thread()
    left_out = {"trial", "variant", "images"}
    for experiment, place in (("unconstrained", 3), ("separation", 4), ("imbalance", 2), ("geomnist", 0), ("label-noise", 1)):
        unit = EXPERIMENTS[experiment](Plan())[place]
        names = {axis.name for axis in quantity_named(f"train:{experiment}").axes}
        assert {*unit.settings} - left_out <= names, experiment
        given = parameters(f"train:{experiment}", **{name: _as_toml(each) for name, each in unit.settings.items() if name in names})
        point = SWEPT[experiment].unit(settings_of(experiment, given))
        assert {name: each for name, each in point.settings.items() if name in unit.settings and name not in left_out} == {
            name: each for name, each in unit.settings.items() if name not in left_out
        }
        if experiment == "unconstrained":
            assert_same_arrays(unit, point)


@TORCH
def test_a_short_unit_and_a_short_point_leave_the_same_bits() -> None:
    pytest.importorskip("torch")
    from layerpeel.gpu_train.experiments import Plan, imbalance_images, imbalance_unit, one_thread, separation_unit, small_images
    from layerpeel.networks.quantities import EXPERIMENTS as SWEPT
    from layerpeel.networks.quantities import settings_of

    one_thread()
    for experiment, unit_of, data in (
        ("separation", separation_unit, small_images(Plan())),
        ("imbalance", imbalance_unit, imbalance_images(Plan(), 10)),
    ):
        settings = settings_of(experiment, parameters(f"train:{experiment}", **SHORT[experiment]))
        assert_same_arrays(unit_of("unit", settings, data, device="cpu"), SWEPT[experiment].unit(settings))


def assert_same_arrays(first: Any, second: Any) -> None:
    one, other = (each.run(random_stream(0, "unit"), None, lambda _: None) for each in (first, second))
    assert {*one} == {*other}
    assert all(np.array_equal(one[name], other[name], equal_nan=True) for name in one)


def _as_toml(setting: Any) -> Any:
    return list(setting) if isinstance(setting, tuple) else setting


def test_without_torch_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "layerpeel.gpu_train.experiments", None)
    with pytest.raises(UnusableInput, match="training needs torch"):
        computed("train:unconstrained", np.random.default_rng(0), imbalance=3)


# Refusals


REFUSED: Sequence[tuple[str, dict[str, Any], str]] = [
    ("threshold", {"majority": 5, "minority": 1, "feature_energy": 5.0}, "minority is 1"),
    ("threshold", {"majority": 5, "minority": 2, "feature_energy": -1.0}, "feature energy is -1"),
    ("threshold", {"majority": 5, "minority": 2, "feature_energy": 1e13}, "root of the energy product"),
    ("solve", {"majority": 5, "minority": 2, "imbalance": 0.5, "feature_energy": 1.0}, "imbalance is 0.5"),
    ("solve", {"majority": 0, "minority": 2, "imbalance": 2.0, "feature_energy": 1.0}, "classes"),
    ("solve", {"majority": 5, "minority": 2, "imbalance": 2.0, "feature_energy": 1.0, "loss": "hing"}, "loss"),
    ("minority-cosine", {"majority": 5, "minority": 1, "imbalance": 2.0, "feature_energy": 1.0}, "minority is 1"),
    ("remedy", {"majority": 5, "minority": 1, "imbalance": 2.0, "feature_energy": 1.0}, "no two minority classes"),
    ("remedy", {"majority": 5, "minority": 5, "imbalance": 1.0, "feature_energy": 1.0}, "no two minority classes"),
    ("separation-probability", {"time": 1.0, "samples": 3}, "α is not given"),
    ("separation-probability", RATE | {"intra": 1}, "leave one out"),
    ("separation-probability", RATE | {"samples": 0}, "number of samples"),
    ("separation-probability", RATE | {"time": -1.0}, "time is -1"),
    ("separation-probability", RATE | {"features": 2}, "exact on a line"),
    ("separation-probability", RATE | {"model": "M"}, "model"),
    ("separation-probability", RATE | {"model": "L", "features": 2, "paths": 9}, "L-model"),
    ("separation-probability", RATE | {"inter": "1/(1 + x)"}, "x"),
    ("separation-probability", RATE | {"spread": -1.0}, "spread is -1"),
    ("separation-probability", RATE | {"paths": 10}, "random generator"),
    ("check:energy-product", {"profile": "quik"}, "profile"),
    ("check:energy-product", {"seed": -1}, "seed"),
]


@pytest.mark.parametrize(("name", "given", "says"), REFUSED)
def test_what_a_point_cannot_use_is_refused_with_a_sentence(name: str, given: dict[str, Any], says: str) -> None:
    with pytest.raises(UnusableInput, match=says) as refusal:
        computed(name, **given)
    assert str(refusal.value).endswith(".")
    batch = quantity_named(name).compute_batch
    if batch is not None and "batch" not in says:
        one = {axis: np.array([each], dtype=object) for axis, each in parameters(name, **given).items()}
        with pytest.raises(UnusableInput):
            batch(
                {
                    axis: each.astype(float) if axis in {"feature_energy", "weight_energy", "imbalance"} else each
                    for axis, each in one.items()
                }
            )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("check:energi-product", "did you mean energy-product"),
        ("check:qqqqq", "does not exist"),
        ("train:separatoin", "did you mean separation"),
        ("train:qqqqq", "choose one of these"),
    ],
)
def test_an_unknown_room_or_experiment_gets_the_nearest_name(name: str, says: str) -> None:
    with pytest.raises(UnusableInput, match=says):
        quantity_named(name)


# Examples


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_examples_are_sweeps(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert [line.startswith("#") for line in lines[:3]] == [True, True, False]
    spec = read_specification(path)
    points = Points(spec, quantity_named(spec.sweep.quantity, str(path.parent)))
    assert points.count == points.size > 1


def test_the_phase_diagram_has_a_million_points() -> None:
    spec = read_specification(EXAMPLES / "thresholds.toml")
    points = Points(spec, quantity_named("threshold"))
    assert points.size == 10**6
    batch = quantity_named("threshold").compute_batch
    assert batch is not None
    found = batch(points.columns(np.arange(0, 10**6, 997)))["value"]
    assert np.isfinite(found[0]).all()


# Digests


TIES = {8: 1e-3, 3: 0.1}
"""Values lie at least this far from where rounding turns, in units of the last of these digits: another processor rounds them alike."""


NOISE = 1e-9
"""What is smaller may be the rounding of a zero, which another processor rounds otherwise."""


def rounded(number: float | None, digits: int) -> str:
    if number is None:
        return "none"
    if number == 0.0 or not math.isfinite(number):
        return f"{number:g}"
    assert abs(number) > NOISE, f"{number!r} may be rounding alone: choose another point."
    scaled = abs(number) * 10.0 ** (digits - 1 - math.floor(math.log10(abs(number))))
    assert abs(scaled - math.floor(scaled) - 0.5) > TIES[digits], f"{number!r} lies near a tie at {digits} digits: choose another point."
    return f"{number:.{digits - 1}e}"


def digest(name: str, points: Sequence[dict[str, Any]], digits: int, columns: Sequence[str] = ()) -> str:
    """Of what a quantity finds at some points, without the digits that hang on the processor."""
    lines = []
    for place, given in enumerate(points):
        found = computed(name, random_stream(0, "digest", name, str(place)), **given)
        lines += [f"{column} {rounded(stored(column, found[column])[0], digits)}" for column in columns or found]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


DIGITS = 8
TWO_GROUPS = [
    {"majority": 5, "minority": 5, "imbalance": 3.0, "feature_energy": 5.0},
    {"majority": 7, "minority": 3, "imbalance": 5.0, "feature_energy": 5.0, "weight_energy": 0.5},
    {"majority": 2, "minority": 30, "imbalance": 200.0, "feature_energy": 1.0},
]
PER_SAMPLE = [
    {"majority": 5, "minority": 5, "imbalance": 2.4, "feature_energy": 4.0, "norm_weights": "sample"},
    {"majority": 7, "minority": 3, "imbalance": 5.0, "weight_decay": 0.1},
    {"majority": 2, "minority": 30, "imbalance": 40.0, "weight_decay": 0.07},
]
KNOWN: Sequence[tuple[str, list[dict[str, Any]], int, Sequence[str], int, str]] = [
    (
        "threshold",
        [{name: each for name, each in two.items() if name != "imbalance"} for two in TWO_GROUPS],
        DIGITS,
        (),
        1,
        "c41e3ba82d263801",
    ),
    (
        "solve",
        [*TWO_GROUPS, TWO_GROUPS[0] | {"certified": True}, TWO_GROUPS[1] | {"loss": "squared", "feature_energy": 0.5}],
        DIGITS,
        (),
        2,
        "9f1392e53d6f7c06",
    ),
    ("minority-cosine", TWO_GROUPS, DIGITS, (), 1, "b780e53c4b14712e"),
    ("remedy", TWO_GROUPS, DIGITS, (), 1, "00f7e50622111181"),
    (
        "threshold",
        [{name: each for name, each in two.items() if name != "imbalance"} for two in PER_SAMPLE],
        DIGITS,
        (),
        1,
        "653572b7a6cf1f5e",
    ),
    ("solve", PER_SAMPLE, DIGITS, ("value",), 2, "9c15157593133d75"),
    ("remedy", [*PER_SAMPLE, *(two | {"by": "weights"} for two in PER_SAMPLE)], DIGITS, (), 1, "75e0727500695aec"),
    ("separation-probability", [RATE, RATE | {"exponent": 0.5}, RATE | {"paths": 200, "features": 2}], DIGITS, (), 1, "ab1864552e5ca978"),
    ("check:energy-product", [{"seed": 1}], DIGITS, ("value", "confirmed", "refuted", "controls"), 1, "dc6f889146fc64e2"),
    ("train:unconstrained", [SHORT["unconstrained"]], DIGITS, (), 1, "5197f6c37477d4ce"),
    ("train:separation", [SHORT["separation"]], 3, ("decay_ratio", "test_ratio", "pearson"), 1, "0a999a40db00c5fd"),
    ("train:imbalance", [SHORT["imbalance"]], 3, ("minority_cosine",), 1, "27503e82f07ea7f6"),
]
"""Quantity, points, digits, columns (all unless named), results_version, digest.

Where a digest changes on purpose, raise the quantity's results_version and write both anew: stores hold numbers of the older version.
Networks of single precision keep three digits over two epochs.
"""


@pytest.mark.parametrize(("name", "points", "digits", "columns", "version", "expected"), KNOWN, ids=[known[0] for known in KNOWN])
def test_results_are_those_of_their_version(
    name: str, points: list[dict[str, Any]], digits: int, columns: Sequence[str], version: int, expected: str
) -> None:
    if name.startswith("train:"):
        pytest.importorskip("torch")
    assert (quantity_named(name).results_version, digest(name, points, digits, columns)) == (version, expected), (
        "the numbers changed: where that is meant, raise results_version"
    )
