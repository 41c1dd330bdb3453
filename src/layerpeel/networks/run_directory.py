"""A run directory: one file for each unit of work of an experiment, so that a run can be stopped and resumed."""

import json
import os
import platform
import zlib
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from layerpeel.environment import describe_environment, versions
from layerpeel.numerics import UnusableInput, random_stream
from layerpeel.pages.archives import archive_writer, open_archive
from layerpeel.pages.files import read_small, require_directory, write_whole
from layerpeel.pages.output import json_text
from layerpeel.pages.progress import progress
from layerpeel.pages.stopping import SystemRefused
from layerpeel.pages.written import write_texts
from layerpeel.sweeps.engine import Attempts, run_tasks
from layerpeel.sweeps.tasks import Executor, InProcess, Outcome, Task

if TYPE_CHECKING:
    from layerpeel.gpu_train.experiments import Plan, Unit

CONFIG = "config.json"
"""What a run directory was made with; another configuration is never mixed into it."""

LARGEST_CONFIG = 2**25
"""Bytes of a configuration; those of the sources' experiments have 0.1 million."""

DECISIVE = ("layerpeel", "torch", "numpy", "mlxtend")
"""Libraries whose version decides what is trained, on what."""

UNITS = "units"
"""Key of the configuration that holds the settings of every unit of work; each unit's file holds its own as well."""

SETTINGS = "settings"
"""Array of a unit's file that says what it was made with."""

RETRIES = 1
"""A unit whose process died goes on from its checkpoint once."""

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished run.

    Args:
        experiment: its name.
        directory: where it lies.
        units: for each unit of work its settings and its arrays.
        reused: how many units were there already.
        config: what it was made with.
    """

    experiment: str
    directory: Path
    config: Mapping[str, Any]
    units: dict[str, tuple[Mapping[str, Any], Arrays]]
    reused: int


def run_experiment(
    experiment: str, plan: "Plan", directory: Path, *, resume: bool, executor: Callable[[int], Executor] = lambda _: InProcess()
) -> Run:
    """Run the units of an experiment that are not there yet; how far it is goes to standard error.

    Every unit draws from a stream of its own, named after it, so a run that was stopped and resumed holds the same arrays, wherever its
    units ran.

    Args:
        experiment: its name.
        plan: what the run is asked for.
        directory: where it lies.
        resume: whether it may be there already.
        executor: where that many units are to run.

    Raises:
        UnusableInput: for a directory that holds anything but this run.
        SystemRefused: for a unit whose process died twice.
    """
    from layerpeel.gpu_train.training import choose_device

    config: dict[str, Any] = {
        "experiment": experiment,
        "profile": plan.profile,
        "seed": plan.seed,
        "data": None if plan.data is None else os.path.realpath(plan.data),
        "checksum": None if plan.data is None else _checksum(plan.data),
        "device": choose_device(plan.device).type,
        "versions": {name: version for name, version in versions().items() if name in DECISIVE},
    }
    require_directory(directory)
    _require_own(directory, config, resume=resume)
    units = {unit.name: unit for unit in known_experiments()[experiment](plan)}  # reads the images: nothing is written if they are unusable
    texts = {CONFIG: json_text({**config, UNITS: {name: dict(unit.settings) for name, unit in units.items()}})}
    files = {name: _Files(directory, name, experiment, plan.seed, unit.settings) for name, unit in units.items()}
    missing = [name for name in units if not files[name].place.exists()]
    arrays: dict[str, Arrays] = {name: files[name].read() for name in units if name not in missing}
    if missing:
        texts[_next_environment(directory)] = json_text(describe_environment())
    with closing(executor(len(missing)) if missing else InProcess()) as where:  # nothing is written where there is nowhere to run
        write_texts(directory, {name: text + "\n" for name, text in texts.items()})
        arrays |= _run_missing(experiment, replace(plan, device=config["device"]), units, files, missing, where)
    return Run(
        experiment=experiment,
        directory=directory,
        config=config,
        units={name: (unit.settings, arrays[name]) for name, unit in units.items()},
        reused=len(units) - len(missing),
    )


class _Files:
    """What is kept of a unit: its arrays, and its checkpoint until they are there."""

    def __init__(self, directory: Path, name: str, experiment: str, seed: int, settings: Mapping[str, Any]) -> None:
        self.place, self.checkpoint = (directory / "units" / f"{name}.{ending}" for ending in ("npz", "checkpoint"))
        self._settings = json_text({"experiment": experiment, "seed": seed, "unit": name, **settings})

    def write(self, arrays: Arrays) -> None:
        """The arrays, whole or not at all."""
        write_whole({self.place: archive_writer({**arrays, SETTINGS: np.array(self._settings)}, compressed=True)})

    def read(self) -> dict[str, np.ndarray]:
        """The arrays that are there; the checkpoint is needed no more."""
        self.checkpoint.unlink(missing_ok=True)
        return _read(self.place, self._settings)


def _run_missing(
    experiment: str, plan: "Plan", units: "Mapping[str, Unit]", files: Mapping[str, _Files], missing: list[str], executor: Executor
) -> dict[str, Arrays]:
    """Their arrays, each written as soon as it is there."""
    from layerpeel.gpu_train.experiments import threads

    arrays: dict[str, Arrays] = {}
    attempts, there = Attempts(RETRIES), len(units) - len(missing)
    with progress(experiment, len(units)) as bar:
        bar(completed=there)

        def here(name: str) -> dict[str, np.ndarray]:
            bar(description=name)
            rng, before = random_stream(plan.seed, experiment, name), there + len(arrays)
            return units[name].run(rng, files[name].checkpoint, lambda share: bar(completed=before + share))

        def tasks() -> Generator[Task]:
            if isinstance(executor, InProcess):
                yield from (Task(key=name, function=here, arguments=(name,)) for name in missing)
                return
            checksum = None if plan.data is None else _checksum(plan.data)
            travels = replace(plan, data=None if plan.data is None else Path(os.path.realpath(plan.data)))
            for name in missing:
                place = files[name].checkpoint.absolute()
                yield Task(key=name, function=run_unit, arguments=(experiment, travels, checksum, threads(), name, place))

        def settle(outcome: Outcome) -> list[Task]:
            name = outcome.task.key
            if outcome.error is not None:
                raise outcome.error
            if outcome.state == "lost":
                if attempts.left(outcome):
                    return [outcome.task]
                raise SystemRefused(
                    f"unit {name} was lost at each of {RETRIES + 1} attempts ({outcome.message}): what is done lies in "
                    f"{files[name].place.parent.parent}; free memory, or use fewer workers, and resume it."
                )
            files[name].write(outcome.value)
            arrays[name] = files[name].read()
            bar(completed=there + len(arrays), description=name)
            return []

        run_tasks(tasks(), executor, settle)
    return arrays


def run_unit(experiment: str, plan: "Plan", checksum: str | None, threads: int, name: str, checkpoint: Path) -> dict[str, np.ndarray]:
    """Runs in a worker: units hold functions, which do not travel between processes, so they are found again by name.

    Args:
        experiment: its name.
        plan: what the run is asked for.
        checksum: of the images where the run was begun.
        threads: of torch there: the order of its sums follows from them.
        name: of the unit.
        checkpoint: its place; where the run's directory is not, another one, which no second attempt finds.

    Raises:
        UnusableInput: when the images here are not those.
    """
    from layerpeel.gpu_train.experiments import use_threads

    use_threads(threads)
    unit = _units_here(experiment, plan, checksum)[name]
    rng = random_stream(plan.seed, experiment, name)
    if (checkpoint.parent.parent / CONFIG).exists():
        return unit.run(rng, checkpoint, lambda _share: None)
    with TemporaryDirectory() as folder:
        return unit.run(rng, Path(folder) / checkpoint.name, lambda _share: None)


@lru_cache(maxsize=1)
def _units_here(experiment: str, plan: "Plan", checksum: str | None) -> "dict[str, Unit]":
    """Every process reads the images once."""
    if plan.data is not None and _checksum(plan.data) != checksum:
        raise UnusableInput(
            f"data {plan.data} are others on {platform.node()} than where the run was begun: all its units see the same images; copy them "
            "there, or put them on a shared disk."
        )
    return {unit.name: unit for unit in known_experiments()[experiment](plan)}


def _checksum(folder: Path) -> str:
    """Of all files in a folder that may hold images or sentences; what cannot be read is the readers' to refuse."""
    checksum = 0
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            if ("ubyte" in path.name or "_batch" in path.name or path.suffix == ".tsv") and path.is_file():
                with path.open("rb") as file:
                    while piece := file.read(2**20):
                        checksum = zlib.crc32(piece, checksum)
    return f"{checksum:08x}"


