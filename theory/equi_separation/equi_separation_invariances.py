"""Which maps of the features keep the separation fuzziness D = Tr(SSW SSB⁺).

Proof. Both scatter matrices are XᵀCX with a symmetric C (the projection onto class means minus that onto the mean, over n; or the identity
minus that onto class means) that sends 1 to zero. So (sXA + 1bᵀ)ᵀC(sXA + 1bᵀ) = s²AᵀXᵀCXA, for all n, K, p, samples, A and b. For an
orthogonal Q the matrix Qᵀ SSB⁺ Q satisfies Penrose's four conditions for Qᵀ SSB Q, so it is its pseudo-inverse, and SSW' SSB'⁺ =
Qᵀ SSW SSB⁺ Q has the same trace. If SSB has rank p, so has AᵀSSB A for invertible A, the pseudo-inverses are inverses, and SSW' SSB'⁻¹ =
Aᵀ (SSW SSB⁻¹) A⁻ᵀ. If not, A need not keep D: in the plane, with class means on one line, a shear does not.
"""

from collections.abc import Callable

import numpy as np
import sympy

from layerpeel.numerics import Bracket, separation
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement

ROUNDING = 1e-8
"""Largest relative change of D in doubles: maps of condition number up to 1e3 and data of order one."""
SLIGHT = 30 * ROUNDING
"""Widest bracket that still confirms."""

CLASSES = 3

POINTS = sympy.Matrix([[0, 0, 1], [2, 0, 0], [5, 1, 0], [7, 2, 1], [1, 6, 0], [2, 9, 3]])
"""Six samples of three classes in R³, two each: more directions than SSB has, so D sees only part of the space."""

LABELS = (0, 0, 1, 1, 2, 2)


def _exact(points: sympy.Matrix, labels: tuple[int, ...] = LABELS) -> sympy.Expr:
    """D in rational arithmetic, with an exact pseudo-inverse."""
    n, classes = len(labels), max(labels) + 1
    rows = [[i for i in range(n) if labels[i] == k] for k in range(classes)]
    means = sympy.Matrix.vstack(*(sum((points.row(i) for i in mine), sympy.zeros(1, points.cols)) / len(mine) for mine in rows))
    grand = sum((points.row(i) for i in range(n)), sympy.zeros(1, points.cols)) / n
    between, within = sympy.zeros(points.cols), sympy.zeros(points.cols)
    for k, mine in enumerate(rows):
        offset = means.row(k) - grand
        between += sympy.Rational(len(mine), n) * offset.T * offset
        for i in mine:
            residual = points.row(i) - means.row(k)
            within += residual.T * residual / n
    return sympy.nsimplify((within * between.pinv()).trace())


SHIFT = sympy.Matrix([[3, -7, 11]])
TURN = sympy.Matrix([[sympy.Rational(3, 5), sympy.Rational(-4, 5), 0], [sympy.Rational(4, 5), sympy.Rational(3, 5), 0], [0, 0, 1]])
SHEAR = sympy.Matrix([[1, 0, 0], [0, 1, 0], [1, 2, 1]])
FLAT = POINTS.extract(list(range(6)), [0, 1])
STRETCH = sympy.Matrix([[2, 5], [-1, 3]])

MOVES: dict[str, Callable[[], sympy.Expr]] = {
    "translation": lambda: _exact(POINTS + sympy.ones(6, 1) * SHIFT),
    "orthogonal map": lambda: _exact(POINTS * TURN),
    "common scaling": lambda: _exact(sympy.Rational(7, 3) * POINTS),
    "every sample twice": lambda: _exact(sympy.Matrix.vstack(POINTS, POINTS), LABELS * 2),
}


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


def _reduced(word: sympy.Expr) -> sympy.Expr:
    """A sum of products of matrices of any size, after RULES."""
    before = None
    while word != before:
        before, word = word, sympy.expand(word)
        for left, right in RULES:
            word = sympy.expand(word.subs(left, right))
    return word


