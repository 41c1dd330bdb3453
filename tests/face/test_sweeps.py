"""Sweeps: what a file may say, what points are, what the store keeps, and how a run goes on."""

import hashlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from own_functions import functions_of_ones_own
from refusals import refused

from layerpeel.numerics import Bracket, Estimate, Proportion, UnusableInput
from layerpeel.pages.stopping import SystemRefused
from layerpeel.sweeps.chunk import compute
from layerpeel.sweeps.engine import run_tasks
from layerpeel.sweeps.executors import executor_for
from layerpeel.sweeps.machines import file_system
from layerpeel.sweeps.points import Points
from layerpeel.sweeps.pool import Pool
from layerpeel.sweeps.provenance import provenance
from layerpeel.sweeps.quantity import Axis, Quantity, of_function, quantity_named, stored
from layerpeel.sweeps.specification import Specification, read_specification, specification
from layerpeel.sweeps.store import Store
from layerpeel.sweeps.sweep import arrays_of, sweep
from layerpeel.sweeps.tasks import InProcess, Outcome, Task

FUNCTIONS = """
import os, time
from pathlib import Path
import numpy as np
from layerpeel.numerics import Bracket, UnusableInput

def area(width: float, height: float = 1.0):
    return width * height

def noisy(mean: float, rng: np.random.Generator):
    return {"value": mean + rng.normal(), "square": mean**2}

def picky(number: int):
    if number == 3:
        raise UnusableInput("the number is 3: it must be another; choose one.")
    if number == 5:
        raise ArithmeticError("five does not\\nconverge")
    return Bracket(number, number + 1)

def dying(number: int):
    if number == 4:
        os._exit(11)
    if number == 6:
        time.sleep(600)
    return number

def listed(number: int):
    return {"value": number, "curve": np.arange(number, dtype=float)}

def wordy(number: int):
    return "many" if number > 1 else number

def counted(number: int):
    with open("calls.txt", "a") as file:
        file.write(f"{number} ")
    return number

def flaky(number: int):
    with open("calls.txt", "a") as file:
        file.write(f"{number} ")
    if Path("calls.txt").read_text().split().count(str(number)) < 2:
        raise OSError("the file server is away")
    return number

def talking(number: int):
    print("talk")
    return number

def taking_everything(**everything):
    return 1

not_a_function = 3
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with functions of its own."""
    with functions_of_ones_own(tmp_path, monkeypatch, "shapes", FUNCTIONS) as folder:
        yield folder


def grid(quantity: str, axes: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"sweep": {"quantity": f"shapes:{quantity}"}, "axes": dict(axes), **more}


def points_of(content: Mapping[str, Any]) -> Points:
    spec = specification(content)
    return Points(spec, quantity_named(spec.sweep.quantity, str(Path.cwd())))


def values(path: str | Path) -> dict[int, dict[str, tuple[float | None, float | None, float | None]]]:
    with Store(Path(path), create=False) as opened:
        found: dict[int, dict[str, tuple[float | None, float | None, float | None]]] = {}
        for position, name, *numbers in opened.values(0, 10**9):
            found.setdefault(position, {})[name] = tuple(numbers)  # pyright: ignore[reportArgumentType]
        return found


# Points


def test_the_grid_is_the_product_in_the_files_order() -> None:
    points = points_of(grid("area", {"width": [1, 2, 3], "height": {"linear": [0, 1, 3]}}, run={"repeats": 2}))
    assert points.size == points.count == 18
    settings = [(point.parameters["width"], point.parameters["height"], point.repeat) for point in points.points(np.arange(18))]
    assert settings == [(width, height, repeat) for width in (1.0, 2.0, 3.0) for height in (0.0, 0.5, 1.0) for repeat in (0, 1)]
    assert points.varying == ("width", "height")


def test_tables_vary_in_step_and_rules_leave_out() -> None:
    points = points_of(
        {
            "sweep": {"quantity": "shapes:area"},
            "together": [{"width": [1, 2, 3], "height": [4, 5, 6]}],
            "leave_out": [{"width": 2, "height": 5.0}],
        }
    )
    assert (points.size, points.count) == (3, 2)
    kept = np.flatnonzero(points.kept(0, 3))
    assert [tuple(point.parameters.values()) for point in points.points(kept)] == [(4.0, 1.0), (6.0, 3.0)]


