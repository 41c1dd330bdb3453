"""Every room: well formed, honest in its imports, confirmed in every check, refuted in every control."""

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

import theory
from numerics import Bracket, UnusableInput
from theory import (
    FAMILIES,
    SUITE_LEVEL,
    Check,
    Control,
    Evidence,
    Kind,
    Origin,
    Quantities,
    Room,
    Setting,
    Source,
    Statement,
    Verdict,
    catalogue,
    choose,
    judge,
    statistical_comparisons,
)
from theory._judge import as_bracket

ROOMS = {name: room for name, (_, room) in catalogue().items()}
MODULES = {name: f"theory.{family.replace('-', '_')}.{name.replace('-', '_')}" for name, (family, _) in catalogue().items()}
KEBAB = re.compile(r"[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*")

CLOSED_FORMS = {"theory._thresholds", "theory.layer_peeled._closed_forms", "theory.locally_elastic._closed_forms"}
"""Modules that hold what is to be confirmed."""

CLOSED_FORM_NAMES = {"two_group_optimum", "surface_point", "TwoGroupOptimum", "SurfacePoint", "mean_flow", "MeanFlow"}
"""What numerics offers of the same kind."""

SOLVING = {"solvers", "gpu_train", "theory.layer_peeled._reference"}
"""Modules that measure."""


# The shape of the catalogue.


def test_the_catalogue_holds_the_rooms_of_every_module_and_no_other() -> None:
    folder = Path(theory.__file__).parent
    for family in FAMILIES:
        files = {path.stem for path in (folder / family.replace("-", "_")).glob("*.py") if not path.name.startswith("_")}
        names = {name for name, (of, _) in catalogue().items() if of == family}
        assert {name.replace("-", "_") for name in names} == files
    assert len(ROOMS) >= 10
    statistical = [check for room in ROOMS.values() for check in room.checks if check.evidence is Evidence.STATISTICAL]
    assert statistical_comparisons() == sum(len(check.predict()) for check in statistical) > 0


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_is_named_after_its_module_and_says_what_it_claims(name: str) -> None:
    room = ROOMS[name]
    assert importlib.import_module(MODULES[name]).ROOM is room
    assert room.statement.name == name
    assert KEBAB.fullmatch(name)
    assert room.statement.title
    assert room.statement.latex
    assert room.statement.assumptions
    assert all(room.statement.assumptions)
    assert room.statement.source.locator
    for part in (*room.checks, *room.controls):
        assert KEBAB.fullmatch(part.name), part.name
        assert part.claim
    for check in room.checks:
        kind = check.kind or room.statement.kind
        blurred = kind in (Kind.EQUALITY, Kind.LIMIT, Kind.PROBABILITY, Kind.OBSERVATION) and check.evidence is not Evidence.PROOF
        assert check.reason or not blurred, f"{check.name}: a resolution needs its reason"
        assert check.expected is Verdict.CONFIRMED or room.statement.origin is not Origin.DERIVED


def bibliography() -> set[str]:
    text = (Path(theory.__file__).parent / "references.bib").read_text(encoding="utf-8")
    return set(re.findall(r"^@\w+\{([^,\s]+),", text, flags=re.MULTILINE))


@pytest.mark.parametrize("name", ROOMS)
def test_every_source_is_in_the_bibliography(name: str) -> None:
    assert ROOMS[name].statement.source.key in bibliography()


def test_docstrings_cite_keys_of_the_bibliography() -> None:
    keys, folder = bibliography(), Path(theory.__file__).parents[1]
    cited = {
        key
        for package in ("numerics", "solvers", "theory")
        for path in (folder / package).rglob("*.py")
        for line in re.findall(r"Source: (.+)", path.read_text(encoding="utf-8"))
        for key in re.findall(r"\b[a-z]+(?:19|20)\d\d\b", line)
    }
    assert cited
    assert cited <= keys


def test_unknown_rooms_and_families_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UnusableInput, match=r"room 'no-such' does not exist: it must be one of .*balanced-etf"):
        choose(("no-such",))
    with pytest.raises(UnusableInput, match="family 'no-such' does not exist: it must be one of layer-peeled"):
        choose((), "no-such")
    assert list(choose(("minority-cosine", "balanced-etf"))) == ["balanced-etf", "minority-cosine"]
    parts = [choose((), family) for family in FAMILIES]
    assert all(parts)
    assert {name: room for part in parts for name, room in part.items()} == choose()


# Malformed rooms.


