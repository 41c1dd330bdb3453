"""The command `layerpeel`: its options, one screen per command; what a command finds, and how that is said, lies below."""

import re
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from layerpeel.pages.stopping import INTERRUPTED, SystemRefused, answered, say_interrupted
from layerpeel.pages.text import one_line

if TYPE_CHECKING:
    from layerpeel.counts.reading import CountsFile
    from layerpeel.pages.records import Result
    from layerpeel.theorems.listing import Listing

app = typer.Typer(
    help="Certified solutions of the Layer-Peeled Model, its collapse threshold, and theorems checked with evidence.",
    epilog="Exit status: 0 green, 1 a verdict is not as expected, 2 unusable input, 3 the system refused (full disk, closed output, "
    "no shared memory, no scheduler), 130 interrupted, 143 terminated.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object to standard output and nothing else.")]
Groups = Annotated[str | None, typer.Option(metavar="KxN,…", help="Classes x samples: 5x120,5x10 is five classes of 120 and five of 10.")]
Counts = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Samples per class: a table, JSON, a list of images, or a directory with one folder per class."),
]
Column = Annotated[
    str | None, typer.Option(metavar="NAME|NUMBER", help="Column of --counts with the samples, or with the class in a list of images.")
]
DropRow = Annotated[
    list[str] | None, typer.Option(metavar="NAME|NUMBER", help="Row of --counts that is no class, by name or line; may be repeated.")
]
KeepRow = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME|NUMBER", help="Row of --counts that is a class, though it looks like a total; may be repeated."),
]
Weights = Annotated[Path | None, typer.Option(metavar="FILE", help="One positive number per class, by which the loss weighs its samples.")]
FeatureEnergy = Annotated[float | None, typer.Option(help="E_H: bound on the mean squared norm of the features; or give --weight-decay.")]
WeightEnergy = Annotated[float | None, typer.Option(help="E_W: bound on the mean squared norm of the classifiers; 1 if not given.")]
NormWeights = Annotated[
    str | None,
    typer.Option(
        help="class: E_H is a mean over classes, as in the sources; sample: over samples, as measured in a network. class if not given."
    ),
]
Certificate = Annotated[Path | None, typer.Option(metavar="FILE.json", help="Write a proof that `layerpeel verify` checks.")]
WeightDecay = Annotated[float | None, typer.Option(help="lambda of a network's weight decay, in place of the energies; per sample.")]
Family = Annotated[str | None, typer.Option(help="Only the rooms of this family.")]
Scheduler = Annotated[str | None, typer.Option(metavar="tcp://HOST:PORT", help="Compute on the workers of this dask scheduler.")]
SchedulerFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Likewise, of the scheduler that wrote this file.")]