def test_a_point_is_left_out_when_it_matches_all_of_an_entry() -> None:
    rules = [{"width": 2, "height": 1}, {"width": 3}]
    points = points_of(grid("area", {"width": [1, 2, 3], "height": [1, 2]}, leave_out=rules))
    settings = [(point.parameters["width"], point.parameters["height"]) for point in points.points(np.flatnonzero(points.kept(0, 6)))]
    assert settings == [(1.0, 1.0), (1.0, 2.0), (2.0, 2.0)]
    assert points.count == 3


def test_values_of_a_rule_are_rounded_once() -> None:
    axes = {"width": {"geometric": [1, 1000, 4]}, "height": {"geometric": [3, 3, 1]}}
    assert points_of(grid("area", axes)).values["width"] == [1.0, 10.0, 100.0, 1000.0]
    thirds = points_of(grid("area", {"width": {"linear": [0, 1, 4]}})).values["width"]
    assert thirds == [0.0, 1 / 3, 2 / 3, 1.0]
    assert points_of(grid("picky", {"number": {"linear": [2, 4, 3]}})).values["number"] == [2, 3, 4]


def test_columns_texts_and_points_agree() -> None:
    points = points_of(
        grid("area", {"width": [1, 2, 5], "height": [0.1, 0.2]}, leave_out=[{"width": 2, "height": 0.1}], run={"repeats": 3})
    )
    numbers = np.flatnonzero(points.kept(0, points.size))
    columns, texts = points.columns(numbers), points.texts(numbers)
    for row, point in enumerate(points.points(numbers)):
        assert {name: column[row] for name, column in columns.items()} == point.parameters == json.loads(point.text)
        assert texts[row] == point.text
        assert points.point(point.position) == point


def test_an_identity_is_the_hash_of_what_the_point_is() -> None:
    one, other = points_of(grid("area", {"width": [1, 2]})), points_of(grid("area", {"height": 1, "width": [7, 1.0]}))
    assert one.point(0).identity == other.point(1).identity  # 1 and 1.0, another order, another number
    assert one.point(0).identity != one.point(1).identity
    repeated = points_of(grid("area", {"width": 1}, run={"repeats": 2}))
    assert len({repeated.point(0).identity, repeated.point(1).identity}) == 2
    text = '{"parameters":{"height":1.0,"width":1.0},"quantity":"shapes:area","repeat":0,"results_version":1}'
    assert one.point(0).identity == hashlib.sha256(text.encode()).digest()[:16]


def test_another_results_version_is_another_point() -> None:
    def area(width: float) -> float:
        return width

    spec = specification(grid("area", {"width": 1}))
    before = Points(spec, of_function("shapes:area", area)).point(0).identity
    area.results_version = 2  # pyright: ignore[reportFunctionMemberAccess]
    assert Points(spec, of_function("shapes:area", area)).point(0).identity != before


@given(size=st.integers(1, 70), seed=st.integers(0, 5))
def test_a_sample_lies_in_its_ranges_and_hangs_on_the_seed_alone(size: int, seed: int) -> None:
    def area(width: float, height: float, number: int, depth: float = 2.0) -> float:
        return width * height * number * depth

    content = {
        "sweep": {"quantity": "shapes:area"},
        "sample": {"size": size, "width": {"geometric": [1, 1000]}, "height": {"linear": [-1, 1]}, "number": {"integers": [2, 4]}},
        "run": {"seed": seed},
    }
    found = [list(Points(specification(content), of_function("shapes:area", area)).points(np.arange(size))) for _ in range(2)]
    assert found[0] == found[1]
    assert len(found[0]) == size
    for point in found[0]:
        assert 1 <= point.parameters["width"] <= 1000
        assert -1 <= point.parameters["height"] <= 1
        assert point.parameters["number"] in {2, 3, 4}
        assert point.parameters["depth"] == 2.0


