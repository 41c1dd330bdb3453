"""Reads `--groups`: classes of equal count, as CLASSESxSAMPLES."""

import re

from layerpeel.numerics import UnusableInput

_GROUP = re.compile(r"\s*(\d{1,18})\s*x\s*(\d{1,18})\s*", re.ASCII)


def parse_groups(text: str) -> list[tuple[int, int]]:
    """Groups as (classes, samples).

    Raises:
        UnusableInput: when the text is not a list of CLASSESxSAMPLES.

    Example:
        >>> parse_groups("5x100,5x10")
        [(5, 100), (5, 10)]
    """
    groups: list[tuple[int, int]] = []
    for part in text.split(","):
        match = _GROUP.fullmatch(part)
        if match is None:
            raise UnusableInput(
                f"--groups {text!r} cannot be read at {part!r}: each group is CLASSESxSAMPLES in whole numbers; "
                "write, say, 5x100,5x10 for five classes of 100 samples and five of 10."
            )
        groups.append((int(match[1]), int(match[2])))
    return groups
