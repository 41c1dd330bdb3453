"""How the separation fuzziness of random data changes when its features are moved, in doubles."""

import numpy as np

from layerpeel.numerics import Bracket, separation

ROUNDING = 1e-8
"""Largest relative change of D in doubles: maps of condition number up to 1e3 and data of order one."""
DRAWS = 20


def changes(rng: np.random.Generator) -> dict[str, Bracket]:
    """The relative change of largest size for each move, with the rounding of its evaluation."""
    relative: dict[str, list[float]] = {}
    for _ in range(DRAWS):
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
            relative.setdefault(name, []).append(separation(after, of).fuzziness / separation(before, labels).fuzziness - 1.0)
    return {name: largest(each) for name, each in relative.items()}


def largest(relative: list[float]) -> Bracket:
    """The change of largest size, with ROUNDING to either side."""
    return Bracket.around(max(relative, key=abs), ROUNDING)
