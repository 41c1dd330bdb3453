"""The command `simulate`: its means and probabilities against independent routes, scales beyond doubles, and what it refuses."""

import json
import math
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from refusals import refused
from scipy.integrate import solve_ivp

from layerpeel.cli import main
from layerpeel.dynamics import Simulation, estimate, simulate
from layerpeel.dynamics.paths import LEVEL
from layerpeel.dynamics.start import read_start
from layerpeel.numerics import ElasticModel, Proportion, euler_chunks, pairwise_separable

AGREES = 1e-9
"""Relative distance of the closed form from `solve_ivp` at a relative tolerance of 1e-12."""

RARE = 1e-6
"""Level of a statistical assertion; seeds are fixed, so it holds or fails for good."""

Run = Callable[..., dict[str, Any]]
BASIC = ("--model", "I", "--classes", "3", "--intra", "1/(1+t)", "--inter", "0", "--time", "10")
DEFAULTS: dict[str, Any] = {
    "model": "I",
    "classes": 3,
    "features": None,
    "intra": "1",
    "inter": "0",
    "time": 2.0,
    "start": None,
    "noise": "1",
    "samples": None,
    "paths": None,
    "seed": 0,
    "drift": "mean",
}


def asked(**changes: Any) -> Simulation:
    """A simulation with options other than the defaults."""
    return simulate(**DEFAULTS | changes)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command with --json."""

    def record(*options: str) -> dict[str, Any]:
        assert main(["simulate", *options, "--json"]) == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        return json.loads(printed.out)

    return record


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Path]:
    """Writes a start as an archive, or as text."""

    def write(content: Any, name: str = "start.npz") -> Path:
        path = tmp_path / name
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            np.savez(path, start=content)
        return path

    return write


def drift_matrix(kind: str, classes: int, features: int, intra: float, inter: float) -> np.ndarray:
    """M by its definition, blocks put side by side."""
    d = np.eye(classes) - 1 / classes
    blocks = [np.outer(row, row) / (row @ row) if kind == "L" else np.eye(features) for row in d]
    other = 0.0 if kind == "identity" else inter
    return np.block([[(intra if i == j else other) / classes * blocks[j] for j in range(classes)] for i in range(classes)])


# Means


@pytest.mark.parametrize("time", [1e12, 1e16, 1e40, 1e150, 1e300])
@pytest.mark.parametrize("kind", ["I", "L"])
def test_time_is_seen_on_every_scale(kind: str, time: float) -> None:
    """Under α = 1/(1+t), β = 0 the mode of the differences is (1+t)^{1/3}, of the mean of the L-model's quotient as well."""
    flow = asked(model=kind, intra="1/(1+t)", inter="0", time=time).flow
    d = np.eye(3) - 1 / 3
    start = np.random.default_rng(0).spawn(2)[0].standard_normal((3, 3))
    if kind == "I":
        difference = (start[0] - start[1]) * (1 + time) ** (1 / 3)
    else:
        units = d / np.linalg.norm(d, axis=1, keepdims=True)
        difference = (
            ((start + ((1 + time) ** (1 / 3) - 1) * np.sum(units * start, axis=1, keepdims=True) * units)[0])
            - ((start + ((1 + time) ** (1 / 3) - 1) * np.sum(units * start, axis=1, keepdims=True) * units)[1])
        )
    assert flow.log_distances(0, 1)[-1] == pytest.approx(math.log(np.linalg.norm(difference)), abs=1e-10)


