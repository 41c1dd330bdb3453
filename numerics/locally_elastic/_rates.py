"""Rates of time: α(t), β(t), σ(t) from numbers, text, sympy expressions, Python callables or samples."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
import sympy
from flint import acb, arb, ctx

from layerpeel.array_words import Float
from layerpeel.numerics._ball import PRECISION, to_bracket
from layerpeel.numerics._bracket import Bracket
from layerpeel.numerics._inputs import UnusableInput, double, require_positive, shown
from layerpeel.numerics.locally_elastic._antiderivative import Antiderivative, antiderivative
from layerpeel.numerics.locally_elastic._expression_values import evaluate_analytic, evaluate_array, evaluate_ball
from layerpeel.numerics.locally_elastic._expressions import parse_expression, require_expression

MOST_PIECES = 20_000
"""Pieces of the interval on which an expression is bounded in ball arithmetic before the search for singularities gives up."""
FINEST = 40
"""Halvings of a piece of the interval at which what is still unbounded counts as singular."""
STRIDE = 2.0**10
"""Pieces begin as [0, 1], [1, 2¹⁰], [2¹⁰, 2²⁰], …, so that time is seen on every scale, however long the interval."""
ENCLOSED = 2.0**-60
"""Relative width of an enclosed integral: below the last place of the doubles that it is rounded to."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Rate:
    """A function of time t ≥ 0 that can be evaluated, integrated and, when it is an expression, enclosed.

    Made by `as_rate`.

    Args:
        text: how it reads.
        function: its values at an array of times.
        expression: the same in sympy, with t = `numerics.TIME`; None when only values are known.
        breaks: times where it is not smooth.
        last: the last time at which it is known.
    """

    text: str
    function: Callable[[np.ndarray], np.ndarray] = field(repr=False)
    expression: sympy.Expr | None = field(default=None, repr=False)
    breaks: Float[np.ndarray, " _"] = field(default_factory=lambda: np.empty(0), repr=False)
    last: float = field(default=math.inf, repr=False)

    def value(self, times: Any) -> Float[np.ndarray, "..."]:
        """Values at times of any shape.

        Raises:
            UnusableInput: where it is not a finite number.

        Example:
            >>> as_rate("1/(1 + t)").value([0, 1]).tolist()
            [1.0, 0.5]
        """
        where = np.asarray(times, dtype=float)
        values = self.function(where.ravel())
        if not np.isfinite(values).all():
            place = where.ravel()[~np.isfinite(values)].min()
            raise UnusableInput(
                f"the rate {self.text} is not a finite number at t = {place:.6g}: it must be finite on the "
                "whole interval; end earlier or rewrite it."
            )
        return values.reshape(where.shape)

    def antiderivative(self, end: float) -> Antiderivative:
        """∫_0^t of the rate for every t ≤ end, with an error estimate.

        Raises:
            UnusableInput: when the rate is singular on [0, end], or not known up to there; the place is named.
        """
        self.require_regular(end)
        with np.errstate(all="ignore"):
            return antiderivative(self.function, end, breaks=self.breaks, what=f"the rate {self.text}")

    def integral(self, times: Any) -> Float[np.ndarray, "..."]:
        """∫_0^t of the rate at times of any shape; `antiderivative` says with what error.

        Raises:
            UnusableInput: as `antiderivative`, and for negative times.

        Example:
            >>> float(as_rate("1/(1 + t)").integral(np.e - 1).round(14))
            1.0
        """
        where = np.asarray(times, dtype=float)
        if where.size == 0 or not (np.isfinite(where).all() and where.min() >= 0.0):
            raise UnusableInput("the times of an integral must be finite numbers >= 0, and at least one; correct them.")
        if where.max() == 0.0:
            return np.zeros_like(where)
        return self.antiderivative(float(where.max()))(where.ravel()).reshape(where.shape)

    def integral_bracket(self, end: float) -> Bracket:
        """A rigorous enclosure of ∫_0^end in ball arithmetic, for rates that are expressions.

        Raises:
            UnusableInput: when the rate is not an expression, or the enclosure is not finite.

        Example:
            >>> as_rate("exp(-t)").integral_bracket(1.0).contains(1 - 1 / np.e)
            True
        """
        expression = self.expression
        if expression is None:
            raise UnusableInput(f"the rate {self.text} is known by values only: only an expression in t can be enclosed; give one.")
        self.require_regular(end)
        with ctx.workprec(PRECISION):
            ball = acb.integral(
                lambda time, analytic: evaluate_analytic(expression, time, analytic), 0, arb(end), rel_tol=arb(ENCLOSED)
            ).real
            if not ball.is_finite():
                raise UnusableInput(
                    f"the integral of {self.text} up to {end:g} cannot be enclosed: the rate must be analytic between; split it."
                )
            return to_bracket(ball)

    def require_regular(self, end: float) -> None:
        """Check that the rate is known and bounded on [0, end].

        An expression is bounded on pieces of the interval in ball arithmetic. Other rates are only looked at where they are evaluated.

        Raises:
            UnusableInput: with the place of the first singularity.
        """
        require_positive(end, "time")
        if end > self.last:
            raise UnusableInput(
                f"the rate {self.text} is known up to t = {self.last:g}: it is needed up to {end:g}; end earlier or sample longer."
            )
        place = None if self.expression is None else singular_place(self.expression, end)
        if place is not None:
            raise UnusableInput(
                f"the rate {self.text} is singular or not real near t = {place:.6g}: it must be finite on [0, {end:g}]; end before that "
                "time, or rewrite it, for example with 1 + t in place of t."
            )

    def __add__(self, other: "Rate") -> "Rate":
        return _combined(1.0, self, 1.0, other, f"({self.text}) + ({other.text})")

    def __sub__(self, other: "Rate") -> "Rate":
        return _combined(1.0, self, -1.0, other, f"({self.text}) - ({other.text})")

    def scaled(self, factor: float | Fraction) -> "Rate":
        """factor · rate."""
        return _combined(factor, self, 0, _NOTHING, f"{float(factor):.6g}*({self.text})")


