"""Certificates that travel: what layerpeel writes, the checker proves; what was damaged, it refuses."""

import copy
import functools
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerpeel import verify
from layerpeel.cli import main
from layerpeel.counts.certificates import optimum_certificate, threshold_certificate
from layerpeel.counts.threshold import thresholds
from layerpeel.numerics import UnusableInput
from layerpeel.solvers import LayerPeeled, Problem, Solution, UnconstrainedFeatures, solve

LOSSES: dict[str, dict[str, Any]] = {
    "cross-entropy": {},
    "squared": {"loss": "squared"},
    "hinge": {"loss": "hinge"},
    "adjusted": {"label_smoothing": 0.1, "logit_scale": [1, 1, 2, 2], "logit_shift": [0, 0.5, 0, 1], "margins": [0, 0, 1, 0]},
    "bias": {"bias_penalty": 0.01},
    "samples": {"norm_weights": "sample"},
    "numbers": {"norm_weights": [1.0, 2.0, 0.5, 1.0]},
}
COUNTS = {"ties": [100, 100, 10, 10], "all different": [500, 200, 80, 30]}

WIDER = 1e-13
"""What a certificate of rounded numbers adds to the gap, against F and λ‖Y‖: a norm said to be larger by 2⁻⁴⁷, energies smaller by 2⁻⁵⁰."""

ROUNDED = 1e-28
"""A loss that could be zero is the square of the roundings of features and classifier (seen 2e-30)."""


def problems() -> dict[str, Problem]:
    held: dict[str, Problem] = {
        f"{loss}, {counts}, E_H = {energy:g}": LayerPeeled(counts=COUNTS[counts], feature_energy=energy, **LOSSES[loss])
        for loss in LOSSES
        for counts in COUNTS
        for energy in (0.5, 5.0)
    }
    decayed: dict[str, Problem] = {
        f"weight decay, {name}": UnconstrainedFeatures(counts=COUNTS["all different"], weight_decay=0.02, **LOSSES[name])
        for name in ("cross-entropy", "squared", "bias", "adjusted")
    }
    return held | decayed


PROBLEMS = problems()


@functools.cache
def solved(name: str) -> Solution[Any]:
    return solve(PROBLEMS[name])


def sealed(certificate: dict[str, Any]) -> dict[str, Any]:
    """As a forger would leave it, with a digest that fits."""
    return {**certificate, "sha256": verify.digest(certificate)}


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_checker_proves_what_the_solver_certified(name: str) -> None:
    solution = solved(name)
    certificate = json.loads(json.dumps(optimum_certificate(solution)))
    assert verify.verify(certificate).startswith("the least value of its program lies from")
    lower, upper = (Fraction(certificate["claim"][end]) for end in ("lower", "upper"))
    assert solution.value.lower <= upper  # two enclosures of one number
    assert lower <= solution.value.upper
    scale = upper + Fraction(solution.multiplier) * Fraction(solution.matrix.nuclear_norm())
    assert upper - lower <= solution.gap + WIDER * scale + ROUNDED


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_changed_digit_is_refused(name: str) -> None:
    certificate = optimum_certificate(solved(name))
    damaged = copy.deepcopy(certificate)
    row = damaged["dual"][1]
    above, _, below = row[0].partition("/")
    row[0] = f"{int(above) + 1}" + (f"/{below}" if below else "")
    with pytest.raises(verify.Refused, match="was changed"):
        verify.verify(damaged)


def longer_slope(certificate: dict[str, Any]) -> None:
    certificate["slope_norm"] = str(Fraction(certificate["slope_norm"]) * Fraction(99, 100))


def higher_floor(certificate: dict[str, Any]) -> None:
    certificate["claim"]["lower"] = str(Fraction(certificate["claim"]["lower"]) * Fraction(10**9 + 1, 10**9))


def lower_ceiling(certificate: dict[str, Any]) -> None:
    certificate["claim"]["upper"] = str(Fraction(certificate["claim"]["upper"]) * Fraction(10**9 - 1, 10**9))


def other_counts(certificate: dict[str, Any]) -> None:
    certificate["problem"]["counts"][0] = "1000"


def more_features(certificate: dict[str, Any]) -> None:
    certificate["features"] = [[str(Fraction(x) * Fraction(101, 100)) for x in row] for row in certificate["features"]]


def another_tangent(certificate: dict[str, Any]) -> None:
    certificate["dual"][0][0] = str(Fraction(certificate["dual"][0][0]) + Fraction(1, 10))


def another_energy(certificate: dict[str, Any]) -> None:
    certificate["problem"]["feature_energy"] = "2"


FORGERIES = (longer_slope, higher_floor, lower_ceiling, other_counts, more_features, another_tangent, another_energy)


@pytest.mark.parametrize("forge", FORGERIES)
@pytest.mark.parametrize("loss", ["cross-entropy", "bias", "samples", "adjusted"])
def test_a_forger_who_fits_the_digest_is_refused_by_the_mathematics(loss: str, forge: Any) -> None:
    certificate = optimum_certificate(solved(f"{loss}, all different, E_H = 5"))
    forge(certificate)
    with pytest.raises(verify.Refused):
        verify.verify(sealed(certificate))


def test_the_hinge_takes_no_shares_that_are_none() -> None:
    certificate = optimum_certificate(solved("hinge, all different, E_H = 0.5"))
    for share in ("-1/1000", "2"):
        certificate["dual"][0][1] = share
        with pytest.raises(verify.Refused, match="shares"):
            verify.verify(sealed(certificate))


