"""Poses the program of the classes and energies that the options of a command describe."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from layerpeel.counts.reading import CountsFile, parse_groups
from layerpeel.numerics import UnusableInput, require_positive

if TYPE_CHECKING:
    from layerpeel.solvers import LayerPeeled, Problem, UnconstrainedFeatures

Form = TypeVar("Form", "LayerPeeled", "UnconstrainedFeatures")


def read_problem(
    groups: str | None,
    counts: CountsFile | None,
    *,
    feature_energy: float | None,
    weight_energy: float | None = None,
    norm_weights: str | None = None,
    weight_decay: float | None = None,
    loss: str = "cross-entropy",
) -> "Problem":
    """The program of the classes that the options describe; a file keeps its order of classes.

    Raises:
        UnusableInput: when neither or both of groups and counts, or of energies and weight decay, are given, or what is given cannot be
            used.
    """
    from layerpeel.solvers import LayerPeeled, UnconstrainedFeatures

    require_one_model(feature_energy, weight_energy, norm_weights, weight_decay)
    if weight_decay is not None:
        return _posed(UnconstrainedFeatures, groups, counts, weight_decay=weight_decay, loss=loss)
    return _posed(LayerPeeled, groups, counts, **_energies(feature_energy, weight_energy, norm_weights), loss=loss)


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
    weight_decay: float | None = None,
    label_smoothing: float = 0.0,
    logit_scale: Path | None = None,
    logit_shift: Path | None = None,
    margin: Path | None = None,
) -> "Problem":
    """Either form of the program: with energies, with weight decay, or with the penalty λ = √(λ_W λ_H), shared evenly by its two factors.

    Raises:
        UnusableInput: as `read_problem`, and when a penalty is given beside energies or weight decay, or numbers per class without a file
            of counts.
    """
    from layerpeel.solvers import LayerPeeled, UnconstrainedFeatures

    options: dict[str, Any] = {"loss": loss, "bias_penalty": bias_penalty, "label_smoothing": label_smoothing}
    for name, option, word, path in (
        ("logit_scale", "--logit-scale", "scale", logit_scale),
        ("logit_shift", "--logit-shift", "shift", logit_shift),
        ("margins", "--margin", "margin", margin),
    ):
        if path is not None and counts is None:
            raise UnusableInput(
                f"{option} is given without --counts: its file has one number for each class of that one; give --counts FILE."
            )
        if path is not None and counts is not None:
            options[name] = counts.numbers(path, word)
    if penalty is None:
        require_one_model(feature_energy, weight_energy, norm_weights, weight_decay, or_else="--penalty")
        if weight_decay is not None:
            return _posed(UnconstrainedFeatures, groups, counts, weight_decay=weight_decay, **options)
        return _posed(LayerPeeled, groups, counts, **_energies(feature_energy, weight_energy, norm_weights), **options)
    _require_mean(norm_weights)
    other = _first_given(feature_energy, weight_energy, weight_decay)
    if other is not None:
        raise UnusableInput(f"both {other} and --penalty are given: norms are either bounded or penalised; leave one of them out.")
    penalty = require_positive(penalty, "penalty")
    weights = {} if norm_weights is None else {"norm_weights": norm_weights}
    return _posed(UnconstrainedFeatures, groups, counts, feature_penalty=penalty, weight_penalty=penalty, **options, **weights)


def require_one_model(
    feature_energy: float | None, weight_energy: float | None, norm_weights: str | None, weight_decay: float | None, *, or_else: str = ""
) -> None:
    """Check that options give energies or a weight decay, and not both, with norm weights that fit.

    Args:
        feature_energy: of --feature-energy.
        weight_energy: of --weight-energy.
        norm_weights: of --norm-weights.
        weight_decay: of --weight-decay.
        or_else: another option that may stand in their place.

    Raises:
        UnusableInput: otherwise, naming the options.
    """
    _require_mean(norm_weights)
    if weight_decay is None:
        if feature_energy is None:
            others = f"--feature-energy, --weight-decay nor {or_else}" if or_else else "--feature-energy nor --weight-decay"
            raise UnusableInput(
                f"neither {others} is given: the norms of features and classifiers must be bounded or penalised; "
                "give one, say --feature-energy 5; see `layerpeel solve --help`."
            )
        return
    energy = _first_given(feature_energy, weight_energy, None)
    if energy is not None:
        raise UnusableInput(f"both {energy} and --weight-decay are given: norms are either bounded or penalised; leave one of them out.")
    if norm_weights == "class":
        raise UnusableInput(
            "--norm-weights class and --weight-decay are both given: weight decay holds back the features of every sample alike; leave "
            "--norm-weights out."
        )


def require_two_groups(majority: int | None, minority: int | None, groups: str | None, counts: CountsFile | None) -> tuple[int, int] | None:
    """K_A and K_B where they are given as numbers; None where classes are described instead.

    Args:
        majority: of --majority.
        minority: of --minority.
        groups: of --groups.
        counts: of --counts.

    Raises:
        UnusableInput: for one number without the other, for both ways at once, and for neither.
    """
    described = "--groups" if groups is not None else "--counts" if counts is not None else None
    given = "--majority" if majority is not None else "--minority" if minority is not None else None
    if described is None and majority is not None and minority is not None:
        return majority, minority
    if described is not None and given is None:
        return None
    if described is not None:
        raise UnusableInput(f"both {given} and {described} are given: they say the same; leave one of them out.")
    if given is not None:
        other = "--minority" if given == "--majority" else "--majority"
        raise UnusableInput(f"{given} is given without {other}: R0 depends on how many classes there are of each; give both.")
    raise UnusableInput(
        "neither --majority and --minority, --groups nor --counts is given: R0 depends on how many classes there are; give, say, "
        "--majority 5 --minority 5, or --counts FILE."
    )


def require_one_number(counts: CountsFile | None, norm_weights: str | None, weight_decay: float | None) -> None:
    """Check that a class has one number for a remedy to move: its samples, times their weight where norms do not count samples.

    Args:
        counts: of --counts and --weights.
        norm_weights: of --norm-weights.
        weight_decay: of --weight-decay.

    Raises:
        UnusableInput: otherwise.
    """
    if counts is None or counts.weights is None or (norm_weights != "sample" and weight_decay is None):
        return
    where = "--weight-decay" if weight_decay is not None else "--norm-weights sample"
    raise UnusableInput(
        f"--weights and {where} are both given: a class then has two numbers, its samples, which hold its features, and its samples "
        "times their weight, which the loss counts, and sampling moves both, a weight one; leave --weights out and ask with --by weights "
        "how much weight is needed, or ask `layerpeel solve --weights` what these weights do."
    )


def _require_mean(norm_weights: str | None) -> None:
    from layerpeel.solvers import NORM_WEIGHTS

    if norm_weights is not None and norm_weights not in NORM_WEIGHTS:
        raise UnusableInput(
            f"--norm-weights {norm_weights!r} is unknown: it must be one of {', '.join(NORM_WEIGHTS)}; choose one of these, or give "
            "numbers in Python."
        )


def _first_given(feature_energy: float | None, weight_energy: float | None, weight_decay: float | None) -> str | None:
    named = {"--feature-energy": feature_energy, "--weight-energy": weight_energy, "--weight-decay": weight_decay}
    return next((name for name, value in named.items() if value is not None), None)


def _energies(feature_energy: float | None, weight_energy: float | None, norm_weights: str | None) -> dict[str, Any]:
    weights = {} if norm_weights is None else {"norm_weights": norm_weights}
    return {"feature_energy": feature_energy, "weight_energy": 1.0 if weight_energy is None else weight_energy, **weights}


def _posed(form: "type[Form]", groups: str | None, counts: CountsFile | None, **options: Any) -> "Form":
    """The form of the program with the classes that exactly one of groups and counts describes."""
    if (groups is None) == (counts is None):
        given = "neither --groups nor --counts is" if groups is None else "both --groups and --counts are"
        raise UnusableInput(f"{given} given: classes come from exactly one of them; give, say, --groups 5x100,5x10 or --counts FILE.")
    if counts is not None:
        return counts.classes.posed(form, **options)
    return form.from_groups(parse_groups(groups or ""), **options)
