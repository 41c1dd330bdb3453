"""Say what a computation would need before allocating it."""

import os

from numerics._inputs import UnusableInput
from numerics._validated import validated


@validated
def require_memory(need: float, what: str, remedy: str) -> None:
    """Check an estimate in bytes against the machine's memory.

    Raises:
        UnusableInput: with both numbers, when it does not fit.

    Example:
        >>> require_memory(1e6, "a small array", "nothing to do")
    """
    have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > have:
        raise UnusableInput(f"{what} would need about {need / 1e9:.0f} GB and this machine has {have / 1e9:.0f} GB: {remedy}.")
