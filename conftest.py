"""The folders at the top are tested by their links in src/layerpeel: by both ways a module would be imported twice."""

import os

collect_ignore = ["theory", "solvers", "numerics", "gpu_train"]

# Hypothesis would import numerics by our own entry point before the hook that checks its annotations stands (see tests/runtime_types.py).
os.environ.setdefault("HYPOTHESIS_NO_PLUGINS", "1")
