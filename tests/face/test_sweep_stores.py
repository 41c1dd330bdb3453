"""What continues a store and what does not; points and processes that end in unusual ways."""

import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_functions import functions_of_ones_own
from refusals import refused

from layerpeel.pages.stopping import SystemRefused
from layerpeel.schemas import SWEEP_FILE, schema_file, sweep_file_text
from layerpeel.sweeps import pool as pool_module
from layerpeel.sweeps.chunk import points_of
from layerpeel.sweeps.explanation import explain
from layerpeel.sweeps.pool import Pool
from layerpeel.sweeps.quantity import quantity_named
from layerpeel.sweeps.specification import specification
from layerpeel.sweeps.store import Store
from layerpeel.sweeps.sweep import arrays_of, sweep
from layerpeel.sweeps.tasks import Outcome, Task

FUNCTIONS = """
import sys, time
import numpy as np

def digits(x: int, y: int, z: int = 1):
    return 100 * x + 10 * y + z

def unusual(number: int):
    if number == 1:
        sys.exit(4)
    return {
        2: {"file": np.ones(3), "value": 2.0},
        3: np.array(["a", object()], dtype=object),
        4: {"a/b": 1.0},
        5: {6: 1.0},
    }.get(number, number)

def ending(number: int):
    if number == 1:
        raise KeyboardInterrupt
    return number

def picky(number: int):
    if number == 3:
        raise ArithmeticError("three")
    return number

def hanging(number: int):
    if number == 500:
        time.sleep(600)
    return number
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with functions of its own."""
    with functions_of_ones_own(tmp_path, monkeypatch, "endings", FUNCTIONS) as folder:
        yield folder


def grid(quantity: str, axes: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"sweep": {"quantity": f"endings:{quantity}"}, "axes": dict(axes), **more}


# What continues a store


def test_axes_in_another_order_are_another_sweep() -> None:
    sweep(grid("digits", {"x": [1, 2], "y": [1, 2, 3]}), "a.sqlite", workers=1)
    refused(
        lambda: sweep(grid("digits", {"y": [1, 2, 3], "x": [1, 2]}), "a.sqlite", workers=1),
        "a.sqlite",
        "the same axes in another order",
        "name another store",
    )


def test_a_default_that_has_changed_makes_other_points(here: Path) -> None:
    axes = grid("digits", {"x": [1, 2], "y": 1})
    sweep(axes, "a.sqlite", workers=1)
    (here / "endings.py").write_text(FUNCTIONS.replace("z: int = 1", "z: int = 22"))
    sys.modules.pop("endings")
    quantity_named.cache_clear()
    points_of.cache_clear()
    refused(
        lambda: sweep(axes, "a.sqlite", workers=1),
        '{"x":1,"y":1,"z":1} there, {"x":1,"y":1,"z":22} here',
        "a default of endings:digits has changed",
    )


def test_failures_are_told_again_when_nothing_is_left_to_do() -> None:
    spec = grid("picky", {"number": [2, 3]}, run={"retries": 0})
    first, second = (sweep(spec, "a.sqlite", workers=1) for _ in range(2))
    assert second.reused == 1
    assert [each.message for each in second.failures] == [each.message for each in first.failures] == ["ArithmeticError: three"]


def test_two_that_make_a_store_at_once_are_no_damage() -> None:
    with Store(Path("a.sqlite")) as one, Store(Path("a.sqlite")) as other:
        one._open(new=True)
        for store in (one, other):
            store.begin(specification="{}", quantity="q", results_version=1, points=1)
        one.coordinate()
        refused(other.coordinate, "a store has one coordinator")


def test_a_coordinator_whose_store_was_taken_over_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(Path("a.sqlite")) as store:
        store.begin(specification="{}", quantity="q", results_version=1, points=1)
        store.coordinate()
        with closing(sqlite3.connect("a.sqlite")) as other:
            other.execute("""UPDATE sweep SET coordinator = '{"pid": 7, "host": "elsewhere"}'""")
            other.commit()
        monkeypatch.setattr("layerpeel.sweeps.store.BEAT", -1.0)
        with pytest.raises(SystemRefused, match="taken over by process 7 on elsewhere"):
            store.commit()
    with closing(sqlite3.connect("a.sqlite")) as other:
        assert "elsewhere" in other.execute("SELECT coordinator FROM sweep").fetchone()[0]


def test_more_points_than_can_be_numbered_are_refused_even_when_they_are_meant() -> None:
    axes = {name: {"integers": [0, 999_999]} for name in ("x", "y", "z")}
    refused(lambda: sweep(grid("digits", axes, run={"repeats": 10**6}), "a.sqlite", many=True), "1e+24 points", "can be numbered")
    assert not Path("a.sqlite").exists()


