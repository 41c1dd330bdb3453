"""Whole processes: what a command costs before it has computed anything, against an empty Python.

Installed packages have their bytecode; where an environment keeps Python from writing it, every start would compile all that is imported.
So the processes share a folder of their own for it, which the warm-up fills.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks._pairs import Row, pair

PAIRS = 15

BYTECODE = tempfile.mkdtemp(prefix="layerpeel-bench-")
atexit.register(shutil.rmtree, BYTECODE, ignore_errors=True)

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPYCACHEPREFIX": BYTECODE}
if "PYTHONPATH" in ENVIRONMENT:  # commands run in other folders
    ENVIRONMENT["PYTHONPATH"] = os.pathsep.join(str(Path(each).resolve()) for each in ENVIRONMENT["PYTHONPATH"].split(os.pathsep))

ENERGY = ("--feature-energy", "5")


def started(*command: str) -> None:
    """A process of this Python, run to its end."""
    with tempfile.TemporaryDirectory() as folder:
        call = [sys.executable, *command]
        subprocess.run(call, check=True, capture_output=True, cwd=Path(folder), env=ENVIRONMENT)  # noqa: S603 - commands of ours


def row(most: float, *arguments: str) -> Row:
    """A command against `python -c pass`."""
    ours, empty, ratio = pair(
        lambda: started("-m", "layerpeel", *arguments), lambda: started("-c", "pass"), pairs=PAIRS, calls=1, other_calls=1
    )
    name = f"layerpeel {arguments[0]}, the whole process"
    return Row(
        name=name,
        seconds=ours,
        against="python -c pass",
        against_seconds=empty,
        ratio=ratio,
        target=f"at most {most:g} s",
        met=ours <= most,
    )


ROWS = (
    lambda: row(0.6, "threshold", "--majority", "5", "--minority", "5", *ENERGY),
    lambda: row(0.6, "solve", "--groups", "5x100,5x10", *ENERGY),
    lambda: row(0.8, "list"),
)
