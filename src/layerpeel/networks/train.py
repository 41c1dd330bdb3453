"""Trains networks as the sources did, and writes what they show beside their arrays."""

from pathlib import Path

from layerpeel.networks.run_directory import known_experiments, run_experiment
from layerpeel.networks.training_run import TrainingRun, summarise
from layerpeel.numerics import UnusableInput, require_one_of, require_whole
from layerpeel.pages.stopping import SystemRefused
from layerpeel.pages.written import write_result
from layerpeel.sweeps.executors import executor_for


def train(
    experiment: str,
    directory: Path | str | None = None,
    *,
    profile: str = "small",
    device: str = "cpu",
    data: Path | str | None = None,
    seed: int = 0,
    workers: int = 1,
    scheduler: str | None = None,
    scheduler_file: Path | str | None = None,
    resume: bool = False,
) -> TrainingRun:
    """Repeat an experiment of the sources: arrays, results.json, figures and a page are left in a run directory.

    What is trained depends on the seed, the profile and the libraries alone, not on where the units of work run. A run can be stopped at
    any time: every unit that is finished stays, and with `resume` the rest comes out as it would have.

    Args:
        experiment: separation, widths, depths, architectures, freezing, sentences, imbalance, unconstrained, geomnist or label-noise.
        directory: where it is left, new or empty; runs/EXPERIMENT unless given.
        profile: "small" takes minutes on two cores, "medium" up to half an hour; "sources" is the experiment of the sources, in their size.
        device: "cpu", "cuda", or "auto" for a GPU if there is one.
        data: folder with MNIST, FashionMNIST or CIFAR-10 files; unless given, packaged MNIST, and beyond the small profile FashionMNIST
            where Debian's dataset-fashion-mnist is installed. For sentences a folder with train.tsv and dev.tsv in the form of SST-2;
            unless given, those of a grammar.
        seed: every random number derives from it.
        workers: processes that run units of work; 1 stays in this one. With more, a script calls this under
            `if __name__ == "__main__":`, as all that starts processes is called.
        scheduler: address of a dask scheduler, tcp://HOST:PORT, whose workers run the units instead.
        scheduler_file: a file that names one.
        resume: continue the run in the directory, wherever it ran before.

    Raises:
        UnusableInput: for an unknown experiment, unusable images, another run in the directory, and without torch.
        TrainingDiverged: when a network diverges; the sentence says where, and what to do.
        SystemRefused: when there is no room for a checkpoint, no process or scheduler, or a unit's process died twice.

    Example:
        >>> train("telepathy")  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
            ...
        layerpeel.numerics._inputs.UnusableInput: experiment 'telepathy' is unknown: it must be one of ...; choose one of these.
    """
    experiments = known_experiments()
    from layerpeel.gpu_train.experiments import FASHION_MNIST, OF_IMAGES, OF_SENTENCES, Plan, one_thread
    from layerpeel.gpu_train.training import CheckpointNotWritten, choose_device

    require_one_of(experiment, "experiment", experiments)
    if data is not None and experiment not in (*OF_IMAGES, *OF_SENTENCES):
        raise UnusableInput(
            f"data {data} are given and {experiment} makes its own data: only {', '.join(OF_IMAGES)} read images, and "
            f"{', '.join(OF_SENTENCES)} reads sentences; leave them out."
        )
    if data is None and profile != "small" and experiment in OF_IMAGES and experiment != "geomnist" and FASHION_MNIST.is_dir():
        data = FASHION_MNIST  # geomnist draws its three shapes unless it is told otherwise
    if choose_device(device).type == "cpu" and profile != "sources":
        one_thread()
    workers = require_whole(workers, "the number of workers", remedy="give one, or none at all")
    plan = Plan(profile=profile, seed=seed, device=device, data=None if data is None else Path(data))
    try:
        run = run_experiment(
            experiment,
            plan,
            Path("runs") / experiment if directory is None else Path(directory),
            resume=resume,
            executor=lambda tasks: executor_for(
                workers=min(workers, tasks),
                scheduler=scheduler,
                scheduler_file=None if scheduler_file is None else Path(scheduler_file),
            ),
        )
    except CheckpointNotWritten as error:
        raise SystemRefused(str(error)) from error
    finished = summarise(run)
    write_result(finished, run.directory)
    return finished