def predict_all_data() -> Quantities:
    """The scatter, the pseudo-inverse and the product move along; in the plane, a turn keeps D."""
    return {
        "scatter of sXA + 1bᵀ": SCALE**2 * AT * XT * C * X * A,
        "orthogonal: S'P'S'": QT * S * Q,
        "orthogonal: P'S'P'": QT * S_PLUS * Q,
        "orthogonal: S'P' − P'S'": sympy.Integer(0),
        "orthogonal: SSW' SSB'⁺": QT * W * S_PLUS * Q,
        "invertible, full rank: SSB' SSB'⁻¹": sympy.Integer(1),
        "invertible, full rank: SSW' SSB'⁻¹": AT * W * S_INVERSE * AT_INVERSE,
        "means on a line in the plane, turned": sympy.Integer(0),
    }


def predict_all_data_sheared() -> Quantities:
    """False: in the plane, with means on a line, a shear keeps D."""
    return {"means on a line in the plane, sheared": sympy.Integer(0)}


def predict_first_power() -> Quantities:
    """False: the scatter grows with s, not s²."""
    return {"scatter of sXA + 1bᵀ": SCALE * AT * XT * C * X * A}


def measure_all_data(setting: Setting) -> Quantities:
    """By multiplying out; matrices of any size are symbols that do not commute, and in the plane all entries are free."""
    moved, moved_t = SCALE * X * A + ONE * B_ROW, SCALE * AT * XT + B_COLUMN * ONET
    s_turned, p_turned, w_turned = QT * S * Q, QT * S_PLUS * Q, QT * W * Q
    s_moved, inverse, w_moved = AT * S * A, A_INVERSE * S_INVERSE * AT_INVERSE, AT * W * A
    turn = sympy.Matrix([[1 - TURN_BY**2, -2 * TURN_BY], [2 * TURN_BY, 1 - TURN_BY**2]]) / (1 + TURN_BY**2)
    shear = sympy.Matrix([[1, TURN_BY], [0, 1]])
    return {
        "scatter of sXA + 1bᵀ": _reduced(moved_t * C * moved),
        "orthogonal: S'P'S'": _reduced(s_turned * p_turned * s_turned),
        "orthogonal: P'S'P'": _reduced(p_turned * s_turned * p_turned),
        "orthogonal: S'P' − P'S'": _reduced(s_turned * p_turned - p_turned * s_turned),
        "orthogonal: SSW' SSB'⁺": _reduced(w_turned * p_turned),
        "invertible, full rank: SSB' SSB'⁻¹": _reduced(s_moved * inverse),
        "invertible, full rank: SSW' SSB'⁻¹": _reduced(w_moved * inverse),
        "means on a line in the plane, turned": sympy.simplify(_on_a_line(turn) - _on_a_line(sympy.eye(2))),
        "means on a line in the plane, sheared": sympy.simplify(_on_a_line(shear) - _on_a_line(sympy.eye(2))),
    }


def _on_a_line(move: sympy.Matrix) -> sympy.Expr:
    """D in the plane for SSW with free entries and SSB = uuᵀ, whose pseudo-inverse is uuᵀ/‖u‖⁴, after a linear map."""
    w_11, w_12, w_22, u_1, u_2 = sympy.symbols("w_11 w_12 w_22 u_1 u_2", positive=True)
    offset, within = move.T * sympy.Matrix([u_1, u_2]), move.T * sympy.Matrix([[w_11, w_12], [w_12, w_22]]) * move
    return (offset.T * within * offset)[0, 0] / (offset.T * offset)[0, 0] ** 2


def predict_exact() -> Quantities:
    """D itself, and for the plane (two dimensions, K − 1 = 2) the D of the plane."""
    here, plane = _exact(POINTS), _exact(FLAT)
    return dict.fromkeys(MOVES, here) | {"invertible map, p = K − 1": plane}


def predict_every_map() -> Quantities:
    """A false variant: an invertible map keeps D in any dimension."""
    return {"invertible map, p = K": _exact(POINTS)}


def measure_exact(setting: Setting) -> Quantities:
    """D after each move, in rational arithmetic."""
    return {move: action() for move, action in MOVES.items()} | {
        "invertible map, p = K − 1": _exact(FLAT * STRETCH),
        "invertible map, p = K": _exact(POINTS * SHEAR),
    }


KEPT = ("translation", "orthogonal map", "common scaling", "duplicates", "invertible, p = K − 1")
"""The moves that keep D."""


