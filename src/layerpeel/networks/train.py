"""Trains networks as the sources did, and writes what they show beside their arrays."""

from pathlib import Path

from layerpeel.networks.run_directory import known_experiments, run_experiment
from layerpeel.networks.training_run import TrainingRun, summarise
from layerpeel.numerics import UnusableInput, require_one_of
from layerpeel.pages.stopping import SystemRefused
from layerpeel.pages.written import write_result


def train(
    experiment: str,
    directory: Path | str | None = None,
    *,
    profile: str = "small",
    device: str = "cpu",
    data: Path | str | None = None,
    seed: int = 0,
    resume: bool = False,
) -> TrainingRun:
    """Repeat an experiment of the sources: arrays, results.json, figures and a page are left in a run directory.

    What is trained depends on the seed, the profile and the libraries alone. A run can be stopped at any time: every unit of work that
    is finished stays, and with `resume` the rest comes out as it would have.

    Args:
        experiment: geomnist, label-noise, imbalance, unconstrained or separation.
        directory: where it is left, new or empty; runs/EXPERIMENT unless given.
        profile: "small" takes minutes on two cores; "sources" is the size of the sources.
        device: "cpu", "cuda", or "auto" for a GPU if there is one.
        data: folder with MNIST, FashionMNIST or CIFAR-10 files; packaged MNIST unless given.
        seed: every random number derives from it.
        resume: continue the run in the directory.

    Raises:
        UnusableInput: for an unknown experiment, unusable images, another run in the directory, and without torch.
        TrainingDiverged: when a network diverges; the sentence says where, and what to do.
        SystemRefused: when there is no room for a checkpoint.

    Example:
        >>> train("telepathy")  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
            ...
        layerpeel.numerics._inputs.UnusableInput: experiment 'telepathy' is unknown: it must be one of ...; choose one of these.
    """
    experiments = known_experiments()
    from layerpeel.gpu_train.experiments import OF_IMAGES, Plan, one_thread
    from layerpeel.gpu_train.training import CheckpointNotWritten, choose_device

    require_one_of(experiment, "experiment", experiments)
    if data is not None and experiment not in OF_IMAGES:
        raise UnusableInput(
            f"data {data} are given and {experiment} makes its own data: only {', '.join(OF_IMAGES)} read images; leave them out."
        )
    if choose_device(device).type == "cpu" and profile == "small":
        one_thread()
    plan = Plan(profile=profile, seed=seed, device=device, data=None if data is None else Path(data))
    try:
        run = run_experiment(experiment, plan, Path("runs") / experiment if directory is None else Path(directory), resume=resume)
    except CheckpointNotWritten as error:
        raise SystemRefused(str(error)) from error
    finished = summarise(run)
    write_result(finished, run.directory)
    return finished
