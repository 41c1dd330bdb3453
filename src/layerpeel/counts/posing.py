"""Poses the program of the classes and energies that the options of a command describe."""

from typing import TYPE_CHECKING, Any, TypeVar

from layerpeel.counts.reading import CountsFile, parse_groups
from layerpeel.numerics import UnusableInput, require_positive

if TYPE_CHECKING:
    from layerpeel.solvers import LayerPeeled, Problem, UnconstrainedFeatures

Form = TypeVar("Form", "LayerPeeled", "UnconstrainedFeatures")


def read_problem(
    groups: str | None, counts: CountsFile | None, *, feature_energy: float, weight_energy: float, loss: str = "cross-entropy"
) -> "LayerPeeled":
    """The program of the classes that the options describe; a file keeps its order of classes.

    Raises:
        UnusableInput: when neither or both of groups and counts are given, or what is given cannot be used.
    """
    from layerpeel.solvers import LayerPeeled

    return _posed(LayerPeeled, groups, counts, feature_energy=feature_energy, weight_energy=weight_energy, loss=loss)


def read_program(
    groups: str | None,
    counts: CountsFile | None,
    *,
    feature_energy: float | None,
    weight_energy: float | None,
    penalty: float | None,
    norm_weights: str | None,
    bias_penalty: float | None,
    loss: str,
) -> "Problem":
    """Either form of the program: with energies, or with the penalty λ = √(λ_W λ_H), shared evenly by its two factors.

    Raises:
        UnusableInput: as `read_problem`, and when neither or both of energies and penalty are given.
    """
    from layerpeel.solvers import NORM_WEIGHTS, LayerPeeled, UnconstrainedFeatures

    if norm_weights is not None and norm_weights not in NORM_WEIGHTS:
        raise UnusableInput(
            f"--norm-weights {norm_weights!r} is unknown: it must be one of {', '.join(NORM_WEIGHTS)}; choose one of these, or give "
            "numbers in Python."
        )
    options = {"loss": loss, "bias_penalty": bias_penalty} | ({} if norm_weights is None else {"norm_weights": norm_weights})
    if penalty is None:
        if feature_energy is None:
            raise UnusableInput(
                "neither --feature-energy nor --penalty is given: the norms of features and classifiers must be bounded or penalised; "
                "give one, say --feature-energy 5; see `layerpeel solve --help`."
            )
        energies = {"feature_energy": feature_energy, "weight_energy": 1.0 if weight_energy is None else weight_energy}
        return _posed(LayerPeeled, groups, counts, **energies, **options)
    energy = "--feature-energy" if feature_energy is not None else "--weight-energy" if weight_energy is not None else None
    if energy is not None:
        raise UnusableInput(f"both {energy} and --penalty are given: norms are either bounded or penalised; leave one of them out.")
    penalty = require_positive(penalty, "penalty")
    return _posed(UnconstrainedFeatures, groups, counts, feature_penalty=penalty, weight_penalty=penalty, **options)


def _posed(form: "type[Form]", groups: str | None, counts: CountsFile | None, **options: Any) -> "Form":
    """The form of the program with the classes that exactly one of groups and counts describes."""
    if (groups is None) == (counts is None):
        given = "neither --groups nor --counts is" if groups is None else "both --groups and --counts are"
        raise UnusableInput(f"{given} given: classes come from exactly one of them; give, say, --groups 5x100,5x10 or --counts FILE.")
    if counts is not None:
        return counts.classes.posed(form, **options)
    return form.from_groups(parse_groups(groups or ""), **options)
