"""Expressions in t, read from text without running it."""

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy

from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics._validated import validated
from layerpeel.numerics.locally_elastic._expression_values import TIME, evaluate_array

LONGEST_TEXT = 500
"""Characters of the longest expression that is read."""
DEEPEST = 40
"""Levels of the most deeply nested expression that is read."""
LARGEST_EXPONENT = 100
"""Exact powers grow beyond any memory; rates need no such exponents."""
LARGEST_NUMBER = 1e300
"""Constants beyond this, or below its inverse, are not doubles."""
MOST_BITS = 4096
"""Bits of the longest exact power of a number."""

FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "exp": sympy.exp,
    "log": sympy.log,
    "ln": sympy.log,
    "sqrt": sympy.sqrt,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "atan": sympy.atan,
    "abs": sympy.Abs,
}
"""Functions by the name they have in text."""

_NAMES = {"t": TIME, "pi": sympy.pi, "e": sympy.E}
_KNOWN = f"only t, numbers, pi, e, + - * / **, parentheses and the functions {', '.join(FUNCTIONS)}"


@validated
def parse_expression(text: str) -> sympy.Expr:
    """Read an expression in t, such as "1/(1 + t)**0.5"; decimals are taken exactly.

    The text is parsed, never run: everything but numbers, t, pi, e, arithmetic and elementary functions is refused.

    Args:
        text: at most 500 characters, nested at most 40 levels deep.

    Returns:
        The expression in sympy, in the symbol `numerics.TIME`.

    Raises:
        UnusableInput: with the piece that is not understood; for what is no text, too long or too deep.

    Example:
        >>> parse_expression("-t/(2*(1 + t))")
        -t/(2*t + 2)
    """
    if len(text) > LONGEST_TEXT:
        raise UnusableInput(f"the expression has {len(text)} characters: at most {LONGEST_TEXT} are read; shorten it.")
    text = text.strip()
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or "it cannot be read"
        raise UnusableInput(f"the expression {text!r} does not parse ({reason}): write it like 1/(1 + 2*t)**0.5.") from None
    return _Reader(text).read(tree, 0)


class _Reader:
    """One text, and the walk over its syntax tree."""

    def __init__(self, text: str) -> None:
        self.text = text

    def refuse(self, node: ast.AST, rule: str) -> UnusableInput:
        """The refusal of one piece of the text."""
        piece = ast.get_source_segment(self.text, node) if isinstance(node, ast.expr) else None
        return UnusableInput(f"the expression {self.text!r} contains {piece or type(node).__name__!r}: {rule}.")

    def read(self, node: ast.expr, depth: int) -> sympy.Expr:
        """The expression of a node; every constant part is a finite real number."""
        if depth > DEEPEST:
            raise UnusableInput(f"the expression {self.text!r} is nested too deeply: at most {DEEPEST} levels are read; simplify it.")
        expression = self._read(node, depth + 1)
        if expression.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I) or (not expression.free_symbols and not _is_double(expression)):
            raise self.refuse(node, "it is not a finite real number; correct it")
        return expression

    def _read(self, node: ast.expr, depth: int) -> sympy.Expr:
        match node:
            case ast.Constant():
                return self._number(node)
            case ast.Name(id=name) if name in _NAMES:
                return _NAMES[name]
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
                inner = self.read(operand, depth)
                return -inner if isinstance(node.op, ast.USub) else inner
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow(), right=right):
                return self._binary(node, self.read(left, depth), self.read(right, depth))
            case ast.BinOp(op=ast.BitXor()):
                raise self.refuse(node, "^ is no power here; write ** for powers")
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
                return FUNCTIONS[name](self.read(argument, depth))
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                raise self.refuse(node, f"{name} takes one argument; give one")
            case ast.Call(func=function):
                raise self.refuse(function, f"{_KNOWN} are known; rewrite it with these")
            case _:
                raise self.refuse(node, f"{_KNOWN} are known; rewrite it with these")

    def _number(self, node: ast.Constant) -> sympy.Expr:
        value = node.value
        written = (ast.get_source_segment(self.text, node) or "").replace("_", "").lower()
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refuse(node, f"{_KNOWN} are known; rewrite it with these")
        vanished = value == 0 and type(value) is float and any(digit in "123456789" for digit in written.split("e")[0])
        if abs(value) > LARGEST_NUMBER or vanished or 0 < abs(value) < 1 / LARGEST_NUMBER:
            raise self.refuse(node, f"numbers must lie between {1 / LARGEST_NUMBER:g} and {LARGEST_NUMBER:g}; use another unit of time")
        return sympy.Integer(value) if type(value) is int or value == 0 else sympy.Rational(written)

    def _binary(self, node: ast.BinOp, left: sympy.Expr, right: sympy.Expr) -> sympy.Expr:
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                return left / right
            case _:
                if not right.free_symbols:
                    if abs(float(right)) > LARGEST_EXPONENT:
                        raise self.refuse(
                            node, f"exponents must lie between -{LARGEST_EXPONENT} and {LARGEST_EXPONENT}; use exp or smaller ones"
                        )
                    if isinstance(left, sympy.Rational) and _bits(left) * abs(float(right)) > MOST_BITS:
                        raise self.refuse(node, "this power has more digits than are kept; write it as a decimal")
                return left**right


def _bits(number: sympy.Rational) -> int:
    return max(int(number.p).bit_length(), int(number.q).bit_length())


def _is_double(constant: sympy.Expr) -> bool:
    """Whether a constant is real and fits a double."""
    value = evaluate_array(constant, np.zeros(1))[0]
    return bool(np.isfinite(value) and abs(value) <= LARGEST_NUMBER)


def require_expression(expression: sympy.Expr) -> sympy.Expr:
    """An expression of one's own, in TIME and known functions only; a symbol named t stands for time whatever its assumptions.

    Raises:
        UnusableInput: for other symbols or functions.

    Example:
        >>> require_expression(sympy.Symbol("t") + 1) == TIME + 1
        True
    """
    in_time = expression.subs({symbol: TIME for symbol in expression.free_symbols if str(symbol) == "t"})
    others = in_time.free_symbols - {TIME}
    if others:
        raise UnusableInput(f"the expression {expression} contains {min(map(str, others))!r}: it must depend on t only; give it a number.")
    try:
        evaluate_array(in_time, np.ones(1))
    except TypeError as error:
        raise UnusableInput(
            f"the expression {expression} cannot be evaluated ({error}): {_KNOWN} are known; rewrite it with these."
        ) from None
    return in_time
