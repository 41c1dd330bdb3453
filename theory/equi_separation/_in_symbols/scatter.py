"""What maps of the features make of scatter matrices, as words in matrices of any size and, in the plane, entry by entry."""

import sympy
from sympy import Matrix

from layerpeel.theory._claims import instances

C, X, XT, ONE, ONET, B_ROW, B_COLUMN = sympy.symbols("C X X^T 1 1^T b^T b", commutative=False)
A, AT, A_INVERSE, AT_INVERSE = sympy.symbols("A A^T A^-1 A^-T", commutative=False)
Q, QT, W, S, S_PLUS, S_INVERSE = sympy.symbols("Q Q^T SSW SSB SSB^+ SSB^-1", commutative=False)
SCALE, TURN_BY = sympy.symbols("s t", positive=True)
RULES = (
    *((word, sympy.Integer(0)) for word in (C * ONE, ONET * C)),
    *((word, sympy.Integer(1)) for word in (Q * QT, A * A_INVERSE, AT * AT_INVERSE, S * S_INVERSE)),
    (S * S_PLUS * S, S),
    (S_PLUS * S * S_PLUS, S_PLUS),
    (S_PLUS * S, S * S_PLUS),  # the product is symmetric, and so are both factors
)
"""What is assumed of the matrices."""
SCATTER = "scatter of sXA + 1bᵀ"
MOVED, MOVED_T = SCALE * X * A + ONE * B_ROW, SCALE * AT * XT + B_COLUMN * ONET
S_TURNED, PLUS_TURNED, W_TURNED = QT * S * Q, QT * S_PLUS * Q, QT * W * Q
S_MOVED, INVERSE_MOVED, W_MOVED = AT * S * A, A_INVERSE * S_INVERSE * AT_INVERSE, AT * W * A
WORDS = {
    SCATTER: (MOVED_T * C * MOVED, SCALE**2 * AT * XT * C * X * A),
    "orthogonal: S'P'S'": (S_TURNED * PLUS_TURNED * S_TURNED, S_TURNED),
    "orthogonal: P'S'P'": (PLUS_TURNED * S_TURNED * PLUS_TURNED, PLUS_TURNED),
    "orthogonal: S'P' − P'S'": (S_TURNED * PLUS_TURNED - PLUS_TURNED * S_TURNED, sympy.Integer(0)),
    "orthogonal: SSW' SSB'⁺": (W_TURNED * PLUS_TURNED, QT * W * S_PLUS * Q),
    "invertible, full rank: SSB' SSB'⁻¹": (S_MOVED * INVERSE_MOVED, sympy.Integer(1)),
    "invertible, full rank: SSW' SSB'⁻¹": (W_MOVED * INVERSE_MOVED, AT * W * S_INVERSE * AT_INVERSE),
}
"""Products of moved matrices, and what they are equal to."""
TURNED, SHEARED = instances("means on a line in the plane, {}", "turned", "sheared")
TURN_IN_PLANE = Matrix([[1 - TURN_BY**2, -2 * TURN_BY], [2 * TURN_BY, 1 - TURN_BY**2]]) / (1 + TURN_BY**2)
SHEAR_IN_PLANE = Matrix([[1, TURN_BY], [0, 1]])
FIRST_POWER = SCALE * AT * XT * C * X * A
"""The scatter, if it grew with s and not with its square."""


def reduced(word: sympy.Expr) -> sympy.Expr:
    """A sum of products of matrices of any size, after RULES."""
    before = None
    while word != before:
        before, word = word, sympy.expand(word)
        for left, right in RULES:
            word = sympy.expand(word.subs(left, right))
    return word


def change_on_a_line(move: Matrix) -> sympy.Expr:
    """What a linear map adds to D in the plane for SSW with free entries and SSB = uuᵀ, whose pseudo-inverse is uuᵀ/‖u‖⁴."""
    w_11, w_12, w_22, u_1, u_2 = sympy.symbols("w_11 w_12 w_22 u_1 u_2", positive=True)
    offset, within = Matrix([u_1, u_2]), Matrix([[w_11, w_12], [w_12, w_22]])
    after, before = (((u.T * w * u)[0, 0] / (u.T * u)[0, 0] ** 2) for u, w in ((move.T * offset, move.T * within * move), (offset, within)))
    return sympy.simplify(after - before)


def multiplied_out() -> dict[str, sympy.Expr]:
    """Every word, and what a turn and a shear in the plane change."""
    return {
        **{label: reduced(word) for label, (word, _) in WORDS.items()},
        TURNED: change_on_a_line(TURN_IN_PLANE),
        SHEARED: change_on_a_line(SHEAR_IN_PLANE),
    }
