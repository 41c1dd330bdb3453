"""What a solution says in words: the classes that lose most come first, and classes that fare alike share a line."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from layerpeel.counts.reading.numbers import said
from layerpeel.pages.output import number, text_table
from layerpeel.pages.text import one_line

if TYPE_CHECKING:
    from layerpeel.counts.low_dimension import LowDimension
    from layerpeel.solvers import GroupGeometry, Problem, Solution

SQUEEZED = 0.95
"""Cosine between two classifiers (an angle of 18°) from which a reader is told that their classes are squeezed together."""

MOST_GROUPS_IN_TEXT = 12
"""A matrix of cosines wider than this is no longer read on a terminal; it stays in the JSON."""

MOST_ROWS, SHOWN_ROWS = 24, 8
"""A table with more groups than the first shows so many of the largest counts, and as many of the smallest."""

MOST_NAMES = 6
"""Classes, or counts, that a sentence lists; of more it says how many they are, and the ends."""

LONGEST_NAME = 40
"""Characters of a name."""

MOST_SENTENCES = 3
"""Groups, or clusters, that have a sentence each; more share one."""

SMALLEST = sys.float_info.min * sys.float_info.epsilon
"""The smallest double above zero."""

Names = Sequence[Sequence[str] | None]
"""Of the classes of each group."""


def names_by_group(problem: "Problem", names: Sequence[str] | None) -> list[list[str] | None]:
    """The names of the classes of each group, from those of the classes in the order the counts were given."""
    if names is None:
        return [None] * len(problem.groups)
    places = problem.group_of_class or np.repeat(np.arange(len(problem.groups)), problem.sizes).tolist()
    called: list[list[str]] = [[] for _ in problem.groups]
    for place, name in zip(places, names, strict=True):
        called[place].append(name)
    return [*called]


def spoken(solution: "Solution", names: Names, *, weighted: bool, again: str | None) -> str:
    """Value and gap, a table of groups, the cosines between groups, and what it all means, the worst first."""
    names = printable_names(names)
    table, between = _table(solution.groups, names), _between(solution.groups, solution.between_cosine, names, "cosines")
    return "\n".join([*_head(solution), *_weights(weighted), "", table, *between, "", *_reading(solution, names, again)])


def spoken_below_rank(solution: "Solution", point: "LowDimension", names: Names, *, weighted: bool) -> str:
    """The same of a point in a dimension that is too small for the optimum."""
    names = printable_names(names)
    p, rank, value = solution.dimension, solution.rank, solution.value.upper
    head = [
        f"value     {point.value:.12g}, the best point found in R^{p}",
        f"gap       {point.gap:.1e} at most: no point in R^{p} has less than {point.lower:.12g}, which is certified",
        f"optimum   {value:.12g}, in R^{rank} and above; {_shape(solution)}",
        f"status    {point.status}",
    ]
    table, between = _table(point.groups, names), _between(point.groups, point.between_cosine, names, "largest cosines")
    return "\n".join([*head, *_weights(weighted), "", table, *between, "", below_rank(solution)])


def findings(solution: "Solution", names: Names) -> list[str]:
    """What it means, the worst first, without what to do next: a sentence each."""
    from layerpeel.solvers import Status

    if solution.status is Status.ZERO:
        return ["The energies allow a loss of zero, so the optimum is not unique: the geometry shown is one of many."]
    return [*_fates(solution, _Classes(solution, names)), *_largest_cosine(solution, names)]


def below_rank(solution: "Solution") -> str:
    """That a dimension is too small for the optimum."""
    p, rank = solution.dimension, solution.rank
    return (
        f"The optimal logits have rank {rank}, so no features and classifiers in R^{p} make them: what is shown is the point found, with "
        f"root mean squares of norms and largest cosines. From --dimension {rank} on the optimum fits."
    )


def printable_names(names: Names) -> Names:
    """Each name on one line, without what commands a terminal, and not longer than a column may be."""

    def cut(name: str) -> str:
        line = one_line(name)
        return line if len(line) <= LONGEST_NAME else f"{line[: LONGEST_NAME - 1]}…"

    return [None if called is None else [cut(name) for name in called] for called in names]


def _weights(weighted: bool) -> list[str]:
    return ["weights   the samples below are samples times loss weight: weights change what the loss counts, and no norm"] * weighted


def _shape(solution: "Solution") -> str:
    return f"{solution.route}, {solution.num_classes} classes, rank {solution.rank}, {solution.seconds:.3g} s"


def _head(solution: "Solution") -> list[str]:
    value = solution.value
    tiny = 0.0 < value.upper <= SMALLEST
    shown = f"below {SMALLEST:.3g}, the smallest double above zero" if tiny else f"{value.upper:.12g}"
    head = [
        f"value     {shown}",
        f"gap       {solution.gap:.1e} at most, certified{'' if tiny else f' (relative {solution.relative_gap:.1e})'}",
        f"route     {_shape(solution)}",
        f"status    {solution.status}",
    ]
    if solution.group_bias is not None:
        head.append(f"bias      {', '.join(number(each) for each in solution.group_bias.tolist())} (by group)")
    return head


class Decided(Protocol):
    """What is known of the classifiers of equal classes."""

    @property
    def classes(self) -> int:
        """How many."""
        ...

    @property
    def collapsed(self) -> bool | None:
        """Whether they coincide."""
        ...

    @property
    def vanished(self) -> bool | None:
        """Whether they are zero."""
        ...


def phase(group: Decided) -> str:
    """One word for a group's classifiers: distinct, collapsed, vanished, undecided, or single."""
    if group.vanished:
        return "vanished"
    if group.vanished is None:
        return "undecided"
    if group.classes == 1:
        return "single"
    return {True: "collapsed", False: "distinct", None: "undecided"}[group.collapsed]


