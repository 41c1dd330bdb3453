"""What a sweep found, as a table, named axes, figures, page and files; how far it is; what it would be."""

import csv
import json
import math
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from json_schemas import committed, mistakes

from layerpeel.numerics import Bracket, Figure, HeatMap, UnusableInput
from layerpeel.pages.figure_file import figure_file
from layerpeel.pages.figures import figure_svg
from layerpeel.pages.records import Result
from layerpeel.sweeps import listing
from layerpeel.sweeps.explanation import explain
from layerpeel.sweeps.listing import quantities
from layerpeel.sweeps.quantity import Axis, Quantity
from layerpeel.sweeps.results import Sweep, export
from layerpeel.sweeps.state import status
from layerpeel.sweeps.store import Store
from layerpeel.sweeps.sweep import sweep
from layerpeel.sweeps.views.tables import require_export

HERE = Path(__file__)


def bracketed(width: float, height: float = 1.0, kind: str = "full") -> Any:
    """An area, with bounds a tenth away."""
    if width == 3 and height == 2:
        raise UnusableInput("height is 2: at width 3 it must be below 2; lower it.")
    area = width * height * (0.5 if kind == "half" else 1.0)
    return {"value": Bracket(0.9 * area, 1.1 * area), "corners": 4}


def noisy(x: float, rng: np.random.Generator) -> float:
    """A line with noise."""
    return x + rng.normal()


def odd(value: float, state: int, corner: object = None) -> dict[str, float]:
    """A function whose axes are called like columns."""
    return {"value": value * state, "lower": float(corner is None)}


def _area(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"value": columns["width"] * columns["height"]}


AREA = Quantity(
    name="test_sweep_results:AREA",
    says="The area of a rectangle",
    axes=(
        Axis(name="width", kind=int, says="of the rectangle", unit="m"),
        Axis(name="height", kind=float, says="likewise", unit="m", default=1.0),
    ),
    columns={"value": "area in m²"},
    results_version=3,
    compute=lambda point, _: {"value": point["width"] * point["height"]},
    compute_batch=_area,
)

GRID: dict[str, Any] = {"width": [1, 2, 3], "height": [1.0, 2.0]}


def swept(folder: Path, function: str = "bracketed", **tables: Any) -> Sweep:
    spec = {"sweep": {"quantity": f"test_sweep_results:{function}"}, **(tables or {"axes": GRID})}
    return sweep(spec, folder / "a.sqlite", workers=1)


