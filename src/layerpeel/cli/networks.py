"""Commands on networks: train them as the sources did, measure one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from layerpeel.cli.answers import answer, answer_with_files, refuse
from layerpeel.cli.options import AsJson, Scheduler, SchedulerFile
from layerpeel.pages.stopping import say_interrupted
from layerpeel.pages.text import one_line

if TYPE_CHECKING:
    pass


def train(
    experiment: Annotated[
        str,
        typer.Argument(
            metavar="EXPERIMENT",
            help="separation, widths, depths, architectures, freezing, sentences, imbalance, unconstrained, geomnist or label-noise.",
        ),
    ],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Run directory; runs/EXPERIMENT unless given.")] = None,
    profile: Annotated[str, typer.Option(help="small: minutes on two cores; medium: up to 30; sources: as in the sources.")] = "small",
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto for a GPU if there is one.")] = "cpu",
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder with MNIST, FashionMNIST or CIFAR-10 files, for sentences with train.tsv and dev.tsv; packaged MNIST, or a "
            "grammar, unless given.",
        ),
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
        result = run(
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
        raise typer.Exit(refuse(str(error), 1)) from error
    answer(result, as_json)


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
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="Write a proof that the last layer is linearly separable, or is not, for `verify`."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write measure.json, its figures and a page here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure separation and neural collapse of saved activations.

    D and NC1-NC5 of every layer in the forms in use, the law over layers, and whether the label counts foretell minority collapse.
    """
    from layerpeel.networks.measure import measure_files as run
    from layerpeel.pages.files import require_directory, require_file, write_whole

    if certificate is not None:
        require_file(certificate, "--certificate")
    if out is not None:
        require_directory(out, "--out")
    if certificate is not None:
        from layerpeel.networks.certificates import certificate_of_files
        from layerpeel.pages.proofs import writer

        write_whole({certificate: writer(certificate_of_files(features, ignore=ignore or (), pool=pool))}, "--certificate")
    answer_with_files(run(features, ignore=ignore or (), pool=pool, weight_decay=weight_decay), out, as_json)
