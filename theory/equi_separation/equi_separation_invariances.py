"""Which maps of the features keep the separation fuzziness D = Tr(SSW SSB⁺)."""

from collections.abc import Callable

import numpy as np
import sympy

from numerics import Bracket, separation
from theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement

ROUNDING = 1e-8
"""Largest relative change of D in doubles: maps of condition number up to 1e3 and data of order one."""

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


def predict_exact() -> Quantities:
    """D itself, and for the plane (two dimensions, K − 1 = 2) the D of the plane."""
    here, plane = _exact(POINTS), _exact(FLAT)
    return dict.fromkeys(MOVES, here) | {"invertible map, p = K − 1": plane, "symbolic invertible map, p = 2": sympy.Integer(0)}


def predict_every_map() -> Quantities:
    """A false variant: an invertible map keeps D in any dimension."""
    return {"invertible map, p = K": _exact(POINTS)}


def measure_exact(setting: Setting) -> Quantities:
    """D after each move, in rational arithmetic, and the identity Tr(A W Aᵀ (A B Aᵀ)⁻¹) = Tr(W B⁻¹) for symbolic 2×2 matrices."""
    found: dict[str, Quantity] = {move: action() for move, action in MOVES.items()}
    a, w, b = (sympy.Matrix(2, 2, sympy.symbols(f"{letter}1:5")) for letter in "awb")
    identity = (a * w * a.T * (a * b * a.T).inv()).trace() - (w * b.inv()).trace()
    return found | {
        "invertible map, p = K − 1": _exact(FLAT * STRETCH),
        "symbolic invertible map, p = 2": sympy.simplify(identity),
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
        r"\qquad D(XA)=D(X)\ \ \text{for all invertible } A\iff \operatorname{rank}\mathrm{SSB}=p",
        assumptions=("every class has a sample", "for invertible maps: SSB of full rank, which needs p ≤ K − 1"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("he2023", "separation fuzziness, equation (1); the invariances are derived"),
    ),
    checks=(
        Check(
            name="exact",
            claim="translation, rotation, scaling and duplication keep D; so does every invertible map when p = K − 1",
            evidence=Evidence.PROOF,
            predict=predict_exact,
            measure=measure_exact,
        ),
        Check(
            name="in-doubles",
            claim="translation, rotation, scaling, duplication and, for p = K − 1, invertible maps keep D on random data",
            evidence=Evidence.EMPIRICAL,
            predict=predict_unchanged,
            measure=measure_unchanged,
            resolution=3 * ROUNDING,
            reason="the change of largest size, with the rounding of D under maps of moderate condition to each side",
        ),
    ),
    controls=(
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
