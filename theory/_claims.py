"""A claim over instances: one sentence, what it predicts, how it is measured, and the mistakes that would read like it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeAlias, cast

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.theory._room import Check, Claim, Control, Evidence, Grounds, Kind, Origin, Quantities, Quantity, Setting, Verdict

Instances: TypeAlias = Mapping[str, tuple[Any, ...]]
"""Label → arguments: the cases that a claim is put to, each labelled once."""

Stated: TypeAlias = Quantity | float
"""A quantity, or a number that is predicted: exactly, unless the claim grants it a rounding; a yes or a no is one or zero."""

Answer: TypeAlias = Stated | Mapping[str, Stated] | None
"""What one instance predicts or measures: a quantity, several by name, or nothing."""

Rule: TypeAlias = Stated | Callable[..., Answer]
"""A constant, or a function of an instance's arguments."""

NUMBERS = (int, float, np.number, np.bool_)
"""What counts as a number alone; a bool is an int."""


def instances(label: str, *cases: Any) -> dict[str, tuple[Any, ...]]:
    """Cases with their labels; a case is a tuple, or one value.

    Args:
        label: a format string with one field for each argument of a case.
        cases: tuples of arguments, or single values.

    Returns:
        Label → arguments; of two cases with one label the later one.

    Raises:
        IndexError: for a label with more fields than a case has arguments.

    Example:
        >>> instances("K={}, R={:g}", (3, 1.0), (5, 2.5))
        {'K=3, R=1': (3, 1.0), 'K=5, R=2.5': (5, 2.5)}
        >>> instances("K={}", 2, 3)
        {'K=2': (2,), 'K=3': (3,)}
    """
    tuples = [case if isinstance(case, tuple) else (case,) for case in cases]
    return {label.format(*case): case for case in tuples}


@dataclass(frozen=True)
class Variant:
    """A false variant of a claim, where more is to be said of it than its sentence and its prediction.

    Args:
        says: the false sentence.
        predict: what it would predict; None for an instance at which it says nothing, or nothing else than the truth.
        kind: how it relates to the measurement; None takes the claim's kind.
        over: its own instances, whose labels must be measured; a text labels one without arguments; None takes the claim's.
    """

    says: str
    predict: Rule
    _: KW_ONLY
    kind: Kind | None = None
    over: Instances | str | None = None

    def instances(self, of_claim: Instances) -> Instances:
        """Its own instances, or the claim's."""
        return of_claim if self.over is None else _instances(self.over)


def claim(
    name: str,
    says: str,
    *,
    over: Instances | str,
    predict: Rule,
    measure: Rule | None = None,
    measure_all: Callable[[Setting], Quantities | Iterable[Answer]] | None = None,
    false: Mapping[str, tuple[str, Rule] | Variant],
    evidence: Evidence | Grounds,
    by: str = "",
    within: float = 0.0,
    because: str = "",
    headroom: float = 10.0,
    rounding: float = 0.0,
    kind: Kind | None = None,
    origin: Origin | None = None,
    expected: Verdict = Verdict.CONFIRMED,
) -> Claim:
    """One sentence of a theorem, confronted with measurements that do not know it.

    Args:
        name: kebab-case, unique in its room.
        says: the sentence that is confirmed or refuted.
        over: the instances, as `instances` labels them; a text labels a claim that has one instance without arguments.
        predict: for each instance what the sentence says: closed forms, by numerics only; a number is exact, up to `rounding`.
        measure: for each instance what is found, by a route that does not know the prediction, with its error: never a number alone.
        measure_all: instead of `measure`, where the setting (its stream, its profile) matters or one run serves several instances: what is
            found for all of them, in their order or by label.
        false: name → (sentence, prediction) of each plausible mistake: a forgotten 1/K, a root for a square, one group for the other.
        evidence: what a confirmation rests on; with its resolution, where there is one, as `Evidence.within` says it.
        by: how it is measured, as the report says it.
        within: of plain evidence, the widest bracket that still confirms something (absolute): the resolution.
        because: of plain evidence, why that resolution.
        headroom: of plain evidence, as in `Evidence.within`.
        rounding: how far, absolutely, the numbers that are predicted may be off, false ones too.
        kind: how prediction and measurement relate; None takes the statement's kind.
        origin: where this sentence comes from, when it is not where the room's statement does.
        expected: what the verdict must be.

    Returns:
        The check, and a control for each mistake.

    Raises:
        ValueError: unless exactly one of `measure` and `measure_all` is given.
        TypeError: when the check measures a number without its error.

    Example:
        >>> from layerpeel.numerics import Bracket
        >>> half = claim(
        ...     "half", "x/2", over=instances("x={}", 2, 4), evidence=Evidence.PROOF,
        ...     predict=lambda x: x / 2, measure=lambda x: Bracket.exactly(0.5 * x),
        ...     false={"square": ("x²/2", lambda x: x * x / 2)},
        ... )
        >>> half.check.predict()["x=4"].middle, half.controls[0].predict()["x=4"].middle
        (2.0, 8.0)
    """
    cases = _instances(over)
    if measure_all is not None and measure is None:

        def measured(setting: Setting) -> Quantities:
            values = measure_all(setting)
            by_label = cast("Quantities", values) if isinstance(values, Mapping) else _labelled(zip(cases, values, strict=True))
            return _with_errors(name, by_label)

    elif measure is not None and measure_all is None:

        def measured(setting: Setting) -> Quantities:
            return _with_errors(name, _each(measure, cases))

    else:
        raise ValueError(f"claim {name} needs one of measure and measure_all; give the one that fits.")

    grounds = evidence if isinstance(evidence, Grounds) else evidence.within(within, because, headroom=headroom)
    variants = {key: value if isinstance(value, Variant) else Variant(*value) for key, value in false.items()}
    return Claim(
        check=Check(
            name=name,
            claim=says,
            evidence=grounds.evidence,
            predict=lambda: _predicted(_each(predict, cases), rounding),
            measure=measured,
            kind=kind,
            resolution=grounds.resolution,
            reason=grounds.because,
            method=by,
            headroom=grounds.headroom,
            origin=origin,
            expected=expected,
        ),
        controls=tuple(
            Control(
                name=key,
                claim=variant.says,
                check=name,
                predict=lambda variant=variant: _predicted(_each(variant.predict, variant.instances(cases)), rounding),
                kind=variant.kind,
            )
            for key, variant in variants.items()
        ),
    )