@pytest.mark.parametrize(("kind", "features"), [("I", 2), ("L", 3), ("identity", 4)])
def test_means_and_cosines_against_an_integrator(run: Run, kind: str, features: int) -> None:
    record = run(
        "--model", kind, "--classes", "3", "--features", str(features), "--intra", "2/(1+t)", "--inter", "-t/(2*(1+t))", "--time", "5"
    )
    times, means = np.array(record["times"]), np.array(record["mean"])
    assert (times[0], times[-1], means.shape) == (0.0, 5.0, (len(times), 3, features))
    found = solve_ivp(
        lambda t, x: drift_matrix(kind, 3, features, 2 / (1 + t), -t / (2 * (1 + t))) @ x,
        (0.0, 5.0),
        means[0].ravel(),
        method="DOP853",
        t_eval=times,
        rtol=1e-12,
        atol=1e-14,
    )
    expected = found.y.T.reshape(means.shape)
    assert np.linalg.norm(means - expected) <= AGREES * np.linalg.norm(expected)
    last = means[-1] / np.linalg.norm(means[-1], axis=1, keepdims=True)
    assert np.allclose(record["cosines"], last @ last.T, rtol=0.0, atol=1e-12)
    assert np.allclose(record["direction"], last, rtol=0.0, atol=1e-12)
    assert np.allclose(record["log_norm"], np.log(np.linalg.norm(means, axis=2)), rtol=0.0, atol=1e-12)
    assert np.max(record["relative_error"]) < AGREES
    assert "closed form" in record["method"]
    assert [record["pairs"][0][key] for key in ("classes", "predicted", "separated")] == [[0, 1], None, None]
    assert math.exp(record["pairs"][0]["log_distance"]) == pytest.approx(np.linalg.norm(means[-1, 0] - means[-1, 1]), rel=1e-12)
    assert record["separated"] is None
    assert record["noise_deviation"][-1] == pytest.approx(math.sqrt(5.0), rel=1e-12)


def test_the_start_is_drawn_from_the_seed_alone(run: Run) -> None:
    first, again = run(*BASIC, "--seed", "3"), run(*BASIC, "--seed", "3", "--samples", "2", "--paths", "3")
    assert first["mean"] == again["mean"]
    assert first["mean"][0] != run(*BASIC, "--seed", "4")["mean"][0]
    assert again == run(*BASIC, "--seed", "3", "--samples", "2", "--paths", "3")
    entries = np.array([asked(seed=seed).mean[0] for seed in range(60)]).ravel()
    # 540 standard normal numbers: mean and mean square within 4.9 standard errors, which has probability 1 − RARE
    assert abs(entries.mean()) < 4.9 / math.sqrt(540)
    assert abs((entries**2).mean() - 1.0) < 4.9 * math.sqrt(2 / 540)


def test_means_beyond_doubles_are_null_and_their_logarithms_are_not(run: Run) -> None:
    record = run("--model", "I", "--classes", "3", "--intra", "3", "--inter", "3-6/(1+t)", "--time", "5000", "--samples", "20")
    assert record["mean"][-1][0][0] is None
    assert None not in record["mean"][0][0]
    # A/3 + 2B/3 = 3t − 4 log(1 + t), to which the start's size adds something of order one
    assert np.allclose(record["log_norm"][-1], 15000 - 4 * math.log(5001), rtol=0.0, atol=3.0)
    assert np.linalg.norm(record["direction"], axis=1) == pytest.approx(np.ones(3), abs=1e-12)
    assert np.allclose(record["cosines"], 1.0, rtol=0.0, atol=1e-12)
    first, second = np.array(record["mean"][0])[:2]
    # differences grow as e^{Γ/3} = (1 + t)²
    distance = math.log(np.linalg.norm(first - second)) + 2 * math.log(5001)
    assert record["pairs"][0]["log_distance"] == pytest.approx(distance, abs=1e-9)
    assert record["separated"]["estimate"] == 1.0


