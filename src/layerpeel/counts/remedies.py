"""What people do against minority collapse, one by one: whether it helps at these counts, how much of it, and where R0 goes."""

import difflib
import math
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from layerpeel.counts.remedy_case import FREE, Case
from layerpeel.numerics import Bracket, UnusableInput
from layerpeel.pages.records import Finite, Record

if TYPE_CHECKING:
    from layerpeel.solvers import Problem

IN_THE_LOSS = ("weights", "label-smoothing", "logit-scale", "logit-shift", "margin", "bias")
NAMES = ("oversampling", *IN_THE_LOSS, "etf")
"""Legal names, in the order in which they are answered."""

ALL = "all"
"""In place of all of them."""

UNITS = {
    "oversampling": "how many times as often their samples are drawn, the others as they are",
    "etf": "none: the classifier is fixed",
}
"""Units of what is not in `solvers.LOSS_REMEDIES`."""

EFFECTIVE = 0.999
"""β of effective numbers of samples, (1 − β^n)/(1 − β)."""

POINTS: dict[str, tuple[tuple[str, float], ...]] = {
    "weights": (("square-root weights", 0.5), ("balanced weights", 1.0)),
    "label-smoothing": (("often set", 0.1),),
    "logit-scale": (("class-dependent temperatures (n_max/n_k)^0.2", -0.2),),
    "logit-shift": (("balanced softmax, logit adjustment", 1.0),),
    "margin": (("half a logit", 0.5),),
    "bias": (("a free bias", FREE),),
}
"""Strengths that are published or often set."""

SHARP_BRACKET = 2e-3
"""Relative width of a least strength that is not searched again."""

GRID = tuple(2.0**-halving for halving in range(7, -1, -1))
"""Shares of the largest strength at which the threshold is looked at where no strength is enough."""

WIDTH = 100
"""Columns of a reason in the terminal."""


class StrengthPoint(Record):
    """A strength that is published or often set."""

    name: str
    strength: float
    threshold: Finite = Field(description="R0 at this strength; null where no imbalance collapses them, or none is known.")
    apart: bool | None = Field(description="Whether the classes certainly are apart at these counts; null where it is not certain.")

    def sentence(self) -> str:
        """In one line."""
        state = {True: "enough", False: "not enough", None: "not decided"}[self.apart]
        return f"{self.name}, at {self.strength:.4g}: {state}" + ("" if self.threshold is None else f", R0 = {self.threshold:.6g}")


class NamedRemedy(Record):
    """One way to keep the smallest classes of one count apart."""

    name: str
    helps: bool = Field(description="Whether the classes certainly are apart at these counts with some strength that was tried.")
    strength: Finite = Field(
        description="The least strength, from above: the classes certainly are apart with it. Null where none helps, or none is to choose."
    )
    enclosure: tuple[float, float] | None = Field(
        description="The least strength lies between: at the first they certainly coincide, at the second they certainly are apart."
    )
    unit: str = Field(description="What the strength is.")
    threshold: Finite = Field(
        description="R0 of these group sizes at this strength, or where none helps the largest of those looked at; null where no "
        "imbalance collapses them, or none is known, as with more than two groups. Below one they coincide at every imbalance."
    )
    reason: str
    points: list[StrengthPoint] = Field(description="Strengths that are published or often set.")

    def sentences(self) -> str:
        """The answer on the first line, then why."""
        answer = "helps" if self.helps else "does not help here"
        if self.strength is not None:
            needed = self.strength > (1.0 if self.name == "oversampling" else 0.0)
            answer = f"helps, from {self.strength:.6g}" if needed else "not needed"
        lines = [f"{self.name:<16} {answer}" + (f"  [{self.unit}]" if self.strength is not None else "")]
        lines += textwrap.wrap(self.reason, WIDTH, initial_indent="    ", subsequent_indent="    ")
        return "\n".join([*lines, *(f"    {point.sentence()}" for point in self.points)])


