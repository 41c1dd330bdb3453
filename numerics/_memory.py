"""Say what a computation would need before allocating it."""

import os
from collections.abc import Callable

from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics._validated import validated

PIECE = 2**20
"""Bytes that are read at once."""


@validated
def require_memory(need: float, what: str, remedy: str) -> None:
    """Check an estimate in bytes against the machine's memory.

    Args:
        need: bytes.
        what: what would need them, as the refusal begins.
        remedy: what to do instead, as it ends.

    Raises:
        UnusableInput: with both numbers, when it does not fit; and for a need that is no number.

    Example:
        >>> require_memory(1e6, "a small array", "nothing to do")
    """
    have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > have:
        raise UnusableInput(f"{what} would need about {need / 1e9:.0f} GB and this machine has {have / 1e9:.0f} GB: {remedy}.")


def at_most(read: Callable[[int], bytes], size: int) -> bytearray:
    """The next bytes of a file, as many as there are or as were asked for; memory grows with what is there.

    Args:
        read: reads at most as many bytes from an open file, plain or unpacked as it is read.
        size: bytes wanted, ≥ 0.

    Raises:
        OSError: as `read` raises it.

    Example:
        >>> from io import BytesIO
        >>> at_most(BytesIO(b"abc").read, 10**12)
        bytearray(b'abc')
    """
    content = bytearray()
    while len(content) < size and (piece := read(min(PIECE, size - len(content)))):
        content += piece
    return content