@pytest.mark.parametrize("loss", ["hinge", "squared", "cross-entropy"])
def test_a_competitor_that_no_class_is_proves_nothing(loss: str) -> None:
    """A column too many would be a class whose logits are zero: the hinge is not above that."""
    certificate = optimum_certificate(solved(f"{loss}, all different, E_H = 0.5"))
    for row in certificate["dual"]:
        row.append("1/1000")
    with pytest.raises(verify.Refused, match="do not fit"):
        verify.verify(sealed(certificate))


@pytest.mark.parametrize(("majority", "minority", "energy"), [(5, 5, 5.0), (7, 3, 1.0), (1, 2, 100.0), (90, 10, 0.01), (3, 2, 1e-6)])
def test_two_points_enclose_a_threshold(majority: int, minority: int, energy: float) -> None:
    found = thresholds(majority, minority, feature_energy=energy)
    certificate = threshold_certificate(found)
    assert verify.verify(certificate)
    lower, upper = (Fraction(certificate["claim"][end]) for end in ("lower", "upper"))
    assert lower <= Fraction(found.collapse.upper)
    assert Fraction(found.collapse.lower) <= upper
    assert upper - lower <= (upper - 1) * Fraction(1, 10**25)
    for forge in ({"majority": majority + 1}, {"feature_energy": str(Fraction(energy) * Fraction(1001, 1000))}):
        with pytest.raises(verify.Refused, match="do not enclose"):
            verify.verify(sealed({**certificate, "problem": certificate["problem"] | forge}))
    with pytest.raises(verify.Refused, match="claims more"):
        verify.verify(sealed({**certificate, "claim": {**certificate["claim"], "upper": certificate["claim"]["lower"]}}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


PLACES = [("problem",), ("claim",), ("dual",), ("features",), ("problem", "counts"), ("problem", "logit_scale"), ("problem", "loss")]
PLACES += [("claim", "lower"), ("slope_norm",), ("problem", "feature_energy"), ("problem", "bias_penalty"), ("kind",), ("format",)]


@given(place=st.sampled_from(PLACES), value=json_values)
def test_what_is_no_certificate_is_refused_and_nothing_else_happens(place: tuple[str, ...], value: Any) -> None:
    certificate = copy.deepcopy(SMALL)
    inner = certificate
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    if certificate != SMALL and (place, type(value)) != (("claim", "lower"), int):  # a smaller whole number is a bound as well
        with pytest.raises(verify.Refused):
            verify.verify(sealed(certificate))
    for nothing in (value, [value], {"format": value}):
        with pytest.raises(verify.Refused):
            verify.verify(nothing)


SMALL = optimum_certificate(solve(LayerPeeled(counts=[3, 1], feature_energy=1.0)))


def test_too_many_classes_and_per_sample_thresholds_have_no_certificate() -> None:
    with pytest.raises(UnusableInput, match="at most 400 classes"):
        optimum_certificate(solve(LayerPeeled.from_groups([(400, 10), (1, 1)], feature_energy=1.0)))
    with pytest.raises(UnusableInput, match="averaged over samples"):
        threshold_certificate(thresholds(5, 5, feature_energy=5.0, norm_weights="sample"))


def test_the_commands_write_and_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    optimum, threshold = tmp_path / "optimum.json", tmp_path / "threshold.json"
    assert main(["solve", "--groups", "5x120,5x10", "--feature-energy", "5", "--certificate", str(optimum)]) == 0
    assert main(["threshold", "--majority", "5", "--minority", "5", "--feature-energy", "5", "--certificate", str(threshold)]) == 0
    capsys.readouterr()
    for file in (optimum, threshold):
        assert main(["verify", str(file)]) == 0
        assert capsys.readouterr().out.startswith("proved: ")
    optimum.write_text(optimum.read_text(encoding="utf-8").replace('"counts": [\n   "120"', '"counts": [\n   "121"'), encoding="utf-8")
    assert main(["verify", str(optimum), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["proved"], answer["lower"]) == (False, None)
    assert "was changed" in answer["sentence"]


@pytest.mark.parametrize(("content", "word"), [(b"{", "is no JSON"), (b"\xff\xfe", "is no JSON"), (b"[" * 100_000, "is no JSON")])
def test_a_file_that_is_no_json_is_unusable(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, word: str) -> None:
    (tmp_path / "file.json").write_bytes(content)
    assert main(["verify", str(tmp_path / "file.json")]) == 2
    assert word in capsys.readouterr().err
    assert main(["verify", str(tmp_path / "none.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_copy_of_the_checker_runs_alone(tmp_path: Path) -> None:
    source = Path(verify.__file__).read_text(encoding="utf-8")
    assert "layerpeel" not in {line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))}
    assert len(source.splitlines()) < 200
    (tmp_path / "checker.py").write_text(source, encoding="utf-8")
    (tmp_path / "small.json").write_text(json.dumps(SMALL), encoding="utf-8")
    (tmp_path / "damaged.json").write_text(json.dumps(SMALL | {"kind": "threshold"}), encoding="utf-8")
    for file, status, words in (("small.json", 0, "the least value"), ("damaged.json", 1, "refused: it was changed")):
        run = subprocess.run([sys.executable, "-I", "checker.py", file], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == status
        assert words in run.stdout + run.stderr
