"""Reads recorded logits, of any size, from a table, an array or a NumPy archive."""

from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import numpy as np

from layerpeel.dynamics.trajectories import Trajectories, evenly_spaced, mean_over_groups, require_iterations, require_logits
from layerpeel.dynamics.trajectory_table import FORMATS, read_table
from layerpeel.numerics import UnusableInput
from layerpeel.pages.archives import Archive, open_archive, read_header
from layerpeel.pages.files import DAMAGED, require_regular
from layerpeel.pages.progress import progress

CHUNK = 2**22
"""Characters of a CSV file parsed at once; parsing holds about five times as much."""

BESIDE = ("accuracy", "loss", "settings")
"""What a trained ensemble leaves in its archive beside its logits."""


def read_trajectories(path: Path, *, chunk: int = CHUNK, cut: bool = False) -> Trajectories:
    """Read trajectories from a table (.csv, .tsv, .jsonl), an array (.npy) or a NumPy archive (.npz), by its ending.

    A table has a header with the columns trial, iteration (or step, or epoch), class and logit_0 … logit_{K−1} in any order, and a row for
    each trial, iteration and class, in any order; other columns are left alone, and without a column trial there is one. Several rows of a
    class at one iteration are averaged. Classes may have names: those of the columns, logit_NAME, or else their sorted order is that of the
    logits. Lines of JSON have the same keys, or a list `logits`. An archive holds `logits`, trial × iteration × class × component or
    without the first axis, and `iterations` if they are not 0, 1, 2, …; it may be what a trained ensemble left in its run directory.

    None is ever in memory as a whole. Needed are 24 G T K p bytes for G = min(trials, 10) groups of trials, T iterations, K classes
    and p components; for an array one trial; for a table about five times `chunk`, and two bytes for each row, which find missing rows in
    any order.

    Args:
        path: the file.
        chunk: characters of a table that are parsed at once.
        cut: keep the iterations that all trials have, rather than refuse trials of different length; in arrays, what is not finite
            is missing.

    Raises:
        UnusableInput: when the file cannot be used; names the line, or the place in the array.
    """
    readers = {
        **dict.fromkeys(FORMATS, lambda: read_table(path, chunk, cut=cut)),
        ".npz": lambda: _read_archive(path, cut=cut),
        ".npy": lambda: _read_array(path, cut=cut),
    }
    if path.suffix.lower() not in readers:
        raise UnusableInput(f"logits {path} end in none of {', '.join(readers)}: these are read; export them as one of them.")
    try:
        require_regular(path, f"the file of logits {path}")
        return readers[path.suffix.lower()]()
    except OSError as error:
        raise UnusableInput(f"logits {path} cannot be read ({error.strerror or error}): it must be a file; check the path.") from error


def _read_array(path: Path, *, cut: bool) -> Trajectories:
    what = f"logits {path}"
    try:
        with path.open("rb") as file:
            shape, columns_first, dtype = read_header(file)
        require_logits(what, dtype, shape, columns_first=columns_first)
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except DAMAGED as error:
        if isinstance(error, UnusableInput):
            raise
        raise UnusableInput(f"{what} are no sound .npy file of numbers: save the array with numpy.save again.") from None
    return Trajectories.of(mapped, cut=cut, what=what)


def _read_archive(path: Path, *, cut: bool) -> Trajectories:
    what = f"logits {path}"
    with open_archive(path, f"the file of {what}", "save them with np.savez again") as archive:
        keys = set(archive.names)
        if "logits" not in keys or not keys <= {"logits", "iterations", *BESIDE}:
            raise UnusableInput(
                f"{what} hold the arrays {archive.listed}: an archive must hold logits, may hold "
                f"iterations, {', '.join(BESIDE)}, and nothing else; save it with np.savez(file, logits=..., iterations=...)."
            )
        shape, columns_first, dtype = archive.header("logits")
        times, count = None, shape[-3] if len(shape) >= 3 else 0
        if "iterations" in keys:
            header = archive.header("iterations")
            require_iterations(what, header[2], header[0], count)
            times = archive.read("iterations")
        require_logits(what, dtype, shape, columns_first=columns_first)
        archive.require_content("logits")
        trials, *state = shape if len(shape) == 4 else (1, *shape)
        size = archive.file.getinfo("logits.npy").file_size
        with progress("reading logits", size, of_bytes=True) as bar, closing(_states(archive, trials, state, bar)) as states:
            means, counts, common = mean_over_groups(what, states, (trials, *state), cut=cut)
    return Trajectories(times=evenly_spaced(what, (np.arange(count) if times is None else times)[common]), means=means, counts=counts)


def _states(archive: Archive, trials: int, state: list[int], bar: Callable[..., None]) -> Generator[np.ndarray]:
    """One trial after the other."""
    for content in archive.parts("logits", trials):
        yield content.reshape(state)
        bar(advance=content.nbytes)