def test_classes_that_move_apart_beyond_doubles(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--model", "identity", "--classes", "3", "--intra", "3", "--inter", "0", "--time", "5000", "--samples", "5", "--paths", "20")
    record = run(*options)
    assert [pair["separated"]["estimate"] for pair in record["pairs"]] == [1.0] * 3
    assert [pair["predicted"]["probability"] for pair in record["pairs"]] == [1.0] * 3
    assert all(4990 < pair["log_distance"] < 5010 for pair in record["pairs"])
    assert main(["simulate", *options]) == 0
    assert "e+217" in capsys.readouterr().out


def test_two_classes_with_one_mean_stay_together_however_far_the_third_is(run: Run, start: Callable[..., Path]) -> None:
    path = start(np.array([[1.0, 0.0], [1.0, 0.0], [-1.0, 3.0]]))
    for time in ("300", "5000"):  # class differences are e^100 in doubles, and e^1666 beyond
        record = run("--model", "I", "--start", str(path), "--intra", "1", "--inter", "0", "--time", time, "--samples", "1")
        together, *apart = record["pairs"]
        assert together["log_distance"] is None
        assert together["separated"]["estimate"] == 1.0  # two points differ, which needs their noise
        assert together["predicted"]["probability"] == pytest.approx(1.0, abs=1e-9)
        assert [pair["separated"]["estimate"] for pair in apart] == [1.0, 1.0]
        assert record["cosines"][0][1] == pytest.approx(1.0, abs=1e-12)


def test_a_class_at_the_origin_has_no_direction(run: Run, start: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    path = start(np.array([[0.0, 0.0], [1.0, 1.0]]))
    options = ("--model", "identity", "--start", str(path), "--intra", "0", "--inter", "0", "--time", "1")
    record = run(*options)
    assert record["cosines"] == [[None, None], [None, pytest.approx(1.0)]]
    assert record["log_norm"][-1] == [None, pytest.approx(0.5 * math.log(2.0))]
    assert main(["simulate", *options]) == 0
    assert "–" in capsys.readouterr().out


# Separation


@pytest.mark.parametrize(("gap", "noise", "samples"), [(0.0, "1", 2), (2.0, "1", 3), (4.0, "2/(1+t)", 20), (7.0, "sqrt(2)", 200)])
def test_on_a_line_the_exact_integral_foretells_the_count(
    run: Run, start: Callable[..., Path], gap: float, noise: str, samples: int
) -> None:
    path = start(np.array([[0.0], [gap / math.exp(0.5)]]))
    record = run(
        *("--model", "I", "--start", str(path), "--intra", "1", "--inter", "0", "--time", "1", "--noise", noise),
        *("--samples", str(samples), "--paths", "2000"),
    )
    (pair,) = record["pairs"]
    assert math.exp(pair["log_distance"] if gap else -math.inf) == pytest.approx(gap, rel=1e-12)
    counted = Proportion(successes=round(2000 * pair["separated"]["estimate"]), n=2000).interval(RARE)
    predicted = pair["predicted"]
    assert counted.lower <= predicted["high"]
    assert predicted["low"] <= counted.upper
    assert 0.05 < predicted["probability"] < 0.95 or samples == 2
    assert predicted["low"] <= predicted["probability"] <= predicted["high"]
    assert record["separated"]["at_least"] == pytest.approx(predicted["low"], abs=1e-15)


def test_the_interval_is_the_exact_binomial_one(run: Run) -> None:
    record = run(*BASIC, "--features", "1", "--samples", "2", "--paths", "300")
    found = record["separated"]
    count = round(300 * found["estimate"])
    assert 0 < count < 300
    expected = Proportion(successes=count, n=300).interval(LEVEL)
    assert (found["low"], found["high"], found["level"], found["undecided"]) == (expected.lower, expected.upper, LEVEL, 0)
    assert found["estimate"] <= min(pair["separated"]["estimate"] for pair in record["pairs"])


def test_hyperplanes_split_at_least_as_often_as_the_difference_of_the_means(run: Run) -> None:
    record = run(
        *("--model", "L", "--classes", "3", "--intra", "1", "--inter", "-1/(1+t)", "--time", "6", "--samples", "10", "--paths", "1000")
    )
    for pair in record["pairs"]:
        counted = Proportion(successes=round(1000 * pair["separated"]["estimate"]), n=1000).interval(RARE)
        assert counted.upper >= pair["predicted"]["low"]
    assert record["separated"]["high"] >= record["separated"]["at_least"]


@pytest.mark.parametrize("drift", ["mean", "literal"])
@pytest.mark.parametrize("kind", ["I", "L"])
def test_counts_agree_with_euler_maruyama(kind: str, drift: str) -> None:
    paths, steps, intra, inter = 800, 60, "1.5/(1+t)", "-0.1"
    record = asked(model=kind, intra=intra, inter=inter, time=4.0, samples=6, paths=paths, drift=drift).to_dict()
    model = ElasticModel(blocks=kind, num_classes=3, noise=1, intra=intra, inter=inter)
    begin = np.array(record["mean"][0])
    rng = np.random.default_rng(1)
    splits = [
        pairwise_separable(chunk).separable
        for chunk in euler_chunks(model, begin, end=4.0, steps=steps, rng=rng, paths=paths, samples=6, drift=drift)
    ]
    for column, pair in enumerate(record["pairs"]):
        stepped = Proportion(successes=int(np.concatenate(splits)[:, column].sum()), n=paths)
        counted = pair["separated"]["estimate"]
        # both proportions vary; sixty steps shift the mean by less than a standard error
        error = math.sqrt((stepped.mean * (1 - stepped.mean) + counted * (1 - counted)) / paths)
        assert abs(stepped.mean - counted) < 5.0 * error
        assert 0.02 < counted < 0.98
        assert (pair["predicted"] is None) == (drift == "literal")
    assert (record["noise_deviation"] is None) == (drift == "literal")


def test_points_bring_their_own_samples(run: Run, start: Callable[..., Path]) -> None:
    points = np.array([[[0.0, 0.0], [2.0, 2.0]], [[0.0, 2.0], [2.0, 0.0]]])  # segments that cross
    path = start(points)
    options = ("--model", "I", "--start", str(path), "--intra", "1", "--inter", "0", "--time", "1", "--noise", "0", "--paths", "3")
    record = run(*options)
    assert (record["samples"], record["paths"], record["num_classes"], record["num_features"]) == (2, 3, 2, 2)
    assert record["separated"]["estimate"] == 0.0
    assert record["separated"]["at_least"] is None
    assert np.allclose(record["mean"][0], points.mean(axis=1), rtol=0.0, atol=1e-14)
    start(points + np.array([[[3.0, 0.0]], [[0.0, 0.0]]]))
    assert run(*options)["separated"]["estimate"] == 1.0
    assert run(*options, "--samples", "2")["separated"]["estimate"] == 1.0
    # the segments cross again when the distance of their means shrinks by e^{−10}
    assert run(*options[:4], "--intra", "-20", *options[6:])["separated"]["estimate"] == 0.0


def test_without_noise_classes_are_points(run: Run) -> None:
    record = run(*BASIC, "--noise", "0", "--samples", "4", "--paths", "5")
    assert [(pair["predicted"]["probability"], pair["separated"]["estimate"]) for pair in record["pairs"]] == [(1.0, 1.0)] * 3


def test_what_was_simulated_can_be_estimated(run: Run, tmp_path: Path) -> None:
    record = run("--model", "L", "--classes", "3", "--intra", "2/(1+t)", "--inter", "-0.1", "--time", "20")
    np.savez(tmp_path / "logits.npz", logits=record["mean"], iterations=record["times"])
    found = estimate(tmp_path / "logits.npz", model="L", crossings="keep")
    assert np.allclose(found.cumulative_intra, 2 * np.log1p(record["times"]), rtol=0.0, atol=1e-9)
    assert np.allclose(found.cumulative_inter, -0.1 * np.array(record["times"]), rtol=0.0, atol=1e-9)


# Text, files, progress


def test_the_text_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", *BASIC, "--samples", "3", "--paths", "50"]) == 0
    text = capsys.readouterr().out
    assert "I-model, 3 classes, 3 features, start standard normal" in text
    assert "α = 1/(1+t), β = 0, noise 1, mean drift, seed 0" in text
    assert "of 50 paths, with 3 samples in each class" in text
    assert "at level 0.05" in text
    assert "no figures written" in text
    assert main(["simulate", *BASIC]) == 0
    text = capsys.readouterr().out
    assert "No paths were simulated" in text
    assert "split" not in text
    assert main(["simulate", *BASIC[:2], "--classes", "9", *BASIC[4:]]) == 0
    assert "The 15 closest of 36 pairs are shown." in capsys.readouterr().out


def test_figures_and_record_are_written_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "made" / "here"
    assert main(["simulate", *BASIC, "--out", str(out), "--json"]) == 0
    printed = capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == sorted(Simulation.FILES)
    assert json.loads((out / "simulate.json").read_text()) == json.loads(printed)
    for name in Simulation.FILES[1:]:
        assert ET.fromstring((out / name).read_text()).tag == "{http://www.w3.org/2000/svg}svg"
    assert main(["simulate", *BASIC, "--out", str(out)]) == 0
    assert str(out / "cosines.svg") in capsys.readouterr().out


@pytest.mark.parametrize(("classes", "labels"), [(3, "classes 0 and 1"), (5, "closest at the end")])
def test_figures_show_few_curves_and_finite_numbers(classes: int, labels: str) -> None:
    distances, cosines = asked(classes=classes, intra="9", time=3000.0).figures()
    assert distances.series[0].label.startswith(labels)
    assert distances.series[-1].label == "noise of a feature"
    assert set(cosines.series[-1].y) == {-1 / (classes - 1)}
    assert len([*distances.series]) <= 6
    x, y = np.array(distances.series[0].x, dtype=float), np.array(distances.series[0].y, dtype=float)
    assert y.max() > 308.0
    # differences grow as e^{9t/K}: a straight line in t
    slope = (y[-1] - y[-2]) / (x[-1] - x[-2])
    assert slope == pytest.approx(9 / classes / math.log(10.0), rel=1e-9)


def test_progress_goes_to_a_terminal_on_standard_error_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert main(["simulate", *BASIC, "--samples", "3", "--paths", "50", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["paths"] == 50
    assert "simulating paths" in printed.err


# What cannot be used


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"intra": "1/(1+t"}, ["'1/(1+t'", "does not parse"]),
        ({"intra": ""}, ["does not parse"]),
        ({"inter": "__import__('os')"}, ["__import__"]),
        ({"inter": "x + 1"}, ["'x'", "only t"]),
        ({"intra": "1/t"}, ["1/t", "singular", "t = 0"]),
        ({"inter": "1/(t-1)"}, ["singular", "near t = 1"]),
        ({"inter": "log(t - 1)"}, ["singular or not real"]),
        ({"intra": "exp(t)", "time": 1000.0}, ["exp(t)", "finite"]),
        ({"time": 0.0}, ["time is 0.0", "positive"]),
        ({"time": -1.0}, ["time is -1.0", "positive"]),
        ({"time": math.nan}, ["time is nan"]),
        ({"time": math.inf}, ["time is inf"]),
        ({"time": 1e305}, ["time 1e+305", "at most 1e+300", "end earlier"]),
        ({"intra": "1/t", "time": 1e40}, ["1/t is singular", "near t = 0"]),
        ({"noise": "-1"}, ["noise of class 1 is -1", ">= 0"]),
        ({"noise": "1-t"}, ["noise of class 1 is -", ">= 0"]),
        ({"noise": "1/(1-t)"}, ["singular"]),
        ({"noise": "loud"}, ["'loud'"]),
        ({"noise": "1e200"}, ["1e+200", "at most 1e+100"]),
        ({"classes": None}, ["neither classes nor start"]),
        ({"classes": 1}, ["the number of classes is 1", ">= 2"]),
        ({"classes": 0}, ["the number of classes is 0"]),
        ({"features": 0}, ["the number of features is 0"]),
        ({"model": "L", "features": 2}, ["2 features for 3 classes"]),
        ({"model": "X"}, ["model 'X'", "I, L, identity"]),
        ({"drift": "both"}, ["drift 'both'", "mean, literal"]),
        ({"samples": 0}, ["the number of samples is 0"]),
        ({"samples": 2, "paths": 0}, ["the number of paths is 0"]),
        ({"samples": 2, "paths": 10**9}, ["paths 1000000000", "fewer"]),
        ({"paths": 10}, ["paths 10", "give samples"]),
        ({"classes": 10**6}, ["1000000 classes", "GB"]),
        ({"model": "identity", "classes": 10**30}, ["classes", "GB"]),
        ({"features": 10**12}, ["1000000000000 features", "GB"]),
        ({"samples": 10**12}, ["samples", "GB"]),
        ({"model": "identity", "classes": 2, "features": 30_000, "samples": 2, "drift": "literal"}, ["propagators of 60000 rows", "GB"]),
        ({"intra": "3", "inter": "3-3/(1+t)", "time": 20.0, "samples": 5, "drift": "literal"}, ["lost in rounding", "the drift mean"]),
        ({"intra": "3", "inter": "3", "time": 5000.0, "samples": 5, "drift": "literal"}, ["beyond doubles", "end earlier"]),
    ],
)
def test_unusable_options_are_one_sentence(changes: dict[str, Any], parts: list[str]) -> None:
    refused(lambda: asked(**changes), *parts)


