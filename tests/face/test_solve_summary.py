"""What `solve` says of a data set: the worst first, each thing once, classes by their names."""

import json
import math
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layerpeel.cli import main
from layerpeel.counts.solve import Geometry
from layerpeel.counts.words.naming import names_by_group
from layerpeel.counts.words.spoken import MOST_ROWS, SHOWN_ROWS
from layerpeel.solvers import Decided, LayerPeeled, Solution, UnconstrainedFeatures, solve

LONG_TAIL = [int(500 * 100 ** (-k / 99)) for k in range(100)]
"""CIFAR-100-LT at imbalance 100."""

NAMED = "class,samples\nairplane,5000\nautomobile,2997\nbird,1796\ncat,1077\ndeer,645\ndog,387\nfrog,232\nhorse,139\nship,83\ntruck,50\n"


@pytest.fixture(scope="module")
def long_tail() -> Solution[LayerPeeled]:
    return solve(LayerPeeled(counts=LONG_TAIL, feature_energy=5.0))


def said(solution: Solution[Any], names: list[str] | None = None, *, weighted: bool = False) -> list[str]:
    return Geometry.of(solution, names=names, weighted=weighted).to_text().split("\n")


def place(lines: list[str], words: str) -> int:
    (found,) = (index for index, line in enumerate(lines) if words in line)
    return found


def flagged(solution: Solution[Any], vanished: bool | None) -> Solution[Any]:
    """The same, where short classifiers are said to be zero, or not, or undecided."""
    limit = max(group.classifier_norm for group in solution.groups) * 0.006
    said = tuple(vanished if group.classifier_norm < limit else False for group in solution.groups)
    return replace(solution, decide=Decided(solution.collapsed, said, solution.rank))


def test_a_long_tail_is_told_in_a_few_lines(long_tail: Solution[LayerPeeled]) -> None:
    for vanished in (True, False, None):
        lines = said(flagged(long_tail, vanished))
        begins = place(lines, "not shown; --json has them all") + 2
        assert len(lines) - begins <= 7
        assert len(set(lines[begins:])) == len(lines) - begins


def test_what_is_undecided_is_one_line(long_tail: Solution[LayerPeeled]) -> None:
    lines = said(flagged(long_tail, None))
    line = lines[place(lines, "Not decided at this gap")]
    assert "whether the 49 classes of 46 to 5 samples vanish or are only short" in line
    assert re.search(r"classifiers are 0\.28 % to 0\.58 % as long as that of a class of 500 samples", line)
    assert "at cosines from 0.9996" in line


def test_the_squeezed_are_all_there_and_their_cosines_and_norms_are_right(long_tail: Solution[LayerPeeled]) -> None:
    decided = flagged(long_tail, False)
    lines = said(decided)
    line = lines[place(lines, "Squeezed together")]
    assert "the 55 classes of 61 to 5 samples" in line
    assert "as long as that of a class of 500 samples" in line
    cosines = np.array(decided.between_cosine, dtype=float)
    close = [
        g for g in range(len(cosines)) if np.nanmax(np.delete(cosines[g], g)) >= 0.95 or (decided.groups[g].within_cosine or 0) >= 0.95
    ]
    assert sum(decided.groups[g].classes for g in close) == 55
    shortest = min(decided.groups[g].classifier_norm for g in close) / decided.groups[0].classifier_norm
    assert f"{100 * shortest:.2g} %" in line
    assert "keep directions of their own" in lines[place(lines, "The 45 classes of 500 to 64 samples")]


def test_the_gone_come_first(long_tail: Solution[LayerPeeled]) -> None:
    lines = said(flagged(long_tail, True))
    gone = place(lines, "The 49 classes of 46 to 5 samples vanish")
    assert "1 in 49" in lines[gone]
    assert gone < place(lines, "Squeezed together") < place(lines, "keep directions of their own") < place(lines, "The closest classifiers")


def test_many_groups_that_collapse_share_a_sentence() -> None:
    groups = [(4, 500), (6, 120), (6, 75), (6, 45), (6, 30), (6, 20), (6, 13), (6, 9), (6, 6)]
    lines = said(solve(LayerPeeled.from_groups(groups, feature_energy=5.0)))
    assert sum("collapse" in line for line in lines) - sum("collapsed" in line for line in lines) == 1
    assert "The classes of 20, 13, 9, 6 samples collapse: in each of these 4 groups" in "\n".join(lines)


