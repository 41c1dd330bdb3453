"""The command `train`: an experiment of the sources, its arrays, its record and its figures."""

from pathlib import Path
from typing import Any

import typer

from layerpeel.networks.experiment_results import PAGE, describe_run, run_page, summarise
from layerpeel.networks.run_directory import known_experiments, run_experiment
from layerpeel.numerics import UnusableInput
from layerpeel.pages.figure_file import figure_file
from layerpeel.pages.files import write_whole
from layerpeel.pages.output import json_text
from layerpeel.pages.stopping import SystemRefused, say_interrupted
from layerpeel.pages.text import one_line


def train_experiment(
    experiment: str, directory: Path, *, profile: str, device: str, data: Path | None, seed: int, resume: bool
) -> tuple[dict[str, Any], str]:
    """Run an experiment, write its record and figures beside its arrays, and return the record with its text.

    Raises:
        UnusableInput: as `run_experiment`.
        typer.Exit: when a network diverges or the run is interrupted; the sentence says where, and how to go on.
    """
    experiments = known_experiments()
    from layerpeel.gpu_train.experiments import OF_IMAGES, Plan, one_thread
    from layerpeel.gpu_train.training import CheckpointNotWritten, TrainingDiverged, choose_device

    if experiment not in experiments:
        raise UnusableInput(f"experiment {experiment!r} does not exist: it must be one of {', '.join(experiments)}; choose one of these.")
    if data is not None and experiment not in OF_IMAGES:
        raise UnusableInput(
            f"--data {data} is given and {experiment} makes its own data: only {', '.join(OF_IMAGES)} read images; leave it out."
        )
    if choose_device(device).type == "cpu" and profile == "small":
        one_thread()
    plan = Plan(profile=profile, seed=seed, device=device, data=data)
    try:
        run = run_experiment(experiment, plan, directory, resume=resume)
    except TrainingDiverged as error:
        typer.echo(f"layerpeel: {one_line(str(error))}", err=True)
        raise typer.Exit(1) from error
    except CheckpointNotWritten as error:
        raise SystemRefused(str(error)) from error
    except KeyboardInterrupt as error:
        status = say_interrupted(f"; what is done lies in {one_line(str(directory))}, and the same command with --resume continues it")
        raise typer.Exit(status) from error
    record, figures = summarise(run)
    texts = {directory / name: figure_file(figure) for name, figure in zip(record["figures"], figures, strict=True)}
    texts |= {directory / "results.json": json_text(record) + "\n", directory / PAGE: run_page(record, figures)}
    write_whole("--out", {place: lambda path, text=text: path.write_text(text, encoding="utf-8") for place, text in texts.items()})
    return record, describe_run(record)
