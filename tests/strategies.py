"""Hypothesis strategies shared by the tests, and a way to look at what they produce."""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from layerpeel.numerics import GroupMatrix


class TwoGroups(NamedTuple):
    """Two groups of classes in ratio R; `root_energy` is √(E_H E_W)."""

    majority: int
    minority: int
    imbalance: float
    root_energy: float

    @property
    def classes(self) -> int:
        """K."""
        return self.majority + self.minority

    @property
    def radius(self) -> float:
        """τ = K √(E_H E_W)."""
        return self.classes * self.root_energy


def log_uniform(least: float, largest: float) -> SearchStrategy[float]:
    """Floats whose logarithm is spread evenly."""
    return st.floats(math.log(least), math.log(largest)).map(lambda x: min(max(math.exp(x), least), largest))


def class_numbers(largest: int = 10**6) -> SearchStrategy[int]:
    """How many classes: often one to six, else any order of magnitude."""
    return st.one_of(st.integers(1, 6), log_uniform(1, largest).map(int))


def imbalances(largest: float = 1e12) -> SearchStrategy[float]:
    """R ≥ 1: exactly one, barely above one, or any order of magnitude."""
    return st.one_of(st.just(1.0), log_uniform(1e-12, 1.0).map(lambda x: 1.0 + x), log_uniform(1.0, largest))


def two_groups(
    *, largest_group: int = 10**6, largest_imbalance: float = 1e12, least_root: float = 1e-3, largest_root: float = 1e2, minority: int = 1
) -> SearchStrategy[TwoGroups]:
    """Two-group programs over many orders of magnitude; `minority` is the least K_B."""
    return st.builds(
        TwoGroups,
        majority=class_numbers(largest_group),
        minority=class_numbers(largest_group).map(lambda size: max(size, minority)),
        imbalance=imbalances(largest_imbalance),
        root_energy=log_uniform(least_root, largest_root),
    )


def group_sizes() -> SearchStrategy[tuple[int, ...]]:
    """Group sizes of a small problem, singletons included."""
    return st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple).filter(lambda sizes: sum(sizes) >= 2)


class Blocks(NamedTuple):
    """The ingredients of a block-symmetric matrix; checked types draw random numbers, so it is built in the test."""

    sizes: tuple[int, ...]
    scale: float
    seed: int
    rank_one: bool
    inner: bool

    def matrix(self) -> GroupMatrix:
        """The matrix."""
        rng = np.random.default_rng(self.seed)
        count = len(self.sizes)
        outer = rng.standard_normal((count, count))
        if self.rank_one:
            outer = np.outer(outer[0], outer[-1])
        inner = np.where(np.array(self.sizes) > 1, rng.standard_normal(count) * self.inner, 0.0)
        return GroupMatrix(self.sizes, self.scale * inner, self.scale * outer)


def blocks() -> SearchStrategy[Blocks]:
    """Block-symmetric matrices: of full rank, of rank one, with inner values of both signs and zero, over many scales."""
    return st.builds(
        Blocks,
        sizes=group_sizes(),
        scale=log_uniform(1e-3, 1e3),
        seed=st.integers(0, 2**32 - 1),
        rank_one=st.booleans(),
        inner=st.booleans(),
    )


def dense_matrices(largest: int = 6) -> SearchStrategy[np.ndarray]:
    """Real K×K matrices with standard normal entries, from a seed."""
    return st.builds(
        lambda size, seed: np.random.default_rng(seed).standard_normal((size, size)), st.integers(1, largest), st.integers(0, 2**32 - 1)
    )


OFTEN_ENOUGH = 2
"""A label that occurs this often among the examples of a strategy is reached; more would depend on Hypothesis's choice of examples."""


def tally(strategy: SearchStrategy[Any], labels: Callable[[Any], Iterable[Hashable]], examples: int = 400) -> Counter[Hashable]:
    """How often each label occurs among the examples of a strategy."""
    seen: Counter[Hashable] = Counter()

    @settings(max_examples=examples, database=None)
    @given(strategy)
    def collect(value: Any) -> None:
        seen.update(labels(value))

    collect()
    return seen