def _combined(a: float | Fraction, first: Rate, b: float | Fraction, second: Rate, text: str) -> Rate:
    """a · first + b · second; of expressions, again an expression, so that what cancels cancels exactly."""
    if first.expression is not None and second.expression is not None:
        return _of_expression(sympy.Rational(a) * first.expression + sympy.Rational(b) * second.expression, text)
    return Rate(
        text=text,
        function=lambda times: float(a) * first.function(times) + float(b) * second.function(times),
        breaks=np.union1d(first.breaks, second.breaks),
        last=min(first.last, second.last),
    )


def as_rate(source: Any) -> Rate:
    """A rate from whatever describes it.

    Args:
        source: a number; text such as "1/(1 + t)" (parsed, never run); a sympy expression in t; a pair (times, values), joined by straight
            lines; a Python callable of an array of times or of one time; or a `Rate`.

    Raises:
        UnusableInput: for anything else; for text that does not parse; for samples that are not finite, do not begin at 0 or whose times
            do not increase.

    Example:
        >>> as_rate(([0.0, 1.0, 3.0], [0.0, 2.0, 2.0])).integral(2.0).round(12).item()
        3.0
    """
    if isinstance(source, Rate):
        return source
    if isinstance(source, str):
        return _of_expression(parse_expression(source), source.strip())
    if isinstance(source, bool):
        raise UnusableInput(f"the rate is {source!r}: it must be a number or depend on t; give a number.")
    if isinstance(source, Real):
        if not math.isfinite(double(source)):
            raise UnusableInput(f"the rate is {shown(source)}: it must be a finite number; give one.")
        return _of_expression(
            sympy.Rational(source) if isinstance(source, Fraction) else sympy.Rational(float(source)), f"{float(source):g}"
        )
    if isinstance(source, sympy.Expr):
        return _of_expression(require_expression(source), str(source))
    if isinstance(source, Sequence) and len(source) == 2:
        return _of_samples(source[0], source[1])
    if callable(source):
        return Rate(text=getattr(source, "__name__", "given as a callable"), function=_elementwise(source))
    raise UnusableInput(
        f"a rate of type {type(source).__name__} is not understood: it must be a number, text, a sympy expression, a pair "
        "(times, values) or a callable; give one of these."
    )


