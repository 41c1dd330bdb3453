"""Puts every fault into a scratch copy, runs the rooms that watch it, and says which checks turned from what is expected.

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

FOLDERS = ("src", "theory", "solvers", "numerics", "gpu_train")
SECONDS = 900.0
"""A fault that keeps its rooms busy for longer counts as missed: it says nothing about their checks."""


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
                return run(copy, fault, watching)
            finally:
                copies.put(copy)

        sound = pool.submit(turned, None)
        jobs = [(fault, pool.submit(turned, fault)) for fault in faults]
        if sound.result():
            sys.stderr.write(f"without any fault these are not as expected: {sound.result()}; repair them first.\n")
            return 1
        print(f"{len(watched(faults))} rooms are as expected without a fault.\n")
        for fault, job in jobs:
            found = job.result()
            lacking = [check for check in fault.turns if check not in found]
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


@contextmanager
def scratch_copies(number: int) -> Generator["Queue[Path]"]:
    """Copies of the packages, to be changed and thrown away."""
    with tempfile.TemporaryDirectory(prefix="layerpeel-mutants-") as place:
        copies: Queue[Path] = Queue()
        for index in range(number):
            copy = Path(place) / str(index)
            for folder in FOLDERS:
                shutil.copytree(ROOT / folder, copy / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            copies.put(copy)
        yield copies


def run(copy: Path, fault: Fault | None, rooms: tuple[str, ...]) -> dict[str, str]:
    """The checks and controls of the rooms that are not as expected with this fault → how."""
    if fault is None:
        return _unexpected(copy, rooms)
    place = copy / fault.file
    sound = place.read_text(encoding="utf-8")
    place.write_text(fault.mutated(sound), encoding="utf-8")
    try:
        return _unexpected(copy, rooms)
    finally:
        place.write_text(sound, encoding="utf-8")
        # the second of two writes within one clock tick would be hidden by the bytecode of the first
        os.utime(place, (time.time() + 2.0, time.time() + 2.0))


def _unexpected(copy: Path, rooms: tuple[str, ...]) -> dict[str, str]:
    command = [sys.executable, "-B", "-m", "layerpeel", "check", *rooms, "--jobs", "1", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {f"{room}/(all)": f"did not end within {SECONDS:g} s" for room in rooms}
    if done.returncode not in (0, 1):
        return {f"{room}/(all)": f"could not run: {done.stderr.strip().splitlines()[-1:]}" for room in rooms}
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
