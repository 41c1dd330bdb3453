"""Recorded logits of any size read into means, the command `estimate`, and every file that it must refuse."""

import io
import json
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from refusals import refused

from layerpeel.cli import main
from layerpeel.dynamics import EstimatedStrengths, estimate
from layerpeel.dynamics.trajectories import GROUPS
from layerpeel.dynamics.trajectory_files import read_trajectories
from layerpeel.numerics import estimate_rates, refitted_means, relative_difference

ROUNDING = 1e-12
"""A few sums of numbers of order one, written with all their digits."""

HEADER = "trial,iteration,class,logit_0,logit_1\n"
ROWS = "0,0,0,1,2\n0,0,1,3,-1\n0,5,0,2,4\n0,5,1,6,-2\n"

GOOD = np.arange(24.0).reshape(2, 3, 2, 2)

Write = Callable[..., Path]


def table(logits: np.ndarray, *, order: np.ndarray | None = None, step: int = 1) -> str:
    """A CSV file of trial × iteration × class × logit, its rows in the given order."""
    rows = [
        f"{trial},{step * iteration},{of_class},{','.join(map(repr, values.tolist()))}\n"
        for trial, states in enumerate(logits)
        for iteration, state in enumerate(states)
        for of_class, values in enumerate(state)
    ]
    head = ",".join(["trial", "iteration", "class", *(f"logit_{number}" for number in range(logits.shape[-1]))])
    return f"{head}\n{''.join(rows if order is None else [rows[place] for place in order])}"


def l_model(times: np.ndarray, start: np.ndarray, intra: float, inter: float) -> np.ndarray:
    """Logits of the L-model under constant strengths, by the matrix exponential of its drift."""
    classes = len(start)
    directions = np.eye(classes) - 1.0 / classes
    strengths = np.full((classes, classes), inter) + (intra - inter) * np.eye(classes)
    drift = np.block([[strengths[i, j] * np.outer(d, d) / (d @ d) / classes for j, d in enumerate(directions)] for i in range(classes)])
    values, vectors = np.linalg.eig(drift)
    modes = np.linalg.solve(vectors, start.ravel())
    return np.array([(vectors @ (np.exp(values * time) * modes)).real.reshape(classes, classes) for time in times])


