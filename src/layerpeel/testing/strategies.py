"""Hypothesis strategies for what the theorems speak of; every one shrinks to few classes, balanced, of energy one.

All arguments are given by name. An empty range is refused where the strategy is defined, not where it is drawn from.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from layerpeel.array_words import Float, Int
from layerpeel.numerics import Bracket, ElasticModel, UnusableInput, collapse_threshold, simplex_etf, vanishing_threshold
from layerpeel.solvers import LayerPeeled, UnconstrainedFeatures

try:
    from hypothesis import strategies as st
    from hypothesis.strategies import SearchStrategy
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "strategies are Hypothesis's, which is not installed: pip install 'layerpeel[testing]'.", name="hypothesis"
    ) from error

if TYPE_CHECKING:
    from layerpeel.solvers import Problem

REGIONS = ("distinct", "collapsed", "vanished", "boundary")
"""Phases of the minority of two groups, and the place between the first two."""

GEOMETRIES = ("etf", "orthogonal", "collapsed", "random")
"""Kinds of class means whose measures are known, or are not."""

LOSSES = ("cross-entropy", "squared", "hinge")

DISTANCE = 1e-6
"""Relative distance of R from the thresholds in `two_groups`: beside the boundary a double in the middle of nowhere belongs to no phase."""


@dataclass(frozen=True)
class TwoGroups:
    """Two groups of classes.

    Args:
        majority: K_A.
        minority: K_B.
        imbalance: R = n_A/n_B ≥ 1.
        feature_energy: E_H, averaged over classes; E_W is one.
    """

    majority: int
    minority: int
    imbalance: float
    feature_energy: float

    def problem(self, **options: Any) -> LayerPeeled:
        """The program, with further arguments of `LayerPeeled`."""
        return LayerPeeled.from_imbalance(self.majority, self.minority, self.imbalance, feature_energy=self.feature_energy, **options)


@dataclass(frozen=True, eq=False)
class Features:
    """Features of N samples with what is known of them.

    Args:
        features: N × p.
        labels: N class numbers 0 … K − 1, n of each.
        fuzziness: D = Tr(SSW SSB⁺) where the geometry says it, else None: zero when every sample stands at its class mean.
        etf_distance: distance of the centred class means from a simplex ETF where the geometry says it, else None.
    """

    features: Float[np.ndarray, "N p"]
    labels: Int[np.ndarray, " N"]
    fuzziness: float | None
    etf_distance: float | None


def energies(*, least: float = 1e-2, largest: float = 1e2) -> SearchStrategy[float]:
    """Energies of any order of magnitude; simplest is one.

    Args:
        least: the least, above zero.
        largest: the largest.

    Raises:
        UnusableInput: for an empty range.

    Example:
        >>> from hypothesis import find
        >>> find(energies(), lambda energy: energy < 3)
        1.0
    """
    return _log_uniform(least, largest, "energies")


def imbalances(*, largest: float = 1e4) -> SearchStrategy[float]:
    """Ratios of counts R ≥ 1: exactly one, barely above one, or any order of magnitude.

    Args:
        largest: the largest, at least one.

    Raises:
        UnusableInput: for an empty range.

    Example:
        >>> from hypothesis import find
        >>> find(imbalances(), lambda ratio: True)
        1.0
    """
    _require_range(1.0, largest, "imbalances")
    return st.one_of(
        st.just(1.0), _log_uniform(1.0, largest, "imbalances"), st.floats(1e-12, 1e-3).map(lambda excess: min(1.0 + excess, largest))
    )


def groups(*, most_groups: int = 3, most_classes: int = 6, largest: int = 10_000) -> SearchStrategy[list[tuple[int, int]]]:
    """(classes, samples) pairs of at least two classes in all, no two pairs with the same samples.

    Args:
        most_groups: the largest number of pairs.
        most_classes: the largest number of classes of one.
        largest: the largest number of samples of one class.

    Raises:
        UnusableInput: for numbers below one, or no room for two classes or for as many different counts.

    Example:
        >>> from hypothesis import find
        >>> find(groups(), lambda pairs: True)
        [(2, 1)]
    """
    _require_range(1, most_groups, "groups")
    _require_range(1, most_classes, "classes of a group")
    _require_range(1, largest, "samples of a class")
    if most_groups * most_classes < 2 or largest < most_groups:
        raise UnusableInput(
            f"{most_groups} groups of at most {most_classes} classes and {largest} samples leave no choice: there must be room for two "
            "classes, and for as many different counts as groups; give larger numbers."
        )
    sizes = st.integers(1, most_classes)

    def pairs(samples: list[int]) -> SearchStrategy[list[tuple[int, int]]]:
        least = 2 if len(samples) == 1 else 1
        return st.tuples(st.integers(least, max(least, most_classes)), *(sizes for _ in samples[1:])).map(
            lambda classes: list(zip(classes, samples, strict=True))
        )

    least = 1 if most_classes > 1 else 2
    return st.lists(st.integers(1, largest), min_size=least, max_size=most_groups, unique=True).flatmap(pairs)


def class_counts(*, most_classes: int = 8, largest: int = 10_000, balanced: bool | None = None) -> SearchStrategy[list[int]]:
    """Counts n_k of two or more classes; simplest are two equal ones.

    Args:
        most_classes: the largest K, at least two.
        largest: the largest count.
        balanced: True for equal counts only, False for some that differ, None for both.

    Raises:
        UnusableInput: for an empty range.

    Example:
        >>> from hypothesis import find
        >>> find(class_counts(), lambda counts: True), find(class_counts(balanced=False), lambda counts: True)
        ([1, 1], [1, 2])
    """
    _require_range(2, most_classes, "classes")
    _require_range(1 if balanced is not False else 2, largest, "counts")
    if balanced:
        return st.builds(lambda classes, count: [count] * classes, st.integers(2, most_classes), st.integers(1, largest))
    counts = st.lists(st.integers(1, largest), min_size=2, max_size=most_classes)
    return counts if balanced is None else counts.filter(lambda drawn: len(set(drawn)) > 1)


def two_groups(
    *, region: str | None = None, most_classes: int = 10, least_energy: float = 0.1, largest_energy: float = 10.0, largest: float = 1e4
) -> SearchStrategy[TwoGroups]:
    """K_A majority and K_B minority classes with the imbalance in a phase of their program.

    Args:
        region: "distinct" below R0, "collapsed" from R0 on (below R1 where there is one), "vanished" beyond R1, "boundary" at the double
            nearest to R0; any imbalance when None. The phases are left by a part in 10⁶.
        most_classes: the largest K_A and K_B; at least two.
        least_energy: the least E_H.
        largest_energy: the largest E_H.
        largest: the largest imbalance of "collapsed" and "vanished", as a multiple of where they begin.

    Raises:
        UnusableInput: for an unknown region or an empty range.

    Example:
        >>> from hypothesis import find
        >>> find(two_groups(region="distinct"), lambda groups: True)
        TwoGroups(majority=1, minority=2, imbalance=1.0, feature_energy=1.0)
    """
    if region is not None and region not in REGIONS:
        raise UnusableInput(f"region {region!r} is unknown: it must be one of {', '.join(REGIONS)}, or None; choose one of these.")
    _require_range(2, most_classes, "classes of a group")
    _require_range(1.0, largest, "imbalances")
    sizes = st.tuples(st.integers(1 if region != "vanished" else 2, most_classes), st.integers(2, most_classes))
    energy = energies(least=least_energy, largest=largest_energy)
    drawn = st.tuples(sizes, energy, st.floats(0.0, 1.0), imbalances(largest=largest))

    def placed(parts: tuple[tuple[int, int], float, float, float]) -> SearchStrategy[TwoGroups]:
        (majority, minority), energy, place, ratio = parts
        imbalance = _imbalance_in(region, majority, minority, energy, place, ratio)
        return st.nothing() if imbalance is None else st.just(TwoGroups(majority, minority, imbalance, energy))

    return drawn.flatmap(placed)


def _imbalance_in(region: str | None, majority: int, minority: int, energy: float, place: float, ratio: float) -> float | None:
    """The imbalance that stands at `place` in its region, on logarithms; None where the region is empty."""
    if region is None:
        return ratio
    collapse = collapse_threshold(majority, minority, feature_energy=energy, digits=17).value
    vanishing = vanishing_threshold(majority, minority, feature_energy=energy, digits=17)
    begins = {"distinct": 1.0, "collapsed": collapse, "boundary": collapse, "vanished": vanishing and vanishing.value}[region]
    if begins is None:
        return None
    ends = {"distinct": collapse, "boundary": collapse, "vanished": math.inf, "collapsed": vanishing.value if vanishing else math.inf}[
        region
    ]
    if region == "boundary":
        return begins
    low = begins if region == "distinct" else begins * (1.0 + DISTANCE)
    high = min(math.inf if ends is None else ends * (1.0 - DISTANCE), begins * ratio * 1e3)
    if high < low:
        return None
    return float(low ** (1.0 - place) * high**place)


def problems(
    *, losses: Sequence[str] = LOSSES, most_classes: int = 6, largest: int = 10_000, penalised: bool | None = None
) -> "SearchStrategy[Problem]":
    """Programs: counts, energies or weight decay, a loss, features averaged over classes or samples.

    Args:
        losses: from which to choose.
        most_classes: the largest K.
        largest: the largest count.
        penalised: True for weight decay only, False for energies only, None for both.

    Raises:
        UnusableInput: for an unknown loss or none, and empty ranges.

    Example:
        >>> problems(losses=["zero-one"])
        Traceback (most recent call last):
        ...
        layerpeel.numerics._inputs.UnusableInput: losses ['zero-one'] must be some of cross-entropy, squared, hinge; ...
    """
    if not losses or any(loss not in LOSSES for loss in losses):
        raise UnusableInput(f"losses {list(losses)} must be some of {', '.join(LOSSES)}; name at least one of these.")
    counts, loss = class_counts(most_classes=most_classes, largest=largest), st.sampled_from(list(losses))
    held: SearchStrategy[Problem] = st.builds(
        LayerPeeled, counts=counts, feature_energy=energies(), loss=loss, norm_weights=st.sampled_from(["class", "sample"])
    )
    decayed: SearchStrategy[Problem] = st.builds(
        UnconstrainedFeatures, counts=counts, weight_decay=_log_uniform(1e-4, 1.0, "weight decays"), loss=loss
    )
    return st.one_of(*([] if penalised is True else [held]), *([] if penalised is False else [decayed]))


def rates() -> SearchStrategy[str]:
    """Strengths α(t) or β(t) of the locally elastic dynamics, as text that `as_rate` takes: constants, powers, logarithms and their sums.

    Example:
        >>> from hypothesis import find
        >>> find(rates(), lambda rate: True)
        '1'
    """
    numbers = st.sampled_from(["1", "1/2", "2", "0.3", "5"])
    shapes = st.sampled_from(["{}", "{}/(1 + t)", "{}*(1 + t)**(-1/2)", "{}*exp(-t)", "{}*log(2 + t)/(2 + t)"])
    term = st.builds(str.format, shapes, numbers)
    return st.one_of(term, st.builds("{} + {}".format, term, term))


def elastic_models(*, blocks: Sequence[str] = ("I", "L"), most_classes: int = 5) -> SearchStrategy[ElasticModel]:
    """Locally elastic models with strengths from `rates`.

    Args:
        blocks: kinds of drift from which to choose: "I", "L", "identity".
        most_classes: the largest K, at least two.

    Raises:
        UnusableInput: for an unknown kind or none, and an empty range.

    Example:
        >>> from hypothesis import find
        >>> find(elastic_models(), lambda model: True).num_classes
        2
    """
    known = ("I", "L", "identity")
    if not blocks or any(kind not in known for kind in blocks):
        raise UnusableInput(f"blocks {list(blocks)} must be some of {', '.join(known)}; name at least one of these.")
    _require_range(2, most_classes, "classes")
    return st.builds(
        ElasticModel, blocks=st.sampled_from(list(blocks)), num_classes=st.integers(2, most_classes), intra=rates(), inter=rates()
    )


def features(*, geometry: str, most_classes: int = 5, most_samples: int = 6, spread: float = 0.1) -> SearchStrategy[Features]:
    """Labelled features whose class means have a geometry that is known.

    Args:
        geometry: "etf" (class means a simplex ETF), "orthogonal" (equal and orthogonal means, so that centred they are an ETF too),
            "collapsed" (an ETF with every sample at its mean), "random" (nothing is known).
        most_classes: the largest K, at least two.
        most_samples: the largest number of samples of each class, at least two.
        spread: how far samples stand from their means, against a mean's norm; their mean is exact up to rounding.

    Raises:
        UnusableInput: for an unknown geometry or an empty range.

    Example:
        >>> from hypothesis import find
        >>> find(features(geometry="collapsed"), lambda drawn: True).fuzziness
        0.0
    """
    if geometry not in GEOMETRIES:
        raise UnusableInput(f"geometry {geometry!r} is unknown: it must be one of {', '.join(GEOMETRIES)}; choose one of these.")
    _require_range(2, most_classes, "classes")
    _require_range(2, most_samples, "samples of a class")
    if not spread > 0.0:
        raise UnusableInput(f"the spread is {spread}: it must be positive; for samples at their means use geometry 'collapsed'.")
    seeds = st.integers(0, 2**32 - 1)
    return st.builds(
        lambda classes, samples, seed: _drawn_features(geometry, classes, samples, spread, seed),
        st.integers(2, most_classes),
        st.integers(2, most_samples),
        seeds,
    )


def _drawn_features(geometry: str, classes: int, samples: int, spread: float, seed: int) -> Features:
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.standard_normal((classes, classes)))
    means = {
        "etf": lambda: simplex_etf(classes, classes),
        "collapsed": lambda: simplex_etf(classes, classes),
        "orthogonal": lambda: np.eye(classes),
        "random": lambda: rng.standard_normal((classes, classes)),
    }[geometry]()
    noise = rng.standard_normal((classes, samples, classes))
    noise -= noise.mean(axis=1, keepdims=True)
    stretch = 0.0 if geometry == "collapsed" else spread * float(np.linalg.norm(means, axis=1).mean())
    return Features(
        features=((means[:, None, :] + stretch * noise) @ rotation).reshape(classes * samples, classes),
        labels=np.repeat(np.arange(classes), samples),
        fuzziness=0.0 if geometry == "collapsed" else None,
        etf_distance=None if geometry == "random" else 0.0,
    )


def brackets(*, least: float = -1e6, largest: float = 1e6) -> SearchStrategy[Bracket]:
    """Intervals, single numbers among them.

    Args:
        least: the least lower end.
        largest: the largest upper end.

    Raises:
        UnusableInput: for an empty range.

    Example:
        >>> from hypothesis import find
        >>> find(brackets(), lambda bracket: True)
        Bracket(lower=0.0, upper=0.0, rigorous=False)
    """
    _require_range(least, largest, "brackets")
    ends = st.floats(least, largest)
    return st.one_of(ends.map(lambda x: Bracket(x, x)), st.tuples(ends, ends).map(lambda pair: Bracket(min(pair), max(pair))))


def _log_uniform(least: float, largest: float, what: str) -> SearchStrategy[float]:
    """Floats spread evenly over orders of magnitude, of which one is the simplest where it is among them."""
    _require_range(least, largest, what)
    if not least > 0.0:
        raise UnusableInput(f"the least of {what} is {least}: it must be positive; give a larger one.")
    spread = st.floats(math.log(least), math.log(largest)).map(lambda x: min(max(math.exp(x), least), largest))
    return st.one_of(st.just(1.0), spread) if least <= 1.0 <= largest else spread


def _require_range(least: float, largest: float, what: str) -> None:
    if not least <= largest:
        raise UnusableInput(f"the range of {what} is empty: from {least:g} to {largest:g}; give a larger upper end.")


st.register_type_strategy(Bracket, brackets())
