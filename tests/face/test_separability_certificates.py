"""Proofs of separability that travel: what is written is proved, in whole numbers; what was damaged or forged is refused."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerpeel import verify_separability
from layerpeel.cli import main
from layerpeel.networks.certificates import certificate_of_files, separability_certificate
from layerpeel.numerics import UnusableInput
from layerpeel.verify_separability import Refused, verify

WORDS = {True: "one linear classifier names the right class", False: "no linear classifier names the right class"}


def drawn(classes: int, samples: int, width: int, apart: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([7, seed])
    labels = np.arange(samples) % classes
    return rng.normal(size=(samples, width)) + apart * rng.normal(size=(classes, width))[labels], labels


def sealed(certificate: dict[str, Any]) -> dict[str, Any]:
    return {**certificate, "sha256": verify_separability.digest(certificate)}


SEPARABLE = separability_certificate(*drawn(3, 12, 4, 6.0))
MIXED = separability_certificate(*drawn(3, 60, 4, 0.0))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("classes", "width"), [(2, 1), (2, 40), (5, 10)])
@pytest.mark.parametrize("apart", [0.0, 20.0])
def test_what_is_written_is_proved_after_a_journey_through_json(classes: int, width: int, apart: float, seed: int) -> None:
    features, labels = drawn(classes, 6 * classes * width, width, apart, seed)
    certificate = json.loads(json.dumps(separability_certificate(features, labels)))
    assert verify(certificate).startswith(WORDS[certificate["claim"]["separable"]])
    if apart == 0.0:
        assert not certificate["claim"]["separable"]


@given(
    points=st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 2)), min_size=4, max_size=12),
    power=st.sampled_from([-300, 0, 300]),
)
def test_touching_points_are_decided_exactly_or_not_at_all(points: list[tuple[int, int, int]], power: int) -> None:
    labels = np.array([label for *_, label in points])
    labels = np.unique(labels, return_inverse=True)[1]
    features = np.ldexp(np.array([place for *place, _ in points], dtype=float), power)
    if labels.max() == 0:
        return
    try:
        certificate = separability_certificate(features, labels)
    except UnusableInput:
        return
    assert verify(json.loads(json.dumps(certificate))).startswith(WORDS[certificate["claim"]["separable"]])


def places(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where the numbers of a certificate stand."""
    if isinstance(part, dict | list):
        keys = part.items() if isinstance(part, dict) else enumerate(part)
        return [place for key, value in keys for place in places(value, (*path, key))]
    return [path]


@pytest.mark.parametrize("certificate", [SEPARABLE, MIXED], ids=["separable", "not separable"])
def test_any_changed_number_is_refused(certificate: dict[str, Any]) -> None:
    for place in places(certificate):
        damaged = copy.deepcopy(certificate)
        *way, last = place
        part = damaged
        for key in way:
            part = part[key]
        part[last] = not part[last] if isinstance(part[last], bool) else f"{part[last]}1" if isinstance(part[last], str) else part[last] + 1
        with pytest.raises(Refused):
            verify(damaged)


