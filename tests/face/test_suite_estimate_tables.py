"""`estimate` on the tables that people have: columns by other names, class names, other formats, and trials of different length."""

import json
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refused

from layerpeel.cli import main
from layerpeel.dynamics import estimate
from layerpeel.dynamics.trajectory_files import read_trajectories
from layerpeel.numerics import UnusableInput

CHUNKS = [20, 2**22]

HEADER = "trial,iteration,class,logit_0,logit_1\n"
ROWS = "0,0,0,1,2\n0,0,1,3,-1\n0,5,0,2,4\n0,5,1,6,-2\n"
MEANS = [[[1.0, 2.0], [3.0, -1.0]], [[2.0, 4.0], [6.0, -2.0]]]

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a table."""

    def written(content: str, name: str = "logits.csv") -> Path:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return written


def without(column: int, content: str = HEADER + ROWS) -> str:
    return "".join(",".join(cell for place, cell in enumerate(line.split(",")) if place != column) + "\n" for line in content.split())


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize(
    "content",
    [
        HEADER.replace("iteration", "step") + ROWS,
        HEADER.replace("iteration", "epoch") + ROWS,
        HEADER.replace("class", "label").replace("trial", "seed") + ROWS,
        without(0),
        "".join(f"{place or ''},{line}\n" for place, line in enumerate((HEADER + ROWS).split())),  # a pandas index
        "".join(
            f"{line},{'loss' if not place else 'a text, of 0.5'!r}\n".replace("'", '"')
            for place, line in enumerate((HEADER + ROWS).split())
        ),
        HEADER + ROWS.replace(",0,1,2", ",cat,1,2").replace(",1,3,", ",dog,3,").replace(",0,2,", ",cat,2,").replace(",1,6,", ",dog,6,"),
        HEADER + "0,0,dog,3,-1\n0,0,cat,1,2\n0,5,cat,2,4\n0,5,dog,6,-2\n",
        "trial,iteration,class,logit_zebra,logit_ant\n0,0,zebra,1,2\n0,0,ant,3,-1\n0,5,ant,6,-2\n0,5,zebra,2,4\n",
        HEADER + "0,0,0,1,2\n0,0,1,2,-1\n0,5,0,2,4\n0,5,1,6,-2\n0,0,1,4,-1\n",
        HEADER + "0,0,0,0,2\n0,0,0,2,2\n0,0,1,3,-1\n0,5,0,2,4\n0,5,1,6,-3\n0,5,1,6,-1\n",
    ],
)
def test_tables_as_people_write_them(write: Write, content: str, chunk: int) -> None:
    read = read_trajectories(write(content), chunk=chunk)
    assert read.means[0].tolist() == MEANS
    assert np.diff(read.times).tolist() == [5.0]


@pytest.mark.parametrize("chunk", CHUNKS)
def test_tabs_and_lines_of_json(write: Write, chunk: int) -> None:
    tabs = read_trajectories(write((HEADER + ROWS).replace(",", "\t"), "logits.tsv"), chunk=chunk)
    assert tabs.means[0].tolist() == MEANS
    numbers = [[float(cell) for cell in row.split(",")] for row in ROWS.split()]
    keys = HEADER.strip().split(",")
    lines = [json.dumps({**dict(zip(keys, row, strict=True)), "loss": None}) for row in numbers]
    assert read_trajectories(write("\n".join(lines), "logits.jsonl"), chunk=chunk).means[0].tolist() == MEANS
    names = ["cat", "dog"]
    listed = [json.dumps({"step": int(row[1]), "class": names[int(row[2])], "logits": row[3:]}) for row in numbers]
    assert read_trajectories(write("\n\n".join(listed) + "\n", "listed.jsonl"), chunk=chunk).means[0].tolist() == MEANS


def test_an_array_is_read_a_trial_at_a_time(tmp_path: Path) -> None:
    logits = np.random.default_rng(0).standard_normal((13, 5, 2, 2))
    np.save(tmp_path / "logits.npy", logits)
    np.savez(tmp_path / "logits.npz", logits=logits)
    one, two = read_trajectories(tmp_path / "logits.npy"), read_trajectories(tmp_path / "logits.npz")
    assert np.allclose(one.means, two.means, rtol=0, atol=1e-12)
    whole = (tmp_path / "logits.npy").read_bytes()
    for damaged in (whole[:-8], whole[:40], b"text"):
        (tmp_path / "logits.npy").write_bytes(damaged)
        refused(lambda: read_trajectories(tmp_path / "logits.npy"), "logits.npy are no sound .npy file")
    np.save(tmp_path / "logits.npy", np.ones((2, 2)))
    refused(lambda: read_trajectories(tmp_path / "logits.npy"), "float64 of shape (2, 2)")


@pytest.mark.parametrize("chunk", CHUNKS)
def test_trials_of_different_length_are_cut_on_request(write: Write, chunk: int, capsys: pytest.CaptureFixture[str]) -> None:
    longer = "1,0,0,3,2\n1,0,1,3,1\n1,5,0,2,6\n1,5,1,8,-2\n1,10,0,9,9\n1,10,1,9,9\n"
    path = write(HEADER + longer + ROWS)
    refused(lambda: read_trajectories(path, chunk=chunk), "no row of trial 0, iteration 10, class 0", "cut=True")
    read = read_trajectories(path, chunk=chunk, cut=True)
    assert read.times.tolist() == [0.0, 5.0]
    assert np.average(read.means, axis=0, weights=read.counts).tolist() == [[[2.0, 2.0], [3.0, 0.0]], [[2.0, 5.0], [7.0, -2.0]]]
    refused(
        lambda: read_trajectories(write(HEADER + ROWS + longer.replace("1,5", "1,6").replace("1,0,", "1,1,")), cut=True), "all trials share"
    )
    assert main(["estimate", str(path), "--model", "I"]) == 2
    assert "with --cut" in capsys.readouterr().err
    padded = np.stack([np.full((3, 2, 2), np.nan), np.ones((3, 2, 2))])
    padded[0, :2] = MEANS
    assert estimate_of(padded, cut=True).times.tolist() == [0.0, 1.0]
    refused(lambda: estimate_of(padded), "nan in trial 0, at iteration number 2", "cut=True")


def estimate_of(logits: np.ndarray, **options: Any) -> Any:
    from layerpeel.dynamics.trajectories import Trajectories

    return Trajectories.of(logits, **options)


@pytest.mark.parametrize(
    ("content", "name", "parts"),
    [
        (HEADER + "0,0,cat,1,2\n0,0,dog,1,2\n0,0,emu,1,2\n", "a.csv", ["line 4", "class 'emu' is none of 'cat', 'dog'", "2 columns"]),
        ("iteration,class,logit_a,logit_b\n0,a,1,2\n0,0,1,2\n", "a.csv", ["line 3", "class '0' is none of 'a', 'b'"]),
        (HEADER + "0,0,0,1,2\n0,0,dog,1,2\n", "a.csv", ["line 3", "'dog' is not a number"]),
        (HEADER + "0,0,cat,1,2\n0,5,cat,1,2\n0,5,dog,2,1\n", "a.csv", ["no row of trial 0, iteration 0, class 'dog'"]),
        ("", "a.jsonl", ["are empty"]),
        ("[1]\n", "a.jsonl", ["line 1", "must be a JSON object"]),
        ('{"step": 0, "class": 0}\n', "a.jsonl", ["line 1", "must name"]),
        (
            '{"step": 0, "class": 0, "logits": [1, 2]}\n{"step": 0, "class": 1, "logits": [1]}\n',
            "a.jsonl",
            ["line 2", "1 logits where line 1 has 2"],
        ),
        ('{"step": 0, "class": 0, "logits": [1, 2]}\n{"class": 1, "logits": [1, 2]}\n', "a.jsonl", ["line 2", "has no step"]),
        ('{"step": 0, "class": 0, "logits": [1, NaN]}\n', "a.jsonl", ["line 1", "'nan' is not finite"]),
        ('{"step": 0, "class": 0, "logits": [1, 1' + "0" * 400 + "]}\n", "a.jsonl", ["line 1", "is not finite"]),
        ('{"step": 0, "class": 0, "logits": [1, "2"]}\n', "a.jsonl", ["line 1", "'2' is not a number"]),
        ('{"step": 0, "class": "a", "logits": [1, 2]}\n{"step": 0, "class": 1, "logits": [1, 2]}\n', "a.jsonl", ["line 2", "is no name"]),
        ('{"step": 0, "class": 0, "logits": [1, 2]}\n{"step', "a.jsonl", ["line 2", "must be a JSON object"]),
    ],
)
@pytest.mark.parametrize("chunk", CHUNKS)
def test_unusable_tables_are_refused_with_their_line(write: Write, content: str, name: str, parts: list[str], chunk: int) -> None:
    path = write(content, name)
    refused(lambda: read_trajectories(path, chunk=chunk), str(path), *parts)


@pytest.mark.parametrize("size", [1e-300, 1e150, 1e300, 1.7e308])
@pytest.mark.parametrize("model", ["I", "L"])
def test_numbers_near_the_largest_double_are_estimated_or_refused_without_warnings(size: float, model: str) -> None:
    start = np.array([[1.0, 0.2, 0.1], [0.1, 0.9, 0.3], [0.2, 0.1, 0.8]])
    logits = size * start * np.exp(0.01 * np.arange(-30.0, 1.0))[:, None, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for trials in (logits, np.stack([logits] * 12), np.stack([logits] * 3)):
            with suppress(UnusableInput):  # a sum over trials may be no double
                found = estimate(trials, model=model, crossings="keep")
                usual = estimate(trials / size, model=model, crossings="keep")
                assert np.allclose(found.cumulative_intra, usual.cumulative_intra, rtol=1e-9, atol=1e-12)
        assert len(estimate(logits, model=model, crossings="keep").times) == 31
