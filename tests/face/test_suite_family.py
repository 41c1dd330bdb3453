"""The command line of the family: a penalty instead of energies, weights on the norm, a bias."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layerpeel.cli import main

GROUPS = ["--groups", "5x500,5x100"]
COLLAPSED, DISTINCT = "0.0034", "0.0033"
"""Penalties on either side of √100/3000 = 0.003333."""


def solved(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """What `solve --json` prints."""
    assert main(["solve", *GROUPS, *options, "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return json.loads(printed.out)


@pytest.mark.parametrize("bias", [[], ["--bias-penalty", "0.001"]])
def test_a_penalty_collapses_the_minority_from_its_threshold_on(capsys: pytest.CaptureFixture[str], bias: list[str]) -> None:
    for penalty, collapsed in ((COLLAPSED, True), (DISTINCT, False)):
        found = solved(capsys, "--penalty", penalty, *bias, "--tolerance", "1e-11")
        assert [group["collapsed"] for group in found["groups"]] == [False, collapsed]
        assert found["relative_gap"] <= 1e-11
        assert found["norm_weights"] == "sample"
        assert (found["bias"] is None) == (not bias)
        assert found["multiplier"] == pytest.approx(float(penalty), rel=1e-12)


def test_a_large_penalty_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    found = solved(capsys, "--penalty", "0.01", "--bias-penalty", "0.1")
    assert (found["rank"], [group["vanished"] for group in found["groups"]]) == (0, [True, True])
    assert found["groups"][0]["within_cosine"] is None
    assert found["bias"][0] == pytest.approx(-found["bias"][1])


def test_weights_change_the_program_of_either_form(capsys: pytest.CaptureFixture[str]) -> None:
    for form in (["--penalty", "0.05"], ["--feature-energy", "5"]):
        values = [solved(capsys, *form, "--norm-weights", weights)["value"] for weights in ("class", "sample")]
        assert abs(values[0] - values[1]) > 1e-3
    plain = solved(capsys, "--feature-energy", "5")
    assert (plain["norm_weights"], plain["bias"], plain["route"]) == ("class", None, "symmetric")
    assert solved(capsys, "--feature-energy", "5", "--weight-energy", "1", "--norm-weights", "class")["value"] == plain["value"]


def test_every_loss_takes_a_penalty(capsys: pytest.CaptureFixture[str]) -> None:
    routes = {loss: solved(capsys, "--penalty", "0.002", "--loss", loss)["route"] for loss in ("cross-entropy", "squared", "hinge")}
    assert (routes["cross-entropy"], routes["squared"]) == ("factored", "symmetric")


def test_the_text_names_the_bias_and_suggests_no_command_that_does_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", *GROUPS, "--penalty", COLLAPSED, "--bias-penalty", "0.01"]) == 0
    printed = capsys.readouterr().out
    assert "bias      0.49" in printed
    assert "collapse: they share one classifier" in printed
    assert "remedy" not in printed
    assert main(["solve", *GROUPS, "--feature-energy", "5", "--norm-weights", "sample"]) == 0
    assert "`layerpeel remedy --groups 5x500,5x100 --feature-energy 5 --norm-weights sample`" in capsys.readouterr().out
    assert main(["solve", *GROUPS, "--weight-decay", "0.01"]) == 0
    assert "`layerpeel remedy --groups 5x500,5x100 --weight-decay 0.01`" in capsys.readouterr().out
    assert main(["solve", *GROUPS, "--weight-decay", "0.01", "--bias-penalty", "0.1"]) == 0
    assert "remedy" not in capsys.readouterr().out


def test_the_archive_holds_the_bias(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts, archive = tmp_path / "counts.csv", tmp_path / "found.npz"
    counts.write_text("9\n2\n9\n", encoding="utf-8")
    assert main(["solve", "--counts", str(counts), "--penalty", "0.01", "--bias-penalty", "0.1", "--save", str(archive)]) == 0
    with np.load(archive) as held:
        np.testing.assert_allclose(held["features"] @ held["classifier"].T + held["bias"], held["logits"], atol=1e-10)
        assert held["bias"][0] == held["bias"][2] > held["bias"][1]
    assert main(["solve", "--counts", str(counts), "--penalty", "0.01", "--save", str(archive)]) == 0
    with np.load(archive) as held:
        assert "bias" not in held


@pytest.mark.parametrize(
    ("options", "fragments"),
    [
        ([], ["neither --feature-energy, --weight-decay nor --penalty", "layerpeel solve --help"]),
        (["--penalty", "0.01", "--feature-energy", "5"], ["both --feature-energy and --penalty", "leave one of them out"]),
        (["--penalty", "0.01", "--weight-energy", "5"], ["both --weight-energy and --penalty"]),
        (["--penalty", "0.01", "--weight-decay", "0.01"], ["both --weight-decay and --penalty"]),
        (["--weight-decay", "0.01", "--feature-energy", "5"], ["both --feature-energy and --weight-decay", "leave one of them out"]),
        (["--weight-decay", "0.01", "--norm-weights", "class"], ["--norm-weights class and --weight-decay", "leave --norm-weights out"]),
        (["--weight-decay", "0"], ["weight decay is 0.0", "positive finite"]),
        (["--penalty", "0"], ["penalty is 0.0", "positive finite"]),
        (["--penalty", "-1"], ["penalty is -1.0"]),
        (["--penalty", "nan"], ["penalty is nan"]),
        (["--penalty", "much"], ["'much'"]),
        (["--penalty", "1e-200"], ["between 1e-100 and 1e+100"]),
        (["--penalty", "0.01", "--norm-weights", "samples"], ["'samples'", "class, sample"]),
        (["--penalty", "0.01", "--norm-weights", "1,2"], ["'1,2'", "class, sample;", "in Python"]),
        (["--penalty", "0.01", "--bias-penalty", "0"], ["bias penalty is 0.0"]),
        (["--penalty", "0.01", "--bias-penalty", "inf"], ["bias penalty is inf"]),
        (["--penalty", "0.01", "--route", "symmetric"], ["'symmetric'", "penalised norm"]),
        (["--penalty", "0.01", "--route", "symmetric", "--loss", "hinge"], ["'symmetric'", "'hinge'"]),
        (["--feature-energy", "5", "--bias-penalty", "1", "--route", "symmetric"], ["'symmetric'", "a bias"]),
    ],
)
def test_what_cannot_be_used_is_one_sentence(capsys: pytest.CaptureFixture[str], options: list[str], fragments: list[str]) -> None:
    assert main(["solve", *GROUPS, *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("layerpeel: ")
    assert printed.err.count("\n") == 1
    assert printed.err.endswith(".\n")
    assert all(fragment in printed.err for fragment in fragments), printed.err