@pytest.fixture
def csv(tmp_path: Path) -> Write:
    """Writes a CSV file."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "logits.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def npz(tmp_path: Path) -> Write:
    """Writes a NumPy archive."""

    def write(**arrays: Any) -> Path:
        path = tmp_path / "logits.npz"
        np.savez(path, **arrays)
        return path

    return write


# Reading


@pytest.mark.parametrize("trials", [1, 3, 10, 11, 25])
@pytest.mark.parametrize("chunk", [50, 1000, 2**22])
def test_rows_in_any_order_and_chunks_of_any_size_give_the_means(csv: Write, trials: int, chunk: int) -> None:
    rng = np.random.default_rng(trials)
    logits = rng.standard_normal((trials, 4, 3, 3))
    read = read_trajectories(csv(table(logits, order=rng.permutation(trials * 12), step=10)), chunk=chunk)
    assert read.times.tolist() == [0.0, 10.0, 20.0, 30.0]
    assert read.means.shape == (min(trials, GROUPS), 4, 3, 3)
    assert read.counts.sum() == trials
    assert read.counts.max() - read.counts.min() <= 1
    assert np.allclose(np.average(read.means, axis=0, weights=read.counts), logits.mean(axis=0), rtol=0, atol=ROUNDING)


def test_both_kinds_of_file_and_both_orders_group_trials_alike(csv: Write, npz: Write) -> None:
    logits = np.random.default_rng(0).standard_normal((13, 5, 2, 2))
    one, two = read_trajectories(csv(table(logits))), read_trajectories(npz(logits=logits))
    by_iteration = np.arange(13 * 5 * 2).reshape(13, 5, 2).transpose(1, 0, 2).ravel()
    three = read_trajectories(csv(table(logits, order=by_iteration)))
    for other in (two, three):
        assert np.array_equal(one.times, other.times)
        assert np.array_equal(one.counts, other.counts)
        assert np.allclose(one.means, other.means, rtol=0, atol=ROUNDING)
    assert np.allclose(one.means[2], logits[[2, 12]].mean(axis=0), rtol=0, atol=ROUNDING)


@pytest.mark.parametrize(
    "content",
    [
        HEADER + ROWS,
        HEADER + ROWS.rstrip(),
        "\ufeff" + HEADER + ROWS,
        (HEADER + ROWS).replace("\n", "\r\n"),
        HEADER + "\n" + ROWS.replace("\n", "\n \n") + "\n\n",
        HEADER + ROWS.replace(",", " , "),
        HEADER + ROWS.replace("0,5", '"0","5"'),
        '"Trial","Iteration","Class","Logit_0","Logit_1"\n' + ROWS,
        "class,logit_1,trial,logit_0,iteration\n0,2,0,1,0\n1,-1,0,3,0\n0,4,0,2,5\n1,-2,0,6,5\n",
        HEADER + ROWS.replace("0,0,", "7,100,").replace("0,5,", "7,105,"),
    ],
)
def test_tables_are_read_in_their_usual_shapes(csv: Write, content: str) -> None:
    read = read_trajectories(csv(content))
    assert read.means[0].tolist() == [[[1.0, 2.0], [3.0, -1.0]], [[2.0, 4.0], [6.0, -2.0]]]
    assert np.diff(read.times).tolist() == [5.0]


def test_archives_are_read_in_their_usual_shapes(npz: Write) -> None:
    logits = np.arange(24).reshape(4, 2, 3)
    for array in (logits, logits[None], logits.astype(np.float32), logits.astype(">i2")):
        read = read_trajectories(npz(logits=array, iterations=[0, 10, 20, 30]))
        assert np.array_equal(read.means, logits[None].astype(float))
        assert read.times.tolist() == [0.0, 10.0, 20.0, 30.0]
    assert read_trajectories(npz(logits=logits)).times.tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("by_trial", [True, False])
def test_a_file_larger_than_the_memory_it_takes(csv: Write, by_trial: bool) -> None:
    trials, times = 120, 100
    order = np.arange(trials * times * 3).reshape(trials, times, 3)
    path = csv(
        table(np.random.default_rng(1).standard_normal((trials, times, 3, 3)), order=(order if by_trial else order.swapaxes(0, 1)).ravel())
    )
    size = path.stat().st_size
    read_trajectories(path)  # what is imported and cached on first use is not the reader's
    tracemalloc.start()
    read = read_trajectories(path, chunk=2**16)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 2_000_000
    # The documented bound, with room for a dictionary and an array object for each trial.
    assert peak < 24 * GROUPS * times * 9 + 2 * trials * times * 3 + 5 * 2**16 + 1000 * trials < size / 3
    assert read.means.shape == (GROUPS, times, 3, 3)


def test_an_archive_is_read_a_trial_at_a_time(npz: Write) -> None:
    path = npz(logits=np.random.default_rng(2).standard_normal((200, 40, 5, 5)))
    read_trajectories(path)
    tracemalloc.start()
    read_trajectories(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 * GROUPS * 40 * 25 + 10 * 40 * 25 * 8 + 100_000 < path.stat().st_size / 3


def test_progress_goes_to_a_terminal_on_standard_error_only(
    csv: Write, npz: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = csv(HEADER + ROWS), npz(logits=GOOD)
    for path in paths:
        read_trajectories(path)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    for path in paths:
        read_trajectories(path)
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "reading logits" in printed.err


# Files that cannot be used


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["empty", "header"]),
        (b"\n\n", ["line 1", "header"]),
        (HEADER, ["no row below"]),
        (HEADER + "\n\n", ["no row below"]),
        (ROWS, ["line 1", "'0,0,0,1,2'", "the header must name iteration (or step, or epoch), class"]),
        ("trial,iteration,class\n0,0,0\n", ["line 1", "K >= 2"]),
        ("trial,iteration,class,logit_0\n0,0,0,1\n", ["line 1", "K >= 2"]),
        ("trial,iteration,class,logit_1,logit_2\n" + ROWS, ["line 1", "logit_0"]),
        ("trial,iteration,class,logit_0,logit_0\n" + ROWS, ["line 1", "each once"]),
        ("trial,iteration,kind,logit_0,logit_1\n" + ROWS, ["line 1"]),
        ("trial,time,class,logit_0,logit_1\n" + ROWS, ["line 1"]),
        ("trial,epoch,epoch,class,logit_0,logit_1\n", ["line 1", "each once"]),
        (HEADER + ROWS + "0,10,0,1,x\n", ["line 6", "'x' is not a number"]),
        (HEADER + ROWS + "0,10,0,1,\n", ["line 6", "'' is not a number"]),
        (HEADER + "\n" + ROWS + "\n\n0,10,0,1,1_0\n", ["line 9", "'1_0' is not a number"]),
        (HEADER + ROWS + '0,10,0,1,"1,5"\n', ["line 6", "'1,5' is not a number"]),
        (HEADER + ROWS + "0,10,0,1,nan\n", ["line 6", "'nan' is not finite"]),
        (HEADER + ROWS + "0,10,0,-inf,1\n", ["line 6", "'-inf' is not finite"]),
        (HEADER + ROWS + "0,10,0,1e999,1\n", ["line 6", "'1e999' is not finite"]),
        (HEADER + ROWS + "0,10,0,1\n", ["line 6", "4 cells where the header has 5"]),
        (HEADER + ROWS + "0,10,0,1,2,3\n", ["line 6", "6 cells where the header has 5"]),
        (HEADER + ROWS.replace("\n", ",9\n"), ["line 2", "6 cells where the header has 5"]),
        (HEADER + ROWS.replace(",", ";"), ["line 2", "1 cells where the header has 5"]),
        (HEADER + ROWS + "0,10,2,1,2\n", ["line 6", "class is 2", "from 0 to 1", "columns of logits"]),
        (HEADER + ROWS + "0,10,-1,1,2\n", ["line 6", "class is -1"]),
        (HEADER + ROWS + "0,10,0.5,1,2\n", ["line 6", "class is 0.5"]),
        (HEADER + ROWS + "0,-10,0,1,2\n", ["line 6", "iteration is -10"]),
        (HEADER + ROWS + "0,1.5,0,1,2\n", ["line 6", "iteration is 1.5", "whole number"]),
        (HEADER + ROWS + "1e300,10,0,1,2\n", ["line 6", "trial is 1e+300"]),
        (HEADER + ROWS + "0,10,0,1,2\n", ["no row of trial 0, iteration 10, class 1", "3 iterations and 2 classes"]),
        (HEADER + ROWS + "1,0,0,1,2\n1,0,1,1,2\n", ["no row of trial 1, iteration 5, class 0"]),
        (HEADER + "0,0,0,1,2\n0,5,0,2,4\n", ["no row of trial 0, iteration 0, class 1"]),
        (HEADER + ROWS + "0,15,0,1,2\n0,15,1,1,2\n0,20,0,1,2\n0,20,1,1,2\n", ["iteration 5 is followed by 15", "the step is 5"]),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff", ["not text"]),
        (HEADER.encode() + b"\xff\xfe\n", ["not text"]),
        (HEADER + ROWS + "0,10,0,1,\x00\n", ["line 6", "is not a number"]),
        (HEADER + ROWS + "0,10,0,1," + "9" * 200_000 + "x\n", ["line 6", "1 cells where the header has 5"]),
    ],
)
@pytest.mark.parametrize("chunk", [1, 2**22])
def test_an_unusable_table_is_refused_with_its_line(csv: Write, content: str | bytes, parts: list[str], chunk: int) -> None:
    path = csv(content)
    refused(lambda: read_trajectories(path, chunk=chunk), str(path), *parts)


@pytest.mark.parametrize(
    ("arrays", "parts"),
    [
        ({"features": GOOD}, ["the arrays features", "np.savez"]),
        ({"logits": GOOD, "labels": GOOD}, ["the arrays logits, labels", "nothing else"]),
        ({"logits": GOOD[0, 0]}, ["float64 of shape (2, 2)", "iteration × class × logit"]),
        ({"logits": GOOD[:0]}, ["shape (0, 3, 2, 2)"]),
        ({"logits": GOOD + 0j}, ["complex128"]),
        ({"logits": GOOD.astype(str)}, ["<U"]),
        ({"logits": np.asfortranarray(GOOD)}, ["columns first", "ascontiguousarray"]),
        ({"logits": np.where(GOOD == 19.0, np.nan, GOOD)}, ["nan in trial 1, at iteration number 1, class 1, logit 1"]),
        ({"logits": GOOD, "iterations": [0, 1]}, ["iterations are int64 of shape (2,) for 3 recorded states"]),
        ({"logits": GOOD, "iterations": ["a", "b", "c"]}, ["iterations are <U1"]),
        ({"logits": GOOD, "iterations": [0, 10, 30]}, ["iteration 0 is followed by 10"]),
        ({"logits": GOOD, "iterations": [1, 1, 1]}, ["iteration 1 is followed by 1"]),
        ({"logits": GOOD, "iterations": [3, 2, 1]}, ["iteration 3 is followed by 2"]),
        ({"logits": GOOD, "iterations": [0.0, np.nan, 2.0]}, ["iteration 0 is followed by nan"]),
        ({"logits": np.array([GOOD, None], dtype=object)}, ["object"]),
    ],
)
def test_an_unusable_archive_is_refused_with_the_place(npz: Write, arrays: dict[str, Any], parts: list[str]) -> None:
    path = npz(**arrays)
    refused(lambda: read_trajectories(path), str(path), *parts)


def test_damaged_and_foreign_files_are_refused(npz: Write, csv: Write, tmp_path: Path) -> None:
    path = npz(logits=GOOD)
    content = path.read_bytes()
    for damaged in (b"", content[:100], content[:400] + b"\x00" + content[401:], b"not a zip file"):
        path.write_bytes(damaged)
        refused(lambda: read_trajectories(path), str(path), "no sound .npz archive")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("logits.npy", "text")
    refused(lambda: read_trajectories(path), "no sound .npz archive")
    with zipfile.ZipFile(path, "w") as archive:  # NumPy's own parser stumbles over this header
        archive.writestr("logits.npy", b"\x93NUMPY\x01\x00\x76\x00" + b"{'descr': ".ljust(117) + b"\n")
    refused(lambda: read_trajectories(path), "no sound .npz archive")
    short = io.BytesIO()
    np.save(short, GOOD)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("logits.npy", short.getvalue()[:-8])
    refused(lambda: read_trajectories(path), "announces 192 bytes and it holds 184 bytes")
    refused(lambda: read_trajectories(csv(HEADER + ROWS).with_name("missing.csv")), "missing.csv", "cannot be read")
    refused(lambda: read_trajectories(tmp_path / "logits.json"), "end in none of .csv, .tsv, .jsonl, .npz, .npy")
    (tmp_path / "directory.csv").mkdir()
    refused(lambda: read_trajectories(tmp_path / "directory.csv"), "cannot be read")


def test_means_that_do_not_fit_in_memory_are_refused_before_they_are_made(csv: Write) -> None:
    classes = 100_000 // 2
    header = ",".join(["trial", "iteration", "class", *(f"logit_{number}" for number in range(classes))])
    path = csv(f"{header}\n0,0,0,{','.join(['1'] * classes)}\n")
    refused(lambda: read_trajectories(path), "50000 classes × 50000 logits", "GB", "record fewer iterations")


# The command


@pytest.fixture
def logits(npz: Write) -> Path:
    """Six trials of the L-model with α = 0.5, β = −0.2, whose starts differ."""
    rng = np.random.default_rng(3)
    start = np.array([[2.0, 0.1, -0.3], [0.2, 1.0, 0.4], [-0.2, 0.3, 0.5]])
    times = np.linspace(0.0, 2.0, 41)
    return npz(logits=np.stack([l_model(times, start + 0.01 * rng.standard_normal((3, 3)), 0.5, -0.2) for _ in range(6)]), iterations=times)


def test_the_record_holds_what_the_data_were_made_from(logits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(logits), "--model", "L", "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    record = json.loads(printed.out)
    assert (record["model"], record["num_classes"], record["trials"], record["crossing"]) == ("L", 3, 6, 0)
    assert np.allclose(record["cumulative_intra"], 0.5 * np.array(record["times"]), rtol=0, atol=1e-9)
    assert np.allclose(record["cumulative_inter"], -0.2 * np.array(record["times"]), rtol=0, atol=1e-9)
    assert np.allclose(record["intra"], 0.5, rtol=0, atol=1e-9)
    assert np.allclose(record["difference"], 0.7, rtol=0, atol=1e-9)
    assert np.max(record["relative_difference"]) < 1e-9
    assert np.array(record["relative_difference"]).shape == (41, 3)
    assert set(record["standard_error"]) == {f"{prefix}{name}" for prefix in ("", "cumulative_") for name in record["tail_index"]}
    assert np.max(record["standard_error"]["cumulative_intra"]) < 1e-9
    assert set(record["tail_index"]) == {"intra", "inter", "difference"}
    index = record["tail_index"]["intra"]
    assert index["definition"]["value"] == pytest.approx(0.0, abs=1e-9)
    assert index["printed"] == pytest.approx(1.0 - np.log(0.5) * np.mean(1.0 / np.log1p(np.linspace(1.0, 2.0, 21))), abs=1e-6)
    assert index["undefined"] == []


def test_an_estimate_may_begin_later(logits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(logits), "--model", "L", "--since", "1.02", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["times"] == pytest.approx(np.linspace(1.05, 2.0, 20))
    assert record["cumulative_intra"] == pytest.approx(0.5 * (np.array(record["times"]) - 1.05), abs=1e-9)


def test_what_a_trained_ensemble_leaves_is_read(npz: Write) -> None:
    times, start = np.arange(6.0), np.array([[2.0, 0.1, -0.3], [0.2, 1.0, 0.4], [-0.2, 0.3, 0.5]])
    trials = np.stack([l_model(times, start, 0.5, -0.2)] * 2)
    path = npz(logits=trials, iterations=times, accuracy=np.ones((2, 6)), loss=np.zeros((2, 6)))
    assert np.array_equal(read_trajectories(path).means, trials)


def test_groups_of_unequal_size_weigh_as_their_trials(npz: Write) -> None:
    rng, times = np.random.default_rng(5), np.linspace(0.0, 1.0, 11)
    start = np.array([[2.0, 0.1, -0.3], [0.2, 1.0, 0.4], [-0.2, 0.3, 0.5]])
    trials = np.stack([l_model(times, start + 0.1 * rng.standard_normal((3, 3)), 0.5, -0.2) for _ in range(13)])
    trials += 0.01 * rng.standard_normal(trials.shape)
    path = npz(logits=trials, iterations=times)
    record = estimate(path, model="L")
    found = estimate_rates(times, trials.mean(axis=0), model="L")
    refit = refitted_means(trials.mean(axis=0)[0], found.cumulative_intra, found.cumulative_inter, model="L")
    assert np.allclose(record.cumulative_intra, found.cumulative_intra, rtol=0, atol=ROUNDING)
    assert np.allclose(record.relative_difference, relative_difference(trials.mean(axis=0), refit), rtol=0, atol=ROUNDING)


def test_the_text_says_the_same(logits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(logits), "--model", "L"]) == 0
    text = capsys.readouterr().out
    assert "L-model, 3 classes, 6 trials, times 0 to 2 (41)" in text
    assert "0 of 4 components cross zero" in text
    assert "1 ± " in next(line for line in text.splitlines() if line.startswith("α "))
    assert "no figures written" in text


@pytest.mark.parametrize(("power", "says"), [(0.5, "below 1: if the power law goes on"), (2.0, "above 1: if the power law goes on")])
def test_the_i_model_says_what_the_index_means(npz: Write, capsys: pytest.CaptureFixture[str], power: float, says: str) -> None:
    times = np.arange(0.0, 2001.0)
    intra = ((1.0 + times) ** (1.0 - power) - 1.0) / (1.0 - power) / 20.0
    start, noise = np.array([[1.0, 2.0], [3.0, -1.0]]), 1e-9 * np.sin(times / 7.0)
    average = start.mean(axis=0)
    growth = np.exp(0.5 * intra)[:, None, None]
    path = npz(logits=average * growth + (start - average) * growth * (1.0 + noise[:, None, None]))
    assert main(["estimate", str(path), "--model", "I", "--window", "31"]) == 0
    text = capsys.readouterr().out
    assert says in text
    assert "β, definition: the values cross zero" in text


def test_figures_and_record_are_written_whole(logits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "made" / "here"
    assert main(["estimate", str(logits), "--model", "L", "--out", str(out), "--json"]) == 0
    printed = capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == sorted(EstimatedStrengths.FILES)
    assert json.loads((out / "estimate.json").read_text()) == json.loads(printed)
    for name in EstimatedStrengths.FILES[1:]:
        root = ET.fromstring((out / name).read_text())
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "--series-1" in (out / name).read_text()
    assert main(["estimate", str(logits), "--model", "L", "--out", str(out)]) == 0
    assert str(out / "rates.svg") in capsys.readouterr().out


def test_rates_are_drawn_on_logarithmic_axes_where_that_is_sensible(npz: Write, logits: Path) -> None:
    short = estimate(logits, model="L").figures()
    assert [(figure.log_x, figure.log_y) for figure in short] == [(False, False)] * 3
    times = np.arange(0.0, 3001.0)
    start = np.array([[2.0, 0.1, -0.3], [0.2, 1.0, 0.4], [-0.2, 0.3, 0.5]])
    path = npz(logits=l_model(times, start, 1e-3, -2e-4))
    long = estimate(path, model="L").figures()
    assert [(figure.log_x, figure.log_y) for figure in long] == [(True, False), (True, True), (True, False)]
    assert [series.label for series in long[1].series] == ["α", "−β"]
    assert [mark[0] for mark in long[1].marks] == [75.0]
    assert all(len(series.x) <= 800 and series.x[0] == 1.0 and series.x[-1] == 3000.0 for figure in long for series in figure.series)


def test_many_classes_are_drawn_as_median_and_worst(npz: Write) -> None:
    path = npz(logits=l_model(np.linspace(0.0, 1.0, 11), np.diag(np.arange(1.0, 9.0)) + 0.1, 0.5, 0.1))
    assert [series.label for series in estimate(path, model="L").figures()[2].series] == ["median of the classes", "worst class"]


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ([], ["--model"]),
        (["--model", "X"], ["'X'", "I (", "or L"]),
        (["--model", "L", "--window", "43"], ["window of the filter is 43", "41 times"]),
        (["--model", "L", "--window", "4"], ["is 4", "odd"]),
        (["--model", "L", "--window", "wide"], ["--window", "'wide'"]),
        (["--model", "L", "--order", "0"], ["order of the filter is 0"]),
        (["--model", "L", "--crossings", "ignore"], ["'ignore'", "refuse, drop or keep"]),
        (["--model", "L", "--since", "2.5"], ["since 2.5", "last iteration is 2", "begin earlier"]),
        (["--model", "L", "--since", "nan"], ["since nan", "begin earlier"]),
        (["--model", "L", "--out", "taken"], ["--out taken is a file"]),
    ],
)
def test_unusable_options_are_one_sentence(
    logits: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str], parts: list[str]
) -> None:
    monkeypatch.chdir(logits.parent)
    Path("taken").write_text("something else")
    before = sorted(logits.parent.iterdir())
    assert main(["estimate", logits.name, *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert all(part in printed.err for part in parts), printed.err
    assert sorted(logits.parent.iterdir()) == before


def test_a_crossing_is_refused_with_iteration_class_and_component(npz: Write, capsys: pytest.CaptureFixture[str]) -> None:
    times = np.arange(0.0, 30.0)
    start = np.array([[2.0, 0.1, -0.3], [0.2, 1.0, 0.4], [-0.2, 0.3, 0.5]])
    logits = start * np.exp(0.01 * times)[:, None, None]
    logits[:, 1, 2] -= 0.1 * times
    path = str(npz(logits=logits, iterations=10 * times))
    assert main(["estimate", path, "--model", "I"]) == 2
    assert "component 2 of the mean over classes is 0.2 at first and -0.0188 at time 70" in capsys.readouterr().err
    assert main(["estimate", path, "--model", "I", "--crossings", "drop"]) == 0
    assert "cross zero and are left out" in capsys.readouterr().out
    assert main(["estimate", path, "--model", "I", "--crossings", "keep"]) == 0
    assert "their absolute values are used" in capsys.readouterr().out


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerpeel.dynamics.trajectory_table.LONGEST_LINE", 1000)
    path = tmp_path / "logits.csv"
    path.write_text("trial,iteration,class,logit_0,logit_1\n" + "1," * 1000)
    refused(lambda: read_trajectories(path, chunk=100), "a line of more than 1000 characters", "export them as CSV")


def test_iterations_that_do_not_fit_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "logits.npz"
    np.savez_compressed(path, logits=np.ones((3, 2, 2)), iterations=np.zeros(1_000_000))
    refused(lambda: read_trajectories(path), "iterations are float64 of shape (1000000,) for 3 recorded states")


@pytest.mark.parametrize("trial_axis", [(), (3,), (10**9,)])
def test_a_tiny_archive_that_announces_much_takes_no_memory(tmp_path: Path, trial_axis: tuple[int, ...]) -> None:
    path = tmp_path / "logits.npz"
    head = io.BytesIO()
    shape = (*trial_axis, 10**7 if len(trial_axis) == 0 or trial_axis[0] < 10**9 else 2, 2, 2)
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("logits.npy", head.getvalue() + bytes(64))
    tracemalloc.start()
    refused(lambda: read_trajectories(path), "its header announces", "holds less than 192 bytes")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**6


def test_a_failure_of_our_own_is_not_the_fault_of_the_file(npz: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ValueError("our own mistake")

    monkeypatch.setattr("layerpeel.dynamics.trajectories.require_room", fails)
    with pytest.raises(ValueError, match=r"^our own mistake$"):
        read_trajectories(npz(logits=GOOD))


def test_a_header_longer_than_any_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "logits.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("logits.npy", b"\x93NUMPY\x02\x00" + (2**32 - 1).to_bytes(4, "little") + bytes(10**6))
    refused(lambda: read_trajectories(path), "the header of an array has 4294967307 bytes")


def test_arrays_are_estimated_as_their_file_is(npz: Write) -> None:
    rng, times = np.random.default_rng(5), np.linspace(0.0, 1.0, 11)
    start = np.array([[2.0, 0.1, -0.3], [0.2, 1.0, 0.4], [-0.2, 0.3, 0.5]])
    trials = np.stack([l_model(times, start + 0.1 * rng.standard_normal((3, 3)), 0.5, -0.2) for _ in range(13)])
    here = estimate(trials, model="L", iterations=times, crossings="keep")
    assert here.to_dict() == estimate(npz(logits=trials, iterations=times), model="L", crossings="keep").to_dict()
    assert here.trials == 13
    one = estimate(trials[0].tolist(), model="L", crossings="keep")
    assert (one.trials, one.standard_error, one.times.tolist()) == (1, None, list(range(11)))


@pytest.mark.parametrize(
    ("logits", "iterations", "parts"),
    [
        ([[1.0, 2.0], [3.0]], None, ["no array", "differ in length"]),
        (GOOD[0, 0], None, ["the logits: the array is float64 of shape (2, 2)"]),
        (np.where(GOOD == 19.0, np.nan, GOOD), None, ["the logits: nan in trial 1, at iteration number 1, class 1, logit 1"]),
        (GOOD, [0, 1], ["shape (2,) for 3 recorded states"]),
        (GOOD, [0, 1, 3], ["the logits: iteration", "evenly spaced"]),
        ("logits.npz", [0, 1, 2], ["beside a file of logits", "leave them out"]),
    ],
)
def test_arrays_that_cannot_be_used(logits: Any, iterations: Any, parts: list[str]) -> None:
    refused(lambda: estimate(logits, model="L", iterations=iterations), *parts)
