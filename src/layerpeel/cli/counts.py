"""Commands on class counts: what they force on a network, from which imbalance on, and what prevents it."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from layerpeel.cli.answers import answer, answer_with_files, refuse
from layerpeel.cli.options import (
    AsJson,
    Certificate,
    Column,
    Counts,
    DropRow,
    FeatureEnergy,
    Groups,
    KeepRow,
    NormWeights,
    WeightDecay,
    WeightEnergy,
    Weights,
)
from layerpeel.pages.text import one_line

if TYPE_CHECKING:
    from layerpeel.counts.reading import CountsFile


def solve(
    groups: Groups = None,
    counts: Counts = None,
    column: Column = None,
    drop_row: DropRow = None,
    keep_row: KeepRow = None,
    weights: Weights = None,
    feature_energy: Annotated[float | None, typer.Option(help="E_H: mean squared norm allowed to class means; or give --penalty.")] = None,
    weight_energy: Annotated[float | None, typer.Option(help="E_W: mean squared norm allowed to classifiers; 1 if not given.")] = None,
    penalty: Annotated[
        float | None, typer.Option(help="lambda = sqrt(lambda_W lambda_H): penalise the norms instead (weight decay).")
    ] = None,
    norm_weights: Annotated[
        str | None,
        typer.Option(help="class: features averaged over classes; sample: over samples. class with energies, else sample."),
    ] = None,
    weight_decay: WeightDecay = None,
    bias_penalty: Annotated[float | None, typer.Option(help="lambda_b > 0: add a bias with this penalty.")] = None,
    loss: Annotated[str, typer.Option(help="cross-entropy, squared or hinge.")] = "cross-entropy",
    label_smoothing: Annotated[float, typer.Option(help="delta: that part of a label is spread over all classes.")] = 0.0,
    logit_scale: Annotated[Path | None, typer.Option(metavar="FILE", help="A factor on the logits of each class of --counts.")] = None,
    logit_shift: Annotated[Path | None, typer.Option(metavar="FILE", help="A number added to the logits of each class.")] = None,
    margin: Annotated[Path | None, typer.Option(metavar="FILE", help="A number taken off the true logit of each class.")] = None,
    route: Annotated[str, typer.Option(help="auto, symmetric, factored or sdp.")] = "auto",
    solver: Annotated[str, typer.Option(help="clarabel, scs or mosek, for the sdp route.")] = "clarabel",
    tolerance: Annotated[float, typer.Option(help="Relative certified gap to reach.")] = 1e-8,
    dimension: Annotated[int | None, typer.Option(help="Feature dimension p; as large as the optimum needs unless given.")] = None,
    save: Annotated[Path | None, typer.Option(metavar="FILE.npz", help="Save logits, features and classifier.")] = None,
    certificate: Certificate = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write solve.json and its figures here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Solve the Layer-Peeled Model of a data set.

    The solution is the geometry that the counts of its classes force on a classifier, with a certified gap.
    """
    from layerpeel.counts.posing import read_program
    from layerpeel.counts.solve import Geometry, archive
    from layerpeel.pages.files import require_archive, require_directory, require_file, write_whole

    file = _counts_file(counts, column, drop_row, keep_row, weights)
    problem = read_program(
        groups,
        file,
        feature_energy=feature_energy,
        weight_energy=weight_energy,
        penalty=penalty,
        norm_weights=norm_weights,
        weight_decay=weight_decay,
        bias_penalty=bias_penalty,
        loss=loss,
        label_smoothing=label_smoothing,
        logit_scale=logit_scale,
        logit_shift=logit_shift,
        margin=margin,
    )
    if save is not None:
        require_archive(save, "--save")
    if certificate is not None:
        require_file(certificate, "--certificate")
    if out is not None:
        require_directory(out, "--out")
    solution = _solved(problem, route=route, solver=solver, tolerance=tolerance, dimension=dimension)
    geometry = Geometry.of(solution, names=None if file is None else file.classes.names, weighted=weights is not None)
    for warning in geometry.solution.warnings:
        typer.echo(f"layerpeel: warning: {one_line(warning)}", err=True)
    if save is not None:
        write_whole({save: archive(geometry.solution)}, "--save")
    if certificate is not None:
        from layerpeel.counts.certificates import optimum_certificate
        from layerpeel.pages.proofs import writer

        write_whole({certificate: writer(optimum_certificate(geometry.solution))}, "--certificate")
    plain = not label_smoothing and all(each is None for each in (penalty, logit_scale, logit_shift, margin))
    again = None if not plain else _again(groups, file, feature_energy, weight_energy, norm_weights, weight_decay)
    answer_with_files(geometry, out, as_json, lambda: geometry.to_text(again=again))