def test_a_table_has_axes_repetition_state_and_columns_with_bounds(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    frame = swept(tmp_path).to_frame()
    assert list(frame) == ["width", "height", "kind", "repeat", "state", "value", "lower", "upper", "corners"]
    assert list(frame["state"]) == ["done"] * 5 + ["failed"]
    assert frame.loc[3, ["width", "height", "kind", "repeat"]].tolist() == [2.0, 2.0, "full", 0]
    assert frame.loc[3, ["value", "lower", "upper", "corners"]].tolist() == pytest.approx([4.0, 3.6, 4.4, 4.0])
    assert frame.loc[5, ["value", "lower", "upper", "corners"]].isna().all()


def test_points_that_were_not_tried_are_pending(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    grid = {"axes": {"width": [3, 1, 2], "height": 2.0}, "run": {"on_error": "stop"}}
    found = swept(tmp_path, **grid)
    assert list(found.to_frame()["state"]) == ["failed", "pending", "pending"]
    assert "2 pending" in found.to_page()
    held = status(tmp_path / "a.sqlite")
    assert (held.points, held.pending, held.failed, held.done) == (3, 2, 1, 0)


def test_what_is_left_out_has_no_row(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    frame = swept(tmp_path, axes=GRID, leave_out=[{"width": 2}]).to_frame()
    assert sorted(set(frame["width"])) == [1.0, 3.0]


def test_axes_that_are_called_like_columns_keep_their_names(tmp_path: Path) -> None:
    found = swept(tmp_path, "odd", axes={"value": [0.5, 1], "state": 3, "corner": [[1, 2], "a"]})
    export(found, tmp_path / "a.csv")
    rows = list(csv.reader((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["value", "state", "corner", "repeat", "state_", "value_", "lower", "upper", "lower_"]
    assert rows[1] == ["0.5", "3", "[1, 2]", "0", "done", "1.5", "", "", "0.0"]


def test_named_axes_have_units_and_the_sweep_its_origin(tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    cube = swept(tmp_path, "AREA", axes={"width": [1, 2, 3], "height": [1.0, 2.0]}, leave_out=[{"width": 2, "height": 1}]).to_xarray()
    assert dict(cube.sizes) == {"width": 3, "height": 2}
    assert cube["width"].attrs == {"units": "m", "long_name": "of the rectangle"}
    assert float(cube["value"].sel(width=3, height=2)) == 6.0
    assert math.isnan(cube["value"].sel(width=2, height=1))
    assert int(cube["state"].sel(width=2, height=1)) == -1
    assert cube["state"].attrs["flag_meanings"] == "left_out pending done failed lost"
    assert (cube.attrs["quantity"], cube.attrs["results_version"]) == ("test_sweep_results:AREA", 3)
    assert json.loads(cube.attrs["versions"])[0]["packages"]["numpy"] == np.__version__
    assert json.loads(cube.attrs["specification"])["axes"]["width"] == [1, 2, 3]


def test_a_failed_point_is_nan_and_what_does_not_vary_is_no_dimension(tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    cube = swept(tmp_path).to_xarray()
    assert dict(cube.sizes) == {"width": 3, "height": 2}
    assert str(cube["kind"].values) == "full"
    assert math.isnan(cube["value"].sel(width=3, height=2))
    assert float(cube["upper"].sel(width=2, height=2)) == pytest.approx(4.4)


def test_axes_in_step_share_a_dimension_and_repetitions_have_one(tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    together = [{"width": [1, 2, 4], "height": [3.0, 2.0, 1.0]}]
    cube = swept(tmp_path, together=together, axes={"kind": ["full", "half"]}).to_xarray()
    assert dict(cube.sizes) == {"kind": 2, "together": 3}
    assert cube["height"].dims == ("together",)
    assert cube["value"].sel(kind="half").values.tolist() == [1.5, 2.0, 2.0]
    noise = sweep(
        {"sweep": {"quantity": "test_sweep_results:noisy"}, "axes": {"x": [0.0, 1.0]}, "run": {"repeats": 4}},
        tmp_path / "b.sqlite",
        workers=1,
    ).to_xarray()
    assert dict(noise.sizes) == {"x": 2, "repeat": 4}
    assert len(np.unique(noise["value"])) == 8


def test_a_sample_is_one_dimension(tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    found = swept(tmp_path, sample={"size": 16, "width": {"linear": [1, 2]}, "height": {"geometric": [0.1, 10]}})
    cube = found.to_xarray()
    assert dict(cube.sizes) == {"sample": 16}
    assert np.allclose(cube["value"], cube["width"] * cube["height"])
    assert [figure.x_label for figure in found.figures() if isinstance(figure, Figure)] == ["width", "height"]


def test_curves_have_the_longest_axis_below_and_bounds(tmp_path: Path) -> None:
    figure = swept(tmp_path).plot()
    assert (figure.x_label, figure.y_label) == ("width", "value")
    assert [each.label for each in figure.series] == ["height = 1", "height = 2"]
    assert figure.series[0].x == (1.0, 2.0, 3.0)
    assert figure.series[0].low == pytest.approx((0.9, 1.8, 2.7))
    assert math.isnan(figure.series[1].y[2])
    assert "1 points are not done" in figure.caption
    other = swept(tmp_path).plot("corners", x="height", hue="width")
    assert [each.label for each in other.series] == ["width = 1", "width = 2", "width = 3"]
    assert other.y_label == "corners"


def test_repetitions_are_drawn_as_their_mean_and_extent(tmp_path: Path) -> None:
    found = swept(tmp_path, "noisy", axes={"x": [0.0, 1.0]}, run={"repeats": 5})
    (series,) = found.plot().series
    (first,) = found.plot(repeat=0).series
    assert all(low < middle < high for low, middle, high in zip(series.low, series.y, series.high, strict=True))
    assert all(low <= one <= high for low, one, high in zip(series.low, first.y, series.high, strict=True))
    assert not first.low


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"column": "valve"}, "valve is no column of test_sweep_results:bracketed: it must be one of value, corners"),
        ({"x": "widht"}, "did you mean width"),
        ({"x": "kind"}, "no numbers"),
        ({"x": "width", "hue": "height"}, "kind vary too: .* fix them, for example with kind='full'"),
        ({"height": 1.5, "kind": "half"}, "height = 1.5 is not in this sweep: the nearest value is"),
        ({"kind": "quarter"}, "it has 'full', 'half'"),
        ({"depth": 1}, "depth is no axis of this sweep"),
        ({"width": 1, "height": 1}, "no axis of numbers varies"),
    ],
)
def test_a_figure_that_cannot_be_drawn_is_refused(tmp_path: Path, arguments: dict[str, Any], told: str) -> None:
    found = swept(tmp_path, axes={**GRID, "kind": ["full", "half"]})
    with pytest.raises(UnusableInput, match=told):
        found.plot(**arguments)


def test_what_else_varies_is_fixed_by_keyword(tmp_path: Path) -> None:
    figure = swept(tmp_path, axes={**GRID, "kind": ["full", "half"]}).plot(x="width", hue="height", kind="half")
    assert figure.series[0].y == pytest.approx((0.5, 1.0, 1.5))
    assert "kind = half" in figure.caption


def test_two_long_axes_make_a_heat_map_of_one_image(tmp_path: Path) -> None:
    found = swept(tmp_path, "AREA", axes={"width": {"integers": [1, 30]}, "height": {"geometric": [0.1, 100, 40]}})
    (figure,) = found.figures()
    assert isinstance(figure, HeatMap)
    assert (figure.x_label, figure.y_label, figure.value_label) == ("height (m)", "width (m)", "area in m²")
    assert (figure.log_x, figure.log_y, figure.log_values) == (True, False, True)
    assert figure.values == pytest.approx(np.outer(np.array(figure.y), np.array(figure.x)))
    svg = figure_svg(figure, "a")
    assert svg.count("<image") == 2  # the cells, and the scale
    assert svg.count("<path") < 30
    page = found.to_page()
    assert "img-src data:" in page
    assert "The first 200 points" in page


def test_a_heat_map_is_drawn_with_holes_and_on_every_scale() -> None:
    values = np.array([[1.0, math.nan], [-1.0, math.inf]])
    for logarithmic in (False, True):
        places: dict[str, Any] = {"x": (1.0, 10.0), "y": (2.0, 3.0), "x_label": "x", "y_label": "y"}
        figure = HeatMap(title="holes", caption="", value_label="v", values=values, log_x=logarithmic, log_values=logarithmic, **places)
        assert figure_file(figure).count("<image") == 2
    alone = HeatMap(title="", caption="", x_label="", y_label="", value_label="", x=(1.0,), y=(1.0,), values=np.full((1, 1), math.nan))
    assert "</svg>" in figure_svg(alone, "b")


def test_further_axes_make_few_figures(tmp_path: Path) -> None:
    axes = {"width": [1.0, 2.0], "height": {"linear": [1, 2, 20]}, "kind": ["full", "half"]}
    figures = swept(tmp_path, axes=axes).figures()
    assert [figure.title.partition(", ")[2] for figure in figures] == ["kind = full", "kind = half"]
    assert all(isinstance(figure, Figure) and figure.series[0].style == "line" for figure in figures)


def test_one_of_the_axes_in_step_is_a_hue_where_it_tells_them_apart(tmp_path: Path) -> None:
    together = [{"height": [1.0, 1.0, 2.0], "kind": ["full", "half", "half"]}]
    found = swept(tmp_path, axes={"width": [1, 2, 4, 8]}, together=together)
    with pytest.raises(UnusableInput, match="height has one value at several places, where kind differ"):
        found.plot(x="width", hue="height")
    figures = found.figures()
    assert [figure.title.partition(", ")[2] for figure in figures] == [
        "height = 1, kind = full",
        "height = 1, kind = half",
        "height = 2, kind = half",
    ]
    assert found.plot(height=1, kind="half").series[0].y == pytest.approx((0.5, 1.0, 2.0, 4.0))


def test_long_curves_are_thinned_and_many_are_chosen_from(tmp_path: Path) -> None:
    axes = {"width": {"integers": [1, 3000]}, "height": {"linear": [1, 2, 9]}}
    (figure,) = swept(tmp_path, "AREA", axes=axes).figures()
    assert isinstance(figure, Figure)
    assert [len(each.x) for each in figure.series] == [1000] * 6
    assert (figure.series[0].x[0], figure.series[0].x[-1]) == (1.0, 3000.0)
    assert "1000 of 3000 points" in figure.caption
    assert "6 of 9 values of height are shown" in figure.caption


def test_nothing_that_varies_makes_no_figure(tmp_path: Path) -> None:
    found = swept(tmp_path, axes={"width": 1.0})
    assert found.figures() == ()
    assert "1 points: 1 done" in found.to_page()


def test_the_page_shows_failures_and_how_it_was_made(tmp_path: Path) -> None:
    found = swept(tmp_path)
    page = found.to_page()
    for text in (
        "An area, with bounds a tenth away.",
        "at width 3 it must be below 2",
        "How it was made",
        "axes.width",
        "[1, 2, 3]",
        np.__version__,
    ):
        assert text in page, text
    assert set(found.to_files()) == {"figure-1.svg", "sweep.json", "sweep.html"}
    assert "Infinity" not in found.to_files()["sweep.json"]


def test_csv_needs_no_library_and_keeps_all_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pandas", "xarray", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    found = swept(tmp_path, axes={"width": {"geometric": [1, 3, 3]}, "height": [1.0, 2.0]})
    export(found, tmp_path / "out" / "a.csv")
    with (tmp_path / "out" / "a.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["done"] * 5 + ["failed"]
    assert float(rows[2]["width"]) == math.sqrt(3)
    assert float(rows[2]["value"]) == Bracket(0.9 * math.sqrt(3), 1.1 * math.sqrt(3)).middle
    assert rows[5]["value"] == rows[5]["lower"] == ""
    for method in (found.to_frame, found.to_xarray):
        with pytest.raises(UnusableInput, match="pip install"):
            method()
    for name in ("a.parquet", "a.nc"):
        with pytest.raises(UnusableInput, match="pip install"):
            export(found, tmp_path / name)
    assert not list(tmp_path.glob("*a.parquet")) + list(tmp_path.glob(".*partial*"))


def test_another_ending_is_refused_with_the_legal_ones(tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match=r"does not end in \.csv, \.parquet, \.nc"):
        export(swept(tmp_path), tmp_path / "a.xlsx")
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(UnusableInput, match=r"--export .*b\.csv is a directory"):
        require_export(tmp_path / "b.csv", "--export")
    require_export(tmp_path / "new" / "a.csv")
    assert not (tmp_path / "new").exists()


def test_parquet_says_what_the_table_says(tmp_path: Path) -> None:
    pd, _ = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    found = swept(tmp_path)
    export(found, tmp_path / "a.parquet")
    read, frame = pd.read_parquet(tmp_path / "a.parquet"), found.to_frame()
    assert list(read) == list(frame)
    for name in frame:
        assert (
            read[name].astype(object).where(read[name].notna(), None).tolist()
            == frame[name].astype(object).where(frame[name].notna(), None).tolist()
        )


def test_netcdf_says_what_the_arrays_say(tmp_path: Path) -> None:
    xarray, _ = pytest.importorskip("xarray"), pytest.importorskip("h5py")
    pytest.importorskip("h5netcdf")
    found = swept(tmp_path, axes={**GRID, "kind": ["full", "half"]})
    export(found, tmp_path / "a.nc")
    with xarray.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as read:
        xarray.testing.assert_equal(read.load(), found.to_xarray())
        assert read.attrs["quantity"] == "test_sweep_results:bracketed"


@pytest.mark.slow
def test_exporting_costs_the_same_memory_however_many_points_there_are(tmp_path: Path) -> None:
    """In a process of its own, whose largest size is asked for before and after."""
    script = f"""
import resource, sys
sys.path.insert(0, {str(HERE.parent)!r}); sys.path.insert(0, {str(HERE.parents[1])!r})
from layerpeel.sweeps.results import export
from layerpeel.sweeps.sweep import sweep
def size(number):
    grid = {{"width": {{"integers": [1, number]}}, "height": {{"linear": [1, 2, 400]}}}}
    found = sweep({{"sweep": {{"quantity": "test_sweep_results:AREA"}}, "axes": grid}}, f"{tmp_path}/{{number}}.sqlite", workers=1)
    export(found, f"{tmp_path}/{{number}}.csv")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(size(100), size(600))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    small, large = (int(word) * (1 if sys.platform == "darwin" else resource.getpagesize() // 4) for word in done.stdout.split())
    assert (tmp_path / "600.csv").read_bytes().count(b"\n") == 240_001
    assert large - small < 40e6, "240,000 points take more than a hundred bytes each beyond 40,000"


def test_a_status_tells_who_is_at_it_and_disturbs_nobody(tmp_path: Path) -> None:
    found = swept(tmp_path)
    held = status(tmp_path / "a.sqlite")
    assert (held.points, held.done, held.failed, held.pending, held.running, held.lost) == (6, 5, 1, 0, 0, 0)
    assert held.attempts >= 1
    assert held.coordinator is None
    assert (held.environments[0].points, held.environments[0].packages["numpy"]) == (5, np.__version__)
    assert "at width 3 it must be below 2" in held.failures[0].message
    assert json.loads(held.specification)["axes"] == {"width": [1, 2, 3], "height": [1.0, 2.0]}
    with Store(Path(found.store)) as opened:
        opened.coordinate()
        opened.commit()
        other = status(found.store)
        assert other.coordinator is not None
        assert "is at it" in other.to_text()
    assert "nobody is at it" in held.to_text()


def test_a_status_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match="does not exist"):
        status(tmp_path / "a.sqlite")
    assert not list(tmp_path.iterdir())
    with Store(tmp_path / "b.sqlite"), pytest.raises(UnusableInput, match="holds no sweep yet"):
        status(tmp_path / "b.sqlite")


def test_an_explanation_computes_three_points_and_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    grid = {"width": [1, 2, 3], "height": {"linear": [1, 2, 50]}}
    told = explain({"sweep": {"quantity": "test_sweep_results:bracketed"}, "axes": grid}, workers=2)
    assert (told.points, told.together, told.workers, len(told.measured)) == (150, False, 2, 3)
    assert [json.loads(each.parameters)["width"] for each in told.measured] == [1.0, 2.0, 3.0]
    assert "at width 3" in told.measured[2].message
    (tmp_path / "a.toml").write_text('sweep.quantity = "test_sweep_results:bracketed"\naxes.width = [1, 2]\n')
    assert explain(tmp_path / "a.toml", changes=("axes.height=[1, 1.5, 1.75]",)).axes == {"width": 2, "height": 3, "kind": 1}
    (tmp_path / "a.toml").unlink()
    assert told.seconds == pytest.approx(150 * max(told.seconds_per_point / min(2, told.chunks), told.noting_per_point))
    assert not list(tmp_path.iterdir())


def test_an_explanation_of_batches_computes_one_chunk(tmp_path: Path) -> None:
    grid = {"width": {"integers": [1, 1000]}, "height": {"linear": [1, 2, 1000]}}
    told = explain({"sweep": {"quantity": "test_sweep_results:AREA"}, "axes": grid, "leave_out": [{"width": 1}]}, workers=1)
    assert (told.points, told.together, told.chunk, told.chunks) == (999_000, True, 20_000, 50)
    assert len(told.measured) == 1
    assert told.measured[0].points == 20_000
    assert "computed together" in told.to_text()
    small = swept(tmp_path)
    spec = {"sweep": {"quantity": "test_sweep_results:bracketed"}, "axes": GRID}
    assert explain(spec, small.store).done == 5


def test_quantities_are_listed_with_their_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "BUILT_IN", {"test_sweep_results:AREA": "", "test_sweep_results:noisy": ""})
    found = quantities()
    area, line = found.quantities
    assert [(axis.name, axis.kind, axis.unit, axis.required, axis.default) for axis in area.axes] == [
        ("width", "int", "m", True, None),
        ("height", "float", "m", False, 1.0),
    ]
    assert (area.together, line.draws, area.results_version) == (True, True, 3)
    text = found.to_text()
    for part in ("must be given", "area in m²", "check:ROOM", "train:EXPERIMENT", "draws random numbers"):
        assert part in text
    follows("sweep-quantities", found)


def follows(name: str, result: Result) -> None:
    """Assert that the JSON of a result is what its committed schema says."""
    schema = committed(name)
    assert schema == json.loads(result.schema_text())
    assert mistakes(json.loads(json.dumps(result.to_dict(), allow_nan=False)), schema, schema) == []


def test_results_follow_their_schemas(tmp_path: Path) -> None:
    found = swept(tmp_path)
    follows("sweep", found)
    assert {"points", "done", "failed", "lost", "reused", "seconds", "store"} <= set(found.to_dict())
    assert "swept" not in found.to_dict()
    follows("sweep-status", status(found.store))
    follows("sweep-explain", explain({"sweep": {"quantity": "test_sweep_results:bracketed"}, "axes": GRID}))
