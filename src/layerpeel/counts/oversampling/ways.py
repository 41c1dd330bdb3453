"""The ways in which the samples of a class are made to count more, in words."""

from typing import NamedTuple


class Way(NamedTuple):
    """How samples are made to count more, and whether counts and norms both move with it.

    Args:
        by: "oversampling" or "weights".
        per_sample: whether the norm of a class grows with its samples, so that the two differ.
    """

    by: str
    per_sample: bool

    @property
    def act(self) -> tuple[str, str]:
        """What is done to an example, so many times as what."""
        if not self.per_sample:
            return "Sample (or weigh)", "often"
        return ("Sample", "often") if self.by == "oversampling" else ("Weigh", "much in the loss")

    @property
    def none_needed(self) -> str:
        """That nothing needs to be done."""
        return "no weight is needed" if self.per_sample and self.by == "weights" else "no oversampling is needed"

    @property
    def balances(self) -> bool:
        """Whether R times as often is the balanced program: a weight in the loss leaves the norms as they are."""
        return not (self.per_sample and self.by == "weights")
