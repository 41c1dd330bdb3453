"""A theorem of one's own
======================

In a file of one's own: the nuclear norm of a K x K simplex ETF's Gram matrix is K.
"""

import numpy as np

import layerpeel
from layerpeel.numerics import Bracket, simplex_etf
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances

ROUNDING = 1e-11

ROOM = Room.of(
    Statement(
        name="etf-nuclear-norm",
        title="The Gram matrix of a simplex ETF has nuclear norm K",
        latex=r"\|M M^\top\|_* = K",
        assumptions=("M is a K-simplex ETF with rows of length one",),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("papyan2020", "definition of the simplex ETF"),
    ),
    claim(
        "norm",
        "it is the number of classes",
        over=instances("K={}", 2, 3, 10),
        predict=lambda k: k,
        measure=lambda k: norm(k),
        by="its singular values",
        false={"rank-for-classes": ("it is the rank, K - 1", lambda k: k - 1)},
        evidence=Evidence.EMPIRICAL.within(ROUNDING, "K singular values, each rounded to 1e-15"),
    ),
)


def norm(classes: int) -> Bracket:
    """The sum of singular values, with room for rounding."""
    frame = simplex_etf(classes)
    frame = frame / np.linalg.norm(frame, axis=1, keepdims=True)
    total = float(np.linalg.svd(frame @ frame.T, compute_uv=False).sum())
    return Bracket(total - ROUNDING / 20, total + ROUNDING / 20)


if __name__ == "__main__":
    report = layerpeel.check(ROOM)
    for check in report.rooms[0].checks:
        print(check.name, check.verdict, check.resolving_power)
    for control in report.rooms[0].controls:
        print(control.name, control.verdict)
