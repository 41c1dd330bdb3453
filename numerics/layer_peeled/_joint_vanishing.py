"""Where everything but the largest classes vanishes, and in what proportion it comes back: any number of counts, in ball arithmetic."""

import math
from collections.abc import Callable, Iterable, Sequence

from flint import arb, ctx

from layerpeel.numerics._ball import PRECISION, to_bracket
from layerpeel.numerics._bracket import Bracket
from layerpeel.numerics._inputs import UnusableInput, require_list, require_one_of, require_positive, require_whole, shown

Tail = Sequence[tuple[int, arb]]
"""(K_g, γ_g) of every group but the head: its classes, and its slope c_g/d_g over that of the head, below one."""

MOST_BITS = 4096
"""Working precision at which a sign is given up; no two doubles made one that needed more than twice the default."""


def vanishing_excess(head: int, tail: Tail, margin: arb) -> arb:
    """Positive where λ exceeds the gradient's norm off the head, at Z = a(I − 11ᵀ/K_A) on K_A ≥ 2 head classes and zero elsewhere.

        K_A r²/(1 − r²) − Σ_g K_g/(1 − γ_g²/ℓ²),    r = (K_A e^{−a/K_A} + K_T)/K,    ℓ = K r/(e^{a − a/K_A} + (K_A − 1)e^{−a/K_A} + K_T),

    with K_T = Σ_g K_g, ℓ = λ d_A/c_A and r the ratio of λ to κ_A; −1 where some γ_g ≥ ℓ. Decreasing in a.

    Args:
        head: K_A ≥ 2.
        tail: the other groups.
        margin: a > 0, the margin between two head classes.

    Returns:
        A ball; all of [−1, 1] where this precision does not tell γ_g from ℓ.

    Source: derived; docs/derivations/layer-peeled.md, section 4 (joint vanishing).

    Example:
        >>> vanishing_excess(3, [(2, arb(3) / 60), (2, arb(2) / 60)], arb(2.51)) > 0
        True
    """
    total = head + sum(classes for classes, _ in tail)
    lost = head * (-margin / head).expm1() / total  # r − 1, to full precision where a is small
    r = 1 + lost
    level = head_level(head, total - head, margin)
    excess = head * r**2 / (-lost * (2 + lost))
    for classes, ratio in tail:
        room = 1 - (ratio / level) ** 2
        if room < 0:
            return arb(-1)
        if not room > 0:
            return arb(0, 1)
        excess -= classes / room
    return excess


def head_level(head: int, others: int, margin: arb) -> arb:
    """ℓ = λ d_A/c_A where only the head has classifiers: 1 at a = 0, and decreasing in a.

    Args:
        head: K_A ≥ 2.
        others: K_T, how many classes have none.
        margin: a ≥ 0.

    Source: derived; docs/derivations/layer-peeled.md, section 4 (joint vanishing).

    Example:
        >>> head_level(2, 3, arb(0)) == 1
        True
    """
    spread = (-margin / head).exp()
    return (head * spread + others) / ((margin - margin / head).exp() + (head - 1) * spread + others)


def margin_at_level(head: int, others: int, level: arb) -> arb:
    """The margin a > 0 at which `head_level` is a given ℓ in (0, 1), in a ball of about the working precision.

    Args:
        head: K_A ≥ 2.
        others: K_T.
        level: ℓ, certainly between 0 and 1.

    Raises:
        UnusableInput: for another level.

    Source: derived; docs/derivations/layer-peeled.md, section 4 (joint vanishing).

    Example:
        >>> margin_at_level(2, 3, head_level(2, 3, arb(1.5))).overlaps(arb(1.5))
        True
    """
    if not 0 < level < 1:
        raise UnusableInput(f"the level is {level}: it must lie strictly between 0 and 1; give a multiplier below the head's slope.")
    return _crossing(lambda margin: head_level(head, others, margin) - level)


def vanishes_at(head: int, tail: Callable[[], Tail], margin: Callable[[], arb]) -> bool | None:
    """Whether all tail classes are exactly zero where the head's margin would be a, or None at equality.

    Args:
        head: K_A ≥ 2.
        tail: the other groups, evaluated at the working precision.
        margin: a > 0, likewise.

    Raises:
        UnusableInput: for a head of one class, which leaves no margin.

    Source: derived; docs/derivations/layer-peeled.md, section 4 (joint vanishing).

    Example:
        >>> [vanishes_at(3, lambda: [(2, arb(3) / 60), (2, arb(2) / 60)], lambda: arb(a)) for a in (2.5, 2.52)]
        [True, False]
    """
    head = require_whole(head, "the head", least=2, remedy="a single largest class never is alone, so use 2 or more")
    bits = PRECISION
    while bits <= MOST_BITS:
        with ctx.workprec(bits):
            excess = vanishing_excess(head, tail(), margin())
            if excess > 0:
                return True
            if excess < 0:
                return False
        bits *= 2
    return None