def test_a_sample_fills_its_range() -> None:
    content = {"sweep": {"quantity": "shapes:area"}, "sample": {"size": 256, "width": {"geometric": [1, 1000]}}}
    logs = np.log10([point.parameters["width"] for point in points_of(content).points(np.arange(256))]) / 3
    assert np.bincount((logs * 16).astype(int), minlength=16).tolist() == [16] * 16  # what Sobol's sequence promises


# Refusals

SENTENCES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["sweep is missing"]),
    (grid("area", {"width": []}), ["axes.width is ", "it must be a value, a list"]),
    (grid("area", {"width": {"geometric": [0, 1, 3]}}), ["axes.width is ", "geometric = [first, last, number]"]),
    (grid("area", {"width": {"integers": [3, 1]}}), ["axes.width is "]),
    (grid("area", {"width": 1}, runs={}), ["runs is no key of a sweep"]),
    (grid("area", {"width": 1}, run={"seed": -1, "on_error": "explode"}), ["run.seed is -1", "run.on_error is 'explode'", "Correct them"]),
    (grid("area", {"width": 1}, run={"repeats": 1.5}), ["run.repeats is 1.5"]),
    (grid("area", {}, together=[{"width": [1, 2], "height": [1]}]), ["together.table 1", "width has 2, height has 1"]),
    (grid("area", {"width": 1}, together=[{"width": [1]}]), ["width stands twice"]),
    (grid("area", {"width": 1}, leave_out=[{"depth": 1}]), ["depth is no axis"]),
    (grid("area", {"width": 1}, sample={"size": 3}), ["sample stands beside axes"]),
    ({"sweep": {"quantity": "shapes:area"}, "sample": {"width": {"linear": [0, 1]}}}, ["sample.size is None"]),
    ({"sweep": {"quantity": "shapes:area"}, "sample": {"size": 2, "width": {"linear": [0, 1, 2]}}}, ["sample.width is "]),
]


@pytest.mark.parametrize(("content", "parts"), SENTENCES, ids=[parts[0] for _, parts in SENTENCES])
def test_what_no_sweep_is_is_refused_with_its_place(content: dict[str, Any], parts: list[str]) -> None:
    refused(lambda: specification(content), *parts)


UNFIT: list[tuple[dict[str, Any], list[str]]] = [
    (grid("area", {"widht": 1}), ["widht is no axis of shapes:area", "did you mean width?"]),
    (grid("area", {"height": 1}), ["shapes:area needs width"]),
    (grid("area", {"width": "wide"}), ["width is 'wide'", "real numbers"]),
    (grid("area", {"width": [1, True]}), ["width is True", "real numbers"]),
    (grid("picky", {"number": [1, 2.5]}), ["number is 2.5", "whole numbers"]),
    (grid("area", {"width": [1, 2, 1.0]}), ["width has", "twice"]),
    (grid("area", {"width": float("inf")}), ["width is inf", "finite"]),
    (grid("area", {"widht": 1, "hight": "a"}), ["widht is no axis", "hight is no axis"]),
    ({"sweep": {"quantity": "shapes:area"}, "sample": {"size": 4, "width": 1}}, ["no range"]),
    (grid("taking_everything", {"width": 1}), ["takes its arguments by *"]),
    (grid("not_a_function", {"width": 1}), ["is 3", "a function"]),
    (grid("missing", {"width": 1}), ["shapes:missing cannot be imported", "AttributeError"]),
    ({"sweep": {"quantity": "nowhere:area"}}, ["nowhere:area cannot be imported", "ModuleNotFoundError"]),
    ({"sweep": {"quantity": "treshold"}}, ["'treshold' does not exist", "did you mean threshold?"]),
]


@pytest.mark.parametrize(("content", "parts"), UNFIT, ids=[parts[0] for _, parts in UNFIT])
def test_what_the_quantity_cannot_use_is_refused_before_anything_runs(content: dict[str, Any], parts: list[str]) -> None:
    refused(lambda: sweep(content, "a.sqlite", workers=1), *parts)
    assert not Path("a.sqlite").exists()


def test_more_points_than_anybody_means_are_refused_with_their_number() -> None:
    axes = {"width": {"linear": [0, 1, 10**6]}, "height": {"linear": [0, 1, 10**6]}}
    refused(lambda: sweep(grid("area", axes), "a.sqlite", workers=1), "1e+12 points", "many=True")


