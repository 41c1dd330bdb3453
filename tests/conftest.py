"""One BLAS thread, before numpy is imported, and the Hypothesis profiles."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