def test_clusters_that_are_apart_are_told_apart() -> None:
    solution = solve(LayerPeeled.from_groups([(2, 9000), (1, 20), (1, 15)], feature_energy=5.0))
    cosines = ((0.96, 0.1, 0.2), (0.1, None, 0.99), (0.2, 0.99, None))
    lines = "\n".join(said(_with_cosines(solution, cosines, within=0.96)))
    assert "Squeezed together, at cosines above 0.95: the classes of 20, 15 samples; largest cosine 0.99," in lines
    assert "Squeezed together, at cosines above 0.95: the classes of 9000 samples; largest cosine 0.96," in lines


def _with_cosines(solution: Solution[Any], cosines: tuple[tuple[float | None, ...], ...], within: float) -> Solution[Any]:
    groups = (replace(solution.groups[0], within_cosine=within), *solution.groups[1:])
    changed = replace(solution)
    vars(changed).update(between_cosine=cosines, groups=groups)
    return changed


def test_classes_are_called_by_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "counts.csv").write_text(NAMED)
    arguments = ["solve", "--counts", str(tmp_path / "counts.csv"), "--feature-energy", "5"]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "horse, ship, truck (139 to 50 samples)" in text
    assert "as long as that of airplane" in text
    assert "airplane, automobile, bird, cat, … frog (7 classes, 5000 to 232 samples) keep directions of their own" in text
    assert "those of ship and truck: cosine 0.9999" in text
    assert main([*arguments, "--json"]) == 0
    groups = json.loads(capsys.readouterr().out)["groups"]
    assert [group["names"] for group in groups][:2] == [["airplane"], ["automobile"]]


def test_groups_have_the_names_of_their_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "counts.csv").write_text("a,5\nb,500\nc,5\nd,500\n")
    assert main(["solve", "--counts", str(tmp_path / "counts.csv"), "--feature-energy", "5", "--json"]) == 0
    groups = json.loads(capsys.readouterr().out)["groups"]
    assert [(group["samples"], group["names"]) for group in groups] == [(5, ["a", "c"]), (500, ["b", "d"])]
    assert main(["solve", "--groups", "2x5,2x500", "--feature-energy", "5", "--json"]) == 0
    assert [group["names"] for group in json.loads(capsys.readouterr().out)["groups"]] == [None, None]
    assert names_by_group(LayerPeeled(counts=[5, 5, 3], feature_energy=1.0), ["x", "y", "z"]) == [["x", "y"], ["z"]]


def test_a_name_stays_on_its_line_and_is_cut_where_it_is_long() -> None:
    solution = solve(LayerPeeled.from_groups([(2, 9000), (1, 20), (1, 15)], feature_energy=5.0))
    text = "\n".join(said(solution, ["a\nb", "c" * 100, "d", "e\x1b[31m"]))
    assert "a b" in text
    assert "c" * 41 not in text
    assert "\x1b" not in text


def test_a_long_table_shows_its_ends(long_tail: Solution[LayerPeeled]) -> None:
    lines = said(long_tail, [f"class {k}" for k in range(100)])
    rows = [line for line in lines if re.match(r"class \d+.* {2,}", line)]
    assert len(rows) == 2 * SHOWN_ROWS < MOST_ROWS
    assert lines[place(lines, "not shown")].startswith(f"({len(long_tail.groups) - 2 * SHOWN_ROWS} groups")


def test_weights_are_said_to_be_applied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "counts.csv").write_text("a,100\nb,10\nc,10\n")
    (tmp_path / "weights.txt").write_text("0.5\n2\n2.5\n")
    options = ["--counts", str(tmp_path / "counts.csv"), "--weights", str(tmp_path / "weights.txt")]
    assert main(["solve", *options, "--feature-energy", "5"]) == 0
    assert "samples times loss weight" in capsys.readouterr().out
    assert main(["solve", *options, "--penalty", "0.001", "--json"]) == 0
    weighted = json.loads(capsys.readouterr().out)
    assert weighted["weighted"] is True
    assert [group["samples"] for group in weighted["groups"]] == [50.0, 20.0, 25.0]
    problem = UnconstrainedFeatures(
        counts=[100, 10, 10], feature_penalty=1e-3, weight_penalty=1e-3, norm_weights=[10.0, math.sqrt(10), math.sqrt(10)]
    ).with_loss_weights([0.5, 2, 2.5])
    assert weighted["value"] == pytest.approx(solve(problem).value.upper, rel=1e-12)


