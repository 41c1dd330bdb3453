"""Growth exponents of class means under symmetric matrices that are not positive semidefinite, integrated."""

from functools import cache

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.theory.locally_elastic._integrated_means import i_model_blocks
from layerpeel.theory.locally_elastic._pair_growth import exponents

FAR, WITH_BLOCKS = (250.0, 500.0), (125.0, 250.0)
"""Exponents are read between two times; slower modes have less than e^{−20} left at the first. The latter where exponents are compared with
a lower bound, which they exceed by more than slower modes change them."""
MATRICES = {
    "two-parameter": np.full((3, 3), -2.0) + np.eye(3),
    "indefinite": np.array([[1.0, 0.5, -2.0], [0.5, 0.2, -1.0], [-2.0, -1.0, 0.1]]),
    "negative entries": np.array([[-1.0, -2.0, -3.0], [-2.0, -1.5, -2.5], [-3.0, -2.5, -2.0]]),
    "zero diagonal": np.array([[0.0, -1.0, -0.5, -2.0], [-1.0, 0.0, -1.5, -0.7], [-0.5, -1.5, 0.0, -0.2], [-2.0, -0.7, -0.2, 0.0]]),
}
"""Symmetric E with a negative eigenvalue and γ_kl > 0 for every pair."""
FACTOR = np.cos(np.arange(36.0).reshape(6, 6) ** 2)
BLOCKS = {
    name: matrix.reshape(3, 2, 3, 2).transpose(0, 2, 1, 3)
    for name, matrix in {"full rank": FACTOR @ FACTOR.T, "rank two": FACTOR[:, :2] @ FACTOR[:, :2].T, "uncoupled": np.eye(6)}.items()
}
"""H_ij of a positive semidefinite 6×6 matrix: three classes with two features."""


@cache
def exponents_i_model(name: str) -> dict[tuple[int, int], Bracket]:
    """With H_ij = I."""
    return exponents(MATRICES[name], i_model_blocks(len(MATRICES[name]), 2), FAR)


@cache
def exponents_with_blocks(similarity: str, name: str) -> dict[tuple[int, int], Bracket]:
    """With other H."""
    return exponents(MATRICES[name], BLOCKS[similarity], WITH_BLOCKS)
