"""Validation at the edge: the one error for unusable input, and what every number that comes from outside goes through."""

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

LONGEST_SHOWN = 60
"""Characters of a value that a sentence quotes."""


LARGEST_PLAIN = 2**53
"""Whole numbers below this are doubles without a look."""

PLAIN = (float, int)
"""Python's own numbers, which need no question that costs a microsecond."""


class UnusableInput(ValueError):
    """Input that breaks a rule; its message names the value, the rule and the remedy in one sentence."""


def _is_number(value: Any) -> bool:
    """Whether `numbers.Real` covers it; True and False are no numbers here."""
    if type(value) in PLAIN:
        return True
    return isinstance(value, Real) and not isinstance(value, bool)


def shown(value: Any) -> str:
    """A value as a sentence quotes it: on one line, cut where it is long, NumPy's scalars as plain numbers.

    Args:
        value: anything.

    Example:
        >>> shown("a" * 100), shown(2.5)
        ("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…", '2.5')
    """
    if isinstance(value, int) and abs(value) >= 10**LONGEST_SHOWN:
        return f"a number of {value.bit_length() * 30103 // 100000 + 1} digits"  # Python refuses to print the largest
    scalar = getattr(value, "item", None)
    if _is_number(value) and scalar is not None:
        value = scalar()
    try:
        text = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001 - Python refuses to print the largest numbers, and an object's own __repr__ can raise anything
        return f"a {type(value).__name__} that cannot be printed"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def double(value: Any) -> float:
    """A real number as a double; infinite when it does not fit, NaN when it is no real number.

    Args:
        value: anything.

    Example:
        >>> double(10**400), double("5")
        (inf, nan)
    """
    if type(value) is float:
        return value
    if not _is_number(value):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def require_positive(value: Any, what: str) -> float:
    """A positive finite number, as a float.

    Args:
        value: anything.
        what: its name in the refusal, without the article.

    Raises:
        UnusableInput: for what is no positive finite number.

    Example:
        >>> require_positive(5, "feature energy")
        5.0
    """
    number = double(value)
    if math.isfinite(number) and number > 0.0:
        return number
    raise UnusableInput(f"the {what} is {shown(value)}: it must be a positive finite number; give one, for example 5.")


def require_real(value: Any, what: str, *, least: float = -math.inf, largest: float = math.inf, remedy: str = "correct it") -> float:
    """A finite real number from `least` to `largest`, as a float: whatever `numbers.Real` covers, NumPy's scalars and fractions too.

    Args:
        value: anything.
        what: its name in the refusal, with the article.
        least: smallest legal number.
        largest: greatest legal number.
        remedy: what to do instead, as the refusal ends.

    Raises:
        UnusableInput: for what is no such number.

    Example:
        >>> from fractions import Fraction
        >>> require_real(Fraction(1, 4), "the resolution", least=0)
        0.25
    """
    number = double(value)
    if math.isfinite(number) and least <= number <= largest:
        return number
    raise UnusableInput(f"{what} is {shown(value)}: it must be a finite number{_range(least, largest)}; {remedy}.")


def _range(least: float, largest: float) -> str:
    ends = [f">= {least:g}"] * math.isfinite(least) + [f"<= {largest:g}"] * math.isfinite(largest)
    return f" {' and '.join(ends)}" if ends else ""


def whole_number(value: Any) -> int | None:
    """The same number as an int; None when there is none, or when it is beyond doubles.

    Example:
        >>> whole_number(3.0), whole_number(2.5), whole_number("3"), whole_number(True)
        (3, None, None, None)
    """
    if type(value) is int and -LARGEST_PLAIN < value < LARGEST_PLAIN:
        return value
    if not _is_number(value) or not math.isfinite(double(value)):
        return None
    whole = int(value)
    return whole if isinstance(value, Integral) or whole == value else None


def require_whole(value: Any, what: str, *, least: int = 1, largest: int | None = None, remedy: str) -> int:
    """A whole number from `least` to `largest`, as an int: whatever `numbers.Real` covers, if it has no fraction.

    Args:
        value: anything.
        what: its name in the refusal, with the article.
        least: smallest legal number.
        largest: greatest legal number; None for no limit.
        remedy: what to do instead, as the refusal ends.

    Raises:
        UnusableInput: for what is no such number.

    Example:
        >>> require_whole(3.0, "the count", remedy="correct it")
        3
    """
    whole = whole_number(value)
    if whole is not None and whole >= least and (largest is None or whole <= largest):
        return whole
    most = "" if largest is None else f" and <= {largest:.0e}" if largest >= 10**6 else f" and <= {largest}"
    raise UnusableInput(f"{what} is {shown(value)}: it must be a whole number >= {least}{most}; {remedy}.")


def require_list(values: Any, what: str, *, of: str) -> list[Any]:
    """The items of a list, a tuple, an array or a generator, each read once.

    Args:
        values: anything.
        what: its name in the refusal.
        of: what it must list.

    Raises:
        UnusableInput: for text, mappings, and what is no collection.

    Example:
        >>> require_list((n for n in (1, 2)), "counts", of="one number per class")
        [1, 2]
    """
    if isinstance(values, Iterable) and not isinstance(values, str | bytes | dict) and getattr(values, "ndim", 1) != 0:
        return list(values)
    raise UnusableInput(f"{what} is {shown(values)}: it must be a list with {of}; give one.")


def require_one_of(value: Any, what: str, legal: Iterable[str]) -> str:
    """One of the legal names.

    Args:
        value: anything.
        what: what it names, for the refusal.
        legal: the legal names.

    Returns:
        The value.

    Raises:
        UnusableInput: for any other value, with all legal names.

    Example:
        >>> require_one_of("L", "model", ("I", "L"))
        'L'
    """
    names = tuple(legal)
    if isinstance(value, str) and value in names:
        return value
    raise UnusableInput(f"{what} {shown(value)} is unknown: it must be one of {', '.join(names)}; choose one of these.")


def require_instance(value: Any, kind: type | tuple[type, ...], what: str, *, made: str) -> None:
    """Check that an argument is of one of our own types.

    Args:
        value: anything.
        kind: the type, or types, of which it must be.
        what: its name in the refusal.
        made: how such a thing is made, as the refusal ends.

    Raises:
        UnusableInput: for a value of another type.

    Example:
        >>> require_instance(1, int, "the number", made="with int(...)")
    """
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        name = " or ".join(one.__name__ for one in kinds)
        raise UnusableInput(f"{what} is {shown(value)}: it must be of type {name}; make one {made}.")