def small_room(**changes: Any) -> Room:
    def predict() -> Quantities:
        return {"x": Bracket.exactly(1.0)}

    def measure(_: Setting) -> Quantities:
        return {"x": Bracket.exactly(1.0)}

    statement = Statement(
        name="small",
        title="Small",
        latex="x = 1",
        assumptions=("none",),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("su2024", "nowhere"),
    )
    check = Check(name="check", claim="x = 1", evidence=Evidence.CERTIFIED, predict=predict, measure=measure)
    control = Control(name="control", claim="x = 2", check="check", predict=predict)
    parts: dict[str, Any] = {"statement": statement, "checks": (check,), "controls": (control,)} | changes
    return Room(**parts)


def test_a_malformed_room_is_refused() -> None:
    room = small_room()
    check, control = room.checks[0], room.controls[0]
    for changes in ({"checks": ()}, {"controls": ()}):
        with pytest.raises(ValueError, match="room small needs at least one check and one negative control"):
            small_room(**changes)
    for changes in ({"checks": (check, check)}, {"controls": (control, control)}):
        with pytest.raises(ValueError, match="room small uses a name twice"):
            small_room(**changes)
    stray = Control(name="stray", claim="x = 2", check="no-such", predict=check.predict)
    with pytest.raises(ValueError, match="control stray of room small names no check: no-such"):
        small_room(controls=(stray,))
    assert str(room.statement.source) == "su2024, nowhere"


# Measurements do not know predictions.