class Profile(StrEnum):
    """How much work a check does."""

    QUICK = "quick"
    FULL = "full"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; errors of use are one sentence on standard error.

    Example:
        >>> main(["--version"])
        layerpeel 0...
        0
    """
    from layerpeel.pages.output import silence_output

    try:
        # typer answers an interrupt with its status and no word
        return answered(app(list(arguments) if arguments is not None else None, prog_name="layerpeel", standalone_mode=False) or 0)
    except typer.TyperException as error:
        return _refuse(_usage(error), error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return answered(INTERRUPTED)
    except SystemRefused as error:
        return _refuse(str(error), 3)
    except OSError as error:  # what no command foresaw, and the output of typer itself
        silence_output()
        where = "" if error.filename is None else f"{error.filename}: "
        return _refuse(f"the system refused ({where}{error.strerror or error}): make room, or print elsewhere, and try again.", 3)
    except MemoryError:
        return _refuse("the system refused (memory is exhausted): ask for something smaller, or use a larger machine.", 3)
    except SystemExit:  # typer's answer to a closed pipe
        silence_output()
        return _refuse("standard output is closed: the answer is incomplete; print it elsewhere.", 3)
    except ValueError as error:
        from layerpeel.numerics import UnusableInput

        if not isinstance(error, UnusableInput):
            raise
        return _refuse(str(error), 2)


_ARGUMENT = re.compile(r"\b(route|solver|device|workers|stale|by|pool|ignore)=('?)(-?[\w.]+)\2")


def _as_option(message: str) -> str:
    """What the library says of its own argument, as a command line writes it.

    Example:
        >>> _as_option("use route='auto'.")
        'use --route auto.'
    """
    return _ARGUMENT.sub(r"--\1 \3", message.replace("many=True", "--yes").replace("cut=True", "--cut"))


def _usage(error: typer.TyperException) -> str:
    """What was wrong with the options, the value that was given, and where the options are explained."""
    cause = error.__cause__
    given = f" (given: {cause.errors()[0]['input']!r})" if isinstance(cause, ValidationError) else ""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "layerpeel"
    return f"{error.format_message().rstrip('.')}{given}; see `{command} --help`."


def _refuse(message: str, status: int) -> int:
    with suppress(OSError):  # standard error may be full too
        typer.echo(f"layerpeel: {_as_option(one_line(message))}", err=True)
    return status


def _version(wanted: bool) -> None:
    if wanted:
        from layerpeel.pages.output import say
        from layerpeel.version import __version__

        say(f"layerpeel {__version__}")
        raise typer.Exit


def _answer(found: "Result | Listing", as_json: bool, text: Callable[[], str] | None = None) -> None:
    """The JSON of a result, or its text; `text` where a command has more to say than the result has."""
    from layerpeel.pages.output import print_json, say

    if as_json:
        print_json(found.to_dict())
    else:
        say(text() if text else found.to_text())


def _answer_with_files(
    found: "Result", out: Path | None, as_json: bool, text: Callable[[], str] | None = None, *, without: str = ""
) -> None:
    """The same, and its files; `without` is what there is to say when they are not asked for."""
    from layerpeel.pages.written import named_files, write_result

    if out is not None:
        write_result(found, out, "--out")
    where = without if out is None else named_files(found, out)
    _answer(found, as_json, lambda: "\n".join([text() if text else found.to_text(), *([where] if where else [])]))


NO_FIGURES = "no figures written; --out DIR does"


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Options that stand before the command."""


@app.command("list")
def list_rooms(family: Family = None, as_json: AsJson = False) -> None:
    """List the rooms, one theorem each."""
    from layerpeel.theorems.listing import list_rooms as listed

    _answer(listed(family), as_json)