def _of_expression(expression: sympy.Expr, text: str) -> Rate:
    return Rate(text=text, function=partial(evaluate_array, expression), expression=expression)


_NOTHING = _of_expression(sympy.Integer(0), "0")


def _of_samples(times: Any, values: Any) -> Rate:
    try:
        where, heights = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise UnusableInput("a sampled rate holds something that is no number: it must be a pair (times, values); correct it.") from None
    if where.ndim != 1 or where.shape != heights.shape or len(where) < 2:
        raise UnusableInput(
            f"a sampled rate has times of shape {where.shape} and values of shape {heights.shape}: both must be lists of the same "
            "length, at least 2; correct them."
        )
    if not np.isfinite(where).all() or not np.isfinite(heights).all():
        wrong = int(np.flatnonzero(~(np.isfinite(where) & np.isfinite(heights)))[0])
        raise UnusableInput(f"sample {wrong} of a rate is ({where[wrong]}, {heights[wrong]}): both must be finite; correct it.")
    if where[0] != 0.0 or not (np.diff(where) > 0.0).all():
        raise UnusableInput(
            f"the times of a sampled rate begin at {where[0]:g}: they must begin at 0 and increase strictly; sort or shift them."
        )
    return Rate(
        text=f"sampled at {len(where)} times",
        function=lambda at: np.interp(at, where, heights, right=math.nan),
        breaks=where,
        last=float(where[-1]),
    )


def _elementwise(source: Callable[[Any], Any]) -> Callable[[np.ndarray], np.ndarray]:
    """A callable of one time or of an array, as one of an array; NaN where it raises an arithmetic error."""

    def one(time: float) -> float:
        try:
            return float(source(time))
        except ArithmeticError:
            return math.nan
        except (TypeError, ValueError) as error:
            raise UnusableInput(f"the rate does not return a number at t = {time:.6g} ({error}): it must; correct it.") from None

    def values(times: np.ndarray) -> np.ndarray:
        try:
            with np.errstate(all="ignore"):
                at_once = np.asarray(source(times), dtype=float)
        except (TypeError, ValueError, ArithmeticError):
            at_once = None
        return at_once if at_once is not None and at_once.shape == times.shape else np.array([one(time) for time in times.tolist()])

    return values


def singular_place(expression: sympy.Expr, end: float) -> float | None:
    """The first time in [0, end] near which an expression is not bounded; None when there is none, or too many pieces would decide it.

    Example:
        >>> round(singular_place(parse_expression("1/(t - 1)"), 2.0), 9)
        1.0
        >>> singular_place(parse_expression("sqrt(t)/(1 + t)"), 1e6) is None
        True
    """
    edges = [0.0, min(end, 1.0)]
    while edges[-1] < end:
        edges.append(min(end, STRIDE * edges[-1]))
    pieces = [(left, right, 0) for left, right in pairwise(edges)][::-1]
    for _ in range(MOST_PIECES):
        if not pieces:
            return None
        left, right, depth = pieces.pop()
        if evaluate_ball(expression, arb(left).union(arb(right))).is_finite():
            continue
        if depth == FINEST:
            return left
        middle = 0.5 * (left + right)
        pieces += [(middle, right, depth + 1), (left, middle, depth + 1)]
    return None
