"""Ball arithmetic of exact expressions, apart from the rest because it needs sympy."""

import math

import sympy
from flint import arb, fmpq

from layerpeel.numerics._inputs import UnusableInput

PRIMES = tuple(sympy.primerange(100))
"""Where symbols are set to tell expressions apart: distinct primes keep the point generic among positive parameters."""

_BALL_FUNCTIONS = {
    sympy.exp: arb.exp,
    sympy.log: arb.log,
    sympy.cos: arb.cos,
    sympy.sin: arb.sin,
    sympy.tan: arb.tan,
    sympy.acos: arb.acos,
    sympy.Abs: arb.__abs__,
}


def enclose_expression(expression: sympy.Basic) -> arb:
    """Enclose an exact expression with each free symbol (in alphabetical order) set to 2, 3, 5, 7, …, in ball arithmetic.

    When the enclosure of the difference of two expressions at this one point excludes zero, they differ.

    Args:
        expression: of numbers, symbols, + · ^, and exp, log, cos, sin, tan, acos, abs; at most 25 symbols.

    Raises:
        TypeError: for a function that has no ball counterpart here.
        UnusableInput: for more than 25 symbols.

    Example:
        >>> x = sympy.Symbol("x", positive=True)
        >>> bool(enclose_expression(sympy.log(x) - sympy.log(2)).contains(0))
        True
    """
    points = _sample_point(sorted(expression.free_symbols, key=str))

    def enclose(node: sympy.Basic) -> arb:
        if node in points:
            return points[node]
        if isinstance(node, sympy.Rational):
            return arb(fmpq(int(node.p), int(node.q)))
        if node is sympy.pi:
            return arb.pi()
        if node is sympy.E:
            return arb(1).exp()
        parts = [enclose(part) for part in node.args]
        if isinstance(node, sympy.Add):
            return sum(parts, arb(0))
        if isinstance(node, sympy.Mul):
            return math.prod(parts, start=arb(1))
        if isinstance(node, sympy.Pow):
            return parts[0] ** parts[1]
        if node.func in _BALL_FUNCTIONS:
            return _BALL_FUNCTIONS[node.func](parts[0])
        raise TypeError(f"{node.func} has no ball arithmetic here; add it to _BALL_FUNCTIONS.")

    return enclose(expression)


def _sample_point(symbols: list[sympy.Basic]) -> dict[sympy.Basic, arb]:
    """Each symbol at a prime of its own."""
    if len(symbols) > len(PRIMES):
        raise UnusableInput(f"the expression has {len(symbols)} symbols: at most {len(PRIMES)} are set; split it.")
    return {symbol: arb(PRIMES[index]) for index, symbol in enumerate(symbols)}
