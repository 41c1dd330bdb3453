"""What a theorem-check report holds, part by part."""

from pydantic import Field

from layerpeel.pages.figure import DrawnFigure
from layerpeel.pages.records import Finite, Record
from layerpeel.theory import Evidence, Kind, Origin, Verdict


class Reference(Record):
    """Where a statement comes from: a key of the bibliography, the place inside it, and the reference in full."""

    key: str
    locator: str
    reference: str = Field(description="Authors, title, journal and year; empty when the key is not in the bibliography.")
    bibtex: str = Field(default="", description="Its entry as it stands in the bibliography; empty likewise.")


class Number(Record):
    """One predicted or measured quantity."""

    label: str
    lower: Finite = Field(description="Lower end of the enclosure or confidence interval; null for an exact expression.")
    upper: Finite = Field(description="Upper end, likewise.")
    text: str = Field(description="The quantity as a person reads it.")
    rigorous: bool = Field(description="True when the enclosure, or the expression, needs no trust in floating-point rounding.")


class CheckResult(Record):
    """A prediction held against a measurement that does not know it."""

    name: str
    claim: str
    kind: Kind
    verdict: Verdict
    expected: Verdict
    evidence: Evidence
    origin: Origin = Field(description="Where the claim comes from: the room's statement, or a sentence of its own beside it.")
    method: str = Field(description="How it is measured; empty where the room does not say.")
    prediction: list[Number]
    measurement: list[Number]
    resolution: Finite = Field(description="Widest measured interval that would still confirm; null where none is asked for.")
    resolution_reason: str = Field(description="Why that resolution.")
    resolving_power: Finite = Field(
        description="Smallest relative change of the prediction that this measurement refutes, in either direction; 0 for an exact "
        "identity, null where every prediction is zero, nothing was confirmed, or no change is refuted."
    )
    resolving_shift: Finite = Field(description="Smallest absolute change of the prediction that this measurement refutes, likewise.")
    resolution_used: Finite = Field(
        description="Width of the widest measured interval as a share of the widest that would still confirm; null where none is asked for."
    )
    seconds: float = Field(ge=0)
    note: str = Field(
        description="Why the check is inconclusive or was skipped, where that is known; a warning where its verdict used much of its "
        "resolution; otherwise empty."
    )

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the expected one; an inconclusive verdict never is."""
        return self.verdict is self.expected and self.verdict is not Verdict.INCONCLUSIVE


class ControlResult(Record):
    """A false variant put through the same check; it must come back refuted."""

    name: str
    claim: str
    check: str
    verdict: Verdict
    note: str
    prediction: list[Number] = Field(default=[], description="What it says instead; empty where it could not be evaluated.")

    @property
    def as_expected(self) -> bool:
        """Whether the false variant was refuted."""
        return self.verdict is Verdict.REFUTED


class RoomResult(Record):
    """A theorem with what its checks and controls found."""

    name: str
    title: str
    family: str
    kind: Kind
    origin: Origin
    source: Reference
    statement: str = Field(description="The statement in LaTeX.")
    assumptions: list[str]
    checks: list[CheckResult]
    controls: list[ControlResult]
    figures: list[DrawnFigure]
    note: str = Field(description="What could not be drawn, and why; otherwise empty.")
    meaning: str = Field(default="", description="What it means for someone who trains networks; empty where the room does not say.")
    package: str = Field(default="", description="The installed package that offers the room; empty for those of this suite.")

    @property
    def results(self) -> list[CheckResult | ControlResult]:
        """Checks and controls together."""
        return [*self.checks, *self.controls]

    @property
    def skipped(self) -> bool:
        """Whether nothing in the room ran."""
        return all(result.verdict is Verdict.SKIPPED for result in self.results)

    @property
    def green(self) -> bool:
        """Whether something ran and everything that ran came out as expected."""
        return not self.skipped and all(result.as_expected for result in self.results if result.verdict is not Verdict.SKIPPED)


class Summary(Record):
    """The report in six numbers."""

    green: bool = Field(description="Every verdict that was reached is the expected one, and every control is refuted.")
    confirmed: int
    refuted: int
    inconclusive: int
    skipped: int
    controls: int = Field(description="Controls that came back refuted, as they must.")

    @classmethod
    def of(cls, rooms: list[RoomResult]) -> "Summary":
        """Count verdicts; skipped rooms neither help nor hurt, but a report in which nothing ran is not green."""
        verdicts = [check.verdict for room in rooms for check in room.checks]
        ran = [room for room in rooms if not room.skipped]
        return cls(
            green=bool(ran) and all(room.green for room in ran),
            confirmed=verdicts.count(Verdict.CONFIRMED),
            refuted=verdicts.count(Verdict.REFUTED),
            inconclusive=verdicts.count(Verdict.INCONCLUSIVE),
            skipped=verdicts.count(Verdict.SKIPPED),
            controls=sum(control.as_expected for room in rooms for control in room.controls),
        )


class Environment(Record):
    """Where the numbers were made."""

    created: str = Field(description="UTC time, ISO 8601.")
    python: str
    platform: str
    processors: int
    packages: dict[str, str]
