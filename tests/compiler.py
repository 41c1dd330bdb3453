"""Both routes of a batch, compiled and in NumPy; where numba is not installed, the compiled one is skipped with its reason."""

import importlib.util

import pytest

needs_numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed (extra 'fast')")

BOTH_ROUTES = (pytest.param(True, marks=needs_numba), False)
"""Values of `compiled`, as parameters."""
