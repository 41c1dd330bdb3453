"""A run directory: one file for each unit of work of an experiment, so that a run can be stopped and resumed."""

import json
import os
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from layerpeel.environment import describe_environment, versions
from layerpeel.numerics import UnusableInput, random_stream
from layerpeel.pages.archives import open_archive
from layerpeel.pages.files import read_small, require_directory, write_whole
from layerpeel.pages.output import json_text
from layerpeel.pages.progress import progress
from layerpeel.pages.written import write_texts

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


def run_experiment(experiment: str, plan: "Plan", directory: Path, *, resume: bool) -> Run:
    """Run the units of an experiment that are not there yet, with a progress line on standard error.

    Every unit draws from a stream of its own, named after it, so a run that was stopped and resumed holds the same arrays.

    Raises:
        UnusableInput: for a directory that holds anything but this run.
    """
    from layerpeel.gpu_train.training import choose_device

    config = {
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
    units = known_experiments()[experiment](plan)  # reads the images, so nothing is written when they cannot be used
    texts = {CONFIG: json_text({**config, UNITS: {unit.name: dict(unit.settings) for unit in units}})}
    if not all((directory / "units" / f"{unit.name}.npz").exists() for unit in units):
        texts[_next_environment(directory)] = json_text(describe_environment())
    write_texts(directory, {name: text + "\n" for name, text in texts.items()})
    finished: dict[str, tuple[Mapping[str, Any], Arrays]] = {}
    reused = 0
    with progress(experiment, len(units), in_lines=True) as bar:
        for position, unit in enumerate(units):
            place, checkpoint = (directory / "units" / f"{unit.name}.{ending}" for ending in ("npz", "checkpoint"))
            settings = json_text({"experiment": experiment, "seed": plan.seed, "unit": unit.name, **unit.settings})
            if place.exists():
                reused += 1
            else:
                bar(completed=position, description=unit.name)
                arrays = unit.run(
                    random_stream(plan.seed, experiment, unit.name), checkpoint, lambda share, done=position: bar(completed=done + share)
                )
                write_whole({place: _archive({**arrays, SETTINGS: np.array(settings)})})
            checkpoint.unlink(missing_ok=True)
            finished[unit.name] = (unit.settings, _read(place, settings))
    return Run(experiment=experiment, directory=directory, config=config, units=finished, reused=reused)


def _checksum(folder: Path) -> str:
    """Of all files in a folder that may hold images; what cannot be read is the readers' to refuse."""
    checksum = 0
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            if ("ubyte" in path.name or "_batch" in path.name) and path.is_file():
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


def _archive(arrays: Arrays) -> Callable[[Path], None]:
    content: dict[str, Any] = dict(arrays)
    return lambda path: np.savez_compressed(path, **content)


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