def test_weighting_and_sampling_are_one_where_classes_are_averaged_and_two_where_samples_are() -> None:
    """Factor two at R = 10: sampling changes the norm weights too."""
    counts, factors, sampled = [100, 100, 10, 10], [1, 1, 2, 2], [100, 100, 20, 20]
    for norm_weights in ("class", "sample"):
        options: dict[str, Any] = {"feature_energy": 1.0 if norm_weights == "class" else 200.0, "norm_weights": norm_weights}
        weights = solve(LayerPeeled(counts=counts, **options).with_loss_weights(factors)).value
        samples = solve(LayerPeeled(counts=sampled, **options)).value
        assert weights.overlaps(samples) == (norm_weights == "class")


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (["--dimension", "3"], "found by descents"),
        (["--dimension", "3", "--norm-weights", "sample", "--bias-penalty", "0.5"], "largest singular values"),
        (["--dimension", "6", "--bias-penalty", "0.5"], "largest singular values"),
    ],
)
def test_below_the_rank_a_point_of_that_dimension_is_shown(options: list[str], shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["solve", "--groups", "5x100,5x10", "--feature-energy", "5"]
    assert main([*arguments, *options, "--json"]) == 0
    point = json.loads(capsys.readouterr().out)
    free = [*arguments, *options[2:], "--json"]
    assert main(free) == 0
    optimum = json.loads(capsys.readouterr().out)
    assert point["value"] - point["gap"] >= optimum["value"] - optimum["gap"] - 1e-12
    assert point["value"] > optimum["value"]
    assert shown in point["status"]
    assert not point["status"].startswith("certified")
    assert point["converged"] is False
    assert main([*arguments, *options]) == 0
    text = capsys.readouterr().out
    assert "certified: the gap" not in text
    assert f"the best point found in R^{options[1]}" in text


def test_the_point_of_a_low_dimension_is_what_its_numbers_say() -> None:
    """Its groups hold both energies, and its classifiers lie in that dimension: three of them, pairwise apart, cannot in one."""
    found = Geometry.of(solve(LayerPeeled.from_groups([(3, 10)], feature_energy=4.0), dimension=1))
    (group,) = found.groups
    assert group.classifier_norm == pytest.approx(1.0)
    assert group.feature_norm == pytest.approx(2.0)
    assert group.within_cosine == pytest.approx(1.0)
    plane = Geometry.of(solve(LayerPeeled.from_groups([(3, 10)], feature_energy=4.0), dimension=2))
    assert plane.point is None
    assert plane.groups[0].within_cosine == pytest.approx(-0.5)


def test_a_value_below_doubles_is_said_to_be_that() -> None:
    lines = said(solve(LayerPeeled.from_groups([(5, 100), (5, 10)], feature_energy=1e6)))
    assert lines[0] == "value     below 4.94e-324, the smallest double above zero"
    zero = said(solve(LayerPeeled.from_groups([(5, 100), (5, 10)], feature_energy=5.0, loss="squared")))
    assert zero[0] == "value     0"


def test_the_suggested_command_reads_the_file_in_the_same_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "counts.csv").write_text("class,train images,test images\na,500,5\nb,500,5\nc,20,5\nd,20,5\nTotal,1040,20\n")
    options = ["--counts", str(tmp_path / "counts.csv"), "--column", "train images", "--drop-row", "Total", "--feature-energy", "5"]
    assert main(["solve", *options]) == 0
    found = re.search(r"Next: `layerpeel (.*)` says", capsys.readouterr().out)
    assert found
    assert main([*shlex.split(found[1]), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["imbalance"] == 25.0
    assert main(["remedy", *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == answer
