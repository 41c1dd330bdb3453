"""Certified eigenvalues of symmetric rational matrices, by the law of inertia."""

import numpy as np
import sympy
from flint import arb, ctx, fmpq

from layerpeel.numerics import PRECISION, Bracket


def least_eigenvalue(matrix: sympy.Matrix, half_width: float) -> Bracket:
    """The least eigenvalue of a symmetric rational matrix, between two shifts at which eigenvalues below are counted.

    Args:
        matrix: symmetric, rational.
        half_width: the distance of either shift from what doubles find.

    Raises:
        ArithmeticError: when the eigenvalue is not certainly between the shifts.
    """
    guess = float(np.linalg.eigvalsh(np.array(matrix.tolist(), dtype=float))[0])
    low, high = guess - half_width, guess + half_width
    if eigenvalues_below(matrix, low) != 0 or eigenvalues_below(matrix, high) == 0:
        raise ArithmeticError(f"the least eigenvalue is not within {half_width} of {guess}; widen the bracket.")
    return Bracket(low, high, rigorous=True)


def eigenvalues_below(matrix: sympy.Matrix, shift: float) -> int:
    """Negative pivots of LDLᵀ of S − shift: by Sylvester's law of inertia, the eigenvalues of S below the shift.

    Args:
        matrix: S, symmetric and rational.
        shift: no eigenvalue of a leading block.

    Raises:
        ArithmeticError: when a pivot's sign is open.
    """
    with ctx.workprec(PRECISION):
        balls = [
            [arb(fmpq(int(entry.p), int(entry.q))) - shift * int(i == j) for j, entry in enumerate(row)]
            for i, row in enumerate(matrix.tolist())
        ]
        rest, negative = np.array(balls, dtype=object), 0
        while len(rest):
            pivot = rest[0, 0]
            if not (pivot > 0 or pivot < 0):
                raise ArithmeticError(f"a pivot of S − {shift} contains zero; raise the working precision or move the shift.")
            negative += bool(pivot < 0)
            rest = rest[1:, 1:] - np.outer(rest[1:, 0] / pivot, rest[0, 1:])
        return negative
