"""How far apart lines can be: the largest cosine between N unit vectors in d dimensions is at least √((N − d)/(d (N − 1)))."""

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances

ROUNDING = 1e-12
"""Widest bracket that confirms: products of unit vectors, each rounded to 2e-16."""

DRAWN = ((3, 2), (4, 3), (7, 3))
"""N and d."""

ROOM = Room.of(
    Statement(
        name="welch-bound",
        title="Vectors in few dimensions cannot all be nearly orthogonal",
        latex=r"\max_{k\ne l}|\langle x_k,x_l\rangle|\;\ge\;\sqrt{\frac{N-d}{d(N-1)}}",
        assumptions=("N > d unit vectors in d dimensions",),
        kind=Kind.LOWER_BOUND,
        origin=Origin.LITERATURE,
        source=Source("welch1974", "the bound of first order"),
        meaning="With more classes than features some two classifiers must overlap. The bound says by how much at least.",
    ),
    claim(
        "random",
        "the best of many random frames does not beat the bound",
        over=instances("N={}, d={}", *DRAWN),
        predict=lambda number, size: Bracket.exactly(bound(number, size)),
        measure_all=lambda setting: (best(setting.rng, number, size) for number, size in DRAWN),
        by="the largest absolute product of two vectors, the least of it over 20,000 draws",
        false={"one-dimension-less": ("d − 1 stands in place of d", lambda number, size: Bracket.exactly(bound(number, size - 1)))},
        evidence=Evidence.EMPIRICAL,
    ),
    claim(
        "equiangular",
        "the six diagonals of the icosahedron, and the regular simplices, reach it",
        over={"N=6, d=3": (6, 3, "icosahedron"), "N=4, d=3": (4, 3, "simplex"), "N=9, d=8": (9, 8, "simplex")},
        predict=lambda number, size, _: Bracket.exactly(bound(number, size)),
        measure=lambda number, _, shape: coherence(icosahedron() if shape == "icosahedron" else simplex(number)),
        by="the largest absolute product of two of them",
        false={
            "one-vector-more": (
                "N stands in place of N − 1",
                lambda number, size, _: Bracket.exactly(((number - size) / (size * number)) ** 0.5),
            ),
            "without-root": ("the square of it", lambda number, size, _: Bracket.exactly(bound(number, size) ** 2)),
        },
        kind=Kind.EQUALITY,
        evidence=Evidence.EMPIRICAL.within(ROUNDING, because="rounding of the products"),
    ),
)


def bound(number: int, size: int) -> float:
    """The right-hand side."""
    return ((number - size) / (size * (number - 1))) ** 0.5


def best(rng: np.random.Generator, number: int, size: int) -> Bracket:
    """The least largest product of frames in directions that are uniform."""
    frames = rng.normal(size=(20_000, number, size))
    frames /= np.linalg.norm(frames, axis=2, keepdims=True)
    products = np.abs(frames @ frames.transpose(0, 2, 1))[:, ~np.eye(number, dtype=bool)]
    return Bracket.around(float(products.max(axis=1).min()), ROUNDING / 40)


def icosahedron() -> np.ndarray:
    """One end of each of its six diagonals."""
    golden = (1 + 5**0.5) / 2
    corners = np.array([[0, 1, golden], [0, 1, -golden], [1, golden, 0], [1, -golden, 0], [golden, 0, 1], [-golden, 0, 1]])
    return corners / np.linalg.norm(corners[0])


def simplex(number: int) -> np.ndarray:
    """The corners of a regular simplex around the origin."""
    centred = np.eye(number) - 1 / number
    return centred / np.linalg.norm(centred[0])


def coherence(vectors: np.ndarray) -> Bracket:
    """The largest absolute product of two of them, with room for rounding."""
    products = np.abs(vectors @ vectors.T)[~np.eye(len(vectors), dtype=bool)]
    return Bracket.around(float(products.max()), ROUNDING / 40)