def test_files_that_cannot_be_read_are_refused(here: Path) -> None:
    refused(lambda: read_specification(here / "absent.toml"), "absent.toml cannot be read", "No such file")
    (here / "broken.toml").write_text("[sweep\nquantity = 3")
    refused(lambda: read_specification(here / "broken.toml"), "broken.toml is no TOML", "line 1")
    (here / "binary.toml").write_bytes(b"\xff\xfe[sweep]")
    refused(lambda: read_specification(here / "binary.toml"), "is no TOML")


def test_changes_are_put_over_the_file(here: Path) -> None:
    (here / "a.toml").write_text('[sweep]\nquantity = "shapes:area"\n[axes]\nwidth = 1\n')
    spec = read_specification(here / "a.toml", ("axes.width=[1, 2]", "run.seed = 3", "axes.height={ linear = [0, 1, 2] }"))
    assert (spec.axes["width"], spec.run.seed) == ([1, 2], 3)
    for change, part in (
        ("axes", "table.key=value"),
        ("axes.width", "table.key=value"),
        ("axes.width=wide", "no TOML"),
        ("sweep.quantity.x=1", "no table"),
    ):
        refused(lambda change=change: read_specification(here / "a.toml", (change,)), part)


def test_the_specification_survives_its_own_text() -> None:
    spec = specification(
        grid("area", {"width": {"geometric": [1, 10, 3]}, "height": [1, 2.5]}, leave_out=[{"height": 1}], run={"repeats": 2})
    )
    assert Specification.model_validate_json(spec.model_dump_json()) == spec


# Values


def test_numbers_are_stored_with_their_errors() -> None:
    assert stored("value", np.float32(0.5)) == (0.5, None, None)
    assert stored("value", True) == (1.0, None, None)
    assert stored("value", float("nan")) == (None, None, None)
    assert stored("value", Bracket(1.0, 2.0)) == (1.5, 1.0, 2.0)
    value, lower, upper = stored("value", Proportion(successes=3, n=10))
    assert value == 0.3
    assert lower is not None
    assert upper is not None
    assert lower < 0.3 < upper
    assert stored("value", Estimate(mean=1.0, standard_error=0.0, n=5))[0] == 1.0
    refused(lambda: stored("value", "many"), "value is 'many'", "return one of these")


def test_values_bounds_and_arrays_come_back() -> None:
    sweep(grid("picky", {"number": [1, 2]}), "a.sqlite", workers=1)
    assert values("a.sqlite") == {0: {"value": (1.5, 1.0, 2.0)}, 1: {"value": (2.5, 2.0, 3.0)}}
    sweep(grid("listed", {"number": [2, 3]}), "b.sqlite", workers=1)
    identity = points_of(grid("listed", {"number": [2, 3]})).point(1).identity.hex()
    with np.load(arrays_of(Path("b.sqlite")) / f"{identity}.npz") as archive:
        assert archive["curve"].tolist() == [0.0, 1.0, 2.0]


BATCHED = Quantity(
    name="shapes:BATCHED",
    says="x² where x is not 7",
    axes=(Axis(name="x", kind=int),),
    compute=lambda parameters, _: {"value": square(parameters["x"]), "error": Bracket(-1.0, 1.0)},
    compute_batch=lambda columns: {
        "value": np.array([square(x) for x in columns["x"].tolist()]),
        "error": (np.zeros(len(columns["x"])), np.full(len(columns["x"]), -1.0), np.ones(len(columns["x"]))),
    },
)


def square(x: int) -> float:
    if x == 7:
        raise UnusableInput("x is 7: it must be another; choose one.")
    return float(x * x)


