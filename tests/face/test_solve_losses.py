"""`solve` with smoothed labels, scaled or shifted logits and margins, as files of one number per class."""

import json
from pathlib import Path

import pytest

from layerpeel.cli import main
from layerpeel.solvers import LayerPeeled, solve

COUNTS = {"cat": 500, "dog": 200, "owl": 80, "yak": 30}
CHANGED = {"--logit-scale": [1.0, 1.0, 2.0, 2.0], "--logit-shift": [6.2, 5.3, 4.4, -3.4], "--margin": [0.0, 0.5, 1.0, 1.5]}


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    path = tmp_path / "counts.csv"
    path.write_text("".join(f"{name},{count}\n" for name, count in COUNTS.items()), encoding="utf-8")
    return path


def written(path: Path, numbers: list[float], *, named: bool) -> str:
    """Numbers of the classes; with names in another order, which are matched."""
    rows = [f"{name},{x}\n" for name, x in zip(COUNTS, numbers, strict=True)][::-1] if named else [f"{x}\n" for x in numbers]
    path.write_text("".join(rows), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("named", [True, False], ids=["names", "order"])
def test_the_command_solves_what_the_library_solves(counts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], named: bool) -> None:
    options = [
        part for option, numbers in CHANGED.items() for part in (option, written(tmp_path / option.strip("-"), numbers, named=named))
    ]
    assert main(["solve", "--counts", str(counts), "--feature-energy", "5", "--label-smoothing", "0.1", *options, "--json"]) == 0
    scale, shift, margins = CHANGED.values()
    problem = LayerPeeled(
        counts=COUNTS.values(), feature_energy=5.0, label_smoothing=0.1, logit_scale=scale, logit_shift=shift, margins=margins
    )
    assert json.loads(capsys.readouterr().out)["value"] == pytest.approx(solve(problem).value.upper, rel=1e-7)  # the default tolerance


REFUSED = {
    "without counts": (["--groups", "2x5,2x1", "--margin", "FILE"], [0.0] * 4, "--margin is given without --counts"),
    "too few": (["--counts", "COUNTS", "--logit-shift", "FILE"], [1.0] * 3, "holds 3 shifts for 4 classes"),
    "a negative scale": (["--counts", "COUNTS", "--logit-scale", "FILE"], [1.0, 1.0, 1.0, -3.4], "line 4: '-3.4' is not a scale"),
    "a negative margin": (["--counts", "COUNTS", "--margin", "FILE"], [1.0, 1.0, 1.0, -3.4], "margin"),
    "another loss": (["--counts", "COUNTS", "--loss", "squared", "--margin", "FILE"], [1.0] * 4, "change cross-entropy only"),
    "all of the label": (["--counts", "COUNTS", "--label-smoothing", "1"], [1.0] * 4, "below 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_fits_no_program_is_one_sentence(name: str, counts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options, numbers, words = REFUSED[name]
    file = tmp_path / "numbers.txt"
    file.write_text("".join(f"{x}\n" for x in numbers), encoding="utf-8")
    given = [{"FILE": str(file), "COUNTS": str(counts)}.get(part, part) for part in options]
    assert main(["solve", *given, "--feature-energy", "5"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
