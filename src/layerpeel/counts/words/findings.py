"""What a solution means, in sentences: the classes that lose most come first, and classes that fare alike share a line."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from layerpeel.counts.reading.numbers import said
from layerpeel.counts.words.naming import MOST_NAMES, Names
from layerpeel.counts.words.phase import phase

if TYPE_CHECKING:
    from layerpeel.solvers import Solution

SQUEEZED = 0.95
"""Cosine between two classifiers (an angle of 18°) from which a reader is told that their classes are squeezed together."""

MOST_SENTENCES = 3
"""Groups, or clusters, that have a sentence each; more share one."""


def findings(solution: "Solution", names: Names) -> list[str]:
    """What it means, the worst first, without what to do next: a sentence each."""
    from layerpeel.solvers import Status

    if solution.status is Status.ZERO:
        return ["The energies allow a loss of zero, so the optimum is not unique: the geometry shown is one of many."]
    return [*_fates(solution, _Classes(solution, names)), *_largest_cosine(solution, names)]


class _Cluster(NamedTuple):
    """Groups that are squeezed together, and the largest cosine among their classes."""

    groups: list[int]
    cosine: float


class _Classes:
    """The classes of groups, as sentences call them."""

    def __init__(self, solution: "Solution", names: Names) -> None:
        self.groups, self.names = solution.groups, names
        self.head = max(range(len(self.groups)), key=lambda g: self.groups[g].samples)

    def number(self, chosen: Sequence[int]) -> int:
        """How many classes the groups hold."""
        return sum(self.groups[g].classes for g in chosen)

    def called(self, chosen: Sequence[int], *, plain: bool = False) -> str:
        """By their names, with their samples; else by their samples; of many, the ends."""
        chosen = sorted(chosen, key=lambda g: -self.groups[g].samples)
        samples = [said(self.groups[g].samples) for g in chosen]
        span = samples[0] if len(samples) == 1 else f"{samples[0]} to {samples[-1]}"
        several = self.number(chosen)
        known = [name for g in chosen for name in self.names[g] or ()]
        if known:
            listed = known if len(known) <= MOST_NAMES else [*known[: MOST_NAMES - 2], f"… {known[-1]}"]
            return f"{', '.join(listed)} ({'' if len(known) <= MOST_NAMES else f'{several} classes, '}{span} samples)"
        if len(chosen) == 1:
            return f"the class of {span} samples" if several == 1 else f"the {'' if plain else f'{several} '}classes of {span} samples"
        if len(chosen) <= MOST_NAMES:
            return f"the classes of {', '.join(samples)} samples"
        return f"the {several} classes of {span} samples"

    def one(self, g: int) -> str:
        """One class of a group."""
        called = self.names[g]
        return called[0] if called else f"a class of {said(self.groups[g].samples)} samples"

    def lengths(self, chosen: Sequence[int], *, are: bool = False) -> str:
        """Their classifiers' norms, over that of the largest count."""
        head = self.groups[self.head].classifier_norm
        ratios = sorted(self.groups[g].classifier_norm / head for g in chosen) if head > 0.0 else []
        if not ratios:
            return ""
        shares = [_share(each) for each in (ratios[0], ratios[-1])]
        span = shares[0] if shares[0] == shares[1] else f"{shares[0]} to {shares[1]}"
        return f"classifiers {'are ' * are}{span} as long as that of {self.one(self.head)}"


def _share(ratio: float) -> str:
    return f"{100.0 * ratio:.2g} %" if ratio < 0.1 else f"{100.0 * ratio:.3g} %"


def _upper(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:] if sentence.startswith("the ") else sentence


def _fates(solution: "Solution", classes: _Classes) -> list[str]:
    """Who has no classifier, who shares one, who is squeezed together, what is undecided, and who keeps a direction of its own."""
    phases = [phase(group) for group in solution.groups]
    gone, shared = ([g for g, each in enumerate(phases) if each == word] for word in ("vanished", "collapsed"))
    short = [g for g, group in enumerate(solution.groups) if group.vanished is None]
    unsure = [g for g, each in enumerate(phases) if each == "undecided" and g not in set(short)]
    clusters = _clusters(solution)
    lines = [*_gone(classes, gone), *_collapsed(classes, shared), *_squeezed(classes, clusters)]
    if short:
        lines.append(
            f"Not decided at this gap: whether {classes.called(short)} vanish or are only short; at the point found their "
            f"{classes.lengths(short, are=True)}{_alike(solution, short)}."
        )
    if unsure:
        lines.append(f"Not decided at this gap: whether {classes.called(unsure)} collapse, group by group of equal counts.")
    taken = {*gone, *shared, *short, *unsure, *(g for cluster in clusters for g in cluster.groups)}
    own = [g for g in range(len(phases)) if g not in taken]
    if own and taken:
        verb = "keeps a direction of its own" if classes.number(own) == 1 else "keep directions of their own"
        lines.append(f"{_upper(classes.called(own))} {verb}.")
    if not gone and not shared and not short and not unsure:
        lines.append("No two classifiers are forced to be equal.")
    return lines