def test_an_empty_axis_is_shown() -> None:
    refused(
        lambda: specification({"sweep": {"quantity": "threshold"}, "axes": {"majority": []}}),
        "axes.majority is []: it must be a value, a list of some",
    )


def test_whole_numbers_to_sample_rise() -> None:
    sample = {"size": 4, "x": {"integers": [3, 1]}, "y": {"integers": [1, 3]}}
    refused(lambda: specification({"sweep": {"quantity": "endings:digits"}, "sample": sample}), "sample.x is {'integers': [3, 1]}")


def test_the_committed_schema_of_a_sweeps_file_is_the_models() -> None:
    assert schema_file(SWEEP_FILE).read_text(encoding="utf-8") == sweep_file_text(), "run python -m layerpeel.schemas"


# What is computed together

DRAWN = {"constant": [1.0, 2.0, 3.0, 4.0], "exponent": [0.5, 1.0], "time": 10.0, "samples": 2, "paths": 20}


def attempts(path: str) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(path)) as store:
        return store.execute("SELECT state, count(*) FROM attempt GROUP BY state ORDER BY state").fetchall()


def test_points_that_have_no_form_for_many_are_noted_as_they_come() -> None:
    spec = {"sweep": {"quantity": "separation-probability"}, "axes": DRAWN}
    assert sweep(spec, "a.sqlite", workers=1).done == 8
    ((state, number),) = attempts("a.sqlite")
    assert (state, number > 1) == ("done", True)
    explained = explain(spec)
    assert (explained.together, sum(each.points for each in explained.measured)) == (False, 3)


def test_points_that_cannot_be_computed_together_are_found_by_halves() -> None:
    imbalances = [*(2.0 + k / 100 for k in range(99)), 0.5, 4.0]
    axes = {"majority": 3, "minority": 2, "feature_energy": 5.0, "imbalance": imbalances}
    found = sweep({"sweep": {"quantity": "minority-cosine"}, "axes": axes}, "a.sqlite", workers=1)
    assert (found.done, found.failed) == (100, 1)
    assert "imbalance is 0.5" in found.failures[0].message
    assert dict(attempts("a.sqlite")) == {"abandoned": 2, "done": 3}


# Points that end in unusual ways


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_whatever_a_function_does_is_its_points_affair(workers: int) -> None:
    found = sweep(grid("unusual", {"number": [0, 1, 2, 3, 4, 5]}, run={"retries": 0}), "a.sqlite", workers=workers)
    assert (found.done, found.failed) == (2, 4)
    told = " ".join(each.message for each in found.failures)
    for part in ("SystemExit: 4", "value is an array of Python objects", "called 'a/b'", "called 6"):
        assert part in told
    (place,) = arrays_of(Path("a.sqlite")).iterdir()
    with np.load(place) as archive:
        assert archive["file"].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.slow
def test_an_interrupt_that_a_function_raises_in_a_pool_does_not_end_the_sweep() -> None:
    found = sweep(grid("ending", {"number": [0, 1, 2]}, run={"retries": 0}), "a.sqlite", workers=2)
    assert (found.done, found.failed) == (2, 1)


@pytest.mark.slow
def test_a_point_that_hangs_in_a_large_chunk_is_found_after_its_own_time() -> None:
    began = time.monotonic()
    axes = {"number": {"integers": [0, 999]}}
    found = sweep(grid("hanging", axes, run={"retries": 0, "time_limit": 3}), "a.sqlite", workers=2)
    assert (found.done, found.lost) == (999, 1)
    assert time.monotonic() - began < 120


# Processes that end when nobody looks


def until_it_ends(pool: Pool) -> Outcome:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if (outcome := pool.completed(1.0)) is not None:
            return outcome
    raise AssertionError("it never ended")


@pytest.mark.slow
def test_a_process_whose_death_pebble_overlooks_costs_its_task_and_nothing_else() -> None:
    with closing(Pool(2)) as pool:
        manager: Any = pool._pool._pool_manager
        manager.handle_worker_expiration = lambda expiration: None  # as when the process died before it was known what it ran
        pool.submit(Task(key="dies", function=os._exit, arguments=(3,)))
        lost = until_it_ends(pool)
        assert (lost.task.key, lost.state) == ("dies", "lost")
        pool.submit(Task(key="goes on", function=abs, arguments=(-1,)))
        assert until_it_ends(pool).value == 1


@pytest.mark.slow
def test_a_task_that_was_taken_and_never_begun_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Pool(1)) as pool:
        manager: Any = pool._pool._pool_manager
        manager.worker_manager.dispatch = lambda task: None  # as when a process dies with a task that it has not acknowledged
        pool.submit(Task(key="a", function=abs, arguments=(-1,)))
        assert pool.completed(1.0) is None
        monkeypatch.setattr(pool_module, "OVERDUE", 1.0)
        assert until_it_ends(pool).value == 1
