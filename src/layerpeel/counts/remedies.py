"""What people do against minority collapse, one by one: whether it helps at these counts, how much of it, and where R0 goes."""

import difflib
import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from layerpeel.numerics import Bracket, UnusableInput
from layerpeel.pages.records import Finite, Record

if TYPE_CHECKING:
    from layerpeel.solvers import GroupUnderRemedy, Problem

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

FREE = 1e6
"""1/λ_b of a bias that costs next to nothing."""

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

LEAST_LOG, SPREAD, FARTHEST = 1e-3, 1.2, 60.0
"""log R between which a threshold in closed form is looked for, and the ratio of the steps."""

SEARCHED = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.5, 7.0, 9.0, 12.0)
"""log R at which certified solves look for a threshold."""

HALVINGS = 60
"""Steps of a bisection, beyond the digits of a double."""

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
        >>> (found,) = remedies_of(problem, 1, ["label-smoothing"], {"feature_energy": 1.0})
        >>> found.helps, round(found.strength, 2)
        (True, 0.41)
    """
    case = Case(problem, place, model)
    answer: dict[str, Callable[[], NamedRemedy]] = {"oversampling": lambda: _sampled(case), "etf": lambda: _fixed(case)}
    return [answer[name]() if name in answer else _in_the_loss(case, name) for name in names]


@dataclass(frozen=True, eq=False)
class Case:
    """A group of a program, and what is known about it without any remedy."""

    problem: "Problem"
    place: int
    model: dict[str, Any] | None

    @property
    def classes(self) -> str:
        """In words."""
        group = self.problem.groups[self.place]
        return f"the {group.classes} classes of {group.samples:g} samples"

    @cached_property
    def imbalance(self) -> float:
        """R: the largest count over the group's."""
        return max(float(group.samples) for group in self.problem.groups) / float(self.problem.groups[self.place].samples)

    @property
    def sizes(self) -> tuple[int, int] | None:
        """K_A, K_B where a threshold is known."""
        if len(self.problem.groups) != 2 or self.model is None:
            return None
        return self.problem.groups[1 - self.place].classes, self.problem.groups[self.place].classes

    @property
    def penalised(self) -> bool:
        """Whether λ is given, in place of energies."""
        from layerpeel.solvers import UnconstrainedFeatures

        return isinstance(self.problem, UnconstrainedFeatures)

    def closed(self, name: str) -> bool:
        """Whether R0 under a remedy of any strength is known in closed form, but for one root."""
        if self.penalised:
            return name != "margin"
        return name == "weights" or (self.problem.norm_weights == "class" and name != "bias")

    def under(self, name: str, strength: float) -> "GroupUnderRemedy":
        """The group at a strength."""
        from layerpeel.solvers import group_under_remedy

        return group_under_remedy(self.problem, self.place, name, strength)

    @cached_property
    def plain(self) -> float | None:
        """log R0 without a remedy."""
        from layerpeel.numerics import log_threshold_minus_one

        if self.sizes is None:
            return None
        return float(np.logaddexp(0.0, log_threshold_minus_one(*self.sizes, **(self.model or {}))))

    def log_threshold(self, name: str, strength: float) -> float | None:
        """log R0 under a remedy; infinite where no imbalance collapses the group, None where it is not known."""
        if self.sizes is None or self.plain is None:
            return None
        if name == "oversampling":
            return self.plain + math.log(strength)
        if strength == 0.0:
            return self.plain
        if name == "weights":
            return self._weighed(strength)
        if self.closed(name):
            return self._decayed(name, strength) if self.penalised else self._changed(name, strength)
        if name == "bias" and strength >= FREE and self.problem.norm_weights == "class":
            return self._freed()
        return self._searched(name, strength)

    def _weighed(self, strength: float) -> float:
        """Where R^(1 − γ) meets ρ0(R), which is at least √R where norms are per sample, and R0 where they are per class."""
        from layerpeel.numerics import loss_threshold

        per_sample = self.problem.norm_weights == "sample"
        if strength >= (0.5 if per_sample else 1.0):
            return math.inf
        if not per_sample:
            return (self.plain or 0.0) / (1.0 - strength)
        model = dict[str, Any](self.model or {})
        return _first_crossing(lambda x: math.log(loss_threshold(*self.sizes or (1, 2), math.exp(x), **model)) - (1.0 - strength) * x)

    def _decayed(self, name: str, strength: float) -> float:
        """λ is given, so that the law λ √n_B ≥ s_B n_B/√N alone decides: K_A R + K_B = s_B²/λ²."""
        majority, minority = self.sizes or (1, 2)
        log_decay = math.log((self.model or {})["weight_decay"])

        def limit(log_slope: float) -> float:
            rest = math.exp(min(2 * (log_slope - log_decay), 700.0)) - minority
            return math.log(rest / majority) if rest > 0.0 else -math.inf

        if name == "logit-scale":
            return _first_crossing(lambda x: limit(strength * x) - x)
        return limit(math.log1p(-strength) if name == "label-smoothing" else 0.0)

    def _freed(self) -> float:
        from layerpeel.numerics import log_threshold_with_bias_minus_one

        return float(np.logaddexp(0.0, log_threshold_with_bias_minus_one(*self.sizes or (1, 2), **self._energies)))

    @property
    def _energies(self) -> dict[str, Any]:
        return {key: value for key, value in (self.model or {}).items() if key.endswith("energy")}

    def _changed(self, name: str, strength: float) -> float:
        """Of `numerics.log_threshold_of_changed_loss`, at factors, shifts and margins that follow the counts."""
        from layerpeel.numerics import log_threshold_of_changed_loss

        energies, sizes = self._energies, self.sizes or (1, 2)

        def crossed(changed: Callable[[float], dict[str, Any]]) -> float:
            return _first_crossing(lambda x: log_threshold_of_changed_loss(*sizes, **energies, **changed(x)) - x)

        if name == "label-smoothing":
            return log_threshold_of_changed_loss(*sizes, **energies, label_smoothing=strength)
        if name == "logit-scale":
            return crossed(lambda x: {"logit_scale": (1.0, math.exp(min(max(strength * x, -13.0), 13.0)))})
        if name == "logit-shift":
            return crossed(lambda x: {"logit_shift": (min(max(strength * x, -300.0), 300.0), 0.0)})
        return crossed(lambda x: {"margins": (strength * math.exp(-x / 4), strength)})

    def _searched(self, name: str, strength: float) -> float | None:
        """By certified solves: an imbalance at which the group certainly is apart, within a thousandth of one where it is not."""
        from layerpeel.solvers import Enclosures, LayerPeeled, UnconstrainedFeatures, bracket_switch, solve, with_remedy

        kind = LayerPeeled if isinstance(self.problem, LayerPeeled) else UnconstrainedFeatures

        def posed(log_ratio: float) -> "Problem":
            program = kind.from_imbalance(*self.sizes or (1, 2), math.exp(log_ratio), **dict[str, Any](self.model or {}))
            return with_remedy(program, name, strength)

        before = None
        for log_ratio in SEARCHED:
            together = Enclosures(solve(posed(log_ratio), route="factored", tolerance=1e-11)).coincide(1)
            if together is False:
                before = log_ratio
            elif together and before is not None:
                found = bracket_switch(
                    posed, lambda optimum: optimum.coincide(1), before=before, beyond=log_ratio, width=1e-3, route="factored"
                )
                return found.bracket.lower
        return None