def known_experiments() -> "Mapping[str, Callable[[Plan], list[Unit]]]":
    """Units of every experiment by name.

    Raises:
        UnusableInput: when torch is not installed.
    """
    try:
        from layerpeel.gpu_train.experiments import EXPERIMENTS
    except ImportError as error:
        raise UnusableInput("training needs torch, which is not installed; pip install 'layerpeel[train,data]'.") from error
    return EXPERIMENTS


def _require_own(directory: Path, config: dict[str, Any], *, resume: bool) -> None:
    """Accept a new or empty directory, or with `resume` one that the same run made.

    Raises:
        UnusableInput: when it holds a run that is not to be resumed, another run, or anything else.
    """
    record = directory / CONFIG
    if record.exists():
        try:
            before = json.loads(read_small(record, f"{record}", largest=LARGEST_CONFIG))
        except (OSError, ValueError) as error:
            raise UnusableInput(f"{record} cannot be read ({error}): it says what the run is; name another directory.") from error
        held: dict[str, Any] = before if isinstance(before, dict) else {}
        if {name: value for name, value in held.items() if name != UNITS} != config:
            differing = [f"{name} {held.get(name)!r} there, {value!r} here" for name, value in config.items() if held.get(name) != value]
            raise UnusableInput(
                f"{directory} holds a run of another configuration ({'; '.join(differing)}): runs are not mixed; name another directory."
            )
        if not resume:
            raise UnusableInput(f"{directory} holds this run already: resume it, or name another directory.")
        return
    half_written = {".config.partial.json", ".environment-1.partial.json"}  # what a kill before the first files are renamed leaves
    if directory.exists() and any(path.name not in half_written for path in directory.iterdir()):
        raise UnusableInput(f"{directory} holds files that are not a run's: a run directory holds nothing else; name a new or empty one.")


def _next_environment(directory: Path) -> str:
    """Where the environment of this session is written: units of a resumed run may come from several."""
    return f"environment-{len(list(directory.glob('environment-*.json'))) + 1}.json"


def _read(place: Path, settings: str) -> dict[str, np.ndarray]:
    try:
        with open_archive(place, f"{place}", "it is damaged") as archive:
            arrays = {name: archive.read(name) for name in archive.names}
    except (OSError, UnusableInput) as error:
        raise UnusableInput(f"{place} cannot be read ({str(error).rstrip('.')}): remove it, and resume: it is made again.") from error
    if str(arrays.pop(SETTINGS, "")) != settings:
        raise UnusableInput(
            f"{place} was made with other settings than this run's: results are not mixed; remove it, and resume: it is made again."
        )
    return arrays