def test_a_batch_is_what_its_points_are_and_one_bad_point_is_only_its_own(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerpeel.sweeps.chunk.quantity_named", lambda *_: BATCHED)
    good = sweep({"sweep": {"quantity": "shapes:BATCHED"}, "axes": {"x": {"integers": [1, 5]}}}, "a.sqlite", workers=1)
    assert (good.points, good.done) == (5, 5)
    assert values("a.sqlite")[2] == {"value": (9.0, None, None), "error": (0.0, -1.0, 1.0)}
    bad = sweep({"sweep": {"quantity": "shapes:BATCHED"}, "axes": {"x": {"integers": [1, 9]}}}, "b.sqlite", workers=1)
    assert (bad.points, bad.done, bad.failed) == (9, 8, 1)
    assert [(each.parameters, each.message) for each in bad.failures] == [('{"x":7}', "x is 7: it must be another; choose one.")]
    assert {position: row["value"] for position, row in values("b.sqlite").items() if position < 5} == {
        position: row["value"] for position, row in values("a.sqlite").items()
    }


# Runs


def test_a_point_that_fails_is_its_own_affair() -> None:
    found = sweep(grid("picky", {"number": {"integers": [1, 6]}}), "a.sqlite", workers=1)
    assert (found.points, found.done, found.failed, found.lost, found.reused) == (6, 4, 2, 0, 0)
    assert [each.message for each in found.failures] == [
        "the number is 3: it must be another; choose one.",
        "ArithmeticError: five does not converge",
    ]
    with Store(Path("a.sqlite"), create=False) as opened:
        rows = list(opened.rows())
    assert [(state, message) for _, _, _, state, message in rows if state != "done"] == [
        ("failed", "the number is 3: it must be another; choose one."),
        ("failed", "ArithmeticError: five does not converge"),
    ]


def test_what_cannot_be_stored_fails_its_point() -> None:
    found = sweep(grid("wordy", {"number": [1, 2]}), "a.sqlite", workers=1)
    assert (found.done, found.failed) == (1, 1)
    assert "value is 'many'" in found.failures[0].message


def test_a_sweep_stops_at_the_first_failure_if_that_is_asked() -> None:
    found = sweep(grid("picky", {"number": {"integers": [1, 60]}}, run={"on_error": "stop"}), "a.sqlite", workers=1)
    assert found.failed == 1
    assert found.done < 59


def test_only_what_is_missing_is_computed_again(here: Path) -> None:
    content = grid("counted", {"number": {"integers": [1, 5]}})
    assert sweep(content, "a.sqlite", workers=1).reused == 0
    again = sweep(content, "a.sqlite", workers=1)
    assert (again.done, again.reused) == (5, 5)
    assert sorted((here / "calls.txt").read_text().split()) == list("12345")
    with sqlite3.connect("a.sqlite") as connection:
        connection.execute("DELETE FROM value WHERE position = 2")
        connection.execute("DELETE FROM point WHERE position = 2")
    connection.close()
    assert sweep(content, "a.sqlite", workers=1).reused == 4
    assert sorted((here / "calls.txt").read_text().split()) == list("123345")
    assert len(values("a.sqlite")) == 5


def test_another_attempt_is_counted_and_may_succeed(here: Path) -> None:
    found = sweep(grid("flaky", {"number": [1, 2]}), "a.sqlite", workers=1)
    assert (found.done, found.failed) == (2, 0)
    with sqlite3.connect("a.sqlite") as connection:
        assert connection.execute("SELECT attempts FROM point").fetchall() == [(2,), (2,)]
    connection.close()
    (here / "calls.txt").unlink()
    assert sweep(grid("flaky", {"number": [1, 2]}, run={"retries": 0}), "b.sqlite", workers=1).failed == 2
    (here / "calls.txt").write_text("1 2 1 2 ")
    kept = sweep(grid("flaky", {"number": [1, 2]}, run={"retries": 0}), "b.sqlite", workers=1)
    assert (kept.done, kept.failed) == (0, 2)
    mended = sweep(grid("flaky", {"number": [1, 2]}, run={"retries": 0}), "b.sqlite", workers=1, retry_failed=True)
    assert (mended.done, mended.failed) == (2, 0)


def test_a_refusal_gets_no_other_attempt() -> None:
    sweep(grid("picky", {"number": 3}), "a.sqlite", workers=1)
    with sqlite3.connect("a.sqlite") as connection:
        assert connection.execute("SELECT attempts FROM point").fetchall() == [(1,)]
    connection.close()


@pytest.mark.slow
def test_a_process_that_dies_or_hangs_costs_its_own_point() -> None:
    content = grid("dying", {"number": {"integers": [1, 9]}}, run={"time_limit": 5, "retries": 0})
    found = sweep(content, "a.sqlite", workers=2)
    assert (found.points, found.done, found.failed, found.lost) == (9, 7, 0, 2)
    assert {each.parameters: each.message.split(",")[0] for each in found.failures} == {
        '{"number":4}': "the process that ran it died (out of memory",
        '{"number":6}': "it took more than 5 seconds",
    }


@pytest.mark.slow
def test_the_pool_gives_the_same_bits_as_this_process() -> None:
    content = grid("noisy", {"mean": {"linear": [0, 1, 50]}}, run={"repeats": 3, "seed": 4})
    sweep(content, "serial.sqlite", workers=1)
    sweep(content, "pool.sqlite", workers=2)
    assert values("serial.sqlite") == values("pool.sqlite")
    sweep(grid("noisy", {"mean": {"linear": [0, 1, 50]}}, run={"repeats": 3, "seed": 5}), "other.sqlite", workers=1)
    assert values("other.sqlite")[0]["value"] != values("serial.sqlite")[0]["value"]
    assert values("other.sqlite")[0]["square"] == values("serial.sqlite")[0]["square"]


def test_a_point_draws_the_same_wherever_it_stands() -> None:
    sweep(grid("noisy", {"mean": [1, 2, 3]}), "a.sqlite", workers=1)
    sweep(grid("noisy", {"mean": [3, 1]}), "b.sqlite", workers=1)
    assert values("a.sqlite")[2] == values("b.sqlite")[0]
    assert values("a.sqlite")[0] == values("b.sqlite")[1]


def test_a_chunk_may_be_a_range_or_numbers() -> None:
    spec = specification(grid("area", {"width": [1, 2, 3]}, leave_out=[{"width": 2}])).model_dump_json()
    ranged, numbered = compute(spec, str(Path.cwd()), (0, 3)), compute(spec, str(Path.cwd()), [0, 2])
    assert ranged == numbered
    assert ranged.positions == [0, 2]


# The engine


def test_tasks_are_made_when_there_is_room() -> None:
    made: list[int] = []
    seen: list[int] = []

    def tasks() -> Iterator[Task]:
        for number in range(10):
            made.append(number)
            assert len(made) - len(seen) <= 3
            yield Task(key=str(number), function=abs, arguments=(-number,))

    run_tasks(tasks(), InProcess(), lambda outcome: seen.append(outcome.value) or [])
    assert seen == list(range(10))


def test_what_follows_of_an_outcome_is_run_too() -> None:
    states: list[str] = []

    def settle(outcome: Outcome) -> list[Task]:
        states.append(outcome.state)
        return [Task(key="again", function=abs, arguments=(-1,))] if outcome.state == "failed" else []

    run_tasks([Task(key="first", function=abs, arguments=("wrong",))], InProcess(), settle)
    assert states == ["failed", "done"]


@pytest.mark.slow
def test_a_pool_whose_idle_process_dies_goes_on() -> None:
    pool = Pool(1)
    try:
        pool.submit(Task(key="a", function=os.getpid, arguments=()))
        first = pool.completed(60.0)
        assert first is not None
        os.kill(first.value, signal.SIGKILL)
        time.sleep(0.5)
        pool.submit(Task(key="b", function=os.getpid, arguments=()))
        end = time.monotonic() + 60
        second = None
        while second is None and time.monotonic() < end:
            second = pool.completed(1.0)
        assert second is not None
        assert second.state in {"done", "lost"}
        assert second.value != first.value
    finally:
        pool.close()


@pytest.mark.slow
def test_a_new_pool_that_is_killed_while_it_starts_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Pool(1)) as pool:
        start, deaths = pool._start, iter([True, True, False])

        def dying() -> None:
            if next(deaths):
                raise BrokenProcessPool("killed")
            start()

        monkeypatch.setattr(pool, "_start", dying)
        pool._again()
        pool.submit(Task(key="a", function=abs, arguments=(-1,)))
        end = time.monotonic() + 60
        found = None
        while found is None and time.monotonic() < end:
            found = pool.completed(1.0)
    assert found is not None
    assert (found.state, found.value) == ("done", 1)


