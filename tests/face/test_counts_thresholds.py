"""`threshold` of classes as people keep them, and what `remedy` refuses beside weights."""

import json
from pathlib import Path

import pytest

from layerpeel.cli import main
from layerpeel.numerics import joint_vanishing_radius


def answer(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    assert main(["threshold", *options, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(list(options)) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    "model", [["--feature-energy", "1"], ["--feature-energy", "1", "--norm-weights", "sample"], ["--weight-decay", ".01"]]
)
def test_two_counts_are_as_their_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str], model: list[str]) -> None:
    (tmp_path / "counts.txt").write_text("5\n100\n100\n5\n100\n5\n5\n")
    found = answer(capsys, "--counts", str(tmp_path / "counts.txt"), *model)
    assert found == answer(capsys, "--groups", "4x5,3x100", *model)
    assert found["imbalance"] == 20.0
    assert found == answer(capsys, "--majority", "3", "--minority", "4", *model) | {"imbalance": 20.0}


def test_what_these_counts_do_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    for groups, fate in (("3x60,3x30", "keep their own"), ("3x60,3x3", "share one classifier"), ("7x600,3x3", "have no classifier")):
        assert main(["threshold", "--groups", groups, "--feature-energy", "1" if groups[0] == "3" else "5"]) == 0
        assert capsys.readouterr().out.rstrip().endswith(f"{fate}.")


def test_more_counts_are_referred_to_remedy_with_what_is_explicit(capsys: pytest.CaptureFixture[str]) -> None:
    groups = [(3, 60), (2, 3), (2, 2)]
    energy = (joint_vanishing_radius(groups).middle / 7.0) ** 2
    said = refused(capsys, "threshold", "--groups", "3x60,2x3,2x2", "--feature-energy", "1")
    assert f"up to a feature energy of {energy:.6g} all but the 3 largest have no classifier" in said
    assert "`layerpeel remedy --groups 3x60,2x3,2x2 --feature-energy 1`" in said
    for options in (["--groups", "1x60,2x3,2x2", "--feature-energy", "1"], ["--groups", "3x60,2x3,2x2", "--weight-decay", ".01"]):
        said = refused(capsys, "threshold", *options)
        assert "3 distinct counts" in said
        assert "no classifier" not in said
    assert "one count" in refused(capsys, "threshold", "--groups", "3x60", "--feature-energy", "1")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "neither --majority and --minority, --groups nor --counts"),
        (["--majority", "3"], "--majority is given without --minority"),
        (["--minority", "3"], "--minority is given without --majority"),
        (["--minority", "3", "--groups", "3x60,2x3"], "both --minority and --groups"),
        (["--majority", "3", "--minority", "3", "--counts", "c"], "both --majority and --counts"),
        (["--majority", "3", "--minority", "3", "--keep-row", "c"], "--keep-row is given without --counts"),
    ],
)
def test_classes_are_given_in_one_way(capsys: pytest.CaptureFixture[str], options: list[str], said: str) -> None:
    assert said in refused(capsys, "threshold", "--feature-energy", "1", *options)


@pytest.mark.parametrize("model", [["--weight-decay", "0.01"], ["--feature-energy", "1", "--norm-weights", "sample"]])
def test_weights_beside_norms_per_sample_are_two_numbers_of_a_class(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: list[str]
) -> None:
    (tmp_path / "counts.txt").write_text("100\n100\n5\n5\n")
    (tmp_path / "weights.txt").write_text("1\n1\n2\n2\n")
    options = ["--counts", str(tmp_path / "counts.txt"), "--weights", str(tmp_path / "weights.txt")]
    said = refused(capsys, "remedy", *options, *model)
    assert "two numbers" in said
    assert "--by weights" in said
