"""The routes, in the order in which `auto` asks them."""

from collections.abc import Callable
from typing import Any, NamedTuple

from layerpeel.solvers._solution import Solution
from layerpeel.solvers.program._problem import Problem
from layerpeel.solvers.routes import _factored, _sdp, _symmetric
from layerpeel.solvers.routes._request import Request


class Route(NamedTuple):
    """A way to a solution.

    Args:
        covers: whether `auto` may take it for a problem.
        run: solves and certifies.
    """

    covers: Callable[[Problem], bool]
    run: Callable[[Request[Any]], Solution[Any]]


TABLE = {
    "symmetric": Route(covers=_symmetric.covers, run=_symmetric.run),
    "factored": Route(covers=lambda _: True, run=_factored.run),
    "sdp": Route(covers=lambda _: False, run=_sdp.run),
}
"""By name. The reference is taken by its name only."""
