"""Side-by-side timings in one run: `make bench`, or `python -m benchmarks [TOPIC ...] [--json]`.

Every row pairs a route with its alternative in turn (A B A B …) after a warm-up, and prints medians and the median of the ratios
pair by pair, so a machine whose speed drifts does not change the comparison. One BLAS thread. Each public module of this package is
a topic: it lists its comparisons in ROWS and, where cost against size matters, its tables in GROWTH and MEMORY.
"""

import os

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import argparse
import importlib
import json
import pkgutil
import platform
import resource
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks._pairs import Growth, Memory, Row

TOPICS = sorted(info.name for info in pkgutil.iter_modules([str(Path(__file__).parent)]) if not info.name.startswith("_"))


def _human(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def main() -> None:
    """Run the comparisons of all topics, or of those named, and print them as a table or as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Side-by-side timings in one run.")
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help=f"any of {', '.join(TOPICS)}; all when none is named")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the tables")
    arguments = parser.parse_args()
    unknown = [topic for topic in arguments.topics if topic not in TOPICS]
    if unknown:
        parser.error(f"topic {unknown[0]!r} does not exist: it must be one of {', '.join(TOPICS)}.")
    say = (lambda _: None) if arguments.json else lambda line: print(line, flush=True)
    say(f"Python {platform.python_version()}, NumPy {np.__version__}, one BLAS thread; medians of pairs run in turn\n")
    say(f"{'':50}{'median':>10}   {'against':44}{'median':>10}{'ratio':>12}   target")
    rows: list[Row] = []
    tables: list[Growth] = []
    modules = [importlib.import_module(f"benchmarks.{topic}") for topic in arguments.topics or TOPICS]
    for module in modules:
        for job in module.ROWS:
            row = job()
            rows.append(row)
            say(
                f"{row.name:50}{_human(row.seconds):>10}   {row.against:44}{_human(row.against_seconds):>10}{row.ratio:>11,.3g}×   "
                f"{row.target}: {'met' if row.met else 'NOT MET'}"
            )
    say("\ntime against size, and the fitted exponent")
    for module in modules:
        for job in getattr(module, "GROWTH", ()):
            table = job()
            tables.append(table)
            steps = ", ".join(f"{table.size} = {size:,}: {_human(seconds)}" for size, seconds in table.seconds.items())
            say(f"{table.route:50}{table.size}^{table.exponent:.2f}   {steps}")
    say("\npeak memory against size, in processes of their own")
    peaks: list[Memory] = []
    for module in modules:
        for job in getattr(module, "MEMORY", ()):
            peak = job()
            peaks.append(peak)
            say(f"{peak.route:50}{', '.join(f'{peak.size} = {size:,}: {megabytes:,.0f} MB' for size, megabytes in peak.megabytes.items())}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    say(f"\npeak memory of this run {memory:.2f} GB")
    if arguments.json:
        found = {"rows": rows, "growth": tables, "memory": peaks}
        print(json.dumps(found, ensure_ascii=False, indent=2, default=asdict))


if __name__ == "__main__":
    main()