def predict_unchanged() -> Quantities:
    """No relative change."""
    return {name: Bracket.exactly(0.0) for name in KEPT}


def measure_unchanged(setting: Setting) -> Quantities:
    """Largest relative change of D over random data in doubles; also for an invertible map with p > K − 1, where it is not small."""
    changes: dict[str, list[float]] = {name: [] for name in (*KEPT, "invertible, p > K − 1")}
    for _ in range(20):
        rng = setting.rng
        labels = np.repeat(np.arange(4), 8)
        wide = 3.0 * rng.normal(size=(4, 6))[labels] + rng.normal(size=(32, 6))
        flat = wide[:, :3]
        turn, _ = np.linalg.qr(rng.normal(size=(6, 6)))
        mixed = np.eye(6) + 0.3 * rng.normal(size=(6, 6))
        pairs = {
            "translation": (wide, wide + rng.normal(size=6), labels),
            "orthogonal map": (wide, wide @ turn, labels),
            "common scaling": (wide, 17.0 * wide, labels),
            "duplicates": (wide, np.repeat(wide, 2, axis=0), np.repeat(labels, 2)),
            "invertible, p = K − 1": (flat, flat @ (np.eye(3) + 0.2 * rng.normal(size=(3, 3))), labels),
            "invertible, p > K − 1": (wide, wide @ mixed, labels),
        }
        for name, (before, after, of) in pairs.items():
            changes[name].append(separation(after, of).fuzziness / separation(before, labels).fuzziness - 1.0)
    return {name: _largest(each) for name, each in changes.items()}


def _largest(changes: list[float]) -> Bracket:
    """The change of largest size, with the rounding of its evaluation."""
    largest = max(changes, key=abs)
    return Bracket(largest - ROUNDING, largest + ROUNDING)


def predict_always() -> Quantities:
    """A false variant: no change for p > K − 1 either."""
    return {"invertible, p > K − 1": Bracket.exactly(0.0)}


ROOM = Room(
    statement=Statement(
        name="equi-separation-invariances",
        title="What separation fuzziness does not notice",
        latex=r"D(X)=\operatorname{Tr}(\mathrm{SSW}\,\mathrm{SSB}^{+}):\quad D(sXQ+\mathbf 1b^{\top})=D(X)\ \ (QQ^{\top}=I,\ s\ne0),"
        r"\qquad \operatorname{rank}\mathrm{SSB}=p\ \Rightarrow\ D(XA)=D(X)\ \ \text{for all invertible } A,"
        r"\ \text{and not in general otherwise}",
        assumptions=("every class has a sample", "for invertible maps: SSB of full rank, which needs p ≤ K − 1"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("he2023", "separation fuzziness, equation (1); the invariances are derived"),
    ),
    checks=(
        Check(
            name="for-all-data",
            claim="translation, orthogonal maps and scaling keep D whatever the data; so does every invertible map where SSB has full rank",
            evidence=Evidence.PROOF,
            predict=predict_all_data,
            measure=measure_all_data,
        ),
        Check(
            name="exact",
            claim="so they do at six points of three classes, in rational arithmetic, and so does taking every sample twice",
            evidence=Evidence.CERTIFIED,
            predict=predict_exact,
            measure=measure_exact,
            reason="rational arithmetic has no rounding",
        ),
        Check(
            name="in-doubles",
            claim="translation, rotation, scaling, duplication and, for p = K − 1, invertible maps keep D on random data",
            evidence=Evidence.EMPIRICAL,
            predict=predict_unchanged,
            measure=measure_unchanged,
            resolution=SLIGHT,
            reason="fifteen times the rounding of D under maps of moderate condition, to either side",
        ),
    ),
    controls=(
        Control(
            name="sheared", claim="a shear keeps D where class means lie on a line", check="for-all-data", predict=predict_all_data_sheared
        ),
        Control(name="first-power", claim="the scatter grows with s", check="for-all-data", predict=predict_first_power),
        Control(
            name="any-dimension", claim="an invertible map keeps D whatever p is (exact data)", check="exact", predict=predict_every_map
        ),
        Control(
            name="any-dimension-in-doubles",
            claim="an invertible map keeps D on random data whatever p is",
            check="in-doubles",
            predict=predict_always,
        ),
    ),
)