def test_one_worker_stays_in_this_process() -> None:
    assert isinstance(executor_for(workers=1), InProcess)


def test_a_scheduler_that_is_not_there_is_named(here: Path) -> None:
    pytest.importorskip("distributed", reason="needs the extra `cluster`")
    with pytest.raises(SystemRefused, match=r"scheduler\.json does not exist.*dask scheduler.*dask worker"):
        executor_for(workers=1, scheduler_file=here / "scheduler.json")


# The store


def test_a_store_of_another_sweep_is_refused_with_the_difference() -> None:
    sweep(grid("area", {"width": [1, 2]}), "a.sqlite", workers=1)
    refused(lambda: sweep(grid("area", {"width": [1, 3]}), "a.sqlite", workers=1), "axes.width [1, 2] there, [1, 3] here", "another store")
    refused(lambda: sweep(grid("area", {"width": [1, 2]}, run={"seed": 2}), "a.sqlite", workers=1), "run.seed 0 there, 2 here")
    assert sweep(grid("area", {"width": [1, 2]}, run={"retries": 5, "time_limit": 3}), "a.sqlite", workers=1).reused == 2


def test_what_is_no_store_is_refused(here: Path) -> None:
    (here / "text.sqlite").write_text("not a database, " * 100)
    refused(lambda: sweep(grid("area", {"width": 1}), "text.sqlite", workers=1), "is no SQLite file")
    with sqlite3.connect("other.sqlite") as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
    connection.close()
    refused(lambda: sweep(grid("area", {"width": 1}), "other.sqlite", workers=1), "SQLite file of something else")
    sweep(grid("area", {"width": 1}), "later.sqlite", workers=1)
    with sqlite3.connect("later.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    refused(lambda: sweep(grid("area", {"width": 1}), "later.sqlite", workers=1), "tables of version 99")
    refused(lambda: Store(Path("absent.sqlite"), create=False), "absent.sqlite does not exist")


def test_a_store_that_was_killed_while_it_was_made_is_made_again() -> None:
    Path("empty.sqlite").touch()
    with sqlite3.connect("half.sqlite") as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    for name in ("empty.sqlite", "half.sqlite"):
        assert sweep(grid("area", {"width": 1}), name, workers=1).done == 1


def test_a_second_coordinator_is_refused_with_the_first_ones_place() -> None:
    content = grid("area", {"width": [1, 2]})
    sweep(content, "a.sqlite", workers=1)
    with Store(Path("a.sqlite")) as first:
        first.coordinate()
        refused(lambda: sweep(content, "a.sqlite", workers=1), f"process {os.getpid()} on", "one coordinator")
    assert sweep(content, "a.sqlite", workers=1).done == 2


def test_a_dead_coordinators_store_is_taken_over() -> None:
    content = grid("area", {"width": [1, 2]})
    sweep(content, "a.sqlite", workers=1)
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    held = {"host": socket.gethostname(), "pid": process.pid, "began": "0", "beat": time.time()}
    with sqlite3.connect("a.sqlite") as connection:
        connection.execute("UPDATE sweep SET coordinator = ?", (json.dumps(held),))
        connection.execute("INSERT INTO attempt (environment, positions, started, state) VALUES (1, '[[0, 0]]', 0, 'running')")
    connection.close()
    assert sweep(content, "a.sqlite", workers=1).done == 2
    with sqlite3.connect("a.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM attempt WHERE state = 'running'").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize(("silent", "taken"), [(10.0, False), (1000.0, True)])
def test_a_coordinator_elsewhere_is_dead_when_it_was_silent(silent: float, taken: bool) -> None:
    content = grid("area", {"width": 1})
    sweep(content, "a.sqlite", workers=1)
    held = {"host": "elsewhere", "pid": 1, "began": "0", "beat": time.time() - silent}
    with sqlite3.connect("a.sqlite") as connection:
        connection.execute("UPDATE sweep SET coordinator = ?", (json.dumps(held),))
    connection.close()
    if taken:
        assert sweep(content, "a.sqlite", workers=1).done == 1
    else:
        refused(lambda: sweep(content, "a.sqlite", workers=1), "process 1 on elsewhere")


def test_points_from_elsewhere_go_on_only_when_that_was_said(here: Path) -> None:
    content = grid("counted", {"number": [1, 2]})
    sweep(content, "a.sqlite", workers=1)
    other = {**provenance(), "processor": "Z80"}
    with sqlite3.connect("a.sqlite") as connection:
        connection.execute("UPDATE environment SET content = ?", (json.dumps(other, sort_keys=True),))
    connection.close()
    refused(lambda: sweep(content, "a.sqlite", workers=1), "processor Z80 there", "stale='keep'", "stale='rerun'")
    assert sweep(content, "a.sqlite", workers=1, stale="keep").reused == 2
    assert sweep(content, "a.sqlite", workers=1, stale="rerun").reused == 0
    assert sorted((here / "calls.txt").read_text().split()) == list("1122")
    assert sweep(content, "a.sqlite", workers=1).reused == 2
    refused(lambda: sweep(content, "a.sqlite", workers=1, stale="perhaps"), "perhaps", "refuse, keep, rerun")


def test_numbers_that_have_changed_are_computed_again_only_when_that_was_said(here: Path) -> None:
    content = grid("area", {"width": [1, 2]})
    sweep(content, "a.sqlite", workers=1)
    with sqlite3.connect("a.sqlite") as connection:
        connection.execute("UPDATE sweep SET results_version = 7")
    connection.close()
    refused(lambda: sweep(content, "a.sqlite", workers=1), "results of version 7", "now it is 1")
    refused(lambda: sweep(content, "a.sqlite", workers=1, stale="keep"), "results of version 7")
    assert sweep(content, "a.sqlite", workers=1, stale="rerun").reused == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_store_that_cannot_be_written_is_a_sentence() -> None:
    content = grid("area", {"width": 1})
    sweep(content, "a.sqlite", workers=1)
    Path("a.sqlite").chmod(0o400)
    with pytest.raises(SystemRefused, match="cannot be written"):
        sweep(grid("area", {"width": 1}), "a.sqlite", workers=1)


FULL_DISK = """
import resource, signal, sys
from layerpeel.pages.stopping import SystemRefused
from layerpeel.sweeps.sweep import sweep
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
try:
    sweep({"sweep": {"quantity": "shapes:area"}, "axes": {"width": {"linear": [0, 1, 20000]}}}, "a.sqlite", workers=1)
except SystemRefused as error:
    print(error)
"""


def test_a_disk_that_fills_up_in_the_middle_is_a_sentence_and_what_is_done_stays() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])}
    found = subprocess.run([sys.executable, "-c", FULL_DISK], capture_output=True, text=True, check=True, env=environment)
    assert "a.sqlite cannot be written or read" in found.stdout
    assert "run the same command again" in found.stdout
    again = sweep(grid("area", {"width": {"linear": [0, 1, 20000]}}), "a.sqlite", workers=1)
    assert (again.done, again.failed) == (20000, 0)
    assert len(values("a.sqlite")) == 20000


