"""The examples: short, and each does what its first line says."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
LONGEST = 60
"""Lines of a script that a person reads before running it."""

SAYS = {
    "class_counts": ["3 x    50: classifiers are", "||w||"],
    "phase_diagram": ["12.19244708032593526"],
    "separation": ["alpha = 4.0/(1+t)", "t =     1e+06: 1.00 in"],
    "strengths": ["true 0.00498", "true -0.00100", "alpha falls like t^-r, r = 0.99"],
    "measure_network": ["Each layer multiplies D by"],
    "track_training": ["epoch 40: D = ", "collapse.html has", "minority cosine"],
    "own_theorem": ["norm confirmed", "rank-for-classes refuted"],
}
"""What each prints, among other things."""


def test_every_example_is_run() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_an_example_runs_and_says_what_it_promises(name: str) -> None:
    if name in {"measure_network", "track_training"} and not all(map(importlib.util.find_spec, ("torch", "sklearn"))):
        pytest.skip("needs torch and scikit-learn (extras train, data)")
    script = EXAMPLES / f"{name}.py"
    assert len(script.read_text(encoding="utf-8").splitlines()) < LONGEST
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for part in SAYS[name]:
        assert part in done.stdout, done.stdout
