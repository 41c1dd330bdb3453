"""Small rooms whose verdicts are known beforehand, and a report made of them."""

from collections.abc import Callable

from layerpeel.environment import describe_environment
from layerpeel.numerics import Bracket, Estimate
from layerpeel.theorems.report import Environment, Report, RoomResult, Summary
from layerpeel.theorems.run import run_room
from layerpeel.theory import (
    Check,
    Control,
    Evidence,
    Figure,
    Kind,
    Origin,
    Profile,
    Quantities,
    Room,
    Series,
    Setting,
    Source,
    Statement,
    Verdict,
)


def predict_one() -> Quantities:
    return {"x": Bracket.exactly(1.0)}


def predict_two() -> Quantities:
    return {"x": Bracket.exactly(2.0)}


def measure_one(_: Setting) -> Quantities:
    return {"x": Bracket(0.9, 1.1)}


def measure_vaguely(_: Setting) -> Quantities:
    return {"x": Bracket(-9.0, 9.0)}


def measure_noise(setting: Setting) -> Quantities:
    return {"x": Estimate.of(setting.rng.normal(1.0, 1e-3, size=100))}


def measure_badly(_: Setting) -> Quantities:
    raise ArithmeticError("the solver broke <down>")


def measure_with_torch(_: Setting) -> Quantities:
    raise ModuleNotFoundError("No module named 'torch'", name="torch")


def draw(_: Setting) -> Figure:
    points = Series(label="SDP <1>", x=(1.0, 2.0), y=(0.5, float("nan")), style="points", color=0, low=(0.4, 0.4), high=(0.6, 0.6))
    line = Series(label="closed form", x=(1.0, 10.0), y=(0.0, 1.0), style="line", color=1)
    return Figure(
        title="A figure & more",
        caption="Its caption.",
        x_label="imbalance",
        y_label="cosine",
        series=(line, points),
        marks=((2.0, "R₀ = 2", 0), (2.1, "R₁ = 2.1", 1)),
        log_x=True,
    )


def make_room(
    name: str = "one-is-one",
    *,
    measure: Callable[[Setting], Quantities] = measure_one,
    predict: Callable[[], Quantities] = predict_one,
    false: Callable[[], Quantities] = predict_two,
    expected: Verdict = Verdict.CONFIRMED,
    latex: str = r"x = \frac{1}{1}",
    figures: tuple[Callable[[Setting], Figure], ...] = (),
) -> Room:
    """A room with one check, which says that x is 1, and one control, which says that it is 2."""
    return Room(
        statement=Statement(
            name=name,
            title=f"Room <{name}>",
            latex=latex,
            assumptions=("x & y are numbers",),
            kind=Kind.EQUALITY,
            origin=Origin.DERIVED,
            source=Source("nobody1900", "Theorem 1"),
        ),
        checks=(
            Check(
                name="value",
                claim="x is 1.",
                evidence=Evidence.CERTIFIED,
                predict=predict,
                measure=measure,
                resolution=0.5,
                reason="a fake",
                expected=expected,
            ),
        ),
        controls=(Control(name="two", claim="x is 2.", check="value", predict=false),),
        figures=figures,
    )


def run(room: Room, seed: int = 0) -> RoomResult:
    return run_room("fake", room, profile=Profile.QUICK, seed=seed, level=1e-3)


def make_report(*rooms: Room) -> Report:
    results = [run(room) for room in rooms]
    return Report(
        summary=Summary.of(results), rooms=results, environment=Environment.model_validate(describe_environment()), seed=0, profile="quick"
    )


GREEN = make_room()
UNREFUTED_CONTROL = make_room("unrefuted-control", false=predict_one)
INCONCLUSIVE = make_room("inconclusive", measure=measure_vaguely, expected=Verdict.INCONCLUSIVE)
BROKEN = make_room("broken", measure=measure_badly)
SKIPPED = make_room("skipped", measure=measure_with_torch)
REFUTED_AS_PRINTED = make_room("refuted-as-printed", predict=predict_two, expected=Verdict.REFUTED)
REFUTED_UNEXPECTEDLY = make_room("refuted-unexpectedly", predict=predict_two)
NOISY = make_room("noisy", measure=measure_noise)
WITH_FIGURE = make_room("with-figure", figures=(draw,))