def chosen_remedies(asked: str | Sequence[str] | None) -> tuple[str, ...]:
    """The names that are asked for, `all` written out.

    Args:
        asked: one name or several.

    Raises:
        UnusableInput: for an unknown name, with the nearest, or one that is given twice.

    Example:
        >>> chosen_remedies(["bias", "oversampling"])
        ('oversampling', 'bias')
    """
    names = [] if asked is None else [asked] if isinstance(asked, str) else list(asked)
    for name in names:
        if name not in (*NAMES, ALL):
            near = difflib.get_close_matches(str(name), (*NAMES, ALL), n=1, cutoff=0.5)
            remedy = f"did you mean {near[0]!r}?" if near else "choose one of these."
            raise UnusableInput(f"by={name!r} is unknown: a remedy must be one of {', '.join(NAMES)}, or {ALL}; {remedy}")
        if names.count(name) > 1 or (ALL in names and len(names) > 1):
            what = f"by={ALL!r} is given beside others" if ALL in names else f"by={name!r} is given {names.count(name)} times"
            raise UnusableInput(f"{what}: every remedy is answered once; leave the others out.")
    return NAMES if names == [ALL] else tuple(name for name in NAMES if name in names)


def require_judged(problem: "Problem", names: Sequence[str], *, tied: bool) -> None:
    """Check that remedies can be judged.

    Args:
        problem: the program.
        names: what is asked for.
        tied: whether two classes below the largest count share theirs.

    Raises:
        UnusableInput: for another loss than cross-entropy, or classes that never coincide exactly.

    Example:
        >>> from layerpeel.solvers import LayerPeeled
        >>> require_judged(LayerPeeled(counts=[9, 9, 2, 2], feature_energy=1.0), ["bias"], tied=True)
    """
    others = [name for name in names if name != "oversampling"]
    if others and problem.loss != "cross-entropy":
        raise UnusableInput(
            f"the loss is {problem.loss!r}, and {', '.join(others)} change cross-entropy; use loss='cross-entropy', or oversampling alone."
        )
    in_the_loss = [name for name in names if name not in ("oversampling", "weights")]
    if in_the_loss and not tied:
        raise UnusableInput(
            f"{', '.join(in_the_loss)}: a remedy is judged by whether minority classes of one count coincide, and here no two below "
            "the largest count share theirs; leave --by out for the plan of `layerpeel remedy`, or merge similar counts."
        )


def remedies_of(problem: "Problem", place: int, names: Sequence[str], model: dict[str, Any] | None) -> list[NamedRemedy]:
    """Every remedy that is named, for one group of a program.

    Args:
        problem: the program, under plain cross-entropy.
        place: index of a group of two or more classes below the largest count.
        names: of `NAMES`.
        model: what thresholds call what the program is held by; None where no threshold is known.

    Example:
        >>> from layerpeel.solvers import LayerPeeled
        >>> problem = LayerPeeled.from_groups([(3, 100), (3, 5)], feature_energy=1.0)
        >>> (smoothing,) = remedies_of(problem, 1, ["label-smoothing"], {"feature_energy": 1.0})
        >>> smoothing.helps, round(smoothing.strength, 2)
        (True, 0.41)
    """
    case = Case(problem, place, model)
    answer: dict[str, Callable[[], NamedRemedy]] = {"oversampling": lambda: _sampled(case), "etf": lambda: _fixed(case)}
    return [answer[name]() if name in answer else _in_the_loss(case, name) for name in names]


def _imbalance(log_threshold: float | None) -> float | None:
    return None if log_threshold is None or log_threshold > 700.0 else math.exp(log_threshold)


def _number(log_threshold: float) -> str:
    if log_threshold < 700.0:
        return f"{math.exp(log_threshold):.6g}"
    return "infinity" if math.isinf(log_threshold) else f"exp({log_threshold:.6g})"


UNNEEDED = " They are apart without it."
"""Said where nothing needs to be done."""