def _first_crossing(excess: Callable[[float], float]) -> float:
    """The least x > 0 at which log R0(x) − x changes from positive; infinite where it does not."""
    from scipy.optimize import root_scalar

    low, high = LEAST_LOG, 2 * LEAST_LOG
    ahead, behind = excess(low), excess(high)
    if ahead <= 0.0:
        return 0.0
    while behind > 0.0:
        low, high, ahead = high, high * SPREAD, behind
        if high > FARTHEST:
            return math.inf
        behind = excess(high)
    while not (math.isfinite(ahead) and math.isfinite(behind)):
        middle = 0.5 * (low + high)
        found = excess(middle)
        if middle in (low, high):
            return low
        low, high, ahead, behind = (middle, high, found, behind) if found > 0.0 else (low, middle, ahead, found)
    return float(root_scalar(excess, bracket=(low, high), method="brentq", xtol=1e-13).root)


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

    found = critical_oversampling(case.problem, case.place)
    needed = found is not None and found.upper > 1.0
    factor = found.upper if found is not None and needed else 1.0
    way = "and makes more norms count" if case.problem.norm_weights == "sample" else "and leaves the norms as they are"
    return NamedRemedy(
        name="oversampling",
        helps=True,
        strength=factor,
        enclosure=(1.0 if found is None else max(1.0, found.lower) if needed else 1.0, factor),
        unit=UNITS["oversampling"],
        threshold=_imbalance(case.log_threshold("oversampling", factor)),
        reason=f"Drawing {case.classes} w times as often divides the imbalance by w, {way}.{'' if needed else UNNEEDED}",
        points=[],
    )


