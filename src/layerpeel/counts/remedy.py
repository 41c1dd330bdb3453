"""How much oversampling, or weight in the loss, keeps minority classes apart: group by group, and by a plan for the whole tail."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from layerpeel.counts.oversampling.drawn import oversampling_figure
from layerpeel.counts.oversampling.factors import (
    ALL_BRACKETED,
    Oversampling,
    factor_of_two,
    factors_by_solves,
    minorities_of,
    model_of,
    nothing_collapses,
    solved_now,
)
from layerpeel.counts.oversampling.group import GroupOversampling, page_table, span, table_of
from layerpeel.counts.oversampling.ways import Way
from layerpeel.counts.plan import TARGET, Plan, plan_of, require_target
from layerpeel.counts.remedies import NamedRemedy, chosen_remedies, remedies_of, require_judged
from layerpeel.counts.telling import Told
from layerpeel.counts.words.naming import names_by_group
from layerpeel.numerics import UnusableInput
from layerpeel.pages.records import Result

if TYPE_CHECKING:
    from layerpeel.numerics import Drawing, Figure
    from layerpeel.solvers import Problem


class Remedy(Oversampling, Result):
    """The answer of every minority group, and at the top that of the group that needs the most oversampling."""

    FILES: ClassVar = ("remedy.json", "remedy.svg", "remedy.html")

    by: str = Field(description="oversampling, or weights in the loss; where norms are averaged over classes these are one.")
    norm_weights: str = Field(description="class or sample: over what the norms of the features are averaged.")
    groups: list[GroupOversampling]
    remedies: list[NamedRemedy] = Field(description="What was asked for by name, for the smallest classes of one count.")
    plan: Plan | None = Field(description="For all classes together; null where none was asked for.")
    problem: SkipJsonSchema[Any] = Field(exclude=True, repr=False)
    now: SkipJsonSchema[Any] = Field(exclude=True, repr=False, description="Its solution, where there is one.")

    def to_text(self) -> str:
        """Imbalance against threshold for each minority group, and what to do, the worst first; then the plan for all classes."""
        worst_first = sorted(self.groups, key=lambda group: -group.minimal_oversampling)
        told = [table_of(worst_first, self._way)] if len(self.groups) > ALL_BRACKETED else []
        told = told or [group.sentences(self._way, alone=len(self.groups) == 1) for group in worst_first]
        told += [named.sentences() for named in self.remedies]
        if self.remedies and len(self.problem.groups) > 2:
            told.append("R0 under a remedy is a number for two distinct counts; with more, where a group collapses depends on all of them.")
        return "\n\n".join([*told, *([] if self.plan is None else [self.plan.to_text()])])

    @property
    def _way(self) -> Way:
        return Way(self.by, self.norm_weights == "sample")

    def page_of(self, drawn: "tuple[Drawing, ...]") -> str:
        """What keeps the classes apart, as one would show it to a colleague: counts and cosines before and after the plan come first.

        Args:
            drawn: its figures.
        """
        from layerpeel.counts.solve import held
        from layerpeel.pages.results_page import results_page, shortened, tables_of  # what draws is imported where something is drawn

        figures = (*self._before_and_after(), *drawn)
        title = f"What keeps {self.problem.num_classes} classes apart"
        content = self.to_dict() | {"groups": [], "safe_oversampling": span(*self.safe_oversampling)}
        if self.plan is not None:
            ends = {} if self.plan.bracket is None else {"bracket": span(*self.plan.bracket)}
            factors = {} if self.plan.factors is None else {"factors": span(min(self.plan.factors), max(self.plan.factors))}
            content["plan"] |= ends | factors
        head, rows = page_table(self.groups, self._way)
        tables = [shortened("Groups of equal counts", head, rows)] if rows else []
        return results_page(title, held(self.problem), figures, (), (), [*tables, *tables_of(content)], self.to_text())

    def _before_and_after(self) -> "tuple[Drawing, ...]":
        from layerpeel.counts.drawn import cosines_drawn, counts_drawn
        from layerpeel.counts.solve import Geometry
        from layerpeel.solvers import solve

        plan, names = self.plan, None if self.plan is None else self.plan.names
        before = Geometry.of(solve(self.problem) if self.now is None else self.now, names=names)
        now = cosines_drawn(before, "Cosines between classifiers, as things are")
        if plan is None or plan.floor is None or plan.raised_classes == 0:
            return counts_drawn(before), now
        after = Geometry.of(plan.optimum, names=names)
        return counts_drawn(before, plan.floor), now, cosines_drawn(after, "Cosines between classifiers, with the plan")

    def figures(self) -> "tuple[Figure, ...]":
        """The cosine inside each minority group against how many times as often it is sampled, by solves."""
        if not self.groups:
            return () if self.plan is None else (self.plan.figure(),)
        return (oversampling_figure(self.problem, self.groups, self._way),)


def remedy(
    counts: Iterable[int],
    *,
    feature_energy: float | None = None,
    weight_energy: float = 1.0,
    norm_weights: str | None = None,
    weight_decay: float | None = None,
    by: str = "oversampling",
    target_cosine: float | None = TARGET,
    remedies: str | Sequence[str] = (),
) -> Remedy:
    """How much oversampling, or weight in the loss, keeps the classes of each minority group apart.

    Where norms are averaged over classes, sampling each example of a group w times multiplies its weight by w and changes nothing else,
    so both ways are one. Where they are averaged over samples, sampling multiplies the norm's weight as well, and a weight in the loss
    does not. With two groups, sampling makes R/w of the imbalance R exactly, so the classifiers stay distinct for every w > R/R0; a
    weight does for every w > R/ρ0, ρ0 of `numerics.loss_threshold`. With more groups each group's least w, the others as they are, is
    bracketed by certified solves.

    Too much is harmful too: `safe_oversampling` is the interval in which the group is distinct and no group that is distinct as things
    are collapses instead. With two groups, w > R makes the former minority the majority, at ratio w/R, so the interval is
    R/R0(K_A, K_B) < w < R·R0(K_B, K_A), without an upper end when the majority is one class; for a weight with ρ0 at R and at 1/R.

    Args:
        counts: samples of each class.
        feature_energy: E_H, the bound on the mean squared norm of the features.
        weight_energy: E_W, the bound on the mean squared norm of the classifiers.
        norm_weights: "class" or "sample", over what E_H averages; class unless given.
        weight_decay: λ in place of the energies, per sample (`solvers.UnconstrainedFeatures`).
        by: "oversampling" or "weights".
        target_cosine: the largest cosine between two classifiers that the plan for all classes allows (`counts.plan`); None for no plan.
        remedies: names of what is answered beside that (`counts.remedies.NAMES`), or "all".

    Raises:
        UnusableInput: when an argument is unusable, or without a plan no two classes below the largest count share their count.

    Example:
        >>> answer = remedy([200] * 5 + [10] * 5, feature_energy=5)
        >>> answer.collapses_now, round(answer.minimal_oversampling, 5)
        (True, 1.64036)
    """
    from layerpeel.numerics import held_by
    from layerpeel.solvers import LayerPeeled, UnconstrainedFeatures

    model = held_by(feature_energy, weight_energy, norm_weights, weight_decay)
    if model.weight_decay is not None:
        decayed = UnconstrainedFeatures(counts=counts, weight_decay=model.weight_decay)
        return remedy_of(decayed, by=by, target_cosine=target_cosine, remedies=remedies)
    mean = "sample" if model.per_sample else "class"
    program = LayerPeeled(counts=counts, feature_energy=model.feature_energy, weight_energy=model.weight_energy, norm_weights=mean)
    return remedy_of(program, by=by, target_cosine=target_cosine, remedies=remedies)


def remedy_of(
    problem: "Problem",
    *,
    by: str = "oversampling",
    target_cosine: float | None = TARGET,
    remedies: str | Sequence[str] = (),
    names: Sequence[str] | None = None,
    told: Told | None = None,
) -> Remedy:
    """The same for classes that are posed as a program already.

    Args:
        problem: the program.
        by: "oversampling" or "weights".
        target_cosine: of the plan; None for no plan, which other losses than cross-entropy do not have anyway.
        remedies: names of what is answered beside that, or "all".
        names: of the classes, in the order the counts were given.
        told: takes what is found, a sentence at a time.

    Raises:
        UnusableInput: without a plan when no two classes below the largest count share their count; for numbers as norm weights, a bias,
            another way, or a target that is out of range.
    """
    from layerpeel.solvers import require_told, require_way

    asked = chosen_remedies(remedies)
    require_told(problem, "a remedy")
    require_way(by)
    planned = target_cosine is not None and problem.loss == "cross-entropy"
    if target_cosine is not None:
        require_target(target_cosine, problem.num_classes)
    minorities = minorities_of(problem)
    require_judged(problem, asked, tied=bool(minorities))
    if not minorities and not planned:
        listed = ", ".join(f"{group.classes}x{group.samples}" for group in problem.groups[:6])
        raise UnusableInput(
            f"the classes {listed}{', …' if problem.groups[6:] else ''} hold no two minority classes of one count: only classes of equal "
            "count collapse exactly, so there is nothing to remedy; solve the model for their geometry, or merge similar counts."
        )
    two = len(problem.groups) == 2 and problem.loss == "cross-entropy" and model_of(problem) is not None
    now = solved_now(problem) if planned or not two else None
    answers = (
        [factor_of_two(problem, by) for _ in minorities] if two or now is None else factors_by_solves(problem, minorities, by, now, told)
    )
    called = names_by_group(problem, names)
    groups = [
        GroupOversampling(
            classes=problem.groups[index].classes, samples=problem.groups[index].samples, names=called[index], **answer.model_dump()
        )
        for index, answer in zip(minorities, answers, strict=True)
    ]
    plan = None
    if target_cosine is not None and planned:
        plan = plan_of(problem, by=by, target_cosine=target_cosine, names=names, now=now, told=told)
    hardest = max(answers, key=lambda answer: answer.minimal_oversampling, default=nothing_collapses(problem))
    smallest = min(minorities, key=lambda index: problem.groups[index].samples, default=None)
    judged = [] if smallest is None else remedies_of(problem, smallest, asked, model_of(problem))
    return Remedy(
        **hardest.model_dump(),
        by=by,
        norm_weights=problem.norm_weights,
        groups=groups,
        remedies=judged,
        plan=plan,
        problem=problem,
        now=now,
    )