@app.command()
def check(
    rooms: Annotated[list[str] | None, typer.Argument(metavar="[ROOM]...", help="Rooms to check; all of them if none is named.")] = None,
    family: Family = None,
    profile: Annotated[Profile, typer.Option(help="quick takes two minutes on two cores.")] = Profile.QUICK,
    seed: Annotated[int, typer.Option(min=0, help="Every random number derives from it.")] = 0,
    workers: Annotated[
        int | None, typer.Option("--workers", "--jobs", min=1, help="Processes; as many as there are processors unless given.")
    ] = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    time_limit: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="A room that takes longer, twice, is inconclusive; no limit unless given.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.json, report.md and report.html here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Confirm or refute theorems, with evidence.

    Every check also judges false variants of its theorem, which must come back refuted.
    """
    from layerpeel.pages.files import require_report_directory
    from layerpeel.pages.output import print_json, say
    from layerpeel.theorems.check import check as run
    from layerpeel.theorems.check import write_report

    if out is not None:
        require_report_directory(out, "--out")
    try:
        report = run(
            *(rooms or ()),
            family=family,
            profile=profile,
            seed=seed,
            workers=workers,
            scheduler=scheduler,
            scheduler_file=scheduler_file,
            time_limit=time_limit,
        )
    except KeyboardInterrupt as error:
        raise typer.Exit(say_interrupted("; nothing is kept of a check: run it again")) from error
    if out is not None:
        write_report(report, out)
    if as_json:
        print_json(report.to_dict())
    else:
        where = "no report written; --out DIR writes one" if out is None else f"report: {out / 'report.html'}"
        say(f"{report.to_text()}\n{one_line(where)}", styled=True)
    raise typer.Exit(0 if report.summary.green else 1)


@app.command()
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
    found = Geometry.of(solution, names=None if file is None else file.classes.names, weighted=weights is not None)
    for warning in found.solution.warnings:
        typer.echo(f"layerpeel: warning: {one_line(warning)}", err=True)
    if save is not None:
        write_whole({save: archive(found.solution)}, "--save")
    if certificate is not None:
        from layerpeel.counts.certificates import optimum_certificate, writer

        write_whole({certificate: writer(optimum_certificate(found.solution))}, "--certificate")
    plain = not label_smoothing and all(each is None for each in (penalty, logit_scale, logit_shift, margin))
    again = None if not plain else _again(groups, file, feature_energy, weight_energy, norm_weights, weight_decay)
    _answer_with_files(found, out, as_json, lambda: found.to_text(again=again))


def _solved(problem: Any, **options: Any) -> Any:
    from layerpeel.solvers import SolverFailed
    from layerpeel.solvers import solve as solve_problem

    try:
        return solve_problem(problem, **options)
    except SolverFailed as error:
        raise typer.Exit(_refuse(str(error), 1)) from error


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


@app.command()
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
    from layerpeel.counts.threshold import thresholds, thresholds_of
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
        found = thresholds_of(problem, digits=digits, remedy=f"layerpeel remedy {again}")
    else:
        found = thresholds(*sizes, weight_energy=1.0 if weight_energy is None else weight_energy, **model, digits=digits)
    if certificate is not None:
        from layerpeel.counts.certificates import threshold_certificate, writer

        write_whole({certificate: writer(threshold_certificate(found))}, "--certificate")
    _answer_with_files(found, out, as_json)


@app.command()
def verify(
    source: Annotated[Path, typer.Argument(metavar="CERTIFICATE.json", help="What --certificate of solve or threshold wrote.")],
    as_json: AsJson = False,
) -> None:
    """Check a certificate in exact and ball arithmetic.

    The checker is one file, layerpeel/verify.py, that needs python-flint only: a copy of it runs alone. Exit status 1 when it refuses.
    """
    from layerpeel.counts.certificates import verified

    verdict = verified(source)
    _answer(verdict, as_json)
    raise typer.Exit(0 if verdict.proved else 1)


@app.command()
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
        found = remedy_of(
            problem,
            by=way,
            target_cosine=cosine,
            remedies=asked,
            names=names,
            told=lambda what, stays=False: bar(advance=1, description=what, news=what if stays else None),
        )
    _answer_with_files(found, out, as_json)


@app.command()
def train(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="geomnist, label-noise, imbalance, unconstrained or separation.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Run directory; runs/EXPERIMENT unless given.")] = None,
    profile: Annotated[str, typer.Option(help="small: minutes on two cores; medium: 10 to 30; sources: as in the sources.")] = "small",
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto for a GPU if there is one.")] = "cpu",
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder with MNIST, FashionMNIST or CIFAR-10 files; packaged MNIST unless given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Every random number derives from it.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes; its units of work are independent.")] = 1,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in the run directory.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train networks as the sources did, and leave arrays and figures.

    The run can be stopped at any time and resumed: what is done stays, and the rest comes out the same.
    """
    from layerpeel.networks.run_directory import known_experiments
    from layerpeel.networks.train import train as run

    known_experiments()  # refuses where there is no torch
    from layerpeel.gpu_train.training import TrainingDiverged

    directory = out or Path("runs") / experiment
    try:
        found = run(
            experiment,
            directory,
            profile=profile,
            device=device,
            data=data,
            seed=seed,
            workers=workers,
            scheduler=scheduler,
            scheduler_file=scheduler_file,
            resume=resume,
        )
    except KeyboardInterrupt as error:
        where = f"; what is done lies in {one_line(str(directory))}, and the same command with --resume continues it"
        raise typer.Exit(say_interrupted(where)) from error
    except TrainingDiverged as error:
        raise typer.Exit(_refuse(str(error), 1)) from error
    _answer(found, as_json)


@app.command()
def measure(
    features: Annotated[
        list[Path],
        typer.Argument(
            metavar="FEATURES…",
            help="Files (.npz, .npy, .safetensors, .pt) with labels, features (or features_0, features_1, …), optional classifier, bias, "
            "outliers; several for several layers, or for checkpoints that each hold labels.",
        ),
    ],
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="LABEL", help="Leave out the samples with this label, as with -100; may be repeated.")
    ] = None,
    pool: Annotated[
        str | None, typer.Option(help="mean: average maps over their places; tokens: average sequences. Flattened unless given.")
    ] = None,
    weight_decay: Annotated[
        float | None,
        typer.Option(metavar="L", help="The network's weight decay: hold its minority against it, not against measured norms."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write measure.json, its figures and a page here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure separation and neural collapse of saved activations.

    D and NC1-NC5 of every layer in the forms in use, the law over layers, and whether the label counts foretell minority collapse.
    """
    from layerpeel.networks.measure import measure_files as run
    from layerpeel.pages.files import require_directory

    if out is not None:
        require_directory(out, "--out")
    _answer_with_files(run(features, ignore=ignore or (), pool=pool, weight_decay=weight_decay), out, as_json)


@app.command()
def simulate(
    model: Annotated[str, typer.Option(help="I (identity blocks), L (blocks along the logits) or identity (classes apart).")],
    intra: Annotated[str, typer.Option(metavar="EXPR", help="alpha(t): how strongly a class moves itself, such as 1/(1+t).")],
    inter: Annotated[str, typer.Option(metavar="EXPR", help="beta(t): how strongly it moves the others.")],
    time: Annotated[float, typer.Option(help="The end.")],
    classes: Annotated[int | None, typer.Option(help="K; those of the start if that is given.")] = None,
    features: Annotated[int | None, typer.Option(help="P; as many as classes unless given.")] = None,
    start: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Class means (K x P, .csv or .npz) or points (K x n x P, .npz); drawn unless given.")
    ] = None,
    noise: Annotated[str, typer.Option(metavar="EXPR", help="sigma(t): standard deviation of a feature per root of time.")] = "1",
    samples: Annotated[int | None, typer.Option(help="Samples in each class; without them only the means are computed.")] = None,
    paths: Annotated[int | None, typer.Option(help="Independent repetitions; 1000 unless given.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Every random number derives from it.")] = 0,
    drift: Annotated[str, typer.Option(help="mean: class means move the samples; literal: samples move each other.")] = "mean",
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write simulate.json and its figures here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Simulate the locally elastic equations.

    Where the class means go, and how probably every two classes can be split by a hyperplane at the end.
    """
    from layerpeel.dynamics.simulate import simulate as run
    from layerpeel.pages.files import require_directory

    if out is not None:
        require_directory(out, "--out")
    found = run(
        model=model,
        classes=classes,
        features=features,
        intra=intra,
        inter=inter,
        time=time,
        start=start,
        noise=noise,
        samples=samples,
        paths=paths,
        seed=seed,
        drift=drift,
    )
    _answer_with_files(found, out, as_json, without=NO_FIGURES)


@app.command()
def estimate(
    logits: Annotated[
        Path,
        typer.Argument(
            metavar="LOGITS",
            help=".csv, .tsv or .jsonl (trial, iteration or step or epoch, class, logit_0, …), .npy or .npz (logits, iterations).",
        ),
    ],
    model: Annotated[str, typer.Option(help="I (identity blocks) or L (blocks along the logits).")],
    window: Annotated[int | None, typer.Option(help="Points of the Savitzky-Golay filter; 151 or a tenth of the series.")] = None,
    order: Annotated[int, typer.Option(help="Degree of the filter's polynomials.")] = 2,
    crossings: Annotated[str, typer.Option(help="Components that cross zero: refuse, drop or keep.")] = "refuse",
    since: Annotated[float | None, typer.Option(help="Leave out the iterations before this one.")] = None,
    cut: Annotated[bool, typer.Option("--cut", help="Keep the iterations that all trials have, where they differ in length.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write estimate.json and its figures here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate local elasticity from logits.

    How strongly training on one class moves that class (intra) and the others (inter), and how fast both decay.
    """
    from layerpeel.dynamics.estimate import estimate as run
    from layerpeel.pages.files import require_directory

    if out is not None:
        require_directory(out, "--out")
    found = run(logits, model=model, window=window, order=order, crossings=crossings, since=since, cut=cut)
    _answer_with_files(found, out, as_json, without=NO_FIGURES)


@app.command()
def sweep(
    file: Annotated[Path | None, typer.Argument(metavar="FILE.toml", help="What is computed, and over which points.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="STORE.sqlite", help="Where points are kept; FILE.sqlite in the working folder unless given.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; as many as there are processors unless given.")] = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say how many points there are and how long they take; compute three.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Say how far the store is; compute nothing.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try points again that failed or were lost.")] = False,
    export: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all points to a .csv, .parquet or .nc file.")] = None,
    page: Annotated[Path | None, typer.Option(metavar="DIR", help="Write sweep.json, figures and a page here.")] = None,
    stale: Annotated[str, typer.Option(help="Points of other versions or machines: refuse, keep or rerun.")] = "refuse",
    yes: Annotated[bool, typer.Option("--yes", help="Begin a sweep of more than a billion points.")] = False,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Put over what the file says: axes.minority=7.")
    ] = None,
    list_quantities: Annotated[bool, typer.Option("--quantities", help="List what can be swept, with axes, units and defaults.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compute a quantity over a grid or a sample of parameters.

    What is done is kept: the same command on the same store does what is missing. Exit status 1 when a point failed.
    """
    from layerpeel.numerics import UnusableInput
    from layerpeel.pages.files import require_directory
    from layerpeel.pages.written import write_result
    from layerpeel.sweeps.listing import quantities

    if list_quantities:
        return _answer(quantities(), as_json)
    if file is None:
        raise UnusableInput("no FILE.toml is given: a sweep is described by one; write one, or list what can be swept with --quantities.")
    store = out or Path(f"{file.stem}.sqlite")
    if explain:
        from layerpeel.sweeps.explanation import explain as explained

        return _answer(explained(file, store, changes=changes or (), workers=workers), as_json)
    if status:
        from layerpeel.sweeps.state import status as state_of

        return _answer(state_of(store), as_json)
    from layerpeel.sweeps.results import export as write
    from layerpeel.sweeps.sweep import sweep as run
    from layerpeel.sweeps.views.tables import require_export

    if export is not None:
        require_export(export, "--export")
    if page is not None:
        require_directory(page, "--page")
    try:
        found = run(
            file,
            store,
            workers=workers,
            scheduler=scheduler,
            scheduler_file=scheduler_file,
            stale=stale,
            retry_failed=retry_failed,
            many=yes,
            changes=changes or (),
        )
        if export is not None:
            write(found, export, "--export")
        if page is not None:
            write_result(found, page, "--page")
    except KeyboardInterrupt as error:
        where = f"; what is done lies in {one_line(str(store))}, and the same command goes on"
        raise typer.Exit(say_interrupted(where)) from error
    _answer(found, as_json)
    raise typer.Exit(0 if found.done == found.points else 1)


@app.command()
def report(
    source: Annotated[Path, typer.Argument(metavar="REPORT.json", help="A report that `layerpeel check` wrote.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Write report.json, report.md and report.html here.")],
    as_json: AsJson = False,
) -> None:
    """Render a report again from its JSON."""
    from layerpeel.pages.files import require_report_directory
    from layerpeel.theorems.check import read_report, write_report

    read = read_report(source)
    require_report_directory(out, "--out")
    _answer(write_report(read, out), as_json)


@app.command("new-room")
def new_room(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Kebab-case, of no room that there is.")],
    family: Annotated[str, typer.Option(help="layer-peeled, locally-elastic or equi-separation.")],
    as_json: AsJson = False,
) -> None:
    """Write the skeleton of a room into this checkout.

    It is a room already: it passes the catalogue's tests, and says what to replace.
    """
    from layerpeel.theorems.new_room import WrittenRoom
    from layerpeel.theorems.new_room import new_room as write

    _answer(WrittenRoom(file=str(write(name, family, checkout=Path()))), as_json)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Print versions, working solvers and device."""
    from layerpeel.environment import diagnose

    found = diagnose()
    _answer(found, as_json)
    raise typer.Exit(0 if found.healthy else 1)


if __name__ == "__main__":
    sys.exit(main())