def _least(case: Case, name: str, most: float | None = None) -> Bracket | None:
    """`least_strength`, searched again up to what helps until the bracket is narrow beside the strength."""
    from layerpeel.solvers import least_strength

    found = least_strength(case.problem, case.place, name, most=most)
    while found is not None and found.upper - found.lower > SHARP_BRACKET * found.upper:
        again = least_strength(case.problem, case.place, name, most=found.upper)
        if again is None or again.upper - again.lower > 0.9 * (found.upper - found.lower):
            break
        found = again
    return found


def _highest(case: Case, name: str, most: float) -> tuple[float, float] | None:
    """The strength with the largest R0, and its logarithm; None where no threshold is known."""

    def seen(strengths: Sequence[float]) -> list[tuple[float, float]]:
        found = ((case.log_threshold(name, strength), strength) for strength in strengths)
        return [(height, strength) for height, strength in found if height is not None]

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
    found = _least(case, name)
    highest = None if found is not None else _highest(case, name, remedy.most)
    if highest is not None and highest[1] > math.log(case.imbalance):  # a strength between those that were tried is enough
        found = _least(case, name, highest[0])
    if found is not None:
        height, end = case.log_threshold(name, found.upper), "" if found.upper else UNNEEDED
    else:
        height, end = None if highest is None else highest[1], " " + _not_enough(case, name, highest, remedy.most)
    return NamedRemedy(
        name=name,
        helps=found is not None,
        strength=None if found is None else found.upper,
        enclosure=None if found is None else (found.lower, found.upper),
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
    found = [
        StrengthPoint(
            name=told,
            strength=strength,
            threshold=_imbalance(case.log_threshold(name, strength)),
            apart=case.under(name, strength).apart,
        )
        for told, strength in POINTS[name]
    ]
    return [found[0], _effective(case), found[1]] if name == "weights" else found


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
    from layerpeel.solvers import LayerPeeled

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


def fixed_classifier_features(problem: "Problem") -> tuple[np.ndarray, np.ndarray]:
    """Lengths of the class means, and their margins in the logits, per group, where the classifier is a simplex ETF of norm √E_W.

    By symmetry h_k points along w_k, its margin over every other class is m_k = r_k √E_W K/(K − 1), and stationarity reads
    d_k² r_k (K − 1 + e^{m_k}) = t c_k with one t, which Σ d_k² r_k² = E_H Σ d_k² fixes; both sides increase.

    Args:
        problem: with bounded energies and plain cross-entropy.

    Source: zhu2021 (the fixed classifier); derived; docs/derivations/layer-peeled.md, section 9.

    Example:
        >>> from layerpeel.solvers import LayerPeeled
        >>> lengths, margins = fixed_classifier_features(LayerPeeled(counts=[5, 5, 5], feature_energy=4.0))
        >>> lengths.round(9).tolist(), margins.round(9).tolist()
        ([2.0], [3.0])
    """
    from layerpeel.solvers import LayerPeeled

    if not isinstance(problem, LayerPeeled):
        raise UnusableInput(f"{problem!r} does not say how long a fixed classifier is; use LayerPeeled, whose weight energy does.")
    classes, sizes = problem.num_classes, np.array(problem.sizes, dtype=float)
    mass = problem.scales**2 * sizes
    budget = problem.feature_energy * problem.norm_mass
    steep = math.sqrt(problem.weight_energy) * classes / (classes - 1)
    pull = np.log(problem.weights / problem.scales**2)

    def lengths(log_level: float) -> np.ndarray:
        low, high = np.zeros(len(sizes)), np.sqrt(budget / mass)
        for _ in range(2 * HALVINGS):
            middle = 0.5 * (low + high)
            with np.errstate(divide="ignore"):
                short = np.log(middle) + np.logaddexp(math.log(classes - 1), steep * middle) < log_level + pull
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return low

    low, high = -800.0, 800.0 + steep * float(np.sqrt(budget / mass).max()) - float(pull.min())
    for _ in range(2 * HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if float(mass @ lengths(middle) ** 2) < budget else (low, middle)
    found = lengths(high)
    return found, steep * found
