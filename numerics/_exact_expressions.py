"""Ball arithmetic of exact expressions, apart from the rest because it needs sympy."""

import math

import sympy
from flint import arb, fmpq

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

    Used to tell two expressions apart: when the enclosure of their difference at this one point excludes zero, they differ.

    Raises:
        TypeError: for a function that has no ball counterpart here.

    Example:
        >>> x = sympy.Symbol("x", positive=True)
        >>> bool(enclose_expression(sympy.log(x) - sympy.log(2)).contains(0))
        True
    """
    symbols = sorted(expression.free_symbols, key=str)
    points = {symbol: arb(PRIMES[index]) for index, symbol in enumerate(symbols)}

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