def _solved(problem: Any, **options: Any) -> Any:
    from layerpeel.solvers import SolverFailed
    from layerpeel.solvers import solve as solve_problem

    try:
        return solve_problem(problem, **options)
    except SolverFailed as error:
        raise typer.Exit(refuse(str(error), 1)) from error


def _counts_file(
    counts: Path | None, column: str | None, drop_row: list[str] | None, keep_row: list[str] | None, weights: Path | None
) -> "CountsFile | None":
    """What the options say of a counts file, which is read later; none of them goes without one."""
    from layerpeel.counts.reading import CountsFile
    from layerpeel.numerics import UnusableInput

    if counts is not None:
        return CountsFile(path=counts, column=column, drop_rows=tuple(drop_row or ()), keep_rows=tuple(keep_row or ()), weights=weights)
    given = {"--column": column, "--drop-row": drop_row, "--keep-row": keep_row, "--weights": weights}
    alone = next((option for option, value in given.items() if value), None)
    if alone is not None:
        raise UnusableInput(f"{alone} is given without --counts: it says how that file is read; give --counts FILE, or leave it out.")
    return None


def _again(
    groups: str | None,
    counts: "CountsFile | None",
    feature_energy: float | None,
    weight_energy: float | None,
    norm_weights: str | None,
    weight_decay: float | None,
) -> str:
    """The options that pose the same problem again, for a shell, every number as it was given.

    Example:
        >>> _again("5 x 100, 5 x 10", None, 5.0, 0.1234567890123, "sample", None)
        "--groups '5 x 100, 5 x 10' --feature-energy 5 --weight-energy 0.1234567890123 --norm-weights sample"
    """
    classes = ["--groups", groups or ""] if counts is None else counts.options()
    numbers = {
        "--feature-energy": feature_energy,
        "--weight-energy": None if weight_energy == 1.0 else weight_energy,
        "--weight-decay": weight_decay,
    }
    given = [word for name, number in numbers.items() if number is not None for word in (name, _exactly(number))]
    mean = ["--norm-weights", norm_weights] if norm_weights == "sample" and weight_decay is None else []
    return shlex.join([*classes, *given, *mean])


def _exactly(number: float) -> str:
    return repr(number).removesuffix(".0")