def _sampled(case: Case) -> NamedRemedy:
    """The factor of `critical_oversampling`, by certified solves."""
    from layerpeel.solvers import critical_oversampling

    switch = critical_oversampling(case.problem, case.place)
    needed = switch is not None and switch.upper > 1.0
    factor = switch.upper if switch is not None and needed else 1.0
    way = "and makes more norms count" if case.problem.norm_weights == "sample" else "and leaves the norms as they are"
    return NamedRemedy(
        name="oversampling",
        helps=True,
        strength=factor,
        enclosure=(1.0 if switch is None else max(1.0, switch.lower) if needed else 1.0, factor),
        unit=UNITS["oversampling"],
        threshold=_imbalance(case.log_threshold("oversampling", factor)),
        reason=f"Drawing {case.classes} w times as often divides the imbalance by w, {way}.{'' if needed else UNNEEDED}",
        points=[],
    )


def _least(case: Case, name: str, most: float | None = None) -> Bracket | None:
    """`least_strength`, searched again up to what helps until the bracket is narrow beside the strength."""
    from layerpeel.solvers import least_strength

    bracket = least_strength(case.problem, case.place, name, most=most)
    while bracket is not None and bracket.upper - bracket.lower > SHARP_BRACKET * bracket.upper:
        again = least_strength(case.problem, case.place, name, most=bracket.upper)
        if again is None or again.upper - again.lower > 0.9 * (bracket.upper - bracket.lower):
            break
        bracket = again
    return bracket


def _highest(case: Case, name: str, most: float) -> tuple[float, float] | None:
    """The strength with the largest R0, and its logarithm; None where no threshold is known."""

    def seen(strengths: Sequence[float]) -> list[tuple[float, float]]:
        tried = ((case.log_threshold(name, strength), strength) for strength in strengths)
        return [(height, strength) for height, strength in tried if height is not None]

    heights = seen([0.0, *(most * share for share in (GRID if case.closed(name) else GRID[3:]))])
    if not heights:
        return None
    best = max(heights)[1]
    if case.closed(name) and best > 0.0:  # it may rise and fall again between two of these
        heights += seen(np.linspace(best / 2, min(2 * best, most), 13).tolist())
    height, strength = max(heights)
    return strength, height


def _in_the_loss(case: Case, name: str) -> NamedRemedy:
    """A change of the loss with one strength."""
    from layerpeel.solvers import LOSS_REMEDIES

    remedy = LOSS_REMEDIES[name]
    least = _least(case, name)
    highest = None if least is not None else _highest(case, name, remedy.most)
    if highest is not None and highest[1] > math.log(case.imbalance):  # a strength between those that were tried is enough
        least = _least(case, name, highest[0])
    if least is not None:
        height, end = case.log_threshold(name, least.upper), "" if least.upper else UNNEEDED
    else:
        height, end = None if highest is None else highest[1], " " + _not_enough(case, name, highest, remedy.most)
    return NamedRemedy(
        name=name,
        helps=least is not None,
        strength=None if least is None else least.upper,
        enclosure=None if least is None else (least.lower, least.upper),
        unit=remedy.unit,
        threshold=_imbalance(height),
        reason=f"{_effect(case, name)}{end}",
        points=_points(case, name),
    )


def _not_enough(case: Case, name: str, highest: tuple[float, float] | None, most: float) -> str:
    """Where R0 goes at most."""
    if highest is None:
        return f"No strength up to {most:g} that was tried keeps {case.classes} apart."
    strength, height = highest
    if height == case.plain:
        last = case.log_threshold(name, most)
        if last == height:
            return f"R0 stays {_number(height)}, and R is {case.imbalance:.6g}."
        lowest = "" if last is None else f", at {most:g} below one" if last <= 0.0 else f", to {_number(last)} at {most:g}"
        return f"More of it lowers R0{lowest}, and R is {case.imbalance:.6g}."
    most_of = "at most" if case.closed(name) else "at most, of those tried,"
    return f"R0 is {most_of} {_number(height)}, at {strength:.4g}, and R is {case.imbalance:.6g}."