def _alike(solution: "Solution", chosen: Sequence[int]) -> str:
    """The cosines between classifiers that may be zero, at the point found."""
    gram = solution.classifier_gram
    norms = np.array([solution.groups[g].classifier_norm for g in chosen])
    if not norms.all():
        return ""
    sizes = np.array([solution.groups[g].classes for g in chosen])
    cosines = gram.outer[np.ix_(chosen, chosen)] / np.sqrt(np.outer(sizes, sizes)) - np.diag(gram.inner[chosen] / sizes)
    cosines /= np.outer(norms, norms)
    known = cosines[~np.eye(len(chosen), dtype=bool) | np.diag(sizes > 1)]
    return f", at cosines from {_cosine(known.min())} to {_cosine(known.max())} with one another" if known.size else ""


def _cosine(cosine: float) -> str:
    """To six digits, and what it lacks where these are nines only."""
    return f"1 - {1.0 - cosine:.1e}" if 0.0 < 1.0 - cosine < 1e-5 else f"{min(cosine, 1.0):.6g}"


def _gone(classes: _Classes, gone: Sequence[int]) -> list[str]:
    several = classes.number(gone)
    if several == 0:
        return []
    if several == 1:
        return [f"{_upper(classes.called(gone))} vanishes: its classifier is zero."]
    return [
        f"{_upper(classes.called(gone))} vanish: their classifiers are zero, so among them the prediction is at random (1 in {several})."
    ]


def _collapsed(classes: _Classes, shared: Sequence[int]) -> list[str]:
    if len(shared) > MOST_SENTENCES:
        groups = f"in each of these {len(shared)} groups of equal counts the classes share one classifier"
        return [f"{_upper(classes.called(shared))} collapse: {groups}, so inside a group the prediction is at random."]
    return [
        f"{_upper(classes.called([g]))} collapse: they share one classifier, so inside this group the prediction is at random "
        f"(1 in {classes.number([g])})."
        for g in shared
    ]


def _clusters(solution: "Solution") -> list[_Cluster]:
    """Groups that cosines of at least SQUEEZED link, though not exactly one: the tightest first."""
    groups = solution.groups
    cosines = np.array(solution.between_cosine, dtype=float)
    np.fill_diagonal(cosines, [np.nan if g.collapsed or g.within_cosine is None else g.within_cosine for g in groups])
    close = np.nan_to_num(cosines, nan=-1.0) >= SQUEEZED
    left, clusters = set(np.flatnonzero(close.any(axis=1)).tolist()), []
    while left:
        members, reached = [], [min(left)]
        left.discard(reached[0])
        while reached:
            member = reached.pop()
            members.append(member)
            linked = [g for g in np.flatnonzero(close[member]).tolist() if g in left]
            left.difference_update(linked)
            reached += linked
        clusters.append(_Cluster(members, float(np.nanmax(cosines[np.ix_(members, members)]))))
    return sorted(clusters, key=lambda cluster: -cluster.cosine)


def _squeezed(classes: _Classes, clusters: Sequence[_Cluster]) -> list[str]:
    lines = [
        f"Squeezed together, at cosines above {SQUEEZED:g}: {classes.called(groups, plain=True)}; largest cosine {_cosine(cosine)}, "
        f"{classes.lengths(groups)}."
        for groups, cosine in clusters[:MOST_SENTENCES]
    ]
    more = [g for cluster in clusters[MOST_SENTENCES:] for g in cluster.groups]
    if more:
        lines.append(f"Squeezed likewise, in {len(clusters) - MOST_SENTENCES} more clusters: {classes.called(more)}.")
    return lines


def _largest_cosine(solution: "Solution", names: Names) -> list[str]:
    """How close the closest two classes come, against the balanced optimum."""
    groups = solution.groups
    cosines = np.array(solution.between_cosine, dtype=float)
    np.fill_diagonal(cosines, [np.nan if group.within_cosine is None else group.within_cosine for group in groups])
    if np.isnan(cosines).all():
        return []
    i, j = sorted(divmod(int(np.nanargmax(cosines)), len(groups)))  # of the two places of a pair, rounding chooses one
    largest = float(cosines[i, j])
    one, other = names[i], names[j]
    if one is not None and other is not None:
        pair = f"{one[0]} and {other[int(i == j)]}"
    elif i == j:
        pair = f"two classes of {said(groups[i].samples)} samples"
    else:
        pair = f"a class of {said(groups[i].samples)} and one of {said(groups[j].samples)} samples"
    closest = f"The closest classifiers are those of {pair}: cosine {largest:.4f}"
    if solution.problem.loss != "cross-entropy":
        return [f"{closest}."]
    return [f"{closest}, where balanced classes would have {-1.0 / (solution.num_classes - 1):.4f}."]
