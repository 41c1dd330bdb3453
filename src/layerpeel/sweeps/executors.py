"""Where tasks run: in this process, in a pool of processes here, or on a dask cluster."""

from pathlib import Path

from layerpeel.sweeps.cluster import Cluster
from layerpeel.sweeps.pool import Pool
from layerpeel.sweeps.tasks import Executor, InProcess


def executor_for(*, workers: int, scheduler: str | None = None, scheduler_file: Path | None = None, limited: bool = False) -> Executor:
    """Where tasks are to run.

    Args:
        workers: processes of this machine; 1 stays in this one, unless tasks have a time limit.
        scheduler: address of a dask scheduler, instead.
        scheduler_file: file that names one, instead.
        limited: tasks have a time limit, and are run where they can be ended.
    """
    if scheduler is not None or scheduler_file is not None:
        return Cluster(scheduler, scheduler_file=scheduler_file)
    return InProcess() if workers <= 1 and not limited else Pool(workers)