@pytest.mark.parametrize(
    ("content", "name", "parts"),
    [
        (np.zeros((4, 3)), "start.npz", ["classes 3", "(4, 3)"]),
        (np.zeros((3, 2, 4)), "start.npz", ["features 3", "(3, 2, 4)"]),
        (np.zeros((3, 2, 3)), "start.npz", ["samples 5", "2 points"]),
        (np.zeros((1, 3)), "start.npz", ["classes 3", "(1, 3)"]),
        (np.zeros(3), "start.npz", ["shape (3,)", "K x P"]),
        (np.zeros((3, 0)), "start.npz", ["shape (3, 0)"]),
        (np.full((3, 3), np.nan), "start.npz", ["nan at index (0, 0)"]),
        (np.full((3, 3), "a"), "start.npz", ["<U1"]),
        (np.full((3, 3), None), "start.npz", ["cannot be read", "entries of type object"]),
        ("", "start.csv", ["is empty"]),
        ("1,2,3\n4,5\n6,7,8\n", "start.csv", ["no table of numbers"]),
        ("a,b,c\n1,2,3\n", "start.csv", ["no table of numbers", "'a'", "without a header"]),
        ("1,2,inf\n4,5,6\n7,8,9\n", "start.csv", ["inf at index (0, 2)"]),
        ("text", "start.npz", ["no sound .npz"]),
        (np.full((3, 3), 1e200), "start.npz", ["beyond 1e+150"]),
        ("text", "start.txt", ["neither .csv nor .npz"]),
    ],
)
def test_an_unusable_start_is_one_sentence(start: Callable[..., Path], content: Any, name: str, parts: list[str]) -> None:
    path = start(content, name)
    refused(lambda: asked(features=3, samples=5, start=path), *parts)