def _effect(case: Case, name: str) -> str:
    """Why a remedy does what it does."""
    inside, given = case.problem.groups[case.place].classes, case.penalised
    weights = (
        "A weight in the loss divides the imbalance as sampling does, and leaves the norms, which count samples, as they are."
        if case.problem.norm_weights == "sample"
        else "A weight in the loss does what sampling as often does."
    )
    return {
        "weights": weights,
        "label-smoothing": "They coincide iff λ ≥ (1 − δ) c, and λ is given: smoothed labels harm."
        if given
        else "Smoothed labels ask least of the classes with the largest margins, and leave the energy to the others.",
        "logit-scale": "They coincide iff λ ≥ Δ c: factors above one help; those below one, as class-dependent temperatures have, harm.",
        "logit-shift": "They coincide iff λ ≥ c, with a shift as without, and λ is given: it changes nothing."
        if given
        else "They coincide iff λ ≥ c, with a shift as without: it moves λ only, and too much of it raises λ.",
        "margin": f"Margins raise the slope inside these classes by less than a factor {inside}/{inside - 1}"
        + (", and λ is given: no more is won." if given else ", and λ as well."),
        "bias": "They coincide iff λ ≥ c, with a bias as without, and λ is given: it changes nothing."
        if given
        else "They coincide iff λ ≥ c, with a bias as without: it lowers λ, most where it is free.",
    }[name]


def _points(case: Case, name: str) -> list[StrengthPoint]:
    """What is published or often set, on the path of a remedy."""
    points = [
        StrengthPoint(
            name=told,
            strength=strength,
            threshold=_imbalance(case.log_threshold(name, strength)),
            apart=case.under(name, strength).apart,
        )
        for told, strength in POINTS[name]
    ]
    return [points[0], _effective(case), points[1]] if name == "weights" else points


def _effective(case: Case) -> StrengthPoint:
    """Weights (1 − β)/(1 − β^n): with two groups a point of the path, with more near one, judged as they are."""
    from layerpeel.solvers import Enclosures, solve

    counts = np.array([float(group.samples) for group in case.problem.groups])
    weights = (1 - EFFECTIVE) / -np.expm1(counts * math.log(EFFECTIVE))
    strength = math.log(weights[case.place] / weights[np.argmax(counts)]) / math.log(case.imbalance)
    together = Enclosures(solve(case.problem.changed(factors=weights.tolist()), tolerance=1e-11)).coincide(case.place)
    return StrengthPoint(
        name=f"effective numbers of samples, β = {EFFECTIVE:g}",
        strength=strength,
        threshold=_imbalance(case.log_threshold("weights", strength)),
        apart=None if together is None else not together,
    )


def _fixed(case: Case) -> NamedRemedy:
    """A classifier that is fixed at a simplex ETF."""
    return NamedRemedy(
        name="etf",
        helps=True,
        strength=None,
        enclosure=None,
        unit=UNITS["etf"],
        threshold=None,
        reason="A classifier that is fixed at a simplex ETF keeps all its rows apart by construction, at any imbalance, and every class "
        f"mean points along its row: only lengths can differ. {_lengths(case)}",
        points=[],
    )


def _lengths(case: Case) -> str:
    from layerpeel.solvers import LayerPeeled, fixed_classifier_features

    if case.problem.norm_weights == "sample":
        return "Where norms are averaged over samples all lengths are one: the balanced geometry."
    if not isinstance(case.problem, LayerPeeled):
        return "Lengths fall with the counts, and none is zero."
    lengths, margins = fixed_classifier_features(case.problem)
    largest = int(np.argmax([float(group.samples) for group in case.problem.groups]))
    return (
        f"The features of {case.classes} are {lengths[case.place] / lengths[largest]:.4g} times as long as those of the largest, with a "
        f"margin of {margins[case.place]:.4g} in the logits beside {margins[largest]:.4g}."
    )