def _instances(over: Instances | str) -> Instances:
    """A text is the label of one instance without arguments."""
    return {over: ()} if isinstance(over, str) else over


def _each(rule: Rule, cases: Instances) -> dict[str, Stated]:
    return _labelled((label, rule(*arguments) if callable(rule) else rule) for label, arguments in cases.items())


def _labelled(values: Iterable[tuple[str, Answer]]) -> dict[str, Stated]:
    """Quantities by label; several of one instance by "label, name"."""
    quantities: dict[str, Stated] = {}
    for label, value in values:
        if isinstance(value, Mapping):
            quantities |= {f"{label}, {name}" if label else name: each for name, each in value.items()}
        elif value is not None:
            quantities[label] = value
    return quantities


def _predicted(stated: Mapping[str, Stated], rounding: float) -> Quantities:
    """Numbers as brackets: exactly, or up to their rounding."""

    def enclosed(value: float) -> Bracket:
        return Bracket.around(value, rounding) if rounding else Bracket.exactly(value)

    return {label: enclosed(float(value)) if isinstance(value, NUMBERS) else value for label, value in stated.items()}


def _with_errors(name: str, measured: Mapping[str, Stated]) -> Quantities:
    """What was measured, unless it is a number without its error."""
    for label, value in measured.items():
        if isinstance(value, NUMBERS):
            raise TypeError(
                f"claim {name} measures {value!r} at {label!r}, a number alone: what is measured carries its error; "
                "give a Bracket, an Estimate or a Proportion."
            )
    return cast("Quantities", measured)


def printed(
    name: str,
    says: str,
    *,
    instead: tuple[str, str, Rule],
    over: Instances | str,
    predict: Rule,
    false: Mapping[str, tuple[str, Rule] | Variant],
    evidence: Evidence | Grounds,
    measure: Rule | None = None,
    measure_all: Callable[[Setting], Quantities | Iterable[Answer]] | None = None,
    **common: Any,
) -> tuple[Claim, Claim]:
    """A sentence that fails as it is printed, and what holds instead, put to the same measurement.

    Args:
        name: of the printed sentence.
        says: the sentence as it is printed; expected to be refuted.
        instead: name, sentence and prediction of what holds; of origin `derived`.
        over: the instances of both.
        predict: what the printed sentence predicts.
        false: mistakes beside what holds.
        evidence: of both.
        measure: as in `claim`.
        measure_all: as in `claim`.
        common: other words of `claim`: `by`, `kind`, `rounding`, and those of plain evidence.

    Returns:
        The printed claim and the one that holds.

    Raises:
        ValueError: unless exactly one of `measure` and `measure_all` is given.
        TypeError: for a word in `common` that `claim` does not know.

    Example:
        >>> from layerpeel.numerics import Bracket
        >>> as_printed, derived = printed(
        ...     "printed", "x²", over=instances("x={}", 4), evidence=Evidence.PROOF, false={},
        ...     predict=lambda x: x * x, measure=lambda x: Bracket.exactly(0.5 * x),
        ...     instead=("derived", "x/2", lambda x: x / 2),
        ... )
        >>> as_printed.check.expected.value, derived.check.expected.value
        ('refuted', 'confirmed')
    """
    shared: dict[str, Any] = {"over": over, "measure": measure, "measure_all": measure_all, "evidence": evidence, **common}
    other, sentence, correct = instead
    return (
        claim(name, says, predict=predict, false={}, expected=Verdict.REFUTED, **shared),
        claim(other, sentence, predict=correct, false=false, origin=Origin.DERIVED, **shared),
    )
