"""Commands on the locally elastic equations: simulate them, estimate their strengths."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from layerpeel.cli.answers import answer_with_files
from layerpeel.cli.options import AsJson

if TYPE_CHECKING:
    pass


NO_FIGURES = "no figures written; --out DIR does"


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
    result = run(
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
    answer_with_files(result, out, as_json, without=NO_FIGURES)


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
    result = run(logits, model=model, window=window, order=order, crossings=crossings, since=since, cut=cut)
    answer_with_files(result, out, as_json, without=NO_FIGURES)
