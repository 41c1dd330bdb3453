"""Ball arithmetic: from balls to floats and decimals with outward rounding."""

import math

from flint import arb, fmpz

from layerpeel.numerics._bracket import Bracket

PRECISION = 128
"""Default working precision in bits: more than twice that of a double, so that certificates lose nothing to rounding."""


def to_bracket(ball: arb) -> Bracket:
    """The tightest pair of doubles around a ball, rounded outward.

    Args:
        ball: a finite ball.

    Raises:
        ArithmeticError: when the ball is not finite.

    Example:
        >>> to_bracket(arb(1)).width
        0.0
    """
    return Bracket(below(ball), above(ball), rigorous=True)


def below(ball: arb) -> float:
    """A double below a ball, and next to its lower end.

    Raises:
        ArithmeticError: when the ball is not finite.

    Example:
        >>> below(arb(1))
        1.0
    """
    end = _finite(ball).lower()
    double = float(end)
    return double if arb(double) <= end else math.nextafter(double, -math.inf)


def above(ball: arb) -> float:
    """A double above a ball, and next to its upper end.

    Raises:
        ArithmeticError: when the ball is not finite.

    Example:
        >>> above(arb(1))
        1.0
    """
    end = _finite(ball).upper()
    double = float(end)
    return double if arb(double) >= end else math.nextafter(double, math.inf)


def _finite(ball: arb) -> arb:
    if not ball.is_finite():
        raise ArithmeticError(f"the enclosure {ball} is not finite; raise the working precision or check the input.")
    return ball


def decimal_bounds(ball: arb, digits: int) -> tuple[str, str]:
    """Decimal strings lower ≤ ball ≤ upper with `digits` significant digits, rounded outward in exact integers.

    Args:
        ball: a finite ball.
        digits: significant digits of each string, ≥ 1.

    Raises:
        ArithmeticError: when the ball is not finite.

    Example:
        >>> decimal_bounds(arb(1) / 3, 5)
        ('0.33333', '0.33334')
    """
    exponent = _far_exponent(_finite(ball))
    near = ball / arb(10) ** exponent if exponent else ball
    return _shifted(_decimal(near.lower(), digits, up=False), exponent), _shifted(_decimal(near.upper(), digits, up=True), exponent)


FAR = 10_000
"""Powers of ten beyond this are divided out in ball arithmetic first: exact integers of that size would be slow, or not fit."""


def _far_exponent(ball: arb) -> int:
    """0, or about the power of ten of a number whose decimal exponent is beyond FAR."""
    if ball.contains(0):
        return 0
    mantissa, shift = (int(part) for part in (abs(ball).log() / arb(10).log()).mid().man_exp())
    magnitude = mantissa << shift if shift >= 0 else mantissa >> -shift
    return magnitude if abs(magnitude) > FAR else 0


def _shifted(text: str, exponent: int) -> str:
    """A decimal times 10^exponent."""
    if exponent == 0:
        return text
    return f"{text}e{exponent:+d}"


def _decimal(end: arb, digits: int, *, up: bool) -> str:
    """An exact dyadic number as a decimal of `digits` significant digits, rounded up or down."""
    mantissa, exponent = (int(part) for part in end.mid().man_exp())
    if mantissa == 0:
        return "0"
    magnitude = math.floor((abs(mantissa).bit_length() + exponent - 1) * math.log10(2))  # may be one too small
    magnitude += _at_least_power_of_ten(abs(mantissa), exponent, magnitude + 1)
    places = digits - 1 - magnitude
    numerator, denominator = mantissa, 1
    if places >= 0:
        numerator *= 10**places
    else:
        denominator *= 10**-places
    if exponent >= 0:
        numerator <<= exponent
    else:
        denominator <<= -exponent
    scaled = -(-numerator // denominator) if up else numerator // denominator
    return _point(scaled, places)


def _at_least_power_of_ten(mantissa: int, exponent: int, power: int) -> bool:
    """mantissa · 2^exponent ≥ 10^power, in integers."""
    left, right = mantissa << max(exponent, 0), 1 << max(-exponent, 0)
    return left * 10 ** max(-power, 0) >= right * 10 ** max(power, 0)


def _point(scaled: int, places: int) -> str:
    """scaled · 10^(−places) as a plain decimal, or with an exponent when it is far from one."""
    sign, text = ("-" if scaled < 0 else ""), str(fmpz(abs(scaled)))  # fmpz: no cap on digits
    exponent = len(text) - 1 - places
    if places > 0 and exponent >= -5:
        text = text.rjust(places + 1, "0")
        return f"{sign}{text[:-places]}.{text[-places:]}"
    if -5 <= exponent <= len(text) + 5:
        return f"{sign}{text}{'0' * -places}"
    return f"{sign}{text[0]}.{text[1:] or '0'}e{exponent:+d}"