FORGERIES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a sample on the other side": (SEPARABLE, {"labels": SEPARABLE["labels"][::-1]}, "wrong, or undecided"),
    "weights of nothing": (SEPARABLE, {"weights": [[0.0] * 4] * 3, "offsets": [0.0] * 3}, "wrong, or undecided"),
    "fewer samples than it claims": (
        SEPARABLE,
        {"features": SEPARABLE["features"][1:], "labels": SEPARABLE["labels"][1:]},
        "are not 12 of",
    ),
    "more samples claimed": (SEPARABLE, {"claim": SEPARABLE["claim"] | {"samples": 13}}, "are not 13 of"),
    "a class too many": (SEPARABLE, {"claim": SEPARABLE["claim"] | {"classes": 4}}, "are not 4 of"),
    "a label of no class": (SEPARABLE, {"labels": [-1, *SEPARABLE["labels"][1:]]}, "labels that are not"),
    "not a number": (SEPARABLE, {"anchor": [float("nan")] * 4}, "no certificate"),
    "the other claim": (SEPARABLE, {"claim": SEPARABLE["claim"] | {"separable": False}}, "no certificate"),
    "multipliers of ones": (MIXED, {"multipliers": ["1"] * len(MIXED["multipliers"])}, "do not cancel"),
    "multipliers of zeros": (MIXED, {"multipliers": ["0"] * len(MIXED["multipliers"])}, "no positive multiplier"),
    "negative ones": (MIXED, {"multipliers": [f"-{y}" for y in MIXED["multipliers"]]}, "no positive multiplier"),
    "rivals that are their own": (MIXED, {"rivals": MIXED["own"]}, "no rival"),
    "two points under one name": (MIXED, {"samples": [MIXED["samples"][0]] * len(MIXED["samples"])}, "another point or class"),
    "samples that are none": (MIXED, {"samples": [99, *MIXED["samples"][1:]]}, "none of 0 to 59"),
    "nothing at all": (MIXED, {"samples": [], "features": [], "own": [], "rivals": [], "multipliers": []}, "none of 0 to 59"),
    "another kind": (MIXED, {"kind": "optimum"}, "something else"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_with_a_fitting_digest_is_refused_by_the_arithmetic(name: str) -> None:
    certificate, changes, why = FORGERIES[name]
    with pytest.raises(Refused, match=why):
        verify(sealed(certificate | changes))


@pytest.mark.parametrize("nothing", [None, [], "x", {}, {"format": "layerpeel certificate 1"}])
def test_what_is_no_certificate_is_refused(nothing: Any) -> None:
    with pytest.raises(Refused):
        verify(nothing)


def test_what_cannot_be_written_is_refused_with_a_reason() -> None:
    with pytest.raises(UnusableInput, match="at most 2000000"):
        separability_certificate(np.repeat(np.arange(2.0), 1_100_000)[:, None], np.repeat(np.arange(2), 1_100_000))
    with pytest.raises(UnusableInput, match="was not proved"):
        separability_certificate(*drawn(10, 2000, 64, 0.6))


def test_the_command_writes_a_proof_that_verify_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    features, labels = drawn(3, 60, 4, 0.0)
    saved, proof = tmp_path / "features.npz", tmp_path / "proof.json"
    np.savez(saved, features_0=features, features_1=features + 9.0 * np.eye(4)[labels], labels=labels)
    assert main(["measure", str(saved), "--certificate", str(proof)]) == 0
    capsys.readouterr()
    assert main(["verify", str(proof)]) == 0
    assert capsys.readouterr().out == f"proved: {WORDS[True]} of each of 60 samples of 3 classes\n"
    proof.write_text(proof.read_text(encoding="utf-8").replace('"samples": 60', '"samples": 61'), encoding="utf-8")
    assert main(["verify", str(proof), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["lower"] is None


def test_of_a_series_one_checkpoint_must_be_named(tmp_path: Path) -> None:
    features, labels = drawn(3, 60, 4, 0.0)
    files = [tmp_path / f"{epoch}.npz" for epoch in (1, 2)]
    for file in files:
        np.savez(file, features=features, labels=labels)
    assert certificate_of_files(files[:1]) == separability_certificate(features, labels)
    with pytest.raises(UnusableInput, match="one is proved; name it"):
        certificate_of_files(files)


def test_a_copy_of_the_checker_runs_alone(tmp_path: Path) -> None:
    source = Path(verify_separability.__file__).read_text(encoding="utf-8")
    (tmp_path / "checker.py").write_text(source, encoding="utf-8")
    (tmp_path / "proof.json").write_text(json.dumps(MIXED), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-I", "-S", "checker.py", "proof.json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (0, f"{WORDS[False]} of each of 60 samples of 3 classes\n")


def test_demands_must_cancel_in_their_constants_too() -> None:
    """x = 1 and x = 2 are separable, though 2·1 − 1·2 = 0."""
    forged = {"features": [[1.0], [2.0]], "samples": [0, 1], "own": [0, 1], "rivals": [1, 0], "multipliers": ["2", "1"]}
    with pytest.raises(Refused, match="do not cancel"):
        verify(sealed(MIXED | forged | {"claim": {"separable": False, "classes": 2, "samples": 2}}))
