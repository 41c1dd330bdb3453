"""The pages of solve and remedy: what a person shows to a colleague about their counts."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from layerpeel.cli import main
from layerpeel.counts.drawn import MOST_CELLS, MOST_NAMED, cosines_drawn, counts_drawn
from layerpeel.counts.remedy import remedy_of
from layerpeel.counts.solve import Geometry
from layerpeel.numerics import HeatMap
from layerpeel.pages.figures import figure_svg
from layerpeel.pages.results_page import paragraphs, tables_of
from layerpeel.solvers import LayerPeeled, solve

NAMES = ["horse", "<script>", "cat", "dog"]
COUNTS = [100, 30, 5, 5]


def geometry(counts: list[int], names: list[str] | None = None) -> Geometry:
    return Geometry.of(solve(LayerPeeled(counts=counts, feature_energy=1.0)), names=names)


def page(folder: Path, command: str) -> str:
    table = folder / "counts.csv"
    table.write_text("name,samples\n" + "".join(f"{name},{count}\n" for name, count in zip(NAMES, COUNTS, strict=True)))
    assert main([command, "--counts", str(table), "--feature-energy", "1", "--out", str(folder / "out")]) == 0
    return (folder / "out" / f"{command}.html").read_text()


@pytest.mark.parametrize("command", ["solve", "remedy"])
def test_a_page_says_what_is_printed_and_lets_no_name_command_the_browser(tmp_path: Path, command: str) -> None:
    made = page(tmp_path, command)
    assert "<script>" not in made
    assert {"horse", "cat", "dog"} <= set(re.findall(r"\w+", made))
    assert made.count("<svg") == 4  # counts, two heat maps or one and cosines, norms or the plan's curve
    assert "collapse" in made


def test_the_page_of_a_remedy_shows_counts_and_cosines_before_and_after_the_plan(tmp_path: Path) -> None:
    made = page(tmp_path, "remedy")
    titles = re.findall(r"<h2>(.*?)</h2>", made)
    assert titles[:3] == [
        "Samples of 4 classes",
        "Cosines between classifiers, as things are",
        "Cosines between classifiers, with the plan",
    ]


def test_the_heat_map_has_the_largest_class_first_and_every_pair_once() -> None:
    found = geometry([5, 100, 5, 30], ["cat", "horse", "dog", "ship"])
    drawn = cosines_drawn(found)
    assert drawn.names == ("horse", "ship", "cat", "dog")
    assert drawn.values == pytest.approx(drawn.values.T, abs=1e-12)  # cosines of both orders, in doubles
    assert np.diagonal(drawn.values).tolist() == [1.0] * 4
    assert drawn.values[2, 3] == 1.0  # they collapse
    order = [group.samples for group in found.groups]
    assert drawn.values[0, 1] == found.between_cosine[order.index(100)][order.index(30)]


def test_a_class_without_a_classifier_leaves_a_hole() -> None:
    found = Geometry.of(solve(LayerPeeled.from_groups([(3, 60), (2, 2)], feature_energy=0.2)))
    values = cosines_drawn(found).values
    assert np.isnan(values[3:]).all()
    assert np.isfinite(values[:3, :3]).all()
    assert "Blank where a classifier is zero" in cosines_drawn(found).caption


def test_bars_show_each_count_and_what_the_plan_makes_of_it() -> None:
    (raised, now) = counts_drawn(geometry(COUNTS, NAMES), 20.5).heights
    assert now[1] == (100.0, 30.0, 5.0, 5.0)
    assert raised[1] == (100.0, 30.0, 20.5, 20.5)
    assert [label for label, *_ in counts_drawn(geometry(COUNTS)).heights] == ["now"]


def test_many_classes_are_numbered_and_very_many_are_thinned() -> None:
    many = geometry([1000 - 9 * k for k in range(MOST_NAMED + 1)])
    assert cosines_drawn(many).names == counts_drawn(many).names == ()
    thousands = Geometry.of(solve(LayerPeeled.from_groups([(900, 100), (100, 10)], feature_energy=5.0)))
    drawn = cosines_drawn(thousands)
    assert len(drawn.x) == len(drawn.y) == MOST_CELLS
    assert (drawn.x[0], drawn.x[-1]) == (1.0, 1000.0)
    assert f"Of 1000 classes {MOST_CELLS} are drawn." in drawn.caption


def test_a_plan_that_raises_nothing_has_no_second_heat_map() -> None:
    answer = remedy_of(LayerPeeled(counts=[10, 9, 9], feature_energy=5.0))
    drawn = answer.page_of(answer.figures())
    assert "as things are" in drawn
    assert "with the plan" not in drawn


def test_a_matrix_has_its_scale_around_zero() -> None:
    drawn = cosines_drawn(geometry(COUNTS))
    assert isinstance(drawn, HeatMap)
    assert drawn.limits == (-1.0, 1.0)
    assert drawn.matrix
    assert all(math.isfinite(place) for place in drawn.x)


def test_a_cosine_that_is_not_one_does_not_read_as_one() -> None:
    found = geometry([500, 200, 80, 30, 12, 5])
    assert 0.9999 < max(cosine for row in found.between_cosine for cosine in row if cosine is not None) < 1.0
    svg, close = figure_svg(cosines_drawn(found), "test"), cosines_drawn(found).values
    assert svg.count(">1.00<") == len(found.groups) + 1  # every class with itself, and an end of the scale
    assert svg.count(">0.9999<") == ((close >= 0.9999) & (close < 1.0)).sum() > 0


def test_tables_leave_out_what_is_empty_and_text_keeps_its_columns_together() -> None:
    made = tables_of({"schema_version": 1, "names": None, "remedies": [], "groups": [{"classes": 2, "names": None}], "by": "weights"})
    assert [(table.title, list(table.head), list(map(list, table.rows))) for table in made] == [
        ("Result", [], [["by", "weights"]]),
        ("Groups", ["classes"], [["2"]]),
    ]
    assert paragraphs("a  1\n…\nb  2\n\nEnd.") == [(True, "a  1\n…\nb  2"), (False, "End.")]
