"""The shape of a room: one theorem, what it predicts, how it is measured, and what would refute it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import sympy

from layerpeel.numerics import Bracket, Estimate, Figure, Proportion
from layerpeel.numerics import Series as Series  # noqa: PLC0414 - rooms take it from here

Quantity: TypeAlias = Bracket | Estimate | Proportion | sympy.Expr
"""What a check predicts or measures: an enclosure, a sample with its error, or an exact expression."""

Quantities: TypeAlias = Mapping[str, Quantity]
"""Quantities by label: one entry per instance that a check looks at (per R, per K, …)."""


class Kind(StrEnum):
    """How a statement relates its prediction to what is measured."""

    EQUALITY = "equality"
    UPPER_BOUND = "upper bound"
    LOWER_BOUND = "lower bound"
    LIMIT = "limit"
    PROBABILITY = "probability"
    OBSERVATION = "observation"


class Origin(StrEnum):
    """Where a statement comes from."""

    SEED = "seed"
    LITERATURE = "literature"
    DERIVED = "derived"
    CONJECTURE = "conjecture"


class Verdict(StrEnum):
    """What a check found."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


class Profile(StrEnum):
    """How much work a measurement does."""

    QUICK = "quick"
    FULL = "full"


class Evidence(StrEnum):
    """What a verdict rests on."""

    PROOF = "proof"
    CERTIFIED = "certified"
    STATISTICAL = "statistical"
    EMPIRICAL = "empirical"

    def within(self, resolution: float, because: str, *, headroom: float = 10.0) -> "Grounds":
        """This evidence, where a measurement may be no blurrier than a resolution.

        Args:
            resolution: the widest bracket that still confirms something (absolute); zero where what is measured has no width.
            because: why that resolution.
            headroom: how many times narrower every measured bracket is: ten, or at least two where `because` says why no more.

        Example:
            >>> Evidence.EMPIRICAL.within(1e-9, "rounding of K² products").resolution
            1e-09
        """
        return Grounds(evidence=self, resolution=resolution, because=because, headroom=headroom)


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """What a confirmation rests on, and how sharp a measurement must be to count, as `Evidence.within` says it."""

    evidence: Evidence
    resolution: float = 0.0
    because: str = ""
    headroom: float = 10.0


@dataclass(frozen=True)
class Source:
    """A key of references.bib and the place inside it."""

    key: str
    locator: str

    def __str__(self) -> str:
        return f"{self.key}, {self.locator}"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A theorem as it is claimed: name, LaTeX, assumptions, kind, origin and source; and what it means for who trains networks."""

    name: str
    title: str
    latex: str
    assumptions: tuple[str, ...]
    kind: Kind
    origin: Origin
    source: Source
    meaning: str = ""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a measurement may depend on: the profile, its own random stream, the level of one comparison.

    Args:
        profile: how much work to do.
        rng: the measurement's own stream.
        level: significance level of one statistical comparison.
        seed: of the suite; networks that several checks and figures of a room share are trained once, from this seed.
    """

    profile: Profile
    rng: np.random.Generator
    level: float
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Check:
    """One confrontation of a prediction with a measurement that does not know it.

    Args:
        name: kebab-case, unique in its room.
        claim: the sentence that is confirmed or refuted.
        evidence: what a confirmation would rest on.
        predict: closed forms, by label; may use numerics only.
        measure: measured quantities under the same labels; never calls predict.
        kind: how the two relate; None takes the statement's kind.
        resolution: the widest bracket (absolute) that still confirms something; a measurement that is
            blurrier than this is inconclusive, however well it overlaps the prediction.
        reason: why that resolution.
        method: how it is measured, in words.
        headroom: how many times narrower than the resolution every measured bracket is, on any machine: ten, or at
            least two where `reason` says why no more.
        origin: where this check's sentence comes from, when it is not where the room's statement does.
        expected: what the verdict must be.
    """

    name: str
    claim: str
    evidence: Evidence
    predict: Callable[[], Quantities]
    measure: Callable[[Setting], Quantities]
    kind: Kind | None = None
    resolution: float = 0.0
    reason: str = ""
    method: str = ""
    headroom: float = 10.0
    origin: Origin | None = None
    expected: Verdict = Verdict.CONFIRMED


@dataclass(frozen=True, kw_only=True)
class Control:
    """A false variant of the statement, put through the same check; it must come back refuted.

    Args:
        name: kebab-case, unique in its room.
        claim: the false sentence.
        check: the name of the check whose measurement it is held against.
        predict: what the false variant would predict, under labels of that check (any subset).
        kind: how the false variant relates to the measurement; None takes the check's kind.
    """

    name: str
    claim: str
    check: str
    predict: Callable[[], Quantities]
    kind: Kind | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A check, and the false variants that are held against the same measurement."""

    check: Check
    controls: tuple[Control, ...]


@dataclass(frozen=True, kw_only=True)
class Room:
    """A theorem with its checks, its negative controls and its figures.

    Raises:
        ValueError: when there is no check or no control, a name is used twice, or a control names no check.
    """

    statement: Statement
    checks: tuple[Check, ...]
    controls: tuple[Control, ...]
    figures: tuple[Callable[[Setting], Figure], ...] = field(default=())

    @classmethod
    def of(cls, statement: Statement, *claims: Claim | tuple[Claim, ...], figures: tuple[Callable[[Setting], Figure], ...] = ()) -> "Room":
        """A theorem and its claims, in the order in which a paper would prove them."""
        several = [part for each in claims for part in (each if isinstance(each, tuple) else (each,))]
        return cls(
            statement=statement,
            checks=tuple(part.check for part in several),
            controls=tuple(control for part in several for control in part.controls),
            figures=figures,
        )

    def __post_init__(self) -> None:
        names = [check.name for check in self.checks]
        if not self.checks or not self.controls:
            raise ValueError(f"room {self.statement.name} needs at least one check and one negative control; add what is missing.")
        controls = [control.name for control in self.controls]
        if len(set(names)) < len(names) or len(set(controls)) < len(controls):
            raise ValueError(f"room {self.statement.name} uses a name twice among {names + controls}; rename one.")
        for control in self.controls:
            if control.check not in names:
                raise ValueError(
                    f"control {control.name} of room {self.statement.name} names no check: {control.check}; use one of {names}."
                )
