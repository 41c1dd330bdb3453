"""What people change in the loss against imbalance, as one number each: whether it keeps a group apart, and how much of it is needed."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from layerpeel.numerics import Bracket, UnusableInput, require_positive, require_real, validated
from layerpeel.solvers._enclosures import Enclosures, widened
from layerpeel.solvers._solution import Solution
from layerpeel.solvers._solve import solve
from layerpeel.solvers._switches import SHARP, bisect_phases
from layerpeel.solvers._threshold import require_group
from layerpeel.solvers.program._adjustments import Adjustment
from layerpeel.solvers.program._losses import odds
from layerpeel.solvers.program._problem import Problem

TRIED = tuple(2.0**-doubling for doubling in range(7, -1, -1))
"""Shares of the largest strength at which a group is looked at before the bisection: help may end again where a remedy is overdone."""


class LossRemedy(NamedTuple):
    """A change of the loss with one strength.

    Args:
        unit: what the strength is.
        most: the largest strength that is tried when none is given.
        applied: the changed program.
    """

    unit: str
    most: float
    applied: Callable[[Problem, float], Problem]


def _largest(problem: Problem) -> float:
    return float(max(group.samples for group in problem.groups))


def _weighted(problem: Problem, strength: float) -> Problem:
    most = _largest(problem)
    return problem.changed(factors=[(most / group.samples) ** strength for group in problem.groups])


def _scaled(problem: Problem, strength: float) -> Problem:
    most = _largest(problem)
    return problem.changed(adjustments=[Adjustment(scale=(most / group.samples) ** strength) for group in problem.groups])


def _shifted(problem: Problem, strength: float) -> Problem:
    most = _largest(problem)
    return problem.changed(adjustments=[Adjustment(shift=strength * math.log(group.samples / most)) for group in problem.groups])


def _held(problem: Problem, strength: float) -> Problem:
    least = min(group.samples for group in problem.groups)
    return problem.changed(adjustments=[Adjustment(margin=strength * (least / group.samples) ** 0.25) for group in problem.groups])


LOSS_REMEDIES: dict[str, LossRemedy] = {
    "weights": LossRemedy("γ in weights (n_max/n_k)^γ on the loss; 1/2 are square-root weights, 1 balances", 1.0, _weighted),
    "label-smoothing": LossRemedy("δ, shared among all classes", 0.95, lambda problem, delta: problem.changed(label_smoothing=delta)),
    "logit-scale": LossRemedy("γ in factors (n_max/n_k)^γ on the logits; class-dependent temperatures have -γ", 2.0, _scaled),
    "logit-shift": LossRemedy("γ in shifts γ log n_k of the logits; 1 is balanced softmax", 4.0, _shifted),
    "margin": LossRemedy("the margin of the smallest class, others by n_k^(-1/4)", 16.0, _held),
    "bias": LossRemedy("1/λ_b, the inverse of the penalty on a bias", 1e6, lambda problem, free: problem.changed(bias_penalty=1.0 / free)),
}
"""Remedies in the loss, by name. A weight changes the loss only; sampling more often also changes a norm that weighs samples."""


@dataclass(frozen=True, kw_only=True)
class GroupUnderRemedy:
    """What the optimum does to one group at one strength of a remedy.

    Args:
        strength: the strength.
        apart: whether its classes are certainly apart, or certainly coincide; None where the certificate cannot tell.
        multiplier: λ, enclosed.
        level: s_g c_g/d_g, enclosed: they coincide where λ is at least that.
        margin: the logit of a class less that of another of the group, enclosed.
    """

    strength: float
    apart: bool | None
    multiplier: Bracket
    level: Bracket
    margin: Bracket


@validated
def with_remedy(problem: Problem, remedy: str, strength: float) -> Problem:
    """The program with a remedy in its loss; at strength 0 as it is.

    Args:
        problem: the program, with plain cross-entropy and for "bias" without one.
        remedy: a name of `LOSS_REMEDIES`.
        strength: in the unit of the remedy, 0 or more; "logit-scale" and "logit-shift" take negative ones.

    Raises:
        UnusableInput: for an unknown remedy, a strength out of range, or a program that is changed already.

    Source: kini2021 (scales and shifts), ye2020 (temperatures), menon2021 and ren2020 (shifts), cao2019 (margins), szegedy2016
        (smoothed labels).

    Example:
        >>> from layerpeel.solvers import LayerPeeled
        >>> with_remedy(LayerPeeled.from_groups([(3, 90), (3, 10)], feature_energy=1.0), "logit-scale", 0.5).logit_scale.tolist()
        [1.0, 3.0]
    """
    if not isinstance(remedy, str) or remedy not in LOSS_REMEDIES:
        raise UnusableInput(f"remedy {remedy!r} is unknown: it must be one of {', '.join(LOSS_REMEDIES)}; choose one of these.")
    if problem.loss != "cross-entropy" or problem.adjusted or (remedy == "bias" and problem.bias_penalty is not None):
        raise UnusableInput(
            f"{problem!r} cannot take {remedy!r}: remedies change plain cross-entropy, one at a time; leave the others out."
        )
    least = -math.inf if remedy in ("logit-scale", "logit-shift") else 0.0
    strength = require_real(strength, f"the strength of {remedy!r}", least=least, remedy="give one, for example 0.1")
    return LOSS_REMEDIES[remedy].applied(problem, strength) if strength else problem


@validated
def group_under_remedy(
    problem: Problem, group: int, remedy: str, strength: float, *, route: str = "factored", start: Solution | None = None
) -> GroupUnderRemedy:
    """Whether a remedy of this strength keeps the classes of a group apart, by the enclosed geometry of the optimum.

    Args:
        problem: the program without the remedy.
        group: index of a group of two or more classes.
        remedy: a name of `LOSS_REMEDIES`.
        strength: as for `with_remedy`.
        route: what solves the program.
        start: a neighbour's solution.

    Raises:
        UnusableInput: as `with_remedy`, and for a group that does not exist or has one class.

    Source: derived; docs/derivations/layer-peeled.md, section 9.

    Example:
        >>> from layerpeel.solvers import LayerPeeled
        >>> problem = LayerPeeled.from_groups([(3, 50), (3, 10)], feature_energy=1.0)
        >>> group_under_remedy(problem, 1, "logit-scale", 0.0).apart, group_under_remedy(problem, 1, "logit-scale", 0.43).apart
        (False, True)
    """
    require_group(problem, group)
    return _looked_at(solve(with_remedy(problem, remedy, strength), route=route, tolerance=SHARP, start=start), group, strength)


def _looked_at(solution: Solution, group: int, strength: float) -> GroupUnderRemedy:
    optimum = Enclosures(solution)
    together = optimum.coincide(group)
    return GroupUnderRemedy(
        strength=strength,
        apart=None if together is None else not together,
        multiplier=solution.certified_multiplier,
        level=_level(optimum, group),
        margin=optimum.inner_value(group),
    )


def _level(optimum: Enclosures, group: int) -> Bracket:
    """s_g c_g/d_g = Δ_g (1 − δ + p (1 − e^{−m})) c_g/d_g, p the probability of another class of the group."""
    problem = optimum.solution.problem
    factor = float(problem.weights[group] / problem.scales[group]) * problem.groups[group].adjustment.scale
    margin, kept = problem.groups[group].adjustment.margin, 1.0 - problem.label_smoothing
    if margin == 0.0:
        return widened(factor * kept, factor * kept)
    inside, between = odds(problem.seen(optimum.solution.group_logits))
    others = (problem.sizes[group] - 1) * inside[group] + between[group] @ problem.sizes
    share = float(inside[group] / (1.0 + others))
    blur = math.exp(math.sqrt(2) * float(problem.logit_scale.max()) * min(optimum.logit_radius, 100.0))
    least, largest = (factor * (kept - math.expm1(-margin) * each) for each in (share / blur, min(share * blur, 1.0)))
    return widened(least, largest)


@validated
def least_strength(
    problem: Problem, group: int, remedy: str, *, most: float | None = None, width: float = 1e-3, route: str = "factored"
) -> Bracket | None:
    """Bracket the least strength of a remedy that keeps the classes of a group apart.

    Strengths that double are tried up to the largest, then the first that helps and the last before it are bisected; every phase is
    certified by the geometry of the optimum.

    Args:
        problem: the program without the remedy.
        group: index of a group of two or more classes.
        remedy: a name of `LOSS_REMEDIES`.
        most: the largest strength that is tried; the remedy's own when not given.
        width: width at which to stop, as a share of the largest strength; the bracket is wider where nothing can be certified.
        route: what solves the programs.

    Returns:
        A rigorous bracket: coincident at its lower end, apart at its upper end; zero where nothing is needed, None where no strength
        that was tried helps.

    Raises:
        UnusableInput: as `group_under_remedy`.

    Source: derived; docs/derivations/layer-peeled.md, section 9.

    Example:
        >>> from layerpeel.solvers import LayerPeeled
        >>> problem = LayerPeeled.from_groups([(3, 30), (3, 10)], feature_energy=1.0)
        >>> strength = least_strength(problem, 1, "label-smoothing", width=1e-2)
        >>> 0.0 < strength.lower < strength.upper < 0.2
        True
    """
    width = require_positive(width, "width")
    require_group(problem, group)
    nearest: Solution | None = None

    def together(strength: float) -> bool | None:
        nonlocal nearest
        nearest = solve(with_remedy(problem, remedy, strength), route=route, tolerance=SHARP, start=nearest)
        return Enclosures(nearest).coincide(group)

    if together(0.0) is False:
        return Bracket.exactly(0.0)
    largest = LOSS_REMEDIES[remedy].most if most is None else require_positive(most, "largest strength")
    last = 0.0
    for share in TRIED:
        state = together(share * largest)
        if state is False:
            return _between(together, last, share * largest, width * largest)
        last = share * largest if state is True else last
    return None


def _between(together: Callable[[float], bool | None], coincident: float, apart: float, width: float) -> Bracket:
    """Bisect between a strength at which the classes coincide and a larger one at which they are apart."""
    inward, outward = bisect_phases(lambda distance: together(apart - distance), 0.0, apart - coincident, width)
    return Bracket(apart - outward, apart - inward, rigorous=True)
