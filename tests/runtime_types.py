"""The checker that the tests put under numerics and solvers: shapes and types of calls, an int standing for a float.

A check costs about ten microseconds, so a test of a million calls would spend most of its time on them. Each test begins with checks on;
after its first `CALLS` they are off until the next one begins (this module is a plugin of pytest): the later calls of one test go the ways
of its first ones.
"""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype

CALLS = 50_000
"""Checks of one test: parameters and value of a call are two. About a second."""

_checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
_taken = {"checks": itertools.count()}


def pytest_runtest_setup() -> None:
    """Checks are on, for the next `CALLS`."""
    _taken["checks"] = itertools.count()
    jaxtyping.config.update("jaxtyping_disable", False)


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its annotations checked while the test has checks left; they are read at its first check, if there is one."""
    checked = functools.cache(lambda: _checked(function))

    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        if next(_taken["checks"]) < CALLS:
            return checked()(*args, **kwargs)
        jaxtyping.config.update("jaxtyping_disable", True)
        return function(*args, **kwargs)

    return counted