def _table(groups: "Sequence[GroupGeometry]", names: Names) -> str:
    order = list(range(len(groups)))
    left_out = len(order) - 2 * SHOWN_ROWS if len(order) > MOST_ROWS else 0
    if left_out:
        order.sort(key=lambda g: -groups[g].samples)
    rows = [
        [
            str(groups[g].classes),
            said(groups[g].samples),
            phase(groups[g]),
            number(groups[g].classifier_norm),
            number(groups[g].feature_norm),
            number(groups[g].within_cosine),
        ]
        for g in order
    ]
    head = ["classes", "samples", "phase", "||w||", "||h||", "cosine within"]
    if any(called is not None for called in names):
        head = ["names", *head]
        rows = [[_short(names[g]), *row] for g, row in zip(order, rows, strict=True)]
    if not left_out:
        return text_table(head, rows)
    between = ["…", *[""] * (len(head) - 1)]
    table = text_table(head, [*rows[:SHOWN_ROWS], between, *rows[-SHOWN_ROWS:]])
    return f"{table}\n({left_out} groups of counts between are not shown; --json has them all)"


def _short(called: Sequence[str] | None) -> str:
    """At most two names of a group."""
    if not called:
        return ""
    return ", ".join(called) if len(called) <= 2 else f"{called[0]}, {called[1]}, …"


def _between(groups: "Sequence[GroupGeometry]", cosines: Sequence[Sequence[float | None]], names: Names, what: str) -> list[str]:
    count = len(groups)
    if not 1 < count <= MOST_GROUPS_IN_TEXT:
        return []
    by_name = any(called is not None for called in names)
    labels = [_short(called) if by_name else said(group.samples) for called, group in zip(names, groups, strict=True)]
    rows = [[name, *(number(_rounded(cosine)) for cosine in row)] for name, row in zip(labels, cosines, strict=True)]
    return ["", f"{what} between the classifiers of groups (by {'name' if by_name else 'samples'})", text_table(["", *labels], rows)]


def _rounded(cosine: float | None) -> float | None:
    return None if cosine is None else round(cosine, 4) + 0.0  # no minus before a zero


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
        found = sorted(self.groups[g].classifier_norm / head for g in chosen) if head > 0.0 else []
        if not found:
            return ""
        shares = [_share(each) for each in (found[0], found[-1])]
        span = shares[0] if shares[0] == shares[1] else f"{shares[0]} to {shares[1]}"
        return f"classifiers {'are ' * are}{span} as long as that of {self.one(self.head)}"


def _share(ratio: float) -> str:
    return f"{100.0 * ratio:.2g} %" if ratio < 0.1 else f"{100.0 * ratio:.3g} %"


def _upper(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:] if sentence.startswith("the ") else sentence


def _reading(solution: "Solution", names: Names, again: str | None) -> list[str]:
    from layerpeel.solvers import LayerPeeled, Status

    lines, problem = findings(solution, names), solution.problem
    if solution.status is Status.ZERO:
        return lines
    plain = isinstance(problem, LayerPeeled) and problem.unweighted
    if problem.loss != "cross-entropy" or not (plain or (again is not None and problem.bias_penalty is None)):
        return lines
    if len(solution.groups) == 2 and min(solution.groups, key=lambda group: group.samples).classes > 1:
        if again is not None:
            lines.append(f"Next: `layerpeel remedy {again}` says how much oversampling keeps the minority classes apart.")
    elif len(solution.groups) > 1:
        lines.append("Next: solve again with the smallest counts multiplied, which is what oversampling them by that factor does.")
    return lines


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
    left, found = set(np.flatnonzero(close.any(axis=1)).tolist()), []
    while left:
        members, reached = [], [min(left)]
        left.discard(reached[0])
        while reached:
            member = reached.pop()
            members.append(member)
            linked = [g for g in np.flatnonzero(close[member]).tolist() if g in left]
            left.difference_update(linked)
            reached += linked
        found.append(_Cluster(members, float(np.nanmax(cosines[np.ix_(members, members)]))))
    return sorted(found, key=lambda cluster: -cluster.cosine)


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
    i, j = divmod(int(np.nanargmax(cosines)), len(groups))
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
