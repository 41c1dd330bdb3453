"""What is said of an optimum: whether it is certified, and what it does to the classes of each group."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple


class Status(StrEnum):
    """Whether the certificate reached the tolerance; the value is the sentence to read."""

    CERTIFIED = "certified: the gap is within the tolerance"
    ZERO = "certified: the loss is zero to within the tolerance, which can be reached inside the energies"
    LIMIT_OF_DOUBLES = (
        "certified, but the gap exceeds the tolerance by what one rounding of the logits in doubles changes: the bracket is right, and no "
        "solver or route that returns doubles narrows it; ask for a larger tolerance"
    )
    LOOSE = "certified, but the gap exceeds the tolerance: the bracket is right and wider than asked; use another solver or route"


@dataclass(frozen=True, kw_only=True)
class GroupGeometry:
    """What the optimum does to the classes of one group.

    Args:
        classes: K_g.
        samples: n_g.
        collapsed: whether its classifiers coincide; None when the certificate cannot tell.
        vanished: whether its classifiers are exactly zero, not only short; None when neither the gap nor a law tells.
        classifier_norm: ‖w_k‖.
        feature_norm: ‖h_k‖.
        within_cosine: cosine between two of its classifiers; None for a single class, or where they vanish.
    """

    classes: int
    samples: int | float
    collapsed: bool | None
    vanished: bool | None
    classifier_norm: float
    feature_norm: float
    within_cosine: float | None


Phases = tuple[bool | None, ...]
"""One answer per group; None where nothing decides."""


class Decided(NamedTuple):
    """What is known of the phases of the groups, and the rank of the logits.

    Args:
        collapsed: per group, see GroupGeometry.
        vanished: per group, see GroupGeometry.
        rank: rank of the logits without bias.
    """

    collapsed: Phases
    vanished: Phases
    rank: int

    def __call__(self, _: Any) -> "Decided":
        """The same for every solution: for routes that know."""
        return self