def test_starts_that_are_no_files(tmp_path: Path) -> None:
    refused(lambda: read_start(tmp_path / "missing.csv"), "cannot be read", "check the path")
    (tmp_path / "directory.npz").mkdir()
    refused(lambda: read_start(tmp_path / "directory.npz"), "cannot be read")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    refused(lambda: read_start(tmp_path / "bytes.csv"), "is not text")
    with zipfile.ZipFile(tmp_path / "header.npz", "w") as archive:  # NumPy's own parser stumbles over this header
        archive.writestr("start.npy", b"\x93NUMPY\x01\x00\x76\x00" + b"{'descr': ".ljust(117) + b"\n")
    refused(lambda: read_start(tmp_path / "header.npz"), "no sound .npz")
    np.savez(tmp_path / "two.npz", a=np.zeros((2, 2)), b=np.zeros((2, 2)))
    refused(lambda: read_start(tmp_path / "two.npz"), "the arrays a, b")


def test_a_table_is_a_start(start: Callable[..., Path]) -> None:
    assert read_start(start("\ufeff1, 2\n\n3,-4e-1\n", "start.csv")).tolist() == [[1.0, 2.0], [3.0, -0.4]]
    assert read_start(start(np.array([[1, 2]]))).dtype == float


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ([], ["--model"]),
        (["--time", "soon"], ["--time", "'soon'"]),
        (["--seed", "-1"], ["--seed"]),
        (["--noise", "-2"], ["-2", ">= 0"]),
        (["--out", "taken"], ["--out taken is a file"]),
        (["--start", "nowhere.npz"], ["nowhere.npz", "cannot be read"]),
    ],
)
def test_the_command_refuses_with_status_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str], parts: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("taken").write_text("something else")
    assert main(["simulate", *(BASIC if options else ()), *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert all(part in printed.err for part in parts), printed.err
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_start_may_be_an_array(start: Callable[..., Path]) -> None:
    given = np.array([[0.0, 1.0], [2.0, -1.0], [1.0, 1.0]])
    here, there = asked(start=given, features=2), asked(start=start(given), features=2)
    assert (here.start, there.start.endswith("start.npz")) == ("given", True)
    assert np.array_equal(here.mean, there.mean)
    assert asked(start=given.tolist(), features=2).noise_deviation is not None
    for wrong, word in (
        (np.zeros(3), "the start is float64 of shape (3,)"),
        ([[1, 2], [3]], "the start is no array"),
        ([[1, math.inf]], "inf"),
    ):
        refused(lambda wrong=wrong: asked(start=wrong, features=None, classes=None), word)


def test_a_result_keeps_what_json_cannot_say() -> None:
    found = asked(start=np.array([[1.0, 0.0], [1.0, 0.0], [-1.0, 3.0]]), features=2)
    assert found.pairs[0].log_distance == -math.inf
    record = found.to_dict()
    assert record["pairs"][0]["log_distance"] is None
    assert record["schema_version"] == 1
    assert "flow" not in record
    assert json.loads(json.dumps(record, allow_nan=False)) == record
