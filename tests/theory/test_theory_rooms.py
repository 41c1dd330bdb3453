"""Every room: well formed, honest in its imports, confirmed in every check, refuted in every control."""

import importlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from calls import MEASURING, Name, package_of, program

from layerpeel import theory
from layerpeel.numerics import Bracket, UnusableInput
from layerpeel.theorems.report import RoomResult
from layerpeel.theory import (
    FAMILIES,
    SUITE_LEVEL,
    Check,
    Control,
    Evidence,
    Kind,
    Origin,
    Profile,
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
from layerpeel.theory._judge import as_bracket

ROOMS = {name: room for name, (_, room) in catalogue().items()}
MODULES = {name: f"layerpeel.theory.{family.replace('-', '_')}.{name.replace('-', '_')}" for name, (family, _) in catalogue().items()}
KEBAB = re.compile(r"[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*")

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
    assert len(re.findall(r"[.?!](?= |$)", room.statement.meaning)) == 2, "what it means, in two sentences"
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
        assert check.expected is Verdict.CONFIRMED or (check.origin or room.statement.origin) is not Origin.DERIVED
        assert check.headroom >= 2.0
        assert check.headroom >= 10.0 or check.reason, f"{check.name}: less than ten times the room needs its reason"
    # Every check that is to be confirmed has a control; what is refuted as printed has shown that it can be.
    confirmed = {check.name for check in room.checks if check.expected is Verdict.CONFIRMED}
    assert confirmed <= {control.check for control in room.controls}


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
        for package in ("numerics", "solvers", "theory", "gpu_train")
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


@pytest.mark.parametrize("name", ROOMS)
def test_measurements_and_predictions_do_not_know_each_other(name: str) -> None:
    source = program().sources[MODULES[name]]
    assert set(source.claims) == {check.name for check in ROOMS[name].checks}  # the walk goes by what is written, so it must find all
    # Both sides are written out: what a room hands over in ** would not be walked.
    assert all("predict" in keywords and {"measure", "measure_all"} & set(keywords) for keywords in source.claims.values())
    # What a proof measures is a property of the closed form itself, so it may read it; a measurement may not.
    sides = [side for side in source.sides if side.startswith("predict_") or not source.proves(side)]
    assert [found for side in sides for found in program().trespasses(Name(MODULES[name], side))] == []
    assert program().of_both_sides(MODULES[name]) == []


@pytest.mark.parametrize(
    ("text", "trespass"),
    [
        ("def predict_x(): pass\ndef measure_x(s): return predict_x()", "reaches room.predict_x"),
        ("def predict_x(): pass\ndef _between(): return predict_x()\ndef measure_x(s): return _between()", "by way of room._between"),
        (
            "from layerpeel.numerics.layer_peeled._thresholds import collapse_threshold as c\ndef measure_x(s): return c(5, 5)",
            "_thresholds.collapse_threshold",
        ),
        (
            "from layerpeel.numerics import collapse_threshold\ndef measure_x(s): return collapse_threshold(5, 5)",
            "_thresholds.collapse_threshold",
        ),
        ("from layerpeel import numerics\ndef measure_x(s): return numerics.collapse_threshold(5, 5)", "_thresholds.collapse_threshold"),
        (
            "from layerpeel.numerics.layer_peeled import _thresholds as t\ndef measure_x(s): return t.collapse_threshold(5, 5)",
            "_thresholds.collapse_threshold",
        ),
        (
            "from layerpeel.numerics import collapse_threshold\nR0 = collapse_threshold(5, 5)\ndef measure_x(s): return R0",
            "by way of room.R0",
        ),
        (
            (
                "from layerpeel.numerics import collapse_threshold as c\n"
                "class F:\n  def at(self): return c(5, 5)\ndef measure_x(s): return F().at()"
            ),
            "by way of room.F",
        ),
        ("from layerpeel.numerics import two_group_optimum\ndef measure_x(s): return two_group_optimum(1, 1, 1, 1)", "two_group_optimum"),
        ("from layerpeel.numerics import mean_flow\ndef measure_x(s): return mean_flow(1, 1, 1)", "_flow.mean_flow"),
        ("from layerpeel.numerics import elastic_law\ndef measure_x(s): return elastic_law(1)", "_law.elastic_law"),
        ("from layerpeel.solvers import solve_batch\ndef measure_x(s): return solve_batch(1)", "_batch.solve_batch"),
        ("from layerpeel.solvers import solve\ndef measure_x(s): return solve(1)", "solve(route='auto') in room.measure_x"),
        (
            "from layerpeel.solvers import solve\ndef _by(r): return solve(1, route=r)\ndef measure_x(s): return _by('sdp')",
            "solve(route=r) in room._by",
        ),
        ("from layerpeel.solvers import solve\ndef measure_x(s): return solve(1, route='symmetric')", "solve(route='symmetric')"),
        ("from layerpeel.solvers import bracket_threshold\ndef measure_x(s): return bracket_threshold(1)", ""),
        ("from layerpeel import solvers\ndef measure_x(s): return solvers.solve(1)", "solvers.solve(route='auto')"),
        ("import layerpeel.solvers\ndef measure_x(s): return layerpeel.solvers.solve(1)", "layerpeel.solvers.solve(route='auto')"),
        ("import layerpeel.solvers as s\ndef measure_x(_): return s.solve(1)", "s.solve(route='auto')"),
        ("from layerpeel.solvers import _solve\ndef measure_x(s): return _solve.solve(1)", "_solve.solve(route='auto')"),
        ("from layerpeel.solvers import solve\ndef measure_x(s):\n  f = solve\n  return f(1)", "solve uncalled in room.measure_x"),
        ("from layerpeel.solvers import solve\ndef measure_x(s): return map(solve, [1])", "solve uncalled"),
        (
            "from layerpeel.solvers import critical_oversampling\ndef measure_x(s): return critical_oversampling(1, 1)",
            "critical_oversampling",
        ),
        ("from layerpeel.solvers import solve\ndef measure_x(s): return solve(1, route='sdp').collapsed[0]", "a phase decided by the law"),
        (
            (
                "from layerpeel.solvers import solve\ndef reported(x): return x\n"
                "def measure_x(s): return reported(solve(1, route='sdp').collapsed[0])"
            ),
            "",
        ),
        ("from layerpeel.solvers import solve\ndef measure_x(s): return solve(1, route='sdp')", ""),
        ("from layerpeel.solvers import solve\ndef predict_x(): pass\ndef measure_x(s): return solve(1, route='factored')", ""),
    ],
)
def test_the_guard_sees_a_measurement_that_knows_its_prediction(text: str, trespass: str) -> None:
    found = program().with_module("room", text).trespasses(Name("room", "measure_x"))
    assert len(found) == (trespass != "")
    assert trespass in "".join(found)


@pytest.mark.parametrize(
    ("text", "trespass"),
    [
        ("from layerpeel.solvers import solve\ndef predict_x(): return solve(1, route='sdp')", "reaches layerpeel.solvers._solve.solve"),
        ("def measure_x(s): return 1\ndef predict_x(): return measure_x(0)", "reaches room.measure_x"),
        (
            "from layerpeel.theory.layer_peeled._reference import reference\ndef predict_x(): return reference(1)",
            "layerpeel.solvers._solve.solve by way of",
        ),
        (
            "from layerpeel.theory.equi_separation._measured.splits import OVERALL, spread\ndef predict_x(): return spread(1, OVERALL)",
            "reaches layerpeel.theory.equi_separation._measured.splits.spread by way of",
        ),
        ("from layerpeel.theory.equi_separation._measured.splits import OVERALL\ndef predict_x(): return OVERALL", ""),
        ("from layerpeel.numerics import collapse_threshold\ndef predict_x(): return collapse_threshold(5, 5)", ""),
    ],
)
def test_the_guard_sees_a_prediction_that_was_measured(text: str, trespass: str) -> None:
    found = program().with_module("room", text).trespasses(Name("room", "predict_x"))
    assert bool(found) == (trespass != "")
    assert trespass in "".join(found)


# The verdicts.


@cache
def level_of_one() -> float:
    return SUITE_LEVEL / max(1, statistical_comparisons())


def setting_of(number: int) -> Setting:
    return Setting(profile=Profile.QUICK, rng=np.random.default_rng([20, number]), level=level_of_one())


@pytest.mark.parametrize("name", ROOMS)
def test_every_check_is_as_expected_and_every_control_is_refuted(name: str, theorem_result: Callable[..., RoomResult]) -> None:
    family, room = catalogue()[name]
    result = theorem_result(room, family=family, level=level_of_one())
    if result.skipped:
        pytest.skip(next(check.note for check in result.checks if check.note))
    for check, judged in zip(room.checks, result.checks, strict=True):
        assert judged.as_expected, f"{check.name}: {judged.verdict} {judged.note}"
        confirmed = judged.verdict is Verdict.CONFIRMED
        # A measurement that no change of the prediction would contradict, on one side or the other, shows nothing.
        assert not confirmed or judged.resolving_shift is not None, check.name
        # Another machine, or another seed, must not leave the verdict open.
        assert not confirmed or (judged.resolution_used or 0.0) * check.headroom <= 1.0, check.name
        # "Certified" promises that rounding is covered too.
        blurred = {number.label for number in judged.measurement if not number.rigorous}
        assert check.evidence is not Evidence.CERTIFIED or blurred.isdisjoint(number.label for number in judged.prediction), check.name
    assert all(control.as_expected for control in result.controls)
    assert not result.note, "a figure was not drawn"


def test_solvers_and_networks_never_name_a_threshold() -> None:
    """R0 and R1 lie in numerics, below those who are to be held against them."""
    walked = program()
    for module, source in walked.sources.items():
        if package_of(module) in MEASURING:
            origins = {walked.resolve(module, name) for name in source.imports}
            assert not [origin for origin in origins if origin and origin.module.endswith("._thresholds")], module


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


@pytest.mark.parametrize(
    ("sides", "evidence", "of_both", "trespass"),
    [
        ("predict=lambda k: f(k), measure=lambda k: f(k)", "CERTIFIED", True, False),
        ("predict=lambda k: f(k), measure=lambda k: f(k)", "PROOF", False, False),
        ("predict=lambda k: f(k), measure=lambda k: f(k)", "PROOF.within(0.1, 'PROOF')", False, False),
        ("predict=lambda k: f(k), measure=lambda k: f(k)", "CERTIFIED.within(0.1, 'no PROOF')", True, False),
        ("predict=lambda k: k, measure=lambda k: f(k), false={'a': ('b', lambda k: f(k))}", "CERTIFIED", True, False),
        ("predict=lambda k: f(k), measure=lambda k: g(k)", "CERTIFIED", False, False),
        ("predict=lambda k: k, measure=lambda k: collapse_threshold(k, k)", "CERTIFIED", False, True),
        ("predict=lambda k: k, measure_all=lambda s: [solve(1)]", "CERTIFIED", False, True),
        ("predict=lambda k: solve(k, route='sdp'), measure=lambda k: g(k)", "CERTIFIED", False, True),
    ],
)
def test_the_guard_reads_the_sides_of_a_claim(sides: str, evidence: str, of_both: bool, trespass: bool) -> None:
    text = (
        "from layerpeel.numerics import collapse_threshold\nfrom layerpeel.solvers import solve\n"
        f"def f(k): return k\ndef g(k): return k\nROOM = Room.of(S, claim('c', 'says', over={{}}, {sides}, evidence=Evidence.{evidence}))"
    )
    walked = program().with_module("room", text)
    source = walked.sources["room"]
    assert set(source.claims) == {"c"}
    assert bool(walked.of_both_sides("room")) is of_both
    assert bool([found for side in source.sides for found in walked.trespasses(Name("room", side))]) is trespass


# What a claim makes of numbers.


def made(predict: Any, measure: Any, **words: Any) -> Any:
    return theory.claim("c", "x", over="x", predict=predict, measure=measure, false={"f": ("y", predict)}, evidence=Evidence.PROOF, **words)


@pytest.mark.parametrize(
    ("predicted", "value"), [(2, 2.0), (0.5, 0.5), (True, 1.0), (np.bool_(False), 0.0), (np.float64(0.25), 0.25), (np.int64(3), 3.0)]
)
def test_a_number_that_is_predicted_is_exact_up_to_its_rounding(predicted: Any, value: float) -> None:
    made_of = made(lambda: predicted, Bracket(0.0, 1.0))
    assert made_of.check.predict() == made_of.controls[0].predict() == {"x": Bracket.exactly(value)}
    rounded = made(lambda: {"a": predicted, "b": Bracket(1.0, 2.0)}, Bracket(0.0, 1.0), rounding=0.125)
    assert rounded.check.predict() == rounded.controls[0].predict() == {"x, a": Bracket.around(value, 0.125), "x, b": Bracket(1.0, 2.0)}
    assert made(predicted, Bracket(0.0, 1.0)).check.predict() == {"x": Bracket.exactly(value)}


@pytest.mark.parametrize("measured", [1, 0.5, True, np.float64(0.5)])
def test_a_number_that_is_measured_carries_its_error(measured: Any) -> None:
    ways = [
        made(1.0, measured),
        made(1.0, lambda: measured),
        made(1.0, None, measure_all=lambda _: [measured]),
        made(1.0, None, measure_all=lambda _: {"x": measured}),
    ]
    for way in ways:
        with pytest.raises(
            TypeError, match=r"claim c measures .* at 'x', a number alone: what is measured carries its error; give a Bracket"
        ):
            way.check.measure(setting_of(0))


MEDIAN, MOST = 120, 220
"""Lines of a room: a statement, its claims with the mistakes that they refute, and little else."""


def test_rooms_read_like_theorems() -> None:
    lines = {name: len(program().sources[module].text.splitlines()) for name, module in MODULES.items()}
    assert np.median(list(lines.values())) <= MEDIAN
    assert {name: count for name, count in lines.items() if count > MOST} == {}, "what is measured, or drawn, belongs into _measured"