def test_memory_does_not_grow_with_the_number_of_points() -> None:
    program = textwrap.dedent(
        """
        import resource
        from layerpeel.sweeps.sweep import sweep
        def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        sweep({"sweep": {"quantity": "shapes:area"}, "axes": {"width": {"linear": [0, 1, 5000]}}}, "a.sqlite", workers=1)
        before = peak()
        sweep({"sweep": {"quantity": "shapes:area"}, "axes": {"width": {"linear": [0, 1, 50000]}}}, "b.sqlite", workers=1)
        print(peak() - before)
        """
    )
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert int(found.stdout) < 30_000  # kilobytes: an axis of 50,000 values and its fragments, and one chunk


def test_file_systems_are_told_apart() -> None:
    assert file_system(Path("/proc/self/status")) == "proc"


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_a_function_prints_goes_to_standard_error(here: Path, workers: str) -> None:
    (here / "shapes.py").write_text(FUNCTIONS + '\nprint("imported")\n')
    (here / "talk.toml").write_text('[sweep]\nquantity = "shapes:talking"\n[axes]\nnumber = [1, 2]\n')
    command = [sys.executable, "-m", "layerpeel", "sweep", "talk.toml", "--json", "--workers", workers]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout)["done"] == 2
    assert ended.stderr.count("talk\n") == 2
    assert "imported" in ended.stderr