def threshold(
    majority: Annotated[int | None, typer.Option(help="K_A: number of majority classes; or give --groups or --counts.")] = None,
    minority: Annotated[int | None, typer.Option(help="K_B: number of minority classes, at least 2.")] = None,
    groups: Groups = None,
    counts: Counts = None,
    column: Column = None,
    drop_row: DropRow = None,
    keep_row: KeepRow = None,
    feature_energy: FeatureEnergy = None,
    weight_energy: WeightEnergy = None,
    norm_weights: NormWeights = None,
    weight_decay: WeightDecay = None,
    digits: Annotated[int, typer.Option(help="Decimal digits of the enclosure, 1 to 10000.")] = 30,
    certificate: Certificate = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write threshold.json and its figure here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Enclose the imbalance of minority collapse.

    From R0 on the minority classifiers are one vector; from R1 on, where it exists, that vector is zero. Of classes with two counts:
    their numbers, or a counts file.
    """
    from layerpeel.counts.posing import read_problem, require_one_model, require_two_groups
    from layerpeel.counts.threshold import thresholds as thresholds_between
    from layerpeel.counts.threshold import thresholds_of
    from layerpeel.pages.files import require_directory, require_file, write_whole

    file = _counts_file(counts, column, drop_row, keep_row, None)
    sizes = require_two_groups(majority, minority, groups, file)
    require_one_model(feature_energy, weight_energy, norm_weights, weight_decay)
    if certificate is not None:
        require_file(certificate, "--certificate")
    if out is not None:
        require_directory(out, "--out")
    model: dict[str, Any] = {"norm_weights": norm_weights, "weight_decay": weight_decay, "feature_energy": feature_energy}
    if sizes is None:
        problem = read_problem(groups, file, weight_energy=weight_energy, **model)
        again = _again(groups, file, feature_energy, weight_energy, norm_weights, weight_decay)
        thresholds = thresholds_of(problem, digits=digits, remedy=f"layerpeel remedy {again}")
    else:
        thresholds = thresholds_between(*sizes, weight_energy=1.0 if weight_energy is None else weight_energy, **model, digits=digits)
    if certificate is not None:
        from layerpeel.counts.certificates import threshold_certificate
        from layerpeel.pages.proofs import writer

        write_whole({certificate: writer(threshold_certificate(thresholds))}, "--certificate")
    answer_with_files(thresholds, out, as_json)


def verify(
    source: Annotated[Path, typer.Argument(metavar="CERTIFICATE.json", help="What --certificate of solve, threshold or measure wrote.")],
    as_json: AsJson = False,
) -> None:
    """Check a certificate in exact and ball arithmetic.

    The checkers are one file each: layerpeel/verify.py, which needs python-flint, and verify_separability.py, which needs nothing; copies
    run alone. Exit status 1 when one refuses.
    """
    from layerpeel.pages.proofs import verified

    verdict = verified(source)
    answer(verdict, as_json)
    raise typer.Exit(0 if verdict.proved else 1)


def remedy(
    feature_energy: FeatureEnergy = None,
    groups: Groups = None,
    counts: Counts = None,
    column: Column = None,
    drop_row: DropRow = None,
    keep_row: KeepRow = None,
    weights: Weights = None,
    weight_energy: WeightEnergy = None,
    norm_weights: NormWeights = None,
    weight_decay: WeightDecay = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="oversampling, weights, label-smoothing, logit-scale, logit-shift, margin, bias or etf; may be repeated, or all."
        ),
    ] = None,
    cosine: Annotated[float, typer.Option(help="The largest cosine between two classifiers that the plan for all classes allows.")] = 0.5,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write remedy.json and its figure here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say how much oversampling, or weight in the loss, prevents collapse.

    For each group of equal counts, and as a plan for all classes: a floor under their counts. With --by, also how much of anything else
    that people do, and what cannot help.
    """
    from layerpeel.counts.plan import USUAL_PLACES
    from layerpeel.counts.posing import read_problem, require_one_number
    from layerpeel.counts.remedies import chosen_remedies
    from layerpeel.counts.remedy import remedy_of
    from layerpeel.pages.files import require_directory
    from layerpeel.pages.progress import progress

    if out is not None:
        require_directory(out, "--out")
    asked = chosen_remedies(by)
    way = "weights" if "weights" in asked and "oversampling" not in asked else "oversampling"
    file = _counts_file(counts, column, drop_row, keep_row, weights)
    require_one_number(file, norm_weights, weight_decay)
    problem = read_problem(
        groups,
        file,
        feature_energy=feature_energy,
        weight_energy=weight_energy,
        norm_weights=norm_weights,
        weight_decay=weight_decay,
    )
    names = None if file is None else file.classes.names
    with progress("looking for remedies", USUAL_PLACES) as bar:
        answered = remedy_of(
            problem,
            by=way,
            target_cosine=cosine,
            remedies=asked,
            names=names,
            told=lambda what, stays=False: bar(advance=1, description=what, news=what if stays else None),
        )
    answer_with_files(answered, out, as_json)
