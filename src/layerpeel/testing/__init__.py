"""For other people's property-based tests: strategies, assertions, and a pytest plugin that collects their rooms.

Nothing is imported before it is used: pytest and Hypothesis load this package in every session of a machine that has it installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from layerpeel.testing.assertions import assert_encloses as assert_encloses
    from layerpeel.testing.assertions import assert_near_optimum as assert_near_optimum
    from layerpeel.testing.assertions import assert_theorem as assert_theorem
    from layerpeel.testing.assertions import assert_verdict as assert_verdict

ASSERTIONS = ("assert_encloses", "assert_near_optimum", "assert_theorem", "assert_verdict")


def __getattr__(name: str) -> Any:
    if name not in ASSERTIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("layerpeel.testing.assertions"), name)


def register_strategies() -> None:
    """Tell Hypothesis how brackets are drawn, so that `st.from_type(Bracket)` works; Hypothesis calls it by its entry point.

    Example:
        >>> from hypothesis import strategies as st
        >>> from layerpeel.numerics import Bracket
        >>> register_strategies()
        >>> st.from_type(Bracket)
        one_of(...)
    """
    from hypothesis import strategies as st

    def brackets(_: type) -> Any:
        from layerpeel.testing.strategies import brackets

        return brackets()

    from layerpeel.numerics import Bracket

    st.register_type_strategy(Bracket, brackets)