def joint_vanishing_radius(groups: Iterable[tuple[int, float]], *, norm_weights: str = "class") -> Bracket:
    """τ*, the nuclear radius K √(E_H E_W) up to which all classes but the largest are exactly zero, and beyond which none is.

    The excess of `vanishing_excess` decreases in the head's margin a from ∞, so it has one root a*, and

        τ* = (K_A − 1) d_A a*.

    Args:
        groups: (classes, samples) with distinct samples; two or more classes have the most samples.
        norm_weights: "class" for d_k = 1 and slopes n_k/N, "sample" for d_k = √n_k and slopes √n_k/N.

    Returns:
        A rigorous bracket, a few units wide in the last digit.

    Raises:
        UnusableInput: for a single largest class, with which nothing vanishes at any radius; for one group, or equal samples.

    Source: derived; docs/derivations/layer-peeled.md, section 4 (joint vanishing).

    Example:
        >>> round(joint_vanishing_radius([(3, 60), (2, 3), (2, 2)]).middle, 4)
        5.0216
    """
    head, tail, weight = _ranked(groups, norm_weights)
    with ctx.workprec(PRECISION):
        return to_bracket((head - 1) * weight() * _boundary_margin(head, tail()))


def joint_vanishing_lengths(groups: Iterable[tuple[int, float]], *, norm_weights: str = "class") -> tuple[Bracket, ...]:
    """How long the classifiers of each tail group are as they come back beyond τ*, all on one ray: in units of the longest.

        w_k ∝ 1/(λ² − c_g²/d_g²),    h_k ∝ (c_g/d_g²)/(λ² − c_g²/d_g²),

    the last singular pair of the gradient off the head.

    Args:
        groups: as for `joint_vanishing_radius`.
        norm_weights: as for `joint_vanishing_radius`.

    Returns:
        One rigorous bracket for each tail group, in the order given.

    Raises:
        UnusableInput: as `joint_vanishing_radius`.

    Source: derived; docs/derivations/layer-peeled.md, section 4 (joint vanishing).

    Example:
        >>> [round(length.middle, 4) for length in joint_vanishing_lengths([(3, 60), (2, 3), (2, 2)])]
        [1.0, 0.9948]
    """
    head, tail, _ = _ranked(groups, norm_weights)
    with ctx.workprec(PRECISION):
        others = tail()
        level = head_level(head, sum(classes for classes, _ in others), _boundary_margin(head, others))
        rooms = [level**2 - ratio**2 for _, ratio in others]
        least = min(rooms, key=float)
        return tuple(to_bracket(least / room) for room in rooms)


def _boundary_margin(head: int, tail: Tail) -> arb:
    """a* in a ball."""
    return _crossing(lambda margin: vanishing_excess(head, tail, margin))


def _crossing(decreasing: Callable[[arb], arb]) -> arb:
    """Where a decreasing function crosses zero: certainly positive at the ball's lower end, and negative at its upper end."""
    low, high = arb(1), arb(1)
    while not decreasing(low) > 0:
        low /= 2
    while not decreasing(high) < 0:
        high *= 2
    for _ in range(ctx.prec + math.ceil(math.log2(float(high / low)))):
        middle = ((low + high) / 2).mid()
        value = decreasing(middle)
        if value > 0:
            low = middle
        elif value < 0:
            high = middle
        else:
            break
    return low.union(high)


def _pair(group: object) -> tuple[int, float]:
    pair = require_list(group, "a group", of="its number of classes and their samples")
    if len(pair) != 2:
        raise UnusableInput(f"the group {shown(group)} has {len(pair)} entries: it must be a pair (classes, samples); correct it.")
    return require_whole(pair[0], "the classes of a group", remedy="leave empty groups out"), require_positive(pair[1], "number of samples")


def _ranked(groups: Iterable[tuple[int, float]], norm_weights: str) -> tuple[int, Callable[[], Tail], Callable[[], arb]]:
    """K_A, the tail, and d_A, the latter two to be evaluated at the working precision."""
    norm_weights = require_one_of(norm_weights, "the norm weights", ("class", "sample"))
    pairs = [_pair(group) for group in require_list(groups, "groups", of="one pair (classes, samples) each")]
    largest = max((samples for _, samples in pairs), default=0.0)
    if len({samples for _, samples in pairs}) < max(len(pairs), 2):
        raise UnusableInput(f"the groups are {pairs}: joint vanishing needs two or more, of distinct samples; merge equal ones.")
    head = next(classes for classes, samples in pairs if samples == largest)
    if head < 2:
        raise UnusableInput(
            f"a single class has the most samples, {largest:g}: then no class vanishes at any energy; give two or more largest classes."
        )
    root = (lambda number: number.sqrt()) if norm_weights == "sample" else (lambda number: number)
    others = [(classes, samples) for classes, samples in pairs if samples != largest]
    return (
        head,
        lambda: [(classes, root(arb(samples) / arb(largest))) for classes, samples in others],
        lambda: arb(largest).sqrt() if norm_weights == "sample" else arb(1),
    )
