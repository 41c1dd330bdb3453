"""What `threshold`, `solve` and `remedy` draw: the numbers that they print, at the places that were asked for."""

import json
import math
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import config

from layerpeel.cli import main
from layerpeel.counts.remedy import Remedy, remedy_of
from layerpeel.counts.solve import Geometry
from layerpeel.counts.threshold import Thresholds, thresholds
from layerpeel.numerics import Figure, Series, collapse_threshold, vanishing_threshold
from layerpeel.pages.records import Result
from layerpeel.solvers import LayerPeeled, Solution, UnconstrainedFeatures, solve

ENERGY = ["--feature-energy", "5"]
COMMANDS = {
    "threshold": (Thresholds, ["--majority", "7", "--minority", "3", *ENERGY]),
    "solve": (Geometry, ["--groups", "3x50,2x5", *ENERGY]),
    "remedy": (Remedy, ["--groups", "3x50,2x5", *ENERGY]),
}


def named(figure: Figure, label: str) -> Series:
    (series,) = (series for series in figure.series if series.label == label)
    return series


@pytest.mark.parametrize("command", COMMANDS)
def test_figures_and_record_are_written_whole(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, options = COMMANDS[command]
    out = tmp_path / "made" / "here"
    assert main([command, *options, "--out", str(out), "--json"]) == 0
    printed = capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == sorted(model.FILES)
    assert json.loads((out / model.FILES[0]).read_text()) == json.loads(printed)
    for name in model.FILES[1:]:
        text = (out / name).read_text()
        if name.endswith(".html"):
            assert text.rstrip().endswith("</html>")
        else:
            assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert main([command, *options, "--out", str(out)]) == 0
    assert str(out / model.FILES[-1]) in capsys.readouterr().out
    assert main([command, *options]) == 0
    assert "files:" not in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_a_place_that_cannot_be_written_is_refused(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    assert main([command, *COMMANDS[command][1], "--out", str(taken)]) == 2
    assert f"--out {taken} is a file" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_drawn_that_nobody_asked_for(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, options = COMMANDS[command]

    def drawn(_: Result) -> tuple[Figure, ...]:
        raise AssertionError

    monkeypatch.setattr(model, "figures", drawn)
    assert main([command, *options]) == 0
    assert main([command, *options, "--json"]) == 0


def test_thresholds_are_drawn_where_they_were_asked_for() -> None:
    (figure,) = thresholds(7, 3, feature_energy=5.0).figures()
    (mark,) = figure.marks
    assert mark[:2] == (5.0, "E_H = 5: R0 = 4.00047, R1 = 5.70533")
    asked = named(figure, "as asked")
    for value, name in zip(asked.y, ("R0", "R1"), strict=True):
        curve = named(figure, name)
        middle = int(np.argmin(np.abs(np.array(curve.x) - 5.0)))
        assert curve.x[middle] == pytest.approx(5.0, rel=1e-12)
        assert curve.y[middle] == pytest.approx(value, rel=1e-9)
    x = named(figure, "R1").x[20]
    exact = vanishing_threshold(7, 3, feature_energy=x)
    assert exact is not None
    assert named(figure, "R1").y[20] == pytest.approx(exact.value, rel=1e-9)
    assert named(figure, "R0").y[20] == pytest.approx(collapse_threshold(7, 3, feature_energy=x).value, rel=1e-9)


def test_a_threshold_that_does_not_exist_is_not_drawn() -> None:
    (figure,) = thresholds(1, 5, feature_energy=5.0).figures()
    assert [series.label for series in figure.series] == ["R0", "as asked"]
    assert "R1" not in figure.caption
    (figure,) = thresholds(5, 5, feature_energy=5.0).figures()
    assert math.isnan(named(figure, "R1").y[-1])
    assert len(named(figure, "as asked").y) == 1


@pytest.mark.parametrize(
    ("energy", "label", "logarithmic"), [(1e6, "log₁₀", False), (5.0, "imbalance R", True), (1e-4, "imbalance R", False)]
)
def test_imbalances_of_any_size_are_drawn(energy: float, label: str, logarithmic: bool) -> None:
    (figure,) = thresholds(5, 5, feature_energy=energy).figures()
    assert figure.y_label.startswith(label)
    assert figure.log_y == logarithmic
    assert np.isfinite(named(figure, "R0").y).all()


def test_curves_end_where_energies_do() -> None:
    (figure,) = thresholds(5, 5, feature_energy=9e11).figures()  # the root of 10¹² is the largest that a threshold takes
    curve = np.array(named(figure, "R0").y)
    assert np.isfinite(curve[:81]).all()
    assert np.isnan(curve[-1])
    (figure,) = thresholds(5, 5, feature_energy=1e308, weight_energy=1e-308).figures()
    assert np.isnan(named(figure, "R0").y[-1])


def test_numbers_of_numpy_are_taken() -> None:
    config.update("jaxtyping_disable", True)  # users run without checked annotations
    try:
        answer = thresholds(np.int64(7), np.int64(3), feature_energy=np.float64(5.0))  # pyright: ignore[reportArgumentType] - like Python's
    finally:
        config.update("jaxtyping_disable", False)
    assert answer.figures()[0].title == "Minority collapse, 7 majority and 3 minority classes"


def curves(solution: Solution) -> tuple[Figure, Figure]:
    """Cosines and norms against samples."""
    *_, cosines, norms = Geometry.of(solution).figures()
    assert isinstance(cosines, Figure)
    assert isinstance(norms, Figure)
    return cosines, norms


def test_cosines_and_norms_are_those_of_the_solution() -> None:
    solution = solve(LayerPeeled.from_groups([(3, 100), (3, 40), (4, 5)], feature_energy=1.0))
    cosines, norms = curves(solution)
    assert named(cosines, "two classes of one group").y == tuple(group.within_cosine for group in solution.groups)
    between = solution.between_cosine
    assert named(cosines, "with the closest class of another group").y[0] == max(between[0][1] or 0.0, between[0][2] or 0.0)
    assert named(cosines, "with the farthest class of another group").y[0] == min(between[0][1] or 0.0, between[0][2] or 0.0)
    assert set(named(cosines, "two balanced classes").y) == {-1 / 9}
    assert named(norms, "‖w‖").x == (100.0, 40.0, 5.0)
    assert named(norms, "‖h‖").y == tuple(group.feature_norm for group in solution.groups)
    assert named(norms, "√E_H").y == (1.0, 1.0)
    assert cosines.log_x


def test_what_has_no_cosine_or_no_energy_is_not_drawn() -> None:
    cosines, _ = curves(solve(LayerPeeled.from_groups([(7, 1000), (3, 10)], feature_energy=5.0)))
    assert [series.label for series in cosines.series] == ["two classes of one group", "two balanced classes"]
    assert cosines.series[0].x == (1000.0,)
    penalised = UnconstrainedFeatures.from_groups([(2, 30), (2, 20)], feature_penalty=0.01, weight_penalty=0.01, loss="squared")
    cosines, norms = curves(solve(penalised))
    assert [series.label for series in cosines.series] == ["two classes of one group", "with a class of the other group"]
    assert [series.label for series in norms.series] == ["‖w‖", "‖h‖"]
    assert not cosines.log_x


def test_balanced_classes_lie_on_their_line() -> None:
    cosines, norms = curves(solve(LayerPeeled.from_groups([(10, 10)], feature_energy=5.0)))
    assert named(cosines, "two classes of one group").y == pytest.approx((-1 / 9,))
    assert named(norms, "‖h‖").y == pytest.approx((math.sqrt(5.0),))
    assert named(norms, "√E_H").y == (math.sqrt(5.0),) * 2


def test_a_minority_comes_apart_at_its_mark_and_the_majority_collapses_at_the_other() -> None:
    answer = remedy_of(LayerPeeled.from_groups([(5, 5000), (5, 50)], feature_energy=5.0))
    (figure,) = answer.figures()
    apart, balanced, harmful = sorted(mark[0] for mark in figure.marks)
    assert (apart, balanced, harmful) == (*answer.safe_oversampling[:1], answer.imbalance, answer.safe_oversampling[1])
    minority, majority = (dict(zip(series.x, series.y, strict=True)) for series in figure.series)
    for factor, cosine in minority.items():
        assert cosine == pytest.approx(1.0) if factor <= apart else cosine < 0.999
    for factor, cosine in majority.items():
        assert cosine == pytest.approx(1.0) if factor >= harmful else cosine < 0.999
    assert min(minority) == 1.0
    assert max(minority) > harmful


def test_each_minority_has_its_curve_and_its_mark() -> None:
    answer = remedy_of(LayerPeeled.from_groups([(3, 100), (3, 40), (4, 5)], feature_energy=1.0))
    (figure,) = answer.figures()
    assert [series.label for series in figure.series] == ["4 classes of 5 samples", "3 classes of 40 samples"]
    assert [mark[0] for mark in figure.marks] == [answer.minimal_oversampling]
