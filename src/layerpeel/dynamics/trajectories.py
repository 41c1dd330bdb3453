"""Reads recorded logits, of any size, into class means over groups of trials."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from layerpeel.dynamics.trajectory_means import GROUPS, Trajectories, evenly_spaced, require_room
from layerpeel.dynamics.trajectory_table import read_table
from layerpeel.numerics import UnusableInput
from layerpeel.pages.archives import Archive, open_archive
from layerpeel.pages.files import require_regular
from layerpeel.pages.progress import progress

CHUNK = 2**22
"""Characters of a CSV file parsed at once; parsing holds about five times as much."""

BESIDE = ("accuracy", "loss", "settings")
"""What a trained ensemble leaves in its archive beside its logits."""


def read_trajectories(path: Path, *, chunk: int = CHUNK) -> Trajectories:
    """Read trajectories from a CSV file or a NumPy archive, by its ending.

    A CSV file has a header with the columns trial, iteration, class, logit_0 … logit_{K−1} in any order, and one row for each trial,
    iteration and class, in any order. An archive holds `logits`, trial × iteration × class × component or without the first axis, and
    `iterations` if they are not 0, 1, 2, …; it may be what a trained ensemble left in its run directory.

    Neither is ever in memory as a whole. Needed are 24 G T K p bytes for G = min(trials, 10) groups of trials, T iterations, K classes
    and p components; for an archive one trial; for a CSV file about five times `chunk`, and two bytes for each row, which find duplicate
    and missing rows in any order.

    Args:
        path: the file.
        chunk: characters of a CSV file that are parsed at once.

    Raises:
        UnusableInput: when the file cannot be used; names the line, or the place in the array.
    """
    readers = {".csv": lambda: read_table(path, chunk), ".npz": lambda: _read_archive(path)}
    if path.suffix.lower() not in readers:
        raise UnusableInput(f"logits {path} end in neither .csv nor .npz: these two are read; export them as one of them.")
    try:
        require_regular(path, f"the file of logits {path}")
        return readers[path.suffix.lower()]()
    except OSError as error:
        raise UnusableInput(f"logits {path} cannot be read ({error.strerror or error}): it must be a file; check the path.") from error


def _read_archive(path: Path) -> Trajectories:
    with open_archive(path, f"the file of logits {path}", "save them with np.savez again") as archive:
        keys = set(archive.names)
        if "logits" not in keys or not keys <= {"logits", "iterations", *BESIDE}:
            raise UnusableInput(
                f"logits {path} hold the arrays {archive.listed}: an archive must hold logits, may hold "
                f"iterations, {', '.join(BESIDE)}, and nothing else; save it with np.savez(file, logits=..., iterations=...)."
            )
        shape = archive.header("logits")[0]
        times, count = None, shape[-3] if len(shape) >= 3 else 0
        if "iterations" in keys:
            header = archive.header("iterations")
            if header[0] != (count,) or header[2].kind not in "iuf":
                raise UnusableInput(
                    f"logits {path}: iterations are {header[2]} of shape {header[0]} for {count} recorded states: one number for "
                    "each is needed; correct them."
                )
            times = archive.read("iterations")
        size = archive.file.getinfo("logits.npy").file_size
        with progress("reading logits", size, of_bytes=True) as bar:
            means, counts = _grouped_means(path, archive, bar)
    return Trajectories(times=evenly_spaced(path, np.arange(count) if times is None else times), means=means, counts=counts)


def _grouped_means(path: Path, archive: Archive, bar: Callable[..., None]) -> tuple[np.ndarray, np.ndarray]:
    """Means over groups of trials, of which one at a time is read."""
    shape, columns_first, dtype = archive.header("logits")
    if dtype.kind not in "iuf" or len(shape) not in {3, 4} or 0 in shape or columns_first:
        raise UnusableInput(
            f"logits {path}: the array is {dtype} of shape {shape}{', columns first' if columns_first else ''}: it must be real numbers, "
            "trial × iteration × class × logit or iteration × class × logit, rows first; convert it with np.ascontiguousarray."
        )
    trials, state = (1, shape) if len(shape) == 3 else (shape[0], shape[1:])
    groups = min(trials, GROUPS)
    counts = np.full(groups, trials // groups)
    counts[: trials % groups] += 1
    require_room(path, groups, *state)
    archive.require_content("logits")
    sums = np.zeros((groups, *state))
    for trial, content in enumerate(archive.parts("logits", trials)):
        logits = content.reshape(state)
        bad = np.argwhere(~np.isfinite(logits))
        if len(bad):
            raise UnusableInput(
                f"logits {path}: {logits[tuple(bad[0])]} in trial {trial}, at iteration number {bad[0][0]}, class {bad[0][1]}, logit "
                f"{bad[0][2]} (counted from 0): all must be finite; correct it, or leave that trial out."
            )
        sums[trial % GROUPS] += logits
        bar(advance=logits.nbytes)
    return sums / counts[:, None, None, None], counts
