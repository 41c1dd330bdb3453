"""The two modes of locally elastic class means that grow by themselves, and where their logarithms exist."""

from dataclasses import dataclass

import numpy as np

from layerpeel.array_words import Bool, Float, Int
from layerpeel.numerics._inputs import UnusableInput

CANCELLATION = 4.0 * float(np.finfo(float).eps)
"""A mean over K classes, or a difference from it, below this multiple of K times the largest entry is rounding, not a number."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Mode:
    """Numbers that a model multiplies by one common factor as time goes on.

    Args:
        values: the numbers.
        rounding: sizes at which they are what cancellation left.
        shape: the axes that m runs over: classes, components, both or none.
        title: the mode in words.
        label: one of its numbers in words, with places for the indices.
        model: whose mode it is.
        without: what the model still tells when this mode is zero.
    """

    values: Float[np.ndarray, "*batch time m"]
    rounding: Float[np.ndarray, "*batch time m"]
    shape: tuple[int, ...]
    title: str
    label: str
    model: str
    without: str

    def first_crossings(self) -> Int[np.ndarray, "*batch m"]:
        """For each number the first index of time at which it no longer has the sign it started with; −1 if it keeps it."""
        lost = (np.abs(self.values) <= self.rounding) | (np.sign(self.values) != np.sign(self.values[..., :1, :]))
        return np.where(lost.any(axis=-2), lost.argmax(axis=-2), -1)

    def usable(self, times: Float[np.ndarray, " time"], crossings: str) -> Bool[np.ndarray, " m"]:
        """Which numbers enter the average of the logarithms.

        Raises:
            UnusableInput: when a number crosses zero that may not, or when none is left; says where.
        """
        first = self.first_crossings()
        usable = (self.values != 0.0).all(axis=-2) if crossings == "keep" else first < 0
        if usable.all() or (crossings == "drop" and usable.any()):
            return usable
        if (first == 0).all():
            raise UnusableInput(
                f"{self.title} is zero at the first time, {times[0]:g}, so its growth is unknown and the {self.model}-model tells only "
                f"{self.without}; begin where it is not zero, or use the {'L' if self.model == 'I' else 'I'}-model."
            )
        place = int(np.flatnonzero(~usable)[np.argmin(first[~usable])])
        start, end = self.values[0, place], self.values[first[place], place]
        which, when = self.label.format(*np.unravel_index(place, self.shape)), times[first[place]]
        sunk = ", no more than rounding" if start * end > 0.0 else ""
        raise UnusableInput(
            f"{which} is {start:.3g} at first and {end:.3g}{sunk} at time {when:g}: its logarithm needs one sign "
            f"({(~usable).sum()} of {usable.size} such numbers fail); leave those out with crossings "
            "'drop', take absolute values with 'keep', or begin later."
        )

    def logs(self, chosen: Bool[np.ndarray, " m"]) -> Float[np.ndarray, "*batch time chosen"]:
        """log|x(t)/x(first)| of the chosen numbers; infinite where one is exactly zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(np.abs(self.values[..., chosen]))
            return logs - logs[..., :1, :]


def require_model(model: str, classes: int, components: int) -> None:
    """Check that class means of this shape can follow the model.

    Raises:
        UnusableInput: when there is no such model, or it is not made for means of this shape.

    Example:
        >>> require_model("L", 3, 3)
    """
    if model not in {"I", "L"}:
        raise UnusableInput(f"the model is {model!r}: it must be I (identity blocks) or L (blocks along the logits); name one of them.")
    if classes < 2:
        raise UnusableInput("there is 1 class: elasticity acts between classes and needs at least 2; give the means of all classes.")
    if model == "L" and classes != components:
        raise UnusableInput(
            f"the class means have {components} components for {classes} classes: the L-model lives on logits, one for each class; "
            "give the logits, or use the I-model."
        )


def elastic_modes(means: Float[np.ndarray, "*batch time K p"], model: str) -> tuple[Mode, Mode]:
    """The common mode and the deviations from it.

    I-model: X̌ = avg_k X̄ᵏ grows by e^{(A + (K−1)B)/K}, each X̄ᵏ − X̌ by e^{(A − B)/K}.
    L-model: with s_j = d̂_jᵀX̄ʲ, d̂_j ∝ e_j − 1/K, s̄ = avg_j s_j grows by e^{(A − B)/K}, each s_j − s̄ by e^{(A + B/(K−1))/K}.

    Source:
        zhang2021, equation (19) of the slides; for the L-model there with K = 3.

    Example:
        >>> common, deviation = elastic_modes(np.array([[[1.0, 2.0], [3.0, -1.0]]]), "I")
        >>> common.values.tolist(), deviation.values.tolist()
        ([[2.0, 0.5]], [[-1.0, 1.5, 1.0, -1.5]])
    """
    classes, components = means.shape[-2:]
    allowance = CANCELLATION * classes
    if model == "I":
        average = means.mean(axis=-2)
        largest = np.abs(means).max(axis=-2)
        common = Mode(
            values=average,
            rounding=allowance * largest,
            shape=(components,),
            title="the mean over classes",
            label="component {0} of the mean over classes",
            model=model,
            without="α − β",
        )
        deviation = Mode(
            values=(means - average[..., None, :]).reshape(*average.shape[:-1], -1),
            rounding=allowance * np.tile(largest, classes),
            shape=(classes, components),
            title="every deviation from the mean over classes",
            label="component {1} of class {0}'s deviation from the mean over classes",
            model=model,
            without="α + (K−1)β",
        )
        return common, deviation
    projections = own_projections(means)
    average = projections.mean(axis=-1, keepdims=True)
    largest = np.abs(means).max(axis=(-2, -1))[..., None]
    common = Mode(
        values=average,
        rounding=allowance * largest,
        shape=(1,),
        title="the mean of the projections of class j's mean on e_j − 1/K",
        label="the mean of the projections of class j's mean on e_j − 1/K",
        model=model,
        without="α + β/(K−1)",
    )
    deviation = Mode(
        values=projections - average,
        rounding=allowance * np.broadcast_to(largest, projections.shape),
        shape=(classes,),
        title="every deviation from the mean of the projections of class j's mean on e_j − 1/K",
        label="the deviation of class {0}'s projection on e_j − 1/K from the mean of all",
        model=model,
        without="α − β",
    )
    return common, deviation


def own_projections(means: Float[np.ndarray, "*batch K K"]) -> Float[np.ndarray, "*batch K"]:
    """s_j = d̂_jᵀX̄ʲ with d̂_j = (e_j − 1/K)/√(1 − 1/K), the left eigenvectors of the L-model's drift.

    Example:
        >>> own_projections(np.eye(2)).round(6).tolist()
        [0.707107, 0.707107]
    """
    own = np.diagonal(means, axis1=-2, axis2=-1)
    return (own - means.mean(axis=-1)) / np.sqrt(1.0 - 1.0 / means.shape[-1])
