"""Puts every fault into a scratch copy, runs what watches it, and says which checks turned from what is expected, and which tests failed.

Usage: python -m mutants [--all-rooms] [--workers N] [FAULT ...]
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

from layerpeel.theory import catalogue
from mutants._faults import ROOT, Fault, read_faults

FOLDERS, FILES = ("src", "theory", "solvers", "numerics", "gpu_train", "tests"), ("pyproject.toml", "conftest.py")
SECONDS = 900.0
"""A fault that keeps its rooms or tests busy for longer counts as missed: it says nothing about their checks."""


def main() -> int:
    """Run the faults and print a table; 1 when one was not caught by the checks that its entry names."""
    parser = argparse.ArgumentParser(prog="python -m mutants", description=__doc__)
    parser.add_argument("fault", nargs="*", help="names of faults; all of them unless given")
    parser.add_argument("--all-rooms", action="store_true", help="run every room for every fault, not only those that watch it")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    faults = [fault for fault in read_faults() if not options.fault or fault.name in options.fault]
    unknown = set(options.fault) - {fault.name for fault in faults}
    if unknown or not faults:
        sys.stderr.write(f"faults {sorted(unknown)} do not exist: see mutants/faults.toml.\n")
        return 2
    everything = tuple(catalogue())
    missed: list[str] = []
    with scratch_copies(options.workers) as copies, ThreadPoolExecutor(options.workers) as pool:

        def turned(fault: Fault | None) -> dict[str, str]:
            copy = copies.get()
            try:
                watching = everything if options.all_rooms else fault.rooms if fault else watched(faults)
                return run(copy, fault, watching, fault.tests if fault else tests_of(faults))
            finally:
                copies.put(copy)

        sound = pool.submit(turned, None)
        jobs = [(fault, pool.submit(turned, fault)) for fault in faults]
        if sound.result():
            sys.stderr.write(f"without any fault these are not as expected: {sound.result()}; repair them first.\n")
            return 1
        print(f"{len(watched(faults))} rooms are as expected without a fault, and {len(tests_of(faults))} tests pass.\n")
        for fault, job in jobs:
            found = job.result()
            lacking = [check for check in (*fault.turns, *fault.tests) if check not in found]
            print(f"{'MISSED' if lacking else 'caught'}  {fault.name}: {fault.says} ({fault.file})")
            for check, how in found.items():
                print(f"        {check} {how}")
            for check in lacking:
                print(f"        {check} did not turn")
            missed += [fault.name] if lacking else []
    print(f"\n{len(faults) - len(missed)} of {len(faults)} faults caught." + (f" Missed: {', '.join(missed)}." if missed else ""))
    return 1 if missed else 0


def watched(faults: list[Fault]) -> tuple[str, ...]:
    """Every room that watches one of the faults."""
    return tuple(dict.fromkeys(room for fault in faults for room in fault.rooms))


def tests_of(faults: list[Fault]) -> tuple[str, ...]:
    """Every test that watches one of the faults."""
    return tuple(dict.fromkeys(test for fault in faults for test in fault.tests))


@contextmanager
def scratch_copies(number: int) -> Generator["Queue[Path]"]:
    """Copies of the packages, to be changed and thrown away."""
    with tempfile.TemporaryDirectory(prefix="layerpeel-mutants-") as place:
        copies: Queue[Path] = Queue()
        for index in range(number):
            copy = Path(place) / str(index)
            for folder in FOLDERS:
                shutil.copytree(ROOT / folder, copy / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            for file in FILES:
                shutil.copy(ROOT / file, copy / file)
            copies.put(copy)
        yield copies


def run(copy: Path, fault: Fault | None, rooms: tuple[str, ...], tests: tuple[str, ...]) -> dict[str, str]:
    """The checks and controls of the rooms that are not as expected with this fault, and the tests that fail → how."""
    if fault is None:
        return _unexpected(copy, rooms) | _failing(copy, tests)
    place = copy / fault.file
    sound = place.read_text(encoding="utf-8")
    place.write_text(fault.mutated(sound), encoding="utf-8")
    try:
        return _unexpected(copy, rooms) | _failing(copy, tests)
    finally:
        place.write_text(sound, encoding="utf-8")
        # the second of two writes within one clock tick would be hidden by the bytecode of the first
        os.utime(place, (time.time() + 2.0, time.time() + 2.0))


def _done(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str] | str:
    """A module of the copy, run to its end; or why it did not come to one."""
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-B", "-m", *arguments]
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"did not end within {SECONDS:g} s"
    return done if done.returncode in (0, 1) else f"could not run: {(done.stderr or done.stdout).strip().splitlines()[-1:]}"


def _failing(copy: Path, tests: tuple[str, ...]) -> dict[str, str]:
    """The tests that fail, a test of several cases where one of them does."""
    if not tests:
        return {}
    done = _done(copy, "pytest", "-q", "--tb=no", "-rf", "-p", "no:cacheprovider", *tests)
    if isinstance(done, str):
        return {f"{test} (all)": done for test in tests}
    failed = [line.removeprefix("FAILED ") for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    found = {test: [line for line in failed if line.partition(" ")[0].partition("[")[0] == test] for test in tests}
    return {test: f"failed{f' in {len(lines)} cases' * (len(lines) > 1)}" for test, lines in found.items() if lines}


def _unexpected(copy: Path, rooms: tuple[str, ...]) -> dict[str, str]:
    if not rooms:
        return {}
    done = _done(copy, "layerpeel", "check", *rooms, "--jobs", "1", "--json")
    if isinstance(done, str):
        return {f"{room}/(all)": done for room in rooms}
    found: dict[str, str] = {}
    for room in json.loads(done.stdout)["rooms"]:
        for check in room["checks"]:
            if check["verdict"] not in (check["expected"], "skipped") or check["verdict"] == "inconclusive":
                found[f"{room['name']}/{check['name']}"] = check["verdict"] + (f" ({check['note'][:90]})" if check["note"] else "")
        for control in room["controls"]:
            if control["verdict"] not in ("refuted", "skipped"):
                found[f"{room['name']}/{control['check']}, control {control['name']}"] = control["verdict"]
    return found


if __name__ == "__main__":
    sys.exit(main())