def imports_of(tree: ast.Module) -> dict[str, str]:
    """Local name → where it comes from, for every import of a module."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}:{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {(alias.asname or alias.name).split(".")[0]: f"{alias.name}:" for alias in node.names}
    return found


def definitions_of(tree: ast.Module) -> dict[str, set[str]]:
    """Every function, class and module-level assignment → all names that it reads."""
    found: dict[str, set[str]] = {}
    for node in tree.body:
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = names
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for part in ast.walk(target):
                    if isinstance(part, ast.Name):
                        found[part.id] = names
    return found


def reached(tree: ast.Module, start: str) -> set[str]:
    """All names that a definition reads, directly or through other definitions of its module."""
    definitions, seen, waiting = definitions_of(tree), set[str](), [start]
    while waiting:
        for name in definitions.get(waiting.pop(), set()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return seen


def trespasses(source: str) -> list[str]:
    """Measurements that reach a prediction or a closed form, predictions that reach a measurement or a solver."""
    tree = ast.parse(source)
    origin, found = imports_of(tree), list[str]()

    def module(name: str) -> str:
        return origin.get(name, ":").partition(":")[0]

    for name in definitions_of(tree):
        names = reached(tree, name)
        if name.startswith("measure_"):
            bad = {other for other in names if other.startswith("predict_") or module(other) in CLOSED_FORMS or other in CLOSED_FORM_NAMES}
        elif name.startswith("predict_"):
            bad = {other for other in names if other.startswith("measure_") or module(other) in SOLVING}
        else:
            continue
        found += [f"{name} reaches {other}" for other in sorted(bad)]
    return found


@pytest.mark.parametrize("name", ROOMS)
def test_measurements_and_predictions_do_not_know_each_other(name: str) -> None:
    module = importlib.import_module(MODULES[name])
    # What a proof measures is a property of the closed form itself, so it may read it; a measurement may not.
    proofs = {check.measure.__name__ for check in ROOMS[name].checks if check.evidence is Evidence.PROOF}
    assert [found for found in trespasses(inspect.getsource(module)) if found.split()[0] not in proofs] == []
    # The rule goes by name, so the names must be true.
    for check in ROOMS[name].checks:
        assert check.predict.__name__.startswith("predict_")
        assert check.measure.__name__.startswith("measure_")
        assert check.predict.__module__ == check.measure.__module__ == module.__name__


@pytest.mark.parametrize(
    ("source", "trespass"),
    [
        ("def predict_x(): pass\ndef measure_x(s): return predict_x()", "measure_x reaches predict_x"),
        ("def predict_x(): pass\ndef _help(): return predict_x()\ndef measure_x(s): return _help()", "measure_x reaches predict_x"),
        ("from theory._thresholds import collapse_threshold as c\ndef measure_x(s): return c(5, 5)", "measure_x reaches c"),
        (
            "from theory._thresholds import collapse_threshold\nR0 = collapse_threshold(5, 5)\ndef measure_x(s): return R0",
            "measure_x reaches collapse_threshold",
        ),
        (
            "from theory.layer_peeled._closed_forms import optimum\nGRID = [optimum(k) for k in (1, 2)]\ndef measure_x(s): return GRID",
            "measure_x reaches optimum",
        ),
        (
            "from numerics import two_group_optimum\ndef measure_x(s): return two_group_optimum(1, 1, 1, 1)",
            "measure_x reaches two_group_optimum",
        ),
        ("from numerics import mean_flow\ndef measure_x(s): return mean_flow(1, 1, 1)", "measure_x reaches mean_flow"),
        ("from solvers import solve\ndef predict_x(): return solve(1)", "predict_x reaches solve"),
        (
            "from solvers import solve\ndef measure_x(s): return solve(1)\ndef predict_x(): return measure_x(0)",
            "predict_x reaches measure_x",
        ),
    ],
)
def test_the_guard_sees_a_trespass(source: str, trespass: str) -> None:
    assert trespass in trespasses(source)


def test_the_guard_lets_honest_rooms_pass() -> None:
    honest = "from solvers import solve\nfrom theory._thresholds import f\ndef predict_x(): return f(1)\ndef measure_x(s): return solve(1)"
    assert trespasses(honest) == []


# The verdicts.


@cache
def level_of_one() -> float:
    return SUITE_LEVEL / max(1, statistical_comparisons())


def setting_of(number: int) -> Setting:
    return Setting(full=False, rng=np.random.default_rng([20, number]), level=level_of_one())


@pytest.mark.parametrize("name", ROOMS)
def test_every_check_is_as_expected_and_every_control_is_refuted(name: str) -> None:
    room = ROOMS[name]
    for number, check in enumerate(room.checks):
        setting = setting_of(number)
        measured, predicted = check.measure(setting), check.predict()
        kind = check.kind or room.statement.kind
        assert judge(kind, predicted, measured, resolution=check.resolution, level=setting.level) is check.expected, check.name
        controls = [control for control in room.controls if control.check == check.name]
        for control in controls:
            false = control.predict()
            assert set(false) <= set(measured), control.name
            verdict = judge(control.kind or kind, false, measured, resolution=check.resolution, level=setting.level)
            assert verdict is Verdict.REFUTED, control.name
        if check.evidence is Evidence.CERTIFIED:
            # "Certified" promises that rounding is covered too.
            assert all(value.rigorous for value in measured.values() if isinstance(value, Bracket)), check.name


@pytest.mark.parametrize("name", ROOMS)
def test_some_measurement_would_confirm_every_check_and_every_control(name: str) -> None:
    level = level_of_one()
    for check in ROOMS[name].checks:
        for claim in (check, *(control for control in ROOMS[name].controls if control.check == check.name)):
            kind, predicted = claim.kind or check.kind or ROOMS[name].statement.kind, claim.predict()
            # A limit is confirmed along two labels or more; the others where the measurement is what is predicted.
            assert kind is not Kind.LIMIT or len(predicted) > 1, claim.name
            assert judge(kind, predicted, ideal(kind, predicted, level), resolution=check.resolution, level=level) is Verdict.CONFIRMED, (
                claim.name
            )


def ideal(kind: Kind, predicted: Quantities, level: float) -> Quantities:
    """What a claim would like to be measured: the prediction itself, without error, and for a bound its safe end."""
    place = {Kind.UPPER_BOUND: lambda claim: claim.lower, Kind.LOWER_BOUND: lambda claim: claim.upper}.get(kind, lambda claim: claim.middle)
    return {
        label: value if isinstance(value, sympy.Expr) else Bracket.exactly(place(as_bracket(value, level)))
        for label, value in predicted.items()
    }


def test_a_prediction_that_is_wider_than_its_resolution_confirms_nothing() -> None:
    wide: Quantities = {"x": Bracket(0.5, 1.0)}
    assert judge(Kind.OBSERVATION, wide, ideal(Kind.OBSERVATION, wide, SUITE_LEVEL), resolution=0.25, level=SUITE_LEVEL) is (
        Verdict.INCONCLUSIVE
    )


def test_controls_claim_something_else_than_checks() -> None:
    for room in ROOMS.values():
        assert all(control.claim not in {check.claim for check in room.checks} for control in room.controls)


def test_figures_hold_what_they_name() -> None:
    draw = ROOMS["minority-cosine"].figures[0]
    figure = draw(setting_of(99))
    assert figure.title
    assert figure.caption
    for series in figure.series:
        assert len(series.x) == len(series.y) > 0
        assert np.isfinite(series.y).all()
        if series.low:
            assert all(low <= y <= high for low, y, high in zip(series.low, series.y, series.high, strict=True))
    lines = {series.color: series for series in figure.series if series.style == "line"}
    for series in figure.series:
        if series.style == "points":
            line = lines[series.color]
            for x, low, high in zip(series.x, series.low, series.high, strict=True):
                assert low - 0.02 <= np.interp(np.log(x), np.log(line.x), line.y) <= high + 0.02  # the line is drawn with 160 points
    assert any(abs(mark[0] - 12.19244708) < 1e-6 for mark in figure.marks)  # R0 of K_A = 5, E_H = 5 (reference/thresholds.json)
